/**
 * Danger: a value comes back as another one: another type, a lost sign of zero, a rounded bigint, a narrowed string.
 */

import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { plainValue } from './arbitraries.js';
import { runCount, seed } from './run-size.js';

const map = new ShardMap<Key, unknown>();

/** The ways to store a value and to read it again. */
function roundTrips(value: unknown): unknown[] {
  map.clear();
  map.set('set', value);
  map.getOrInsert('inserted', value);
  map.getOrInsertComputed('computed', () => value);
  map.set('over a number', 1).set('over a number', value);
  map.set('over a long string', 'x'.repeat(500)).set('over a long string', value);
  const keys = ['set', 'inserted', 'computed', 'over a number', 'over a long string'];
  return [
    ...keys.map((key) => map.get(key)),
    ...map.values(),
    map.getOrInsert('set', 'another'),
    map.getOrInsertComputed('set', () => 'another'),
  ];
}

describe(`primitives (SHARDMAP_TEST_SEED=${seed})`, () => {
  it('come back as they went in', () => {
    fc.assert(
      fc.property(plainValue, (value) => roundTrips(value).every((back) => Object.is(back, value))),
      { seed, numRuns: runCount(1000) },
    );
  });

  it.each([
    0,
    -0,
    Number.NaN,
    1,
    -1,
    2 ** 31,
    2 ** 31 - 1,
    -(2 ** 31),
    2 ** 53,
    5e-324,
    Number.MAX_VALUE,
    Number.NEGATIVE_INFINITY,
  ])('number %d', (value) => {
    for (const back of roundTrips(value)) expect(Object.is(back, value)).toBe(true);
  });

  it('bigints of any size', () => {
    for (let bits = 0; bits <= 520; bits++) {
      for (const value of [
        2n ** BigInt(bits),
        -(2n ** BigInt(bits)),
        2n ** BigInt(bits) - 1n,
        1n - 2n ** BigInt(bits),
      ]) {
        expect(map.set('big', value).get('big')).toBe(value);
      }
    }
  });

  it('strings of any length, one byte wide or two', () => {
    for (const unit of ['a', 'é', 'Ж', '\ud800', '\0']) {
      for (const length of [
        0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1000, 4095, 4096, 4097, 65_535, 65_536, 1_000_000,
      ]) {
        const value = unit.repeat(length);
        expect(map.set('text', value).get('text') === value).toBe(true);
      }
    }
  });

  it('strings of about the length that is read in one call, and longer ones, whatever is their last character', () => {
    for (const unit of ['a', 'é', 'Ж', '\ud800', '\0']) {
      for (const last of ['a', 'Ж', '\0', '\ud800', '\udc00', '😀']) {
        for (const length of [254, 255, 256, 257, 1000, 1_000_000]) {
          const value = unit.repeat(length - last.length) + last;
          for (const back of roundTrips(value)) expect(back === value).toBe(true);
        }
      }
    }
  });

  it('strings in as many bytes as they need', () => {
    const strings = new ShardMap<string, string>();
    const blobBytes = (value: string): number => strings.set('text', value).stats().bytesBlobs;
    const overhead = blobBytes('a'.repeat(100)) - 100;
    for (const length of [254, 255, 256, 257, 1000, 1_000_000]) {
      expect(blobBytes('a'.repeat(length))).toBe(overhead + length);
      expect(blobBytes('é'.repeat(length))).toBe(overhead + length);
      expect(blobBytes('Ж'.repeat(length))).toBe(overhead + 2 * length);
      expect(blobBytes(`${'a'.repeat(length - 1)}\ud800`)).toBe(overhead + 2 * length);
      expect(blobBytes(`${'a'.repeat(length - 2)}😀`)).toBe(overhead + 2 * length);
    }
  });

  it('strings however V8 holds them', () => {
    const wide = `Ж${'n'.repeat(50)}`;
    const narrow = wide.slice(1);
    expect(map.set('narrow', narrow).get('narrow')).toBe('n'.repeat(50));
    expect(map.set('joined', wide + wide).get('joined')).toBe(wide + wide);
  });
});

describe('objects', () => {
  const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
  it.each([
    ['an object', { a: 1, b: [2, { c: 3n }], d: undefined, e: null, f: -0 }],
    ['an array with holes', Object.assign([1], { 2: 3 })],
    ['an array with a hole and a property', Object.assign([1], { 2: 3, name: 2 })],
    ['an array with a hole and a property like a number', Object.assign([1], { 2: 3, '2.0': 2 })],
    ['a date', new Date(1e12)],
    ['a regular expression', /a+b/giu],
    ['a map', new Map<unknown, unknown>([[{ a: 1 }, new Set([1, 'b'])]])],
    ['an error', new RangeError('message')],
    ['a boxed string', Object('text')],
    ['bytes', new Uint8Array(buffer, 2, 3)],
    ['floats', new Float64Array([1.5, -0, Number.NaN])],
    ['a data view', new DataView(buffer, 1, 4)],
    ['a buffer', Buffer.from('text')],
    ['an array buffer', buffer],
    ['an empty object', {}],
    ['a large array', Array.from({ length: 10_000 }, (_, index) => ({ index }))],
  ])('%s is copied in and out', (_, value) => {
    for (const back of [map.set('o', value).get('o'), map.get('o'), [...map.values()].at(-1)]) {
      expect(back).not.toBe(value);
      expect(Object.getPrototypeOf(back)).toBe(Object.getPrototypeOf(value));
      expect(isDeepStrictEqual(back, value)).toBe(true);
    }
  });

  it('with cycles keep them', () => {
    const value: { self?: unknown; list: unknown[] } = { list: [] };
    value.self = value;
    value.list.push(value);
    const back = map.set('cyclic', value).get('cyclic') as typeof value;
    expect(back.self).toBe(back);
    expect(back.list[0]).toBe(back);
  });

  it('are not changed in the map by changing a copy', () => {
    const value = { a: 1 };
    map.set('o', value);
    value.a = 2;
    (map.get('o') as typeof value).a = 3;
    expect(map.get('o')).toEqual({ a: 1 });
  });

  it('given to getOrInsert and its like are returned as they are when inserted', () => {
    const value = { a: 1 };
    map.clear();
    expect(map.getOrInsert('o', value)).toBe(value);
    expect(map.getOrInsertComputed('p', () => value)).toBe(value);
    expect(map.getOrInsert('o', value)).not.toBe(value);
  });

  it('may use the map while they are copied', () => {
    const value = {
      get trap() {
        map.set('from the getter', 1);
        return map.getOrInsert('o', 'from the getter');
      },
    };
    map.clear();
    map.set('o', value);
    expect([...map]).toEqual([
      ['from the getter', 1],
      ['o', { trap: 'from the getter' }],
    ]);
  });
});
