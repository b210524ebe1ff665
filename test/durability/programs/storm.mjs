// Writes to the directory that it is given, with its main thread and workers, while the log is made short and shards are
// added, until it is killed: see storm.mjs in
// workers/ for what they write. Begins when it is told to, as starting threads takes longer than all the rest.
//
// Checks first that what it finds is a prefix of what the processes before it did, and tells how far each thread was:
// 'open', and a count for each. Then threads tell what they know to be flushed: 'flushed', thread, step.

import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { ShardMap } from '../../../dist/index.js';
import { checkPrefix, storm } from '../workers/storm.mjs';

const [dir = '', fsync, seed, threads] = process.argv.slice(2);
const COMPACTION_PAUSE_MS = 5;
const SHARDS_MAX = 4096;

const workers = [];
for (let thread = 1; thread < Number(threads); thread++) {
  workers.push(new Worker(new URL('../workers/storm.mjs', import.meta.url), { workerData: { thread, threads, seed } }));
}
await Promise.all(workers.map((worker) => once(worker, 'message')));
writeSync(1, 'ready\n');
await once(process.stdin, 'data');

const map = /** @type {ShardMap<string, any>} */ (
  await ShardMap.open({ dir, shards: 1, fsync: /** @type {'always' | 'interval' | 'never'} */ (fsync) })
);
writeSync(1, `open ${checkPrefix(map, Number(threads)).join(' ')}\n`);
for (const worker of workers) worker.postMessage(map.handle);
void compactAgainAndAgain();
void reshardAgainAndAgain();
await storm(map, 0, Number(threads), Number(seed));

async function reshardAgainAndAgain() {
  for (let shards = 2; shards <= SHARDS_MAX; shards *= 2) await map.reshard(shards);
}

async function compactAgainAndAgain() {
  for (;;) {
    await map.compact();
    await new Promise((resolve) => setTimeout(resolve, COMPACTION_PAUSE_MS));
  }
}
