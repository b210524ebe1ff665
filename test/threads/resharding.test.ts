/**
 * Danger: while a map is split into more shards, an increment of some thread is lost, or counted twice, or a reader sees a
 * counter go down; an ending thread or process finds one under way, and crashes or hangs.
 *
 * SHARDMAP_TEST_INCREMENTS (1000000) says how many increments there are in each case.
 */

import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { newDirectory } from '../durability/directories.js';
import { sizeOf } from '../lib/run-size.js';
import { runProgram, Thread } from './threads.js';

// What workers use is in dist/: the same addon, which knows one store for a directory.
const { ShardMap } = (await import(
  new URL('../../dist/index.js', import.meta.url).href
)) as typeof import('../../lib/index.js');

const INCREMENTS = sizeOf('SHARDMAP_TEST_INCREMENTS', 1_000_000);
const REPEATS = sizeOf('SHARDMAP_TEST_REPEATS', 3);
const SHARDS_MAX = 4096;
const COUNTERS = 4;
const DISTURBERS = ['read', 'iterate', 'delete'] as const;
const CASE_MS_MAX = 300_000;

type Counted = InstanceType<typeof ShardMap<string, number>>;

const keysOf = (keys: number): string[] => Array.from({ length: keys }, (_, number) => `counter ${number}`);
const sumOf = (map: Counted, keys: readonly string[]): number =>
  map.getMany(keys).reduce((sum: number, count) => sum + (count ?? 0), 0);

/** Splits the map each time that the threads have counted their part of all, until there are 4,096 shards. */
async function reshardMeanwhile(map: Counted, keys: readonly string[], total: number): Promise<void> {
  for (let shards = 2; shards <= SHARDS_MAX; shards *= 2) {
    const part = (total * (Math.log2(shards) - 1)) / 14;
    while (sumOf(map, keys) < part) await setTimeout(1);
    await map.reshard(shards);
  }
}

/** How far each counter goes. `meanwhile` is given the keys, and the sum of all at the end. */
async function count(
  map: Counted,
  keys: number,
  meanwhile: (map: Counted, keys: readonly string[], total: number) => Promise<void>,
): Promise<number> {
  const roles = [...Array.from({ length: COUNTERS }, () => 'count'), ...DISTURBERS];
  const steps = Math.ceil(INCREMENTS / COUNTERS / keys) * keys;
  const shared = { gate: new SharedArrayBuffer(4), stop: new SharedArrayBuffer(4), rivals: roles.length };
  const given = { handle: map.handle, ...shared, way: 'increment', keys, steps };
  const threads = await Thread.startAll(roles.length, 'counter', (index) => ({ ...given, index, role: roles[index] }));
  const answers = threads.map((thread) => thread.answer() as Promise<{ wrong: number }>);
  await meanwhile(map, keysOf(keys), steps * COUNTERS);
  await Promise.all(answers.slice(0, COUNTERS));
  Atomics.store(new Int32Array(shared.stop), 0, 1);
  for (const [index, { wrong }] of (await Promise.all(answers)).entries()) expect(wrong, roles[index]).toBe(0);
  for (const thread of threads) await thread.end();
  return (steps * COUNTERS) / keys;
}

function expectTotals(map: Counted, keys: number, each: number): void {
  expect(map.getMany(keysOf(keys))).toEqual(Array.from({ length: keys }, () => each));
  expect(map.size).toBe(keys);
}

describe('increments of 4 threads, while others read, iterate and delete, and shards go from 1 to 4,096', () => {
  it.each([1, 100, 10_000])(
    'of %i keys are all counted',
    async (keys) => {
      const map: Counted = new ShardMap<string, number>(null, { shards: 1 });
      const each = await count(map, keys, reshardMeanwhile);
      expect(map.stats().shards).toBe(SHARDS_MAX);
      expectTotals(map, keys, each);
      map.close();
    },
    CASE_MS_MAX,
  );

  it(
    'are all counted in a directory, also when it is opened again',
    async () => {
      const dir = newDirectory();
      const map: Counted = await ShardMap.open<string, number>({ dir, shards: 1 });
      const each = await count(map, 1000, reshardMeanwhile);
      expectTotals(map, 1000, each);
      map.close();
      const again: Counted = await ShardMap.open<string, number>({ dir, shards: 1, recovery: 'strict' });
      expectTotals(again, 1000, each);
      again.close();
    },
    CASE_MS_MAX,
  );
});

describe("a map with shards: 'auto'", () => {
  it.runIf(availableParallelism() > 1)(
    'gets more of them by itself where threads wait for one another, and counts all',
    async () => {
      const map: Counted = new ShardMap<string, number>(null, { shards: 'auto' });
      const { shards } = map.stats();
      const end = Date.now() + CASE_MS_MAX / 2;
      let each = 0;
      while (map.stats().shards === shards && Date.now() < end) each += await count(map, 100, async () => {});
      expect(map.stats().shards).toBeGreaterThan(shards);
      expectTotals(map, 100, each);
      map.close();
    },
    CASE_MS_MAX,
  );
});

describe('a process', () => {
  it.each([
    ['exit', 7],
    ['exit-worker', 7],
    ['terminate', 7],
    ['close', 7],
    ['wait', 7],
  ])('in which a resharding is under way ends by %s with code %i and no signal', async (ending, code) => {
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      expect(await runProgram('resharding', [ending])).toEqual({ code, signal: null, output: '' });
    }
  });
});
