// One thread of crew.mjs.
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from 'shardmap';
import { loadLoops } from './loops.mjs';
import { createRandom, keptKeys, keyBytes } from './workload.mjs';

const OPERATIONS_BETWEEN_LOOKS_AT_THE_CLOCK = 512;

/** @type {{ worker: number, entries: number, handle: import('shardmap').ShardMapHandle, meeting: Int32Array }} */
const { worker, entries, handle, meeting } = workerData;
const keys = keptKeys(keyBytes(entries));
/** @type {Record<import('./crew.mjs').Load['kind'], import('./loops.mjs').AnyMap>} */
const maps = {
  shared: /** @type {ShardMap<string, number>} */ (ShardMap.from(handle)),
  own: new Map(keys.map((key, index) => [key, index])),
};
// A loop for each kind of map; see loops.mjs.
const loops = { shared: await loadLoops('shared'), own: await loadLoops('own') };

parentPort?.on('message', (/** @type {import('./crew.mjs').Order} */ { load, workers, seed }) => {
  const random = createRandom(1000 * seed + worker);
  const step = () => {
    loops[load.kind].mixed(maps[load.kind], keys, random, load.readShare, OPERATIONS_BETWEEN_LOOKS_AT_THE_CLOCK);
  };
  meet(workers);
  runFor(load.warmUpSeconds, step);
  const cpuBefore = process.cpuUsage();
  const { perSecond, ms } = runFor(load.seconds, step);
  const { user, system } = process.cpuUsage(cpuBefore); // of all threads, in microseconds
  parentPort?.postMessage({ perSecond, cpuShare: (user + system) / 1000 / (ms * workers) });
});
parentPort?.postMessage('ready');

/**
 * @param {number} seconds
 * @param {() => void} step
 */
function runFor(seconds, step) {
  const startMs = performance.now();
  const endMs = startMs + 1000 * seconds;
  let steps = 0;
  let nowMs = startMs;
  while (nowMs < endMs) {
    step();
    steps++;
    nowMs = performance.now();
  }
  const ms = nowMs - startMs;
  return { ms, perSecond: (1000 * steps * OPERATIONS_BETWEEN_LOOKS_AT_THE_CLOCK) / ms };
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
