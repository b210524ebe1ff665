// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Writes, deletes and reads keys that come and go, until it is told or terminated.
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const { handle, stop } = workerData;
const map = ShardMap.from(handle);
const stops = new Int32Array(stop);
parentPort.postMessage('ready');

let step = 0;
while (Atomics.load(stops, 0) === 0) {
  const key = `coming and going ${threadId} ${step % 5000}`;
  map.set(key, step % 3 === 0 ? 'long '.repeat(200) : step);
  map.get(`coming and going ${threadId} ${(step * 7) % 5000}`);
  map.delete(`coming and going ${threadId} ${(step * 13) % 5000}`);
  if (step % 50_000 === 0) for (const [each] of map) if (each === 'stable 100') break;
  step++;
}
parentPort.postMessage(step);
