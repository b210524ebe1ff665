// Increments the counters of the map that it is given, in as many parts as it is told to, each when it is asked for.
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const { handle, counters, increments } = workerData;
const map = /** @type {InstanceType<typeof ShardMap<string, number>>} */ (ShardMap.from(handle));
let next = 0;

parentPort?.on('message', () => {
  for (let i = 0; i < increments; i++) map.increment(`counter ${next++ % counters}`);
  parentPort?.postMessage('done');
});
parentPort?.postMessage('ready');
