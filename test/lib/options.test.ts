/** Danger: a bad option is taken for another one without a word, and the map is not what its user thinks. */

import { afterEach, describe, expect, it } from 'vitest';
import { ShardMap, type ShardMapOptions } from '../../lib/index.js';
import { addon } from '../../lib/native.js';
import { caught, expectError } from './expect-error.js';

const maps: ShardMap[] = [];
const open = (options: unknown): ShardMap => {
  const map = new ShardMap(null, options as ShardMapOptions);
  maps.push(map);
  return map;
};
afterEach(() => {
  for (const map of maps.splice(0)) map.close();
});

describe('shards', () => {
  it.each([0, 3, -1, 1e9, Number.NaN, 1.5, -0, Number.POSITIVE_INFINITY, 6, 2 ** 31, -(2 ** 31), 2 ** 32])(
    '%s is out of range',
    (shards) => {
      expectError(() => open({ shards }), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
    },
  );
  it.each(['8', null, 8n, true, {}, [8], Symbol('8'), new Number(8)])('%s is of the wrong type', (shards) => {
    expectError(() => open({ shards }), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
  });
  it('twice the maximum is out of range, the maximum is not', () => {
    const { shardsMax } = addon.limits;
    expectError(() => open({ shards: shardsMax * 2 }), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
    expect(open({ shards: shardsMax }).stats().shards).toBe(shardsMax);
  });
  it.each([1, 2, 64, 1024])('%s is what the store is split into', (shards) => {
    expect(open({ shards }).stats().shards).toBe(shards);
  });
  it('are a power of two by default', () => {
    for (const options of [undefined, {}, { shards: undefined }]) {
      const { shards } = open(options).stats();
      expect(Number.isInteger(Math.log2(shards))).toBe(true);
    }
  });
});

describe('name', () => {
  it.each([1, null, {}, Symbol('name'), new String('name')])('%s is of the wrong type', (name) => {
    expectError(() => open({ name }), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
  });
  it('of no characters, or of too many, is out of range', () => {
    expectError(() => open({ name: '' }), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
    expectError(() => open({ name: 'n'.repeat(257) }), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
    expect(open({ name: 'n'.repeat(256) }).name).toBe('n'.repeat(256));
  });
  it('is undefined where none was given', () => {
    expect(open(undefined).name).toBeUndefined();
  });
});

describe('options', () => {
  it.each([1, 'shards', null, true, () => 1, Symbol('options')])('%s is of the wrong type', (options) => {
    expectError(() => open(options), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
  });
  it('that are unknown are refused and named, so that a misspelt one is noticed', () => {
    const error = expectError(() => open({ shard: 8 }), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    expect(error.message).toContain('shard');
  });
  it('let the error of a throwing getter through', () => {
    const error = new Error('from the getter');
    const options = {
      get shards() {
        throw error;
      },
    };
    expect(caught(() => open(options))).toBe(error);
  });
  it('are refused before the entries are looked at', () => {
    const entries = {
      get [Symbol.iterator](): never {
        return expect.unreachable();
      },
    };
    expectError(() => new ShardMap(entries, { shards: 3 }), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
  });
});
