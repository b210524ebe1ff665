// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Overwrites vectors with others whose elements are all one number, or gathers them and counts those that are a mix.
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const { handle, task, keys, length, stop } = workerData;
const map = ShardMap.from(handle);
const stops = new Int32Array(stop);

const tasks = {
  /** Each key has a new vector in every round, and now and then none at all. */
  write() {
    const vector = new Float32Array(length);
    let round = 0;
    while (Atomics.load(stops, 0) === 0) {
      round = (round + 1) % 2 ** 20;
      for (const key of keys) {
        if ((round + key) % 50 === 0) map.delete(key);
        map.set(key, vector.fill(round + key));
      }
    }
    return { rounds: round };
  },
  gather() {
    const out = new Float32Array(keys.length * length);
    const single = new Float32Array(length);
    const seen = { torn: 0, rows: 0, changes: 0 };
    let last = 0;
    while (Atomics.load(stops, 0) === 0) {
      const mask = map.gather(keys, out, { missing: -1 });
      for (let index = 0; index < keys.length; index++) {
        const row = out.subarray(index * length, (index + 1) * length);
        if (isTorn(row) || (row[0] === -1) !== (mask[index] === 0)) seen.torn++;
      }
      if (map.getInto(keys[0], single) >= 0 && isTorn(single)) seen.torn++;
      seen.rows += keys.length;
      if (out[0] !== last) seen.changes++;
      last = out[0];
    }
    return seen;
  },
};

function isTorn(row) {
  for (const element of row) if (element !== row[0]) return true;
  return false;
}

parentPort.postMessage('ready');
parentPort.once('message', () => parentPort.postMessage(tasks[task]()));
