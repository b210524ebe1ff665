// What is measured, by name: how the main thread makes a store, and how a worker gets at it. The peers are in peers/.
import { ShardMap } from 'shardmap';
import { Latencies } from './latencies.mjs';

/** @typedef {import('./loops.mjs').AnyMap} AnyMap */
/** @typedef {import('./loops.mjs').RemoteMap} RemoteMap */
/** @typedef {(set: (key: string, value: number) => unknown) => void} Fill sets the entries that a store begins with */
/** @typedef {{ handle: unknown, transfer?: import('node:worker_threads').Transferable[] }} Ticket what a worker attaches with */
/**
 * @typedef {object} Opened
 * @property {(worker: number) => Ticket} ticket
 * @property {() => unknown} close
 * @property {(shards: number) => Promise<void>} [reshard]
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
    return {
      ticket: () => ({ handle: map.handle }),
      close: () => map.close(),
      reshard: (shards) => map.reshard(shards),
    };
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

/** @param {number | undefined} value */
const addOne = (value = 0) => value + 1;

/**
 * Updates, each of which keeps busy for so long in its function; counts how often that is called for one of them.
 *
 * @param {ShardMap<string, number>} map
 * @param {number} busyMs
 */
function updating(map, busyMs) {
  let tally = new Latencies();
  let calls = 0;
  const step = (/** @type {number | undefined} */ value) => {
    calls++;
    if (busyMs > 0) for (const end = performance.now() + busyMs; performance.now() < end; );
    return addOne(value);
  };
  const set = (/** @type {string} */ key) => {
    calls = 0;
    map.update(key, step);
    tally.add(calls);
  };
  const takeTally = () => {
    const taken = tally;
    tally = new Latencies();
    return taken;
  };
  return { get: () => undefined, set, close: () => map.close(), takeTally };
}

/**
 * The first worker updates, others only increment, as fast as they can.
 *
 * @param {string} label
 * @param {number} busyMs
 * @returns {Store}
 */
const updatingAgainstIncrements = (label, busyMs) => ({
  ...SHARDMAP,
  label,
  async open(fill, options) {
    const { ticket, close } = await SHARDMAP.open(fill, options);
    return { ticket: (worker) => ({ handle: { worker, map: ticket(worker).handle } }), close };
  },
  attach({ worker, map: handle }) {
    const map = /** @type {ShardMap<string, number>} */ (ShardMap.from(handle));
    if (worker === 0) return updating(map, busyMs);
    return { get: () => undefined, set: (key) => map.increment(key), close: () => map.close() };
  },
});

/** @param {number} value */
const objectOf = (value) => ({ id: value, score: value / 3, tag: 'abc' });

/** @type {Record<string, Store>} */
const STORES = {
  shardmap: SHARDMAP,
  'shardmap, durable': {
    ...SHARDMAP,
    label: 'ShardMap, durable',
    async open(fill, options) {
      /** @type {ShardMap<string, number>} */
      const map = await ShardMap.open(/** @type {any} */ (options));
      fill((key, value) => map.set(key, value));
      return { ticket: () => ({ handle: map.handle }), close: () => map.close() };
    },
  },
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
  increment: writtenBy('increment', (map) => (key) => map.increment(key)),
  'get and set': writtenBy('get and set', (map) => (key) => map.set(key, addOne(map.get(key)))),
  update: {
    ...SHARDMAP,
    label: 'update',
    attach: (handle) => updating(/** @type {ShardMap<string, number>} */ (ShardMap.from(handle)), 0),
  },
  'update against increments': updatingAgainstIncrements('update', 0),
  'update of 10 µs against increments': updatingAgainstIncrements('update of 10 µs', 0.01),
  'Atomics.add': {
    label: 'Atomics.add',
    open() {
      const memory = new SharedArrayBuffer(4);
      return { ticket: () => ({ handle: memory }), close() {} };
    },
    attach(memory) {
      const cells = new Int32Array(memory);
      return { get: () => undefined, set: () => Atomics.add(cells, 0, 1) };
    },
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
  if (/^(un)?counted\//.test(name)) return (await import('./counted.mjs')).loadCounted(name);
  const store = STORES[name];
  if (store === undefined) throw new Error(`no such store: ${name}`);
  return store;
}
