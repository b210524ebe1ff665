/** Danger: an iterator loses or repeats entries where a page of entries ends, or shows what is no longer there. */

import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';

function counted(count: number): ShardMap<Key, number> {
  const map = new ShardMap<Key, number>();
  for (let index = 0; index < count; index++) map.set(index, index);
  return map;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

describe('iteration', () => {
  it.each([0, 1, 15, 16, 17, 79, 80, 81, 335, 336, 337, 1359, 1360, 1361, 2383, 2384, 5000])(
    'over %i entries shows each once, in order',
    (count) => {
      const map = counted(count);
      expect([...map.keys()]).toEqual(numbers(count));
      expect([...map.values()]).toEqual(numbers(count));
      expect([...map].map(([key]) => key)).toEqual(numbers(count));
      const seen: Key[] = [];
      map.forEach((_, key) => void seen.push(key));
      expect(seen).toEqual(numbers(count));
    },
  );

  it('is in order of insertion whatever the shards', () => {
    for (const shards of [1, 2, 64, 1024]) {
      const map = new ShardMap<Key, number>(null, { shards });
      const keys = Array.from({ length: 3000 }, (_, index) => `key ${(index * 7919) % 3000}`);
      for (const key of keys) map.set(key, 1);
      expect([...map.keys()]).toEqual(keys);
    }
  });

  it('visits what is added at each step, as long as it is', () => {
    const map = counted(1);
    let visits = 0;
    for (const key of map.keys()) {
      visits++;
      if ((key as number) < 4999) map.set((key as number) + 1, 0);
    }
    expect(visits).toBe(5000);
  });

  it('visits what is added after the last entry was shown, but before the end was', () => {
    const map = counted(1);
    const keys = map.keys();
    expect(keys.next().value).toBe(0);
    map.set('late', 1);
    expect(keys.next().value).toBe('late');
    expect(keys.next().done).toBe(true);
    map.set('too late', 1);
    expect(keys.next()).toEqual({ value: undefined, done: true });
  });

  it('skips what is deleted, shows new values, and visits at the end what is deleted and added again', () => {
    const map = counted(10);
    const entries = map.entries();
    entries.next();
    for (const key of [0, 2, 3, 9]) map.delete(key);
    map.set(4, 40).set(3, 30).set(0, 50);
    expect([...entries]).toEqual([
      [1, 1],
      [4, 40],
      [5, 5],
      [6, 6],
      [7, 7],
      [8, 8],
      [3, 30],
      [0, 50],
    ]);
  });

  it('goes on after clear with what is added then', () => {
    const map = counted(100);
    const keys = map.keys();
    keys.next();
    map.clear();
    map.set('new', 1);
    expect([...keys]).toEqual(['new']);
  });

  it('deletes everything behind, at and before itself', () => {
    const map = counted(1000);
    const seen: Key[] = [];
    for (const key of map.keys()) {
      seen.push(key);
      map.delete(key);
      map.delete((key as number) + 1);
    }
    expect(seen).toEqual(numbers(1000).filter((key) => key % 2 === 0));
    expect(map.size).toBe(0);
  });

  it("of many iterators at once keeps each one's place", () => {
    const map = counted(500);
    const iterators = numbers(20).map(() => map.keys());
    const seen: Key[][] = iterators.map(() => []);
    for (let step = 0; step < 500; step++) {
      iterators.forEach((keys, which) => {
        if (step % (which + 1) === 0) seen[which]?.push(keys.next().value as Key);
      });
      map.set(step, -1);
    }
    for (const keys of seen) expect(keys).toEqual(numbers(keys.length));
  });

  it('can be left in the middle without a trace', () => {
    const map = counted(100);
    for (const [key] of map) if (key === 50) break;
    expect([...map.keys()]).toEqual(numbers(100));
  });

  it('shows fresh entries: changing one changes nothing', () => {
    const map = new ShardMap<string, { n: number }>([['a', { n: 1 }]]);
    for (const entry of map) {
      entry[0] = 'b';
      entry[1].n = 2;
    }
    expect([...map]).toEqual([['a', { n: 1 }]]);
  });
});
