// Opens the directory that it is given, and writes and flushes until it is terminated.
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const map = await ShardMap.open({ dir: workerData.dir });
parentPort?.postMessage('ready');
for (let i = 0; ; i++) {
  map.set(`${workerData.name} ${i % 100}`, i);
  void map.flush();
  if (i % 10 === 0) await map.compact();
  if (i % 3 === 0) await map.flush();
}
