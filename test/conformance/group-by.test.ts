/**
 * Danger: groupBy groups otherwise than Map.groupBy does.
 * ECMA-262, section 24.1.2.1 and the abstract operation GroupBy.
 */

import { describe, expect, it } from 'vitest';
import { createLog, subjectsWith } from './subjects.js';

const error = new Error('thrown on purpose');
const raise = (): never => {
  throw error;
};

describe.each(subjectsWith('groupBy'))('groupBy of $name', ({ Class }) => {
  it('is a method of length 2 with the attributes of built-in ones', () => {
    const { value, ...attributes } = Object.getOwnPropertyDescriptor(Class, 'groupBy') as PropertyDescriptor;
    expect(attributes).toEqual({ writable: true, enumerable: false, configurable: true });
    expect([value.name, value.length, 'prototype' in value]).toEqual(['groupBy', 2, false]);
    expect(() => Reflect.construct(value, [[], () => 1])).toThrow(TypeError);
  });

  it('makes a map of arrays, groups and items in order of appearance', () => {
    const map = Class.groupBy([1, 2, 3, 4, 5], (n) => ((n as number) % 2 === 0 ? 'even' : 'odd'));
    expect(Object.getPrototypeOf(map)).toBe(Class.prototype);
    expect([...map]).toEqual([
      ['odd', [1, 3, 5]],
      ['even', [2, 4]],
    ]);
    expect(Array.isArray(map.get('odd'))).toBe(true);
    expect(Class.groupBy([], () => expect.unreachable()).size).toBe(0);
  });

  it('calls back with item and index alone, and no this', () => {
    const calls: unknown[] = [];
    Class.groupBy('ab', function (this: unknown, ...given: unknown[]) {
      calls.push([this, given]);
    });
    expect(calls).toEqual([
      [undefined, ['a', 0]],
      [undefined, ['b', 1]],
    ]);
  });

  it('takes any iterable, strings by their code points', () => {
    expect([...Class.groupBy('a\ud83d\ude00a', (char) => char)]).toEqual([
      ['a', ['a', 'a']],
      ['\ud83d\ude00', ['\ud83d\ude00']],
    ]);
    expect([...Class.groupBy(new Set([1, 2]), () => 'all')]).toEqual([['all', [1, 2]]]);
  });

  it('keeps groups apart by SameValueZero', () => {
    const keys = [0, -0, '0', Number.NaN, Number.NaN, 'NaN', undefined, null, 0n, true];
    const map = Class.groupBy(keys, (key) => key);
    expect([...map.keys()]).toEqual([0, '0', Number.NaN, 'NaN', undefined, null, 0n, true]);
    expect(map.get(0)).toEqual([0, -0]);
    expect(map.get(Number.NaN)).toHaveLength(2);
  });

  it('does not care what it is called on', () => {
    expect(Object.getPrototypeOf(Reflect.apply(Class.groupBy, undefined, [[1], () => 'a']))).toBe(Class.prototype);
    class Derived extends Class {}
    expect(Object.getPrototypeOf(Derived.groupBy([1], () => 'a'))).toBe(Class.prototype);
  });

  it('refuses what is no iterable, and a callback that is none, which it looks at first', () => {
    for (const items of [undefined, null, 1, true, {}, Symbol()]) {
      expect(() => Class.groupBy(items as never, () => 1)).toThrow(TypeError);
    }
    for (const callback of [undefined, null, 1, {}, 'a']) {
      const { iterable, log } = createLog([1]);
      expect(() => Class.groupBy(iterable, callback as never)).toThrow(TypeError);
      expect(log).toEqual([]);
    }
  });

  it('closes the iterator where the callback throws, and not where the iterator does', () => {
    const { iterable, log } = createLog([1, 2]);
    expect(() => Class.groupBy(iterable, raise)).toThrow(error);
    expect(log.slice(2)).toEqual(['next', 'return']);
    let isClosed = false;
    const failing = {
      next: raise,
      return: () => {
        isClosed = true;
        return {};
      },
    };
    expect(() => Class.groupBy({ [Symbol.iterator]: () => failing as unknown as Iterator<unknown> }, () => 1)).toThrow(
      error,
    );
    expect(isClosed).toBe(false);
  });
});
