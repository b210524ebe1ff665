// lmdb as it is fastest: in one thread with many sets in a transaction; in several with sets that return at once, are
// committed in batches by a thread of lmdb's own, and are seen by others then.
import { setImmediate } from 'node:timers/promises';
import lmdb from './lmdb.mjs';
import { load } from './packages.mjs';

/** @type {import('../stores.mjs').Store} */
export default {
  ...lmdb,
  label: 'lmdb, sets batched',
  async attach(folder) {
    const { open } = await load('lmdb');
    const db = open({ path: folder, noSync: true });
    return {
      get: (key) => db.get(key),
      set: (key, value) => db.putSync(key, value),
      batch: (work) => db.transactionSync(work),
      async exchange(gets, sets) {
        let sum = 0;
        for (const key of gets) sum += db.get(key);
        for (const [key, value] of sets) db.put(key, value);
        await setImmediate(); // so that lmdb gets to know that some are committed
        return sum;
      },
      close: () => db.close(),
    };
  },
};
