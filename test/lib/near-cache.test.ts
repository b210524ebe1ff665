/** Danger: the near cache shows a value that is no longer there, or shares with its reader what must be a copy. */

import { describe, expect, it } from 'vitest';
import { Codec } from '../../lib/codec.js';
import { type Key, ShardMap } from '../../lib/index.js';
import { addon, type NativeStore } from '../../lib/native.js';
import { NearCache } from '../../lib/near-cache.js';

/** Reads so often that the value certainly is in the cache, and that some reads are those that ask the store again. */
function readOften(map: ShardMap<Key, unknown>, key: Key): unknown {
  const first = map.get(key);
  for (let i = 0; i < 5000; i++) {
    const value = map.get(key);
    if (!Object.is(value, first)) throw new Error(`read ${String(value)} after ${String(first)}`);
  }
  return first;
}

const plainValues = [0, -0, 1.5, Number.NaN, 2 ** 53, '', 'text', 'Ж', '\ud800', true, false, 'long '.repeat(50)];
const keys: Key[] = [
  'key',
  '',
  '\ud800',
  '\udfff',
  1,
  '1',
  -1.5,
  0,
  Number.NaN,
  true,
  5n,
  null,
  undefined,
  ['key'],
  [1],
];

describe('a value read again and again', () => {
  it.each(plainValues)('is the one that was set: %o', (value) => {
    const map = new ShardMap<Key, unknown>();
    for (const key of keys) map.set(key, value);
    for (const key of keys) expect(readOften(map, key)).toBe(value);
    for (const key of keys) expect(map.has(key)).toBe(true);
  });

  it('is replaced as soon as it is set, deleted, cleared or set again', () => {
    const map = new ShardMap<Key, unknown>();
    for (const key of keys) {
      map.set(key, 'first');
      readOften(map, key);
      map.set(key, 'second');
      expect(readOften(map, key)).toBe('second');
      map.delete(key);
      expect([map.get(key), map.has(key)]).toEqual([undefined, false]);
      expect(map.getOrInsert(key, 'third')).toBe('third');
      expect(readOften(map, key)).toBe('third');
      map.set(key, { fourth: 4 });
      expect(map.get(key)).toEqual({ fourth: 4 });
      map.clear();
      expect([map.get(key), map.has(key), map.size]).toEqual([undefined, false, 0]);
    }
  });

  it('is replaced when another map of the same store sets it', () => {
    const map = new ShardMap<string, number>();
    const other = ShardMap.from<string, number>(map.handle);
    for (let round = 0; round < 100; round++) {
      map.set('key', round);
      expect(readOften(other as ShardMap<Key, unknown>, 'key')).toBe(round);
      other.set('key', -round);
      expect(readOften(map as ShardMap<Key, unknown>, 'key')).toBe(-round);
    }
  });

  it('is each map’s own', () => {
    const maps = Array.from({ length: 20 }, (_, index) => new ShardMap<Key, unknown>([['key', index]]));
    for (let round = 0; round < 100; round++) maps.forEach((map, index) => void expect(map.get('key')).toBe(index));
  });

  it('is never shown by a closed map', () => {
    const map = new ShardMap<Key, unknown>([['key', 1]]);
    const other = ShardMap.from<Key, unknown>(map.handle);
    readOften(map, 'key');
    readOften(other, 'key');
    map.close();
    expect(() => map.get('key')).toThrow(expect.objectContaining({ code: 'ERR_SHARDMAP_CLOSED' }));
    expect(() => map.has('key')).toThrow(expect.objectContaining({ code: 'ERR_SHARDMAP_CLOSED' }));
    expect(readOften(other, 'key')).toBe(1);
    other.close();
    expect(() => other.get('key')).toThrow(expect.objectContaining({ code: 'ERR_SHARDMAP_CLOSED' }));
  });

  it('is a fresh copy where it is an object', () => {
    const map = new ShardMap<Key, { count: number }>([['key', { count: 1 }]]);
    for (let i = 0; i < 3000; i++) {
      const value = map.get('key') as { count: number };
      expect(value.count).toBe(1);
      value.count = 2;
    }
  });

  it('is looked up by what bytes hold now', () => {
    const map = new ShardMap<Uint8Array, string>();
    const key = Uint8Array.of(1);
    map.set(Uint8Array.of(1), 'one').set(Uint8Array.of(2), 'two');
    for (let i = 0; i < 3000; i++) {
      key[0] = 1 + (i % 2);
      expect(map.get(key)).toBe(i % 2 === 0 ? 'one' : 'two');
    }
  });
});

