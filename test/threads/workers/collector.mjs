// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Sets entries by a writer, and says so when its timer has set the last of them.
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const map = ShardMap.from(workerData.map);
const writer = map.writer({ maxEntries: 33, maxDelay: 2 });
for (let index = 0; index < 5000; index++) writer.set(`worker ${workerData.index} ${index % 1000}`, index);
const wait = setInterval(() => {
  if (writer.pending > 0) return;
  clearInterval(wait);
  parentPort.on('message', () => {}); // keeps the thread
  parentPort.postMessage('set');
}, 1);
