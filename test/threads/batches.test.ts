/**
 * Danger: batches of several threads lose an entry, count one twice, show half of a value, or bring a batch's entries out
 * of their order.
 */

import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
import { sizeOf } from '../lib/run-size.js';
import { Thread } from './threads.js';

const ROUNDS = sizeOf('SHARDMAP_TEST_BATCH_ROUNDS', 100);
const BATCH = 400;

interface Told {
  readonly wrong: number;
  readonly deleted: number;
}

async function work(map: ShardMap<string, unknown>, roles: readonly string[]): Promise<Told[]> {
  const gate = new SharedArrayBuffer(4);
  const all = { handle: map.handle, gate, rivals: roles.length, rounds: ROUNDS, batch: BATCH };
  const threads = await Thread.startAll(roles.length, 'batcher', (index) => ({ ...all, index, role: roles[index] }));
  const told = await Promise.all(threads.map((thread) => thread.answer()));
  for (const thread of threads) await thread.end();
  return told as Told[];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

describe.each([1, undefined])('batches of several threads, with %s shards', (shards) => {
  it('delete each entry once', async () => {
    const map = new ShardMap<string, unknown>(null, { shards });
    await work(map, ['set']);
    expect(map.size).toBe(ROUNDS * BATCH);
    const told = await work(map, ['delete', 'delete', 'delete']);
    expect(sum(told.map(({ deleted }) => deleted))).toBe(ROUNDS * BATCH);
    expect([map.size, [...map].length]).toEqual([0, 0]);
  });

  it('show whole values, and own batches in their order, while others set and delete', async () => {
    const map = new ShardMap<string, unknown>(null, { shards });
    const told = await work(map, ['set', 'set', 'get', 'delete', 'append', 'append', 'iterate']);
    expect(told.map(({ wrong }) => wrong)).toEqual(told.map(() => 0));
    const keys = [...map.keys()];
    expect(keys.length).toBe(map.size);
    expect(new Set(keys).size).toBe(keys.length);
    for (const index of [4, 5]) {
      const own = keys.filter((key) => key.startsWith(`own ${index} `));
      expect(own).toEqual(Array.from({ length: ROUNDS * BATCH }, (_, place) => `own ${index} ${place}`));
    }
    const left = keys.filter((key) => key.startsWith('key '));
    expect(map.deleteMany(left)).toBe(left.length);
    expect(map.size).toBe(2 * ROUNDS * BATCH);
  });
});
