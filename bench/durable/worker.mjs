// One thread of crew.mjs.
import { parentPort, workerData } from 'node:worker_threads';
import { freshKey, keptKeys, keyBytes } from '../workload.mjs';
import { loadDurableStore } from './stores.mjs';

/** Sets of a lane between two looks at the clock: no store holds one up for long. */
const STRETCH = 8;

/** @typedef {import('./stores.mjs').DurableMap} DurableMap */
/** @typedef {{ attach: string } | { fill: true } | { sets: Sets } | { close: true }} Task attach takes a store's name */
/** @typedef {{ folder: string, task: Task }} Order */
/** @typedef {{ lanes: number, seconds: number }} Sets so many are under way at once */
/** @typedef {{ result: number } | { error: string }} Answer operations a second, of fill and of sets */

/** @type {{ worker: number, entries: number, value: string }} */
const { worker, entries, value } = workerData;
const bytes = keyBytes(entries, worker * entries);
/** @type {Map<string, DurableMap>} by folder */
const attached = new Map();
let next = 0;

parentPort?.on('message', async (/** @type {Order} */ order) => {
  try {
    parentPort?.postMessage({ result: (await obey(order)) ?? 0 });
  } catch (error) {
    parentPort?.postMessage({ error: String(/** @type {Error} */ (error).message ?? error).split('\n')[0] });
  }
});

/**
 * @param {Order} order
 * @returns {Promise<number | undefined>}
 */
async function obey({ folder, task }) {
  if ('attach' in task) attached.set(folder, await (await loadDurableStore(task.attach)).attach(folder));
  const map = attached.get(folder);
  if (map === undefined) return undefined;
  if ('fill' in task) return fill(map);
  if ('sets' in task) return set(map, task.sets);
  if ('close' in task) await map.close();
  return undefined;
}

/** @param {DurableMap} map */
async function fill(map) {
  /** @type {import('./stores.mjs').Entries} */
  const all = keptKeys(bytes).map((key) => [key, value]);
  const startMs = performance.now();
  await map.fill(all);
  return (1000 * entries) / (performance.now() - startMs);
}

/**
 * @param {DurableMap} map
 * @param {Sets} sets
 */
async function set(map, { lanes, seconds }) {
  let done = 0;
  const startMs = performance.now();
  const endMs = startMs + 1000 * seconds;
  const lane = async () => {
    while (performance.now() < endMs) {
      for (let left = lanes === 1 ? 1 : STRETCH; left > 0; left--) {
        next = next + 1 === entries ? 0 : next + 1;
        const pending = map.set(freshKey(bytes, next), value);
        if (pending instanceof Promise) await pending;
        done++;
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return (1000 * done) / (performance.now() - startMs);
}
