/**
 * Danger: of two increments at the same time one is lost, or counted twice; a reader sees a counter go down, or not at all,
 * while other entries come and go around it.
 *
 * SHARDMAP_TEST_INCREMENTS (1000000) says how many there are in each case.
 */

import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
import { sizeOf } from '../lib/run-size.js';
import { Thread } from './threads.js';

const INCREMENTS = sizeOf('SHARDMAP_TEST_INCREMENTS', 1_000_000);
const CASE_MS_MAX = 300_000;

interface Told {
  readonly wrong: number;
  readonly rounds: number;
}

interface Counting {
  readonly way: string;
  readonly keys: number;
  readonly counters: number;
  readonly increments: number;
  readonly disturbers: readonly string[];
}

/** Has threads count keys up in a map, each the same number of steps; returns how many steps there were in all. */
async function count(map: ShardMap<string, unknown>, counting: Counting): Promise<number> {
  const { way, keys, counters, increments, disturbers } = counting;
  const roles = [...Array.from({ length: counters }, () => 'count'), ...disturbers];
  const steps = Math.ceil(increments / counters / keys) * keys;
  const shared = { gate: new SharedArrayBuffer(4), stop: new SharedArrayBuffer(4), rivals: roles.length };
  const given = { handle: map.handle, ...shared, way, keys, steps };
  const threads = await Thread.startAll(roles.length, 'counter', (index) => ({ ...given, index, role: roles[index] }));
  const answers = threads.map((thread) => thread.answer() as Promise<Told>);
  await Promise.all(answers.slice(0, counters));
  Atomics.store(new Int32Array(shared.stop), 0, 1);
  for (const [index, { wrong, rounds }] of (await Promise.all(answers)).entries()) {
    expect(wrong, roles[index]).toBe(0);
    expect(rounds, roles[index]).toBeGreaterThan(0);
  }
  for (const thread of threads) await thread.end();
  return steps * counters;
}

/** Each key has its part of the steps, exactly. */
function expectTotals(map: ShardMap<string, unknown>, keys: number, total: number | bigint): void {
  const each = typeof total === 'bigint' ? total / BigInt(keys) : total / keys;
  const counts = Array.from({ length: keys }, (_, number) => map.get(`counter ${number}`));
  expect(counts).toEqual(Array.from({ length: keys }, () => each));
  expect(map.size).toBe(keys);
}

describe.each([2, 4])('increments of %i threads', (counters) => {
  it.each([1, 10, 1000])(
    'of %i keys are all counted, while others read, iterate and delete',
    async (keys) => {
      const map = new ShardMap<string, unknown>(null, { shards: 4 });
      const disturbers = ['read', 'iterate', 'delete'];
      const steps = await count(map, { way: 'increment', keys, counters, increments: INCREMENTS, disturbers });
      expect(steps).toBeGreaterThanOrEqual(INCREMENTS);
      expectTotals(map, keys, steps);
    },
    CASE_MS_MAX,
  );

  it(
    'of bigints beyond a word are all counted',
    async () => {
      const map = new ShardMap<string, unknown>();
      const increments = INCREMENTS / 20;
      const steps = await count(map, {
        way: 'incrementBigint',
        keys: 10,
        counters,
        increments,
        disturbers: ['delete'],
      });
      expectTotals(map, 10, BigInt(steps) * 2n ** 70n);
    },
    CASE_MS_MAX,
  );

  it.each(['update', 'entry', 'compareAndSet'])(
    'by %s are all counted',
    async (way) => {
      for (const keys of [1, 100]) {
        const map = new ShardMap<string, unknown>();
        const steps = await count(map, { way, keys, counters, increments: INCREMENTS / 20, disturbers: ['iterate'] });
        expectTotals(map, keys, steps);
      }
    },
    CASE_MS_MAX,
  );
});