describe('a near cache', () => {
  it('answers right when more keys are hot than it holds, and when reads never come back', () => {
    const map = new ShardMap<number, number>();
    const count = 30_000;
    for (let key = 0; key < count; key++) map.set(key, key);
    for (let round = 0; round < 5; round++) {
      for (let key = 0; key < count; key++) if (map.get(key) !== key) throw new Error(`wrong value of ${key}`);
      map.set(round, round);
    }
  });

  it('rests while reads do not come back, and wakes up again', () => {
    const { store, cache } = open();
    for (let key = 0; key < 100_000; key++) addon.set(store.slot, key, key);
    cache.get(store.slot, 1);
    expect(cache.has(1)).toBe(true);
    for (let key = 0; key < 30_000; key++) cache.get(store.slot, key);
    expect(cache.has(1)).toBe(false);
    let reads = 0;
    for (; !cache.has(1); reads++) expect(cache.get(store.slot, 1)).toBe(1);
    expect(reads).toBeLessThanOrEqual(2 ** 16 + 1);
  });

  it('rests when writes keep changing what is read', () => {
    const { store, cache } = open();
    let isRestingSeen = false;
    for (let round = 0; round < 30_000; round++) {
      addon.set(store.slot, 'key', round);
      expect(cache.get(store.slot, 'key')).toBe(round);
      isRestingSeen ||= !cache.has('key');
    }
    expect(isRestingSeen).toBe(true);
  });

  it('keeps nothing that expires, and rests where everything does', () => {
    const { store, cache } = open();
    addon.set(store.slot, 'stays', 1);
    for (let key = 0; key < 1000; key++) addon.set(store.slot, key, key);
    for (let key = 0; key < 1000; key++) addon.expire(store.slot, key, 1e9);
    cache.get(store.slot, 'stays');
    for (let key = 0; key < 1000; key++) {
      expect([cache.get(store.slot, key), cache.get(store.slot, key), cache.has(key)]).toEqual([key, key, false]);
    }
    expect(cache.has('stays')).toBe(true);
    for (let read = 0; read < 30_000; read++) cache.get(store.slot, read % 1000);
    expect(cache.has('stays')).toBe(false);
  });

  it('forgets a value that gets a deadline, and keeps it again when that is taken away', () => {
    const { store, cache } = open();
    addon.set(store.slot, 'key', 1);
    cache.get(store.slot, 'key');
    expect(cache.has('key')).toBe(true);
    addon.expire(store.slot, 'key', 1e9);
    expect([cache.has('key'), cache.get(store.slot, 'key'), cache.has('key')]).toEqual([false, 1, false]);
    addon.expire(store.slot, 'key', Number.POSITIVE_INFINITY);
    expect([cache.get(store.slot, 'key'), cache.has('key')]).toEqual([1, true]);
  });

  it('works where the engine refuses arrays over memory of the addon', () => {
    const { store } = open();
    const cache = new NearCache(
      { ...store, versions: [] },
      new Codec(store, { codec: undefined, compressor: undefined }),
    );
    for (let round = 0; round < 50_000; round++) {
      if (round % 1000 === 0) addon.set(store.slot, 'key', round);
      if (cache.get(store.slot, 'key') !== round - (round % 1000)) throw new Error(`wrong in round ${round}`);
      if (cache.has('key')) throw new Error('it cannot know');
    }
  });

  it('may look at the versions of a store that was closed, which have stayed as they were', () => {
    const { store } = open();
    const before = store.versions[0];
    expect(before).toBeGreaterThanOrEqual(1);
    addon.close(store.slot);
    for (let i = 0; i < 100; i++) addon.close(open().store.slot); // the memory would be theirs, if it was free
    expect(store.versions[0]).toBe(before);
  });
});

function open(): { store: NativeStore; cache: NearCache } {
  const store = addon.create(undefined, 0, 0, false);
  return { store, cache: new NearCache(store, new Codec(store, { codec: undefined, compressor: undefined })) };
}
