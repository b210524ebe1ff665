/** A worker of `shardmap bench`: begins when all of them are ready. */

import { parentPort, workerData } from 'node:worker_threads';
import { ShardMap, type ShardMapHandle } from '../index.js';
import { keysOf, runFor } from './bench-load.js';

/** What a worker is given. */
export interface BenchTask {
  readonly handle: ShardMapHandle;
  readonly entries: number;
  readonly ms: number;
  /** Its first element is 1 when all are to begin. */
  readonly begin: Int32Array;
}

const { handle, entries, ms, begin } = workerData as BenchTask;
const WARM_UP_MS = 50;

const map = ShardMap.from<string, number>(handle);
const keys = keysOf(entries);
runFor(WARM_UP_MS, map, keys, 'mixed');
parentPort?.postMessage('ready');
Atomics.wait(begin, 0, 0);
parentPort?.postMessage(runFor(ms, map, keys, 'mixed'));
map.close();
