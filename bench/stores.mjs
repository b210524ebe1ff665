// What is measured, by name: how the main thread makes a store, and how a worker gets at it. The peers are in peers/.
import { ShardMap } from 'shardmap';

/** @typedef {import('./loops.mjs').AnyMap} AnyMap */
/** @typedef {import('./loops.mjs').RemoteMap} RemoteMap */
/** @typedef {(set: (key: string, value: number) => unknown) => void} Fill sets the entries that a store begins with */
/** @typedef {{ handle: unknown, transfer?: import('node:worker_threads').Transferable[] }} Ticket what a worker attaches with */
/**
 * @typedef {object} Opened
 * @property {(worker: number) => Ticket} ticket
 * @property {() => unknown} close
 */
/**
 * @typedef {object} Store
 * @property {string} label
 * @property {boolean} [waits] whether its threads wait for each other or for another process by nature, and so do not
 *   keep a core busy
 * @property {(fill: Fill, options: Record<string, unknown>) => Opened | Promise<Opened>} open
 * @property {(handle: any, fill: Fill) => AnyMap | RemoteMap | Promise<AnyMap | RemoteMap>} attach
 *   `fill` is for one that each thread has of its own
 */

/** Peers are loaded when they are asked for: they may not be installed. */
const PEERS = ['lru-cache', 'lmdb', 'lmdb-batched', 'sharedmap', 'megahash', 'better-sqlite3', 'postmessage', 'redis'];

/** @type {Store} */
const SHARDMAP = {
  label: 'ShardMap',
  open(fill, options) {
    /** @type {ShardMap<string, number>} */
    const map = new ShardMap(undefined, options);
    fill((key, value) => map.set(key, value));
    return { ticket: () => ({ handle: map.handle }), close: () => map.close() };
  },
  attach: (handle) => /** @type {ShardMap<string, number>} */ (ShardMap.from(handle)),
};

/**
 * Only to be written to.
 *
 * @param {string} label
 * @param {(map: ShardMap<string, any>) => (key: string, value: number) => unknown} setterOf
 * @returns {Store}
 */
const writtenBy = (label, setterOf) => ({
  ...SHARDMAP,
  label,
  attach(handle) {
    const map = /** @type {ShardMap<string, any>} */ (ShardMap.from(handle));
    return { get: () => undefined, set: setterOf(map), close: () => map.close() };
  },
});

/** @param {number} value */
const objectOf = (value) => ({ id: value, score: value / 3, tag: 'abc' });

/** @type {Record<string, Store>} */
const STORES = {
  shardmap: SHARDMAP,
  'numbers set': writtenBy('single sets', (map) => (key, value) => map.set(key, value)),
  'numbers written': writtenBy('the writer', (map) => {
    const writer = map.writer();
    return (key, value) => writer.set(key, value);
  }),
  'objects set': writtenBy('single sets', (map) => (key, value) => map.set(key, objectOf(value))),
  'objects written': writtenBy('the writer', (map) => {
    const writer = map.writer();
    return (key, value) => writer.set(key, objectOf(value));
  }),
  map: {
    label: 'Map',
    open: () => ({ ticket: () => ({ handle: undefined }), close() {} }),
    attach(_, fill) {
      /** @type {Map<string, number>} */
      const map = new Map();
      fill((key, value) => map.set(key, value));
      return map;
    },
  },
  nothing: {
    label: 'nothing',
    open: () => ({ ticket: () => ({ handle: undefined }), close() {} }),
    attach: () => ({ get: () => 0, set() {} }),
  },
};

/**
 * @param {string} name
 * @returns {Promise<Store>}
 */
export async function loadStore(name) {
  if (PEERS.includes(name)) return (await import(`./peers/${name}.mjs`)).default;
  const store = STORES[name];
  if (store === undefined) throw new Error(`no such store: ${name}`);
  return store;
}
