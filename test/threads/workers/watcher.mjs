// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Reads a few keys again and again, so that they come from its near cache, while the main thread writes them.
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const { handle, announced } = workerData;
const map = ShardMap.from(handle);
const returned = new Int32Array(announced);
parentPort.postMessage('ready');

let wrong = 0;
let last = 0;
let changes = 0;
while (map.get('counting')) {
  const least = Atomics.load(returned, 0); // the set of this count has returned
  const count = map.get('count');
  if (count < least || count < last) wrong++;
  if (count !== last) changes++;
  last = count;
}
parentPort.postMessage({ wrong, last: map.get('count'), changes });

// Nothing in this loop but the read itself keeps a compiler from thinking that its result never changes.
while (!map.get('stop'));
parentPort.postMessage('stopped');
