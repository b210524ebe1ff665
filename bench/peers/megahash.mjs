// megahash: a hash table in native memory. One thread's own.
import { load } from './packages.mjs';

/** @type {import('../stores.mjs').Store} */
export default {
  label: 'megahash',
  open: () => ({ ticket: () => ({ handle: undefined }), close() {} }),
  async attach(_, fill) {
    const { default: MegaHash } = await load('megahash');
    const hash = new MegaHash();
    fill((key, value) => hash.set(key, value));
    return { get: (key) => hash.get(key), set: (key, value) => hash.set(key, value) };
  },
};
