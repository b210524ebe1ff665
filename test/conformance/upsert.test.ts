/**
 * Danger: getOrInsert and getOrInsertComputed are not what engines are about to ship.
 * The upsert proposal (ECMA-262, sections of Map.prototype.getOrInsert and getOrInsertComputed).
 */

import { describe, expect, it } from 'vitest';
import { subjectsWith } from './subjects.js';

const keys = ['', 'a', 0, Number.NaN, 1n, true, null, undefined];

describe.each(subjectsWith('getOrInsert'))('a $name', ({ Class }) => {
  const create = (entries: [unknown, unknown][] = []) => new Class(entries);

  it('returns the value that is there, whatever it is', () => {
    for (const key of keys) {
      for (const value of [0, undefined, null, false, '', 'value']) {
        const map = create([[key, value]]);
        expect(map.getOrInsert(key, 'other')).toBe(value);
        expect(map.getOrInsertComputed(key, () => expect.unreachable())).toBe(value);
        expect([...map]).toEqual([[key, value]]);
      }
    }
  });

  it('inserts at the end where there is none, and returns the value', () => {
    for (const key of keys) {
      const map = create([['first', 1]]);
      expect(map.getOrInsert(key, 2)).toBe(2);
      expect([...map]).toEqual([
        ['first', 1],
        [key, 2],
      ]);
      const other = create([['first', 1]]);
      expect(other.getOrInsertComputed(key, () => 2)).toBe(2);
      expect([...other]).toEqual([...map]);
    }
  });

  it('inserts undefined for a value that is not given', () => {
    const map = create();
    expect(Reflect.apply(map.getOrInsert, map, ['a'])).toBeUndefined();
    expect(map.has('a')).toBe(true);
  });

  it('makes +0 of the key -0, for the callback too', () => {
    const map = create();
    map.getOrInsertComputed(-0, (key) => {
      expect(key).toBe(0);
      return 1;
    });
    expect([...map.keys()]).toEqual([0]);
    expect(map.getOrInsert(-0, 2)).toBe(1);
    map.delete(0);
    map.getOrInsert(-0, -0);
    expect([...map]).toEqual([[0, -0]]);
  });

  it('calls the callback once, with the key alone and no this', () => {
    const calls: unknown[] = [];
    create().getOrInsertComputed('a', function (this: unknown, ...given: unknown[]) {
      calls.push([this, given]);
    } as never);
    expect(calls).toEqual([[undefined, ['a']]]);
  });

  it('refuses a callback that is none, even where the key is there', () => {
    const map = create([['a', 1]]);
    for (const callback of [undefined, null, 1, '', {}, [], Symbol()]) {
      expect(() => map.getOrInsertComputed('a', callback as never)).toThrow(TypeError);
      expect(() => map.getOrInsertComputed('b', callback as never)).toThrow(TypeError);
    }
    expect(map.size).toBe(1);
  });

  it('overwrites what the callback itself inserted', () => {
    for (const value of [3, undefined, 'text']) {
      const map = create();
      map.getOrInsertComputed('a', () => {
        map.set('a', 'from the callback');
        map.set('b', 1);
        return value;
      });
      expect([...map]).toEqual([
        ['a', value],
        ['b', 1],
      ]);
    }
  });

  it('inserts after what the callback did, also where that cleared the map', () => {
    const map = create([['x', 1]]);
    map.getOrInsertComputed('a', () => {
      map.set('a', 1);
      map.clear();
      map.set('b', 2);
      return 3;
    });
    expect([...map]).toEqual([
      ['b', 2],
      ['a', 3],
    ]);
  });

  it('inserts nothing where the callback throws, and keeps what that did before', () => {
    const error = new Error('thrown on purpose');
    const map = create();
    expect(() =>
      map.getOrInsertComputed('a', () => {
        map.set('b', 1);
        throw error;
      }),
    ).toThrow(error);
    expect([...map]).toEqual([['b', 1]]);
  });

  it('refuses receivers that are no such map', () => {
    for (const receiver of [undefined, null, 1, '', Symbol(), {}, [], new Set(), new WeakMap(), Class.prototype]) {
      expect(() => Reflect.apply(Class.prototype.getOrInsert, receiver, ['a', 1])).toThrow(TypeError);
      expect(() => Reflect.apply(Class.prototype.getOrInsertComputed, receiver, ['a', () => 1])).toThrow(TypeError);
    }
  });
});
