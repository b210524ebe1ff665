/**
 * Danger: keys that somebody chose, or that merely look alike, pile up in one place, and each operation looks through
 * all of them. A ratio within one run, of medians, with a quarter of a million operations in each: without piling up it
 * is near 1.
 */

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';

const COUNT = 2 ** 17;
const ROUNDS = 5;

/** Keys as they come from outside, not those that V8 has hashed already. */
const sets: Record<string, (index: number) => Key> = {
  'integers as strings': (index) => String(index),
  'integers as strings, far apart': (index) => String(index * 65_536),
  integers: (index) => index,
  'integers, far apart': (index) => index * 2 ** 32,
  'negative powers': (index) => -index / 1024,
  'bigints, far apart': (index) => BigInt(index) << 64n,
  'strings of NUL and one counter': (index) => `\0\0\0\0${String.fromCharCode(index & 255, index >> 8)}\0\0`,
};
const prefix = 'a long common prefix, longer than any block that a hash takes at once; '.repeat(3);
const bytes: Record<string, (index: number) => Key> = {
  'bytes that differ in one place': (index) => Uint8Array.of(0, 0, 0, index >> 16, index >> 8, index, 0, 0),
};
const long: Record<string, (index: number) => Key> = {
  'a long common prefix': (index) => prefix + String(index).padStart(6, '0'),
  'a long common end': (index) => String(index).padStart(6, '0') + prefix,
};

let state = 12_345;
function random(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state;
}
const randomShort = (): Key => random().toString(36);
const randomBytesKey = (): Key => new Uint8Array(randomBytes(8));
const randomLong = (): Key => randomBytes(prefix.length / 2 + 3).toString('hex');

function measure(keys: readonly Key[]): number {
  const map = new ShardMap<Key, number>();
  const start = process.hrtime.bigint();
  for (let index = 0; index < keys.length; index++) map.set(keys[index] as Key, index);
  for (let index = 0; index < keys.length; index++) map.get(keys[index] as Key);
  const elapsed = Number(process.hrtime.bigint() - start);
  map.close();
  return elapsed;
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1] as number;
}

/**
 * How many times longer the same work takes with the keys than with the random ones; both in turn, so that noise hits
 * both.
 */
function ratio(create: (index: number) => Key, createRandom: () => Key): number {
  const keys = Array.from({ length: COUNT }, (_, index) => create(index));
  const randomKeys = Array.from({ length: COUNT }, createRandom);
  const [elapsed, randomElapsed]: [number[], number[]] = [[], []];
  measure(keys);
  for (let round = 0; round < ROUNDS; round++) {
    randomElapsed.push(measure(randomKeys));
    elapsed.push(measure(keys));
  }
  return median(elapsed) / median(randomElapsed);
}

describe(`${COUNT} keys take no longer than twice as long as random ones`, () => {
  it.each(Object.entries(sets))('%s', (_, create) => {
    expect(ratio(create, randomShort)).toBeLessThan(2);
  });
  it.each(Object.entries(bytes))('%s', (_, create) => {
    expect(ratio(create, randomBytesKey)).toBeLessThan(2);
  });
  it.each(Object.entries(long))('%s', (_, create) => {
    expect(ratio(create, randomLong)).toBeLessThan(2);
  });
});
