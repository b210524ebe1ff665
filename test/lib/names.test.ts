/** Danger: two names meet in one store, or one name makes two. */

import { afterEach, describe, expect, it } from 'vitest';
import { ShardMap, type ShardMapOptions } from '../../lib/index.js';
import { caught, expectError } from './expect-error.js';

const maps: ShardMap<string, unknown>[] = [];
const open = (options: ShardMapOptions): ShardMap<string, unknown> => {
  const map = new ShardMap<string, unknown>(null, options);
  maps.push(map);
  return map;
};
afterEach(() => {
  for (const map of maps.splice(0)) map.close();
});

describe('a name', () => {
  it('finds the store that has it', () => {
    const first = open({ name: 'names-a' }).set('a', 1);
    const second = open({ name: 'names-a' });
    expect(second.get('a')).toBe(1);
    expect(second.handle).toEqual(first.handle);
    expect(second.name).toBe('names-a');
    expect(ShardMap.from(first.handle).name).toBe('names-a');
  });

  it.each([
    ['a', 'A'],
    ['a', 'a '],
    ['a', 'a\0'],
    ['a\0b', 'a\0c'],
    ['\ud800', '\ud801'],
    ['\ud800', '\ufffd'],
    ['\u00e9', 'e\u0301'],
    ['Ж', '\x16\x04'],
  ])('%j is another one than %j', (one, other) => {
    const first = open({ name: one }).set('a', 1);
    const second = open({ name: other });
    expect(second.size).toBe(0);
    expect(second.handle).not.toEqual(first.handle);
    expect([first.name, second.name]).toEqual([one, other]);
  });

  it('is free again once the last map of its store is closed', () => {
    const first = open({ name: 'names-b' }).set('a', 1);
    const second = open({ name: 'names-b' });
    first.close();
    expect(open({ name: 'names-b' }).get('a')).toBe(1);
    second.close();
    for (const map of maps.splice(0)) map.close();
    expect(open({ name: 'names-b' }).size).toBe(0);
  });

  it('with the same shards, or with none given, is no conflict', () => {
    const first = open({ name: 'names-c', shards: 8 });
    expect(open({ name: 'names-c', shards: 8 }).stats().shards).toBe(8);
    expect(open({ name: 'names-c' }).handle).toEqual(first.handle);
  });

  it('with other shards is a conflict, and the store stays as it is', () => {
    const first = open({ name: 'names-d', shards: 8 }).set('a', 1);
    expectError(() => open({ name: 'names-d', shards: 16 }), 'ShardMapError', 'ERR_SHARDMAP_OPTIONS_CONFLICT');
    expect(first.stats().shards).toBe(8);
    first.close();
    expect(open({ name: 'names-d', shards: 16 }).size).toBe(0);
  });

  it('is not kept by a constructor whose entries fail', () => {
    const error = new Error('from the entries');
    const entries = (function* (): Generator<[string, number]> {
      yield ['a', 1];
      throw error;
    })();
    expect(caught(() => new ShardMap(entries, { name: 'names-e' }))).toBe(error);
    expect(open({ name: 'names-e' }).size).toBe(0);
  });
});
