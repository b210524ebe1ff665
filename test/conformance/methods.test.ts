/**
 * Danger: a method returns, or leaves behind, something else than a Map's does.
 * ECMA-262, sections 24.1.3.1 to 24.1.3.12: get, set, has, delete, clear, size, forEach.
 */

import { describe, expect, it } from 'vitest';
import { subjects } from './subjects.js';

/** Each differs from each other as a key. */
const distinct = [
  '',
  '0',
  '1',
  'NaN',
  'null',
  'undefined',
  'true',
  0,
  1,
  -1,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  0n,
  1n,
  true,
  false,
  null,
  undefined,
];

describe.each(subjects)('a $name', ({ Class }) => {
  it('keeps keys apart by SameValueZero', () => {
    const map = new Class(distinct.map((key, index) => [key, index]));
    expect(map.size).toBe(distinct.length);
    distinct.forEach((key, index) => {
      expect(map.get(key)).toBe(index);
      expect(map.has(key)).toBe(true);
    });
    expect([...map.keys()]).toEqual(distinct);
    expect(map.get(-0)).toBe(map.get(0));
    expect(map.get(2)).toBeUndefined();
    expect(map.has('2')).toBe(false);
  });

  it('makes +0 of the key -0, and leaves -0 as a value', () => {
    const map = new Class([[-0, -0]]);
    expect([...map.keys()]).toEqual([0]);
    expect(map.get(0)).toBe(-0);
    map.set(+0, 1);
    expect([...map]).toEqual([[0, 1]]);
  });

  it("returns itself from set, also for another map's method", () => {
    const map = new Class();
    expect(map.set('a', 1)).toBe(map);
    expect(map.set('a', 1)).toBe(map);
    expect(new Class().set.call(map, 'b', 2)).toBe(map);
    expect(Reflect.apply(map.set, map, ['c'])).toBe(map);
    expect(Reflect.apply(map.set, map, [])).toBe(map);
    expect([...map]).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', undefined],
      [undefined, undefined],
    ]);
  });

  it('takes undefined for a key that is not given', () => {
    const map = new Class([[undefined, 1]]);
    expect(Reflect.apply(map.get, map, [])).toBe(1);
    expect(Reflect.apply(map.has, map, [])).toBe(true);
    expect(Reflect.apply(map.delete, map, [])).toBe(true);
    expect(map.size).toBe(0);
  });

  it('says of delete whether there was an entry', () => {
    const map = new Class([['a', undefined]]);
    expect(map.delete('b')).toBe(false);
    expect(map.delete('a')).toBe(true);
    expect(map.delete('a')).toBe(false);
    expect(map.get('a')).toBeUndefined();
    expect(map.size).toBe(0);
  });

  it('returns undefined from clear and forEach', () => {
    const map = new Class([['a', 1]]);
    expect(map.forEach(() => {})).toBeUndefined();
    expect(map.clear()).toBeUndefined();
    expect(map.clear()).toBeUndefined();
    expect([...map]).toEqual([]);
    expect(map.set('a', 1).size).toBe(1);
  });

  it('keeps the place of an entry that is overwritten, and moves one that is deleted and added again to the end', () => {
    const map = new Class([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    map.set('a', 10);
    map.delete('b');
    map.set('b', 20);
    expect([...map]).toEqual([
      ['a', 10],
      ['c', 3],
      ['b', 20],
    ]);
  });

  it('calls back forEach with value, key and map, and with the given this', () => {
    const map = new Class([
      ['a', 1],
      ['b', 2],
    ]);
    const calls: unknown[][] = [];
    const thisArg = {};
    map.forEach(function (this: unknown, ...given: unknown[]) {
      calls.push([this, ...given]);
    }, thisArg);
    expect(calls).toEqual([
      [thisArg, 1, 'a', map],
      [thisArg, 2, 'b', map],
    ]);
    expect(calls[0]?.[0]).toBe(thisArg);
    expect(calls[0]?.[3]).toBe(map);
    map.forEach(function (this: unknown) {
      expect(this).toBeUndefined();
    });
    map.forEach(function (this: unknown) {
      expect(this).toBe('this');
    }, 'this');
    const loose = new Function('return this;') as () => unknown;
    let seen: unknown;
    map.forEach(() => {
      seen = Reflect.apply(loose, undefined, []);
    });
    expect(seen).toBe(globalThis);
  });

  it('refuses a callback that is none even where there is nothing to call it for', () => {
    const map = new Class();
    for (const callback of [undefined, null, 1, '', {}, [], Symbol(), /a/]) {
      expect(() => map.forEach(callback as never)).toThrow(TypeError);
    }
  });

  it('stops forEach at the first error of the callback', () => {
    const error = new Error('thrown on purpose');
    const map = new Class([
      ['a', 1],
      ['b', 2],
    ]);
    let calls = 0;
    expect(() =>
      map.forEach(() => {
        calls++;
        throw error;
      }),
    ).toThrow(error);
    expect(calls).toBe(1);
  });

  it('lets forEach visit what is added and not what is deleted meanwhile', () => {
    const map = new Class([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    const seen: unknown[] = [];
    map.forEach((value, key) => {
      seen.push([key, value]);
      if (key === 'a') {
        map.delete('b');
        map.set('c', 30).set('b', 20).set('d', 4);
      }
      if (key === 'd') map.delete('a');
    });
    expect(seen).toEqual([
      ['a', 1],
      ['c', 30],
      ['b', 20],
      ['d', 4],
    ]);
  });

  it('may be iterated inside of its own iteration', () => {
    const map = new Class([
      ['a', 1],
      ['b', 2],
    ]);
    const seen: string[] = [];
    map.forEach((_, outer) => {
      map.forEach((__, inner) => void seen.push(`${outer}${inner}`));
    });
    expect(seen).toEqual(['aa', 'ab', 'ba', 'bb']);
  });
});
