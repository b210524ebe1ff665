// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Has a large map split into the most shards that there may be; then something happens, which the first argument names.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';

const ENTRIES = 200_000;
const fill = (map) => {
  for (let key = 0; key < ENTRIES; key++) map.set(key, key);
  return map;
};
const worker = (given) => new Worker(new URL(import.meta.url), { workerData: given });
const told = (thread) => new Promise((resolve) => thread.once('message', resolve));
const ended = (thread) => new Promise((resolve) => thread.once('exit', resolve));

const endings = {
  exit: async () => {
    void fill(new ShardMap(null, { shards: 1 })).reshard(65_536);
    process.exit(7);
  },
  // The worker alone has the map.
  'exit-worker': async () => {
    const thread = worker({ exits: true });
    process.exitCode = (await ended(thread)) === 9 ? 7 : 1;
  },
  terminate: async () => {
    const map = fill(new ShardMap(null, { shards: 1 }));
    const thread = worker({ handle: map.handle });
    await told(thread);
    await thread.terminate();
    await map.reshard(65_536);
    process.exitCode = map.size === ENTRIES && map.stats().shards === 65_536 ? 7 : 1;
  },
  close: async () => {
    const map = fill(new ShardMap(null, { shards: 1 }));
    const resharding = map.reshard(65_536).then(
      () => 'done',
      (error) => error.code,
    );
    map.close();
    process.exitCode = (await resharding) === 'ERR_SHARDMAP_CLOSED' ? 7 : 1;
  },
  // The promise alone keeps the process.
  wait: async () => {
    const map = fill(new ShardMap(null, { shards: 1 }));
    await map.reshard(1024);
    process.exitCode = 7;
  },
};

if (isMainThread) {
  await endings[process.argv[2]]();
} else {
  const map = workerData.exits ? fill(new ShardMap(null, { shards: 1 })) : ShardMap.from(workerData.handle);
  void map.reshard(65_536);
  if (workerData.exits) process.exit(9);
  parentPort.postMessage('under way');
}
