// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Only workers load the package; one after the other, and each ends before the next starts. The main thread never does.
import { once } from 'node:events';
import { isMainThread, Worker } from 'node:worker_threads';

const rounds = 5;
if (isMainThread) {
  for (let round = 0; round < rounds; round++) {
    const workers = [new Worker(new URL(import.meta.url)), new Worker(new URL(import.meta.url))];
    const codes = await Promise.all(workers.map((worker) => once(worker, 'exit')));
    for (const [code] of codes) if (code !== 0) process.exitCode = 1;
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  console.log('done');
} else {
  const { ShardMap } = await import('../../../dist/index.js');
  const map = new ShardMap(null, { name: 'worker only' });
  for (let index = 0; index < 10_000; index++) map.set(`${index}`, index);
}
