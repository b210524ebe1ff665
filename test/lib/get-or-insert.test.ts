/**
 * Danger: of two that insert the same key the later wins, or a callback's own changes are taken for another thread's.
 */

import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';

describe('getOrInsert', () => {
  it('inserts once and keeps the first value and place', () => {
    const map = new ShardMap<string, unknown>();
    expect(map.getOrInsert('a', 1)).toBe(1);
    map.set('b', 2);
    expect(map.getOrInsert('a', 3)).toBe(1);
    expect(map.getOrInsert('a', { b: 1 })).toBe(1);
    expect([...map.keys()]).toEqual(['a', 'b']);
  });

  it('takes a stored undefined for a value', () => {
    const map = new ShardMap<string, unknown>([['a', undefined]]);
    expect(map.getOrInsert('a', 1)).toBeUndefined();
    expect(map.getOrInsertComputed('a', () => expect.unreachable())).toBeUndefined();
    expect(map.getOrInsert('b', undefined)).toBeUndefined();
    expect(map.has('b')).toBe(true);
  });
});

describe('getOrInsertComputed', () => {
  it('overwrites what its own callback set, at the place that this has', () => {
    const map = new ShardMap<string, unknown>();
    const value = map.getOrInsertComputed('a', () => {
      map.set('a', 'mine').set('b', 1);
      return 'computed';
    });
    expect(value).toBe('computed');
    expect([...map]).toEqual([
      ['a', 'computed'],
      ['b', 1],
    ]);
  });

  it('overwrites what its own callback inserted in any other way', () => {
    for (const insert of [
      (map: ShardMap<Key, unknown>, key: Key) => map.getOrInsert(key, 'mine'),
      (map: ShardMap<Key, unknown>, key: Key) => map.getOrInsert(key, { mine: true }),
      (map: ShardMap<Key, unknown>, key: Key) => map.getOrInsertComputed(key, () => 'mine'),
      (map: ShardMap<Key, unknown>, key: Key) =>
        map.getOrInsertComputed(key, () => map.getOrInsertComputed(key, () => 'mine')),
    ]) {
      for (const [key, same] of [
        ['a', 'a'],
        [-0, 0],
        [Number.NaN, Number.NaN],
        [Uint8Array.of(1), Uint8Array.of(1)],
        [
          ['a', -0, Number.NaN],
          ['a', 0, Number.NaN],
        ],
        [2n ** 70n, 2n ** 70n],
      ] as [Key, Key][]) {
        const map = new ShardMap<Key, unknown>();
        const value = map.getOrInsertComputed(key, () => {
          insert(map, same);
          return 'computed';
        });
        expect(value).toBe('computed');
        expect(map.get(key)).toBe('computed');
        expect(map.size).toBe(1);
      }
    }
  });

  it('keeps what came from elsewhere meanwhile, and returns that', () => {
    const map = new ShardMap<string, unknown>();
    const elsewhere = ShardMap.from<string, unknown>(map.handle);
    for (const theirs of ['theirs', { theirs: true }]) {
      const value = map.getOrInsertComputed('a', () => {
        elsewhere.set('a', theirs);
        return 'computed';
      });
      expect(value).toEqual(theirs);
      expect(map.get('a')).toEqual(theirs);
      map.clear();
    }
  });

  it('keeps what came from elsewhere after its own callback took its own back', () => {
    for (const undo of [
      (map: ShardMap<string, unknown>) => map.delete('a'),
      (map: ShardMap<string, unknown>) => map.clear(),
    ]) {
      const map = new ShardMap<string, unknown>();
      const elsewhere = ShardMap.from<string, unknown>(map.handle);
      const value = map.getOrInsertComputed('a', () => {
        map.set('a', 'mine');
        undo(map);
        elsewhere.set('a', 'theirs');
        return 'computed';
      });
      expect(value).toBe('theirs');
    }
  });

  it('inserts nothing where the callback throws, but keeps what that did', () => {
    const map = new ShardMap<string, unknown>();
    const error = new Error('from the callback');
    expect(() =>
      map.getOrInsertComputed('a', () => {
        map.set('b', 1);
        throw error;
      }),
    ).toThrow(error);
    expect([...map]).toEqual([['b', 1]]);
    map.getOrInsertComputed('c', () => 2);
    expect(map.size).toBe(2);
  });

  it('sees its own changes while the value is being copied', () => {
    const map = new ShardMap<string, unknown>();
    map.getOrInsertComputed('a', () => ({
      get trap() {
        map.set('a', 'mine');
        return 1;
      },
    }));
    expect(map.get('a')).toEqual({ trap: 1 });
  });
});
