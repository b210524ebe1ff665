// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Calls methods of a map, one for each message, and answers with what they returned.
import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

let map = workerData === undefined ? undefined : ShardMap.from(workerData);

const commands = {
  attach: (handle) => {
    map = ShardMap.from(handle);
  },
  open: (name, options) => {
    map = new ShardMap(null, { name, ...options });
  },
  handle: () => map.handle,
  size: () => map.size,
  entries: () => [...map],
};

parentPort.on('message', ([method, ...given]) => {
  try {
    const result = commands[method] === undefined ? map[method](...given) : commands[method](...given);
    parentPort.postMessage({ result: result === map ? undefined : result });
  } catch (error) {
    parentPort.postMessage({ error: { name: error.name, code: error.code, constructor: error.constructor.name } });
  }
});
parentPort.postMessage('ready');
