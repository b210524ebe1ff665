// One thread of crew.mjs.
import { parentPort, workerData } from 'node:worker_threads';
import { Latencies } from './latencies.mjs';
import { loadLoops } from './loops.mjs';
import { drawOperations } from './mix.mjs';
import { loadStore } from './stores.mjs';
import { createRandom, freshKey, OWN_KEYS } from './workload.mjs';

/** Operations between two looks at the clock, and those in flight at once where answers come later. */
const STRETCH = 512;
const WINDOW = 64;

/** @typedef {import('./mix.mjs').Load} Load */
/**
 * @typedef {object} Attached
 * @property {import('./loops.mjs').AnyMap | import('./loops.mjs').RemoteMap} map
 * @property {import('./loops.mjs').Keys} keys
 * @property {typeof import('./loops.mjs')} loops a copy for each kind of store
 * @property {boolean} waits
 */

/** @type {{ worker: number, memory: SharedArrayBuffer, meeting: Int32Array }} */
const { worker, memory, meeting } = workerData;
const bytes = Buffer.from(memory);
/** @type {Map<string, Attached>} */
const attached = new Map();
/** @type {string[]} */
const kept = [];
/** @type {Map<string, Uint32Array>} */
const drawn = new Map();

parentPort?.on('message', async (/** @type {import('./crew.mjs').Order} */ { id, attach, run: order }) => {
  if (attach) {
    attached.set(id, await attachTo(attach));
    parentPort?.postMessage('attached');
  } else if (order) {
    parentPort?.postMessage(await run(/** @type {Attached} */ (attached.get(id)), order));
  } else {
    await attached.get(id)?.map.close?.();
    attached.delete(id);
    parentPort?.postMessage('let go');
  }
});
parentPort?.postMessage('ready');

/** @param {import('./crew.mjs').Attach} attach */
async function attachTo({ handle, store, load }) {
  const { attach, waits = false } = await loadStore(store);
  const keys = keysOf(load);
  // With the strings that are used later: nothing flatters a Map of the worker's own more.
  const map = await attach(handle, (set) => {
    for (const [number, key] of keys.kept.entries()) set(key, number);
    for (let number = keys.first; number < keys.first + load.own; number++) set(freshKey(bytes, number), number);
  });
  return { map, keys, loops: await loadLoops(store), waits };
}

/**
 * @param {Load} load
 * @returns {import('./loops.mjs').Keys}
 */
function keysOf({ shared }) {
  while (kept.length < shared) kept.push(freshKey(bytes, kept.length));
  return { kept: kept.slice(0, shared), bytes, shared, first: shared + worker * OWN_KEYS };
}

/**
 * @param {Load} load
 * @param {number} seed
 * @returns {import('./loops.mjs').Position}
 */
function positionIn(load, seed) {
  const name = JSON.stringify(load);
  const draws = drawn.get(name) ?? drawOperations(load, worker);
  drawn.set(name, draws);
  const next = createRandom(1000 * seed + worker)() % draws.length;
  return { draws, keys: load.mix.keys, next, oldest: 0, newest: load.shared + load.own };
}

/**
 * @param {Attached} attached
 * @param {import('./crew.mjs').Run} run
 * @returns {Promise<import('./crew.mjs').WorkerRate>}
 */
async function run({ map, keys, loops, waits }, { workers, load, seed, warmUpSeconds, seconds, pacePerSecond }) {
  const position = positionIn(load, seed);
  /** @type {(seconds: number, latencies: { reads: Latencies, writes: Latencies }) => number | Promise<number>} */
  const work = (seconds, latencies) => {
    if ('exchange' in map) return repeatFor(seconds, WINDOW, () => loops.replayWindow(map, keys, position, WINDOW));
    if (pacePerSecond === undefined)
      return repeatFor(seconds, STRETCH, () => loops.replay(map, keys, position, STRETCH));
    loops.replayAtPace(map, keys, position, { seconds, perSecond: pacePerSecond }, latencies);
    return pacePerSecond * seconds;
  };
  const takeTally = 'takeTally' in map ? map.takeTally : undefined;
  meet(workers);
  await work(warmUpSeconds, { reads: new Latencies(), writes: new Latencies() });
  takeTally?.();
  const latencies = { reads: new Latencies(), writes: new Latencies() };
  const [startMs, cpuBefore] = [performance.now(), process.cpuUsage()];
  const operations = await work(seconds, latencies);
  const ms = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpuBefore); // of all threads, in microseconds
  return {
    perSecond: (1000 * operations) / ms,
    cpuShare: waits ? 1 : (user + system) / 1000 / (ms * workers),
    reads: latencies.reads.counted,
    writes: (takeTally?.() ?? latencies.writes).counted,
  };
}

/**
 * @param {number} seconds
 * @param {number} operations of each step
 * @param {() => number | Promise<number>} step
 * @returns {Promise<number>} operations done
 */
async function repeatFor(seconds, operations, step) {
  const endMs = performance.now() + 1000 * seconds;
  let steps = 0;
  for (; performance.now() < endMs; steps++) {
    const pending = step();
    if (typeof pending !== 'number') await pending;
  }
  return steps * operations;
}

/**
 * Returns once `workers` threads have called it.
 *
 * @param {number} workers
 */
function meet(workers) {
  const round = Atomics.load(meeting, 1);
  if (Atomics.add(meeting, 0, 1) + 1 < workers) {
    Atomics.wait(meeting, 1, round);
    return;
  }
  Atomics.store(meeting, 0, 0);
  Atomics.add(meeting, 1, 1);
  Atomics.notify(meeting, 1);
}
