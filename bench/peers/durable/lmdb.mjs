// lmdb: each commit waits for the disk. Sets that are awaited are committed together by a thread of its own.
import { load } from '../packages.mjs';

/** @type {import('../../durable/stores.mjs').DurableStore} */
export default {
  label: 'lmdb',
  async attach(folder) {
    const { open } = await load('lmdb');
    const db = open({ path: folder, overlappingSync: false });
    return {
      fill: (entries) => Promise.all(entries.map(([key, value]) => db.put(key, value))),
      set: (key, value) => db.put(key, value),
      close: () => db.close(),
    };
  },
};
