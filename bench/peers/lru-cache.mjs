// lru-cache: a Map that forgets; here with room for everything. One thread's own.
import { load } from './packages.mjs';

const ROOM = 2 ** 22;

/** @type {import('../stores.mjs').Store} */
export default {
  label: 'lru-cache',
  open: () => ({ ticket: () => ({ handle: undefined }), close() {} }),
  async attach(_, fill) {
    const { LRUCache } = await load('lru-cache');
    const cache = new LRUCache({ max: ROOM });
    fill((key, value) => cache.set(key, value));
    return cache;
  },
};
