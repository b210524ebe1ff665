// sharedmap: a hash table of fixed size in a SharedArrayBuffer, which stores strings.
import { KEY_CHARS } from '../workload.mjs';
import { load } from './packages.mjs';

const ROOM = 2 ** 19;
const VALUE_CHARS = 16;

/** @type {import('../stores.mjs').Store} */
export default {
  label: 'sharedmap',
  waits: true,
  async open(fill) {
    const { default: SharedMap } = await load('sharedmap');
    const map = new SharedMap(ROOM, KEY_CHARS, VALUE_CHARS);
    fill((key, value) => map.set(key, value));
    return { ticket: () => ({ handle: { ...map } }), close() {} };
  },
  async attach(handle) {
    const { default: SharedMap } = await load('sharedmap');
    const map = Object.setPrototypeOf(handle, SharedMap.prototype);
    return { get: (key) => Number(map.get(key)), set: (key, value) => map.set(key, value) };
  },
};
