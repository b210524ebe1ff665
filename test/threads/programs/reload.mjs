// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Workers load the package while the main thread has it too, and end in each way; then the main thread ends as it likes.
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

if (isMainThread) {
  const map = new ShardMap();
  for (const way of ['end', 'exit', 'throw', 'end', 'never close', 'end']) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { handle: map.handle, way } });
    worker.on('error', () => {});
    await new Promise((resolve) => worker.once('exit', resolve));
  }
  console.log(`entries ${map.size}`);
} else {
  const { handle, way } = workerData;
  const maps = Array.from({ length: 20 }, () => ShardMap.from(handle));
  for (const [index, map] of maps.entries()) map.set(`${way} ${index}`, index);
  const own = new ShardMap([['own', 1]]);
  const keys = own.keys();
  keys.next();
  if (way === 'exit') process.exit(3);
  if (way === 'throw') throw new Error('on purpose');
  if (way === 'end') for (const map of maps) map.close();
}
