// What keeps strings on the medium, by name. When a write is over, it is there; but of those `every second`. The peers
// are in ../peers/durable.
import { ShardMap } from 'shardmap';

/** @typedef {[key: string, value: string][]} Entries */
/**
 * One thread's use of a store.
 *
 * @typedef {object} DurableMap
 * @property {(entries: Entries) => unknown} fill sets all of them, as fast as they can be made durable together
 * @property {(key: string, value: string) => unknown} set
 * @property {() => unknown} close
 */
/**
 * @typedef {object} DurableStore
 * @property {string} label
 * @property {(folder: string) => Promise<() => unknown>} [serve] starts what runs beside; gives what ends it
 * @property {(folder: string) => Promise<DurableMap>} attach
 */

/** @type {(options: import('shardmap').ShardMapOpenOptions) => Promise<ShardMap<string, string>>} */
const open = (options) => ShardMap.open(options);

/** @type {Record<string, DurableStore>} */
const OURS = {
  shardmap: {
    label: 'ShardMap',
    async attach(dir) {
      const map = await open({ dir, fsync: 'always' });
      const set = (/** @type {string} */ key, /** @type {string} */ value) => {
        map.set(key, value);
        return map.flush();
      };
      return { fill: (entries) => setAll(map, entries).flush(), set, close: () => map.close() };
    },
  },
  'shardmap, flushSync': {
    label: 'ShardMap, flushSync',
    async attach(dir) {
      const map = await open({ dir, fsync: 'always' });
      const set = (/** @type {string} */ key, /** @type {string} */ value) => {
        map.set(key, value);
        map.flushSync();
      };
      return { fill: (entries) => setAll(map, entries).flushSync(), set, close: () => map.close() };
    },
  },
  'shardmap, every second': {
    label: 'ShardMap, every second',
    async attach(dir) {
      const map = await open({ dir, fsync: 'interval', flushInterval: 1000 });
      return {
        fill: (entries) => setAll(map, entries),
        set: (key, value) => map.set(key, value),
        close: () => map.close(),
      };
    },
  },
};

/**
 * @param {ShardMap<string, string>} map
 * @param {Entries} entries
 */
function setAll(map, entries) {
  for (const [key, value] of entries) map.set(key, value);
  return map;
}

/**
 * @param {string} name
 * @returns {Promise<DurableStore>}
 */
export async function loadDurableStore(name) {
  return OURS[name] ?? (await import(`../peers/durable/${name}.mjs`)).default;
}
