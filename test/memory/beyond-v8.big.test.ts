/** Danger: a map stops at the 2^24 entries where V8's own does. Needs some gigabytes: run with SHARDMAP_BIG=1. */

import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
import { sizeOf } from '../lib/run-size.js';

const COUNT = sizeOf('SHARDMAP_TEST_ENTRIES', 2 ** 24 + 2 ** 20);

describe('a map', () => {
  it(`of ${COUNT} entries finds, shows and deletes each of them`, () => {
    const map = new ShardMap<number | string, number>();
    for (let key = 0; key < COUNT; key++) map.set(key, -key);
    expect(map.size).toBe(COUNT);
    let wrong = 0;
    for (let key = 0; key < COUNT; key++) if (map.get(key) !== -key) wrong++;
    let expected = 0;
    for (const key of map.keys()) if (key !== expected++) wrong++;
    expect(expected).toBe(COUNT);
    expect(map.has(COUNT)).toBe(false);
    for (let key = 0; key < COUNT; key += 2) if (!map.delete(key)) wrong++;
    expect(map.size).toBe(Math.floor(COUNT / 2));
    expect(wrong).toBe(0);
    map.close();
  }, 600_000);
});
