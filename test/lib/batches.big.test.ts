/** Danger: a batch that is larger than V8's stack, or than anybody tries. Needs some gigabytes: run with SHARDMAP_BIG=1. */

import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
import { sizeOf } from './run-size.js';

const COUNT = sizeOf('SHARDMAP_TEST_ENTRIES', 10_000_000);

function* keys(): Generator<number> {
  for (let key = 0; key < COUNT; key++) yield key;
}

function* entries(): Generator<[number, number]> {
  for (let key = 0; key < COUNT; key++) yield [key, -key];
}

describe('a map', () => {
  it(`sets, finds, shows and deletes ${COUNT} entries in one batch each`, () => {
    const map = new ShardMap<number, number>();
    map.setMany(entries());
    expect(map.size).toBe(COUNT);
    let wrong = 0;
    for (const [key, value] of map.getMany(keys()).entries()) if (value !== -key) wrong++;
    for (const found of map.hasMany(keys())) if (!found) wrong++;
    let expected = 0;
    for (const key of map.keys()) if (key !== expected++) wrong++;
    expect(wrong).toBe(0);
    expect(map.deleteMany(Array.from(keys()))).toBe(COUNT);
    expect(map.size).toBe(0);
    map.close();
  }, 600_000);
});
