/**
 * Danger: two keys that differ meet in one entry, or one key makes two: lost surrogates, cut strings, merged types,
 * rounded bigints.
 */

import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { KeyInterner, oddKeys } from './arbitraries.js';

function interned(keys: readonly Key[]): unknown[] {
  const interner = new KeyInterner();
  return keys.map((key) => interner.of(key));
}

describe('keys', () => {
  it('are one entry each, as in a Map, all in one map', () => {
    const map = new ShardMap<Key, number>();
    const model = new Map<unknown, number>();
    const modelKeys = interned(oddKeys);
    oddKeys.forEach((key, index) => {
      map.set(key, index);
      model.set(modelKeys[index], index);
    });
    expect(map.size).toBe(model.size);
    for (const [index, key] of oddKeys.entries()) expect(map.get(key)).toBe(model.get(modelKeys[index]));
  });

  it.each(oddKeys.map((key, index) => [index, key] as const))(
    'number %i comes back as it went in, -0 as 0',
    (_, key) => {
      const map = new ShardMap<Key, boolean>([[key, true]]);
      const [back] = [...map.keys()];
      if (key instanceof Uint8Array) expect(back).toEqual(new Uint8Array(key));
      else if (Array.isArray(key)) expect(back).toEqual(key.map((part) => (part === 0 ? 0 : part)));
      else expect(Object.is(back, key === 0 ? 0 : key)).toBe(true);
      expect(map.has(back as Key)).toBe(true);
    },
  );

  it('of 1 to 600 characters, one byte wide or two, are all different', () => {
    const map = new ShardMap<Key, string>();
    const keys: string[] = [];
    for (let length = 1; length <= 600; length++) {
      keys.push(
        'x'.repeat(length),
        'é'.repeat(length),
        'Ж'.repeat(length),
        `${'x'.repeat(length)}Ж`,
        `${'x'.repeat(length)}\0`,
      );
    }
    for (const key of keys) map.set(key, key);
    expect(map.size).toBe(keys.length);
    for (const key of keys) expect(map.get(key)).toBe(key);
    expect([...map.keys()]).toEqual(keys);
  });

  it('are found however V8 holds the string: flat, sliced, concatenated, two-byte but narrow', () => {
    const flat = 'abcdefghijklmnopqrstuvwxyz0123456789';
    const map = new ShardMap<string, number>([[flat, 1]]);
    const sliced = `--${flat}--`.slice(2, -2);
    const concatenated = flat.slice(0, 17) + flat.slice(17);
    const narrowInTwoBytes = `Ж${flat}`.slice(1);
    for (const key of [sliced, concatenated, narrowInTwoBytes]) expect(map.get(key)).toBe(1);
    map.set(narrowInTwoBytes, 2);
    expect(map.size).toBe(1);
    expect([...map]).toEqual([[flat, 2]]);
  });
});

describe('bytes as keys', () => {
  const parent = Uint8Array.of(9, 1, 2, 3, 9, 1, 2, 3);

  it('are the same key by content, whatever view or buffer they are in', () => {
    const map = new ShardMap<Key, string>([[parent.subarray(1, 4), 'found']]);
    const shared = new Uint8Array(new SharedArrayBuffer(16), 5, 3);
    shared.set([1, 2, 3]);
    for (const key of [Uint8Array.of(1, 2, 3), parent.subarray(5, 8), Buffer.from([1, 2, 3]), shared])
      expect(map.get(key)).toBe('found');
    for (const key of [Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3, 0), parent, '1,2,3', '\x01\x02\x03'])
      expect(map.has(key)).toBe(false);
  });

  it('are copied in and out', () => {
    const key = Uint8Array.of(1, 2, 3);
    const map = new ShardMap<Key, number>([[key, 1]]);
    key[0] = 7;
    expect(map.has(key)).toBe(false);
    const [out] = [...map.keys()] as [Uint8Array];
    expect(out).toEqual(Uint8Array.of(1, 2, 3));
    expect(out.buffer.byteLength).toBe(3);
    out[0] = 9;
    expect([...map.keys()]).toEqual([Uint8Array.of(1, 2, 3)]);
  });

  it('may change in the callback of a computation: the entry gets the key of the call', () => {
    const map = new ShardMap<Key, number>();
    const key = Uint8Array.of(1);
    map.getOrInsertComputed(key, (given) => {
      key[0] = 2;
      (given as Uint8Array)[0] = 3;
      return 1;
    });
    expect([...map.keys()]).toEqual([Uint8Array.of(1)]);
  });

  it('of a detached or resized buffer are what is left of them', () => {
    const key = Uint8Array.of(1, 2);
    structuredClone(key.buffer, { transfer: [key.buffer] });
    expect(new ShardMap<Key, number>([[key, 1]]).has(new Uint8Array(0))).toBe(true);
  });
});
