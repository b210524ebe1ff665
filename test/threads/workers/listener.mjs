// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Listens to a map and collects the keys of what expires, slowly if it is told to, until it is asked for them.
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const { handle, slowMs = 0 } = workerData;
const map = ShardMap.from(handle);
const keys = [];
const told = { calls: 0, dropped: 0 };

map.on('expire', (entries, { dropped }) => {
  told.calls++;
  told.dropped += dropped;
  for (const [key] of entries) keys.push(key);
  for (const end = performance.now() + slowMs; performance.now() < end; );
});

const commands = {
  count: () => ({ ...told, keys: keys.length }),
  keys: () => keys,
  set(entries, options) {
    for (const [key, value] of entries) map.set(key, value, options);
  },
};
parentPort.on('message', ([command, ...given]) => parentPort.postMessage(commands[command](...given)));
parentPort.postMessage('ready');
