// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Two workers write without end; then something happens, which the first argument names.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const endings = {
  'exit-main': () => process.exit(7),
  'exit-main-late': () => setTimeout(() => process.exit(7), 20),
  'exit-worker': (map, workers) => {
    workers[0].once('exit', (code) => {
      if (map.set('after', 1).get('after') !== 1 || code !== 9) process.exit(1);
      setTimeout(() => process.exit(7), 5);
    });
    workers[0].postMessage('exit');
  },
  'throw-worker': (map, workers) => {
    workers[0].once('error', (error) => {
      if (map.set('after', 1).get('after') !== 1 || error.message !== 'on purpose') process.exit(1);
      setTimeout(() => process.exit(7), 5);
    });
    workers[0].postMessage('throw');
  },
  'throw-main': () => {
    throw new Error('on purpose');
  },
  'exit-in-iteration': (map) => {
    for (const _ of map) process.exit(7);
  },
  'exit-in-computation': (map) => map.getOrInsertComputed('new', () => process.exit(7)),
  'close-and-exit': (map) => {
    map.close();
    process.exit(7);
  },
  'terminate-all': async (map, workers) => {
    await Promise.all(workers.map((worker) => worker.terminate()));
    process.exitCode = map.size > 0 ? 7 : 1;
  },
};

if (isMainThread) {
  const map = new ShardMap([['first', 1]], { name: 'busy' });
  const workers = [1, 2].map(() => new Worker(new URL(import.meta.url), { workerData: map.handle }));
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  await endings[process.argv[2]](map, workers);
} else {
  const map = ShardMap.from(workerData);
  parentPort.on('message', (message) => {
    if (message === 'exit') process.exit(9);
    throw new Error('on purpose');
  });
  parentPort.postMessage('ready');
  let step = 0;
  const work = () => {
    for (let index = 0; index < 2000; index++, step++) map.set(`${step % 20_000}`, index % 3 ? index : 'x'.repeat(300));
    for (const [key] of map) if (key === '100') break;
    setImmediate(work);
  };
  work();
}
