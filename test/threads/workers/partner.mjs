// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Plays ping-pong with the main thread: no message is sent, only the map and one shared integer tell.
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const { handle, turn, rounds } = workerData;
const map = ShardMap.from(handle);
const turns = new Int32Array(turn);
parentPort.postMessage('ready');

let wrong = 0;
for (let round = 1; round <= rounds; round++) {
  while (Atomics.load(turns, 0) === 2 * round - 2) Atomics.wait(turns, 0, 2 * round - 2);
  if (map.get('ping') !== round || map.get(`ping ${round}`) !== `text ${round}`) wrong++;
  map.set('pong', -round).delete(`ping ${round}`);
  Atomics.store(turns, 0, 2 * round);
  Atomics.notify(turns, 0);
}
parentPort.postMessage(wrong);
