// @ts-nocheck Runs as it is, on dist/, which may not be built when types are checked.
// Loads and uses the package as its users do, in whatever thread or context the pool gives.
import { expect, it } from 'vitest';
import { ShardMap, ShardMapError } from '../../../dist/index.js';

it('works', () => {
  const map = new ShardMap([['a', 1]]);
  map.set('b', { c: [2n] });
  expect([...map]).toEqual([
    ['a', 1],
    ['b', { c: [2n] }],
  ]);
  expect(ShardMap.from(map.handle).getOrInsertComputed('d', () => 4)).toBe(4);
  expect(map.size).toBe(3);
  map.close();
  let error;
  try {
    map.get('a');
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ShardMapError);
  expect(() => new ShardMap().set(Symbol('a'), 1)).toThrow(TypeError);
});
