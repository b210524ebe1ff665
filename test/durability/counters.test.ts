/** Danger: an increment is lost, or counted twice, where the log is made short while threads count. */

import { describe, expect, it } from 'vitest';
import { sizeOf } from '../lib/run-size.js';
import { Thread } from '../threads/threads.js';
import { newDirectory } from './directories.js';

// What workers use is in dist/: the same addon, which knows one store for a directory.
const { ShardMap } = (await import(
  new URL('../../dist/index.js', import.meta.url).href
)) as typeof import('../../lib/index.js');

const ROUNDS = sizeOf('SHARDMAP_TEST_ROUNDS', 1);
const WORKERS = 4;
const INCREMENTS = 100_000;
const COUNTERS = 25;
/** Each has a compaction behind it that began when it did, or later. */
const PARTS = 10;

describe('counters', () => {
  it(
    `of ${WORKERS} workers that count to ${INCREMENTS} each are exact after ${PARTS} compactions`,
    async () => {
      const dir = newDirectory();
      for (let round = 1; round <= ROUNDS; round++) {
        const map = await ShardMap.open<string, number>({ dir });
        const workerData = { handle: map.handle, counters: COUNTERS, increments: INCREMENTS / PARTS };
        const threads = await Promise.all(
          Array.from({ length: WORKERS }, () => Thread.startIn(import.meta.url, 'counter', workerData)),
        );
        for (let part = 0; part < PARTS; part++) {
          await Promise.all([map.compact(), ...threads.map((thread) => thread.ask('count'))]);
        }
        for (const thread of threads) await thread.end();
        map.close();
        const again = await ShardMap.open<string, number>({ dir });
        expect(again.size).toBe(COUNTERS);
        for (const [counter, count] of again) {
          expect(count, counter).toBe((round * WORKERS * INCREMENTS) / COUNTERS);
        }
        again.close();
      }
    },
    60_000 + ROUNDS * 20_000,
  );
});
