/** Danger: a map in a log shows nothing, everything, or throws. */

import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';

describe('inspection', () => {
  it('shows a map as a Map is shown', () => {
    const map = new ShardMap<string, unknown>([
      ['a', 1],
      ['b', { c: [2] }],
    ]);
    expect(inspect(map)).toBe("ShardMap(2) { 'a' => 1, 'b' => { c: [ 2 ] } }");
    expect(inspect(new ShardMap<Key>([[['a', 1n], true]]))).toBe("ShardMap(1) { [ 'a', 1n ] => true }");
    expect(inspect(new ShardMap())).toBe('ShardMap(0) {}');
    expect(inspect({ map }, { depth: 0 })).toBe('{ map: [ShardMap] }');
  });

  it('shows the first hundred entries, and how many more there are', () => {
    const map = new ShardMap<number, number>(Array.from({ length: 1000 }, (_, index) => [index, index]));
    const text = inspect(map);
    expect(text).toContain('99 => 99');
    expect(text).not.toContain('100 => 100');
    expect(text).toContain('900 more');
    expect(inspect(map, { maxArrayLength: 1 })).toContain('999 more');
  });

  it('says of a closed map that it is one, and throws on nothing', () => {
    const map = new ShardMap();
    map.close();
    expect(inspect(map)).toBe('ShardMap { <closed> }');
    expect(typeof inspect(ShardMap.prototype)).toBe('string');
    expect(typeof inspect(Object.create(ShardMap.prototype))).toBe('string');
  });
});
