// lmdb: a B-tree in a memory-mapped file, here without waiting for the disk. A set is a transaction of its own, as each
// is seen by all threads when it returns, like ShardMap's.
import { createFolder, load } from './packages.mjs';

/** @type {import('../stores.mjs').Store} */
export default {
  label: 'lmdb',
  waits: true,
  async open(fill) {
    const { open } = await load('lmdb');
    const { folder, remove } = createFolder();
    const db = open({ path: folder, noSync: true });
    db.transactionSync(() => fill((key, value) => db.putSync(key, value)));
    const close = async () => {
      await db.close();
      remove();
    };
    return { ticket: () => ({ handle: folder }), close };
  },
  async attach(folder) {
    const { open } = await load('lmdb');
    const db = open({ path: folder, noSync: true });
    return { get: (key) => db.get(key), set: (key, value) => db.putSync(key, value), close: () => db.close() };
  },
};
