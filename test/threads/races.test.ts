/**
 * Danger: two threads both insert, or both delete, the same entry; a reader sees half of one value and half of another.
 */

import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { sizeOf } from '../lib/run-size.js';
import { Thread } from './threads.js';

const KEYS = sizeOf('SHARDMAP_TEST_RACE_KEYS', 20_000);

async function race(name: string, rivals: number, map: ShardMap<Key, unknown>, keys = KEYS): Promise<number[]> {
  const gate = new SharedArrayBuffer(4);
  const given = (index: number): unknown => ({ handle: map.handle, gate, rivals, race: name, keys, index });
  const threads = await Thread.startAll(rivals, 'rival', given);
  const results = await Promise.all(threads.map((thread) => thread.answer()));
  for (const thread of threads) await thread.end();
  return results as number[];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

describe.each([2, 3, 4])('of %i threads', (rivals) => {
  it.each(['insert', 'compute', 'computeObjects'])('one only inserts each key: %s', async (name) => {
    const map = new ShardMap<Key, unknown>();
    const won = await race(name, rivals, map);
    expect(sum(won)).toBe(KEYS);
    expect(map.size).toBe(KEYS);
  });

  it('all read objects whose structures another thread met first, or at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      const map = new ShardMap<Key, { key: number }>();
      expect(sum(await race('structures', rivals, map, 2000))).toBe(0);
      for (const [key, value] of map) expect(value.key).toBe(Number(String(key).split(' ')[1]));
      expect(map.size).toBe(2000 * rivals);
    }
  });

  it('one only deletes each key', async () => {
    const map = new ShardMap<Key, unknown>();
    for (let key = 0; key < KEYS; key++) map.set(`key ${key}`, key);
    expect(sum(await race('delete', rivals, map))).toBe(KEYS);
    expect([map.size, [...map].length]).toEqual([0, 0]);
  });

  it('all see whole values of each other, and the sum of what they did is there at the end', async () => {
    const map = new ShardMap<Key, unknown>();
    expect(sum(await race('fill', rivals, map))).toBe(0);
    expect(map.size).toBe((rivals * KEYS) / 2);
    const seen = new Set<string>();
    for (const [key, value] of map as unknown as Map<string, string>) {
      expect(value).toBe(`value ${key}`);
      seen.add(key);
    }
    expect(seen.size).toBe(map.size);
  });

  it('none sees a mix of two values of one key', async () => {
    const map = new ShardMap<Key, unknown>(null, { shards: 1 });
    expect(sum(await race('overwrite', rivals, map, KEYS * 2))).toBe(0);
    expect(map.size).toBeLessThanOrEqual(7);
  });
});
