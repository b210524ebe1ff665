/**
 * Danger: an operation on one key that is not one step for all threads. Here a few hot keys are used by several workers,
 * and what each of them was told must be explained by one order of all operations: also of the reads that a thread's near
 * cache answers.
 *
 * SHARDMAP_TEST_HISTORIES (50) and SHARDMAP_TEST_HISTORY_OPERATIONS (20000) say how many there are, and of what length.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seed, sizeOf } from '../lib/run-size.js';
import { findViolation, formatViolation } from './checker.js';
import type { History } from './history.js';
import { type Mix, type Plan, Recorders } from './recording.js';
import type { Shape } from './values.mjs';

const HISTORIES = sizeOf('SHARDMAP_TEST_HISTORIES', 50);
const OPERATIONS = sizeOf('SHARDMAP_TEST_HISTORY_OPERATIONS', 20_000);
const HISTORY_MS_MAX = 20_000;
/** Histories that are taken for each one that counts, where workers hardly meet. */
const TURNS_MAX = 20;

const WORKERS_MAX = 4;
const KEYS = ['hot', 'k'.repeat(300), 7, ['hot', 1]] as const;
const SHAPES: readonly Shape[] = ['number', 'text', 'long', 'bigint', 'object', 'any'];

/** What the workers do, how often, and with values of which shapes: only numbers can be counted with. */
const USES: readonly { name: string; mix: Mix; shapes: readonly Shape[]; ttl?: number; compresses?: boolean }[] = [
  {
    name: 'of everything',
    mix: {
      ...{ get: 30, has: 5, set: 15, delete: 5, getOrInsert: 5, getOrInsertComputed: 5 },
      ...{ getAndSet: 5, getAndDelete: 4, compareAndSet: 12, compareAndDelete: 5, update: 4, entry: 3 },
      ...{ getMany: 2, hasMany: 1, setMany: 2, deleteMany: 1, iterate: 1, clear: 1 },
    },
    shapes: SHAPES,
  },
  {
    name: 'of reads, most of them near hits',
    mix: { get: 180, has: 5, set: 5, getOrInsert: 1, getAndSet: 1, compareAndSet: 5, update: 1, delete: 1 },
    shapes: SHAPES,
  },
  {
    name: 'of comparisons',
    mix: { get: 20, compareAndSet: 40, compareAndDelete: 10, getOrInsert: 10, update: 15, entry: 5 },
    shapes: SHAPES,
  },
  {
    name: 'of values that each worker compresses in its own way, or not',
    mix: { get: 20, set: 10, getAndSet: 5, compareAndSet: 30, compareAndDelete: 10, update: 5, getMany: 2, iterate: 3 },
    shapes: ['long', 'any'],
    compresses: true,
  },
  {
    name: 'of counters',
    mix: { increment: 60, get: 20, getAndSet: 4, getAndDelete: 4, compareAndSet: 4, update: 4 },
    shapes: ['number', 'bigint'],
  },
  {
    name: 'of entries that come and go',
    mix: { getOrInsert: 20, getOrInsertComputed: 20, delete: 20, getAndDelete: 15, has: 10, get: 10, clear: 1 },
    shapes: SHAPES,
  },
  {
    name: 'of entries that expire',
    mix: {
      ...{ get: 30, has: 5, set: 5, delete: 2, getOrInsert: 8, getAndSet: 3, getAndDelete: 2 },
      ...{ compareAndSet: 6, compareAndDelete: 2, getMany: 5, hasMany: 2, setMany: 2, iterate: 3 },
    },
    shapes: SHAPES,
    ttl: 0.05,
  },
];

/** Numbers of different periods, so that most combinations come up. */
function planOf(use: number, number: number): Plan {
  const { mix, shapes, ttl, compresses = false } = USES[use] as (typeof USES)[number];
  return {
    workers: 2 + (number % 3),
    operations: OPERATIONS,
    seed: seed + (number * USES.length + use) * WORKERS_MAX,
    shards: number % 4 < 2 ? 1 : 4,
    keys: KEYS.slice(0, 1 + (Math.floor(number / 3) % KEYS.length)),
    shape: shapes[(number + use) % shapes.length] as Shape,
    mix,
    crowd: number % 8 < 3,
    reshards: number % 2 === 1,
    ttl,
    compresses,
  };
}

/** How many of the operations began while another worker's was going on. */
function countOverlaps(history: History): number {
  let last = { worker: -1, returned: -1 };
  let overlaps = 0;
  for (const operation of [...history].sort((a, b) => a.invoked - b.invoked)) {
    if (operation.kind === 'expire') continue;
    if (operation.invoked < last.returned && operation.worker !== last.worker) overlaps++;
    if (operation.returned > last.returned) last = operation;
  }
  return overlaps;
}

let recorders: Recorders;
beforeEach(async () => {
  recorders = await Recorders.start(WORKERS_MAX);
});
afterEach(() => recorders.end());

describe(`histories of ${OPERATIONS} operations are linearizable (SHARDMAP_TEST_SEED=${seed})`, () => {
  const share = Math.ceil(HISTORIES / USES.length);
  it.each(USES.map(({ name }, use) => [share, name, use] as const))(
    '%i %s',
    async (_, name, use) => {
      let overlaps = 0;
      // A machine that is busy may let one worker go after the other: such histories prove nothing, and others are taken.
      for (let number = 0; number < share || (overlaps <= share && number < share * TURNS_MAX); number++) {
        const history = await recorders.take(planOf(use, number));
        const violation = findViolation(history);
        expect(violation && formatViolation(violation), `history ${number} ${name}`).toBeUndefined();
        overlaps += countOverlaps(history);
      }
      expect(overlaps).toBeGreaterThan(share);
    },
    share * HISTORY_MS_MAX,
  );
});
