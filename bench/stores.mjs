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

/** @type {Record<string, Store>} */
const STORES = {
  shardmap: {
    label: 'ShardMap',
    open(fill, options) {
      /** @type {ShardMap<string, number>} */
      const map = new ShardMap(undefined, options);
      fill((key, value) => map.set(key, value));
      return { ticket: () => ({ handle: map.handle }), close: () => map.close() };
    },
    attach: (handle) => /** @type {ShardMap<string, number>} */ (ShardMap.from(handle)),
  },
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
