// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Terminates workers that make maps and drop them, over and over, and collect garbage in between: so many of them.
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

if (isMainThread) {
  for (let left = Number(process.argv[2]); left > 0; left--) {
    const worker = new Worker(new URL(import.meta.url));
    await new Promise((resolve) => worker.once('message', resolve));
    await setTimeout(left % 7);
    await worker.terminate();
  }
  console.log('done');
} else {
  setFlagsFromString('--expose-gc');
  const gc = /** @type {() => void} */ (runInNewContext('gc'));
  parentPort?.postMessage('ready');
  const drop = () => {
    for (let made = 0; made < 20; made++) new ShardMap(null, { shards: 1 }).set('key', made);
    gc();
    setImmediate(drop);
  };
  drop();
}
