/**
 * Danger: `new ShardMap(entries)` differs from `new Map(entries)` where subclasses and iterators can tell.
 * ECMA-262, sections 24.1.1 (the constructor, AddEntriesFromIterable) and 24.1.2 (its properties).
 */

import { describe, expect, it } from 'vitest';
import { createLog, subjects } from './subjects.js';

const error = new Error('thrown on purpose');
const raise = (): never => {
  throw error;
};

describe.each(subjects)('the constructor of $name', ({ name, Class }) => {
  it('is a function of length 0 with its name, a prototype that is fixed, and the prototype of all functions', () => {
    expect(Object.getPrototypeOf(Class)).toBe(Function.prototype);
    const fixed = { writable: false, enumerable: false, configurable: false };
    const own = { writable: false, enumerable: false, configurable: true };
    expect(Object.getOwnPropertyDescriptor(Class, 'length')).toEqual({ value: 0, ...own });
    expect(Object.getOwnPropertyDescriptor(Class, 'name')).toEqual({ value: name, ...own });
    const { value, ...attributes } = Object.getOwnPropertyDescriptor(Class, 'prototype') as PropertyDescriptor;
    expect(value).toBe(Class.prototype);
    expect(attributes).toEqual(fixed);
  });

  it('cannot be called without new', () => {
    expect(() => Reflect.apply(Class, undefined, [])).toThrow(TypeError);
    expect(() => Reflect.apply(Class, new Class(), [[]])).toThrow(TypeError);
  });

  it('is its own species, by an accessor without a setter', () => {
    const species = Object.getOwnPropertyDescriptor(Class, Symbol.species) as PropertyDescriptor;
    expect(species).toMatchObject({ set: undefined, enumerable: false, configurable: true });
    expect([species.get?.name, species.get?.length]).toEqual(['get [Symbol.species]', 0]);
    const receiver = {};
    expect(Reflect.apply(species.get as () => unknown, receiver, [])).toBe(receiver);
  });

  it.each([[[]], [[undefined]], [[null]]])('makes an empty map of %j, and does not look up set', (given) => {
    class Unset extends Class {}
    Object.defineProperty(Unset.prototype, 'set', { get: raise });
    expect(Reflect.construct(Unset, given).size).toBe(0);
    expect(() => new Unset([])).toThrow(error);
  });

  it('looks set up once, before it asks for the iterator', () => {
    const { iterable, log } = createLog([
      [1, 2],
      [3, 4],
    ]);
    class Logged extends Class {}
    const { set } = Class.prototype;
    Object.defineProperty(Logged.prototype, 'set', {
      get() {
        log.push('get set');
        return function (this: unknown, ...given: [unknown, unknown]) {
          log.push(`set ${given}`);
          expect(this).toBeInstanceOf(Logged);
          return Reflect.apply(set, this, given);
        };
      },
    });
    expect(new Logged(iterable).size).toBe(2);
    const start = ['get set', 'get @@iterator', 'call @@iterator'];
    expect(log).toEqual([...start, 'next', 'set 1,2', 'next', 'set 3,4', 'next']);
  });

  it('uses whatever set there is on its prototype', () => {
    const original = Object.getOwnPropertyDescriptor(Class.prototype, 'set') as PropertyDescriptor;
    const calls: unknown[] = [];
    Object.defineProperty(Class.prototype, 'set', { ...original, value: (...given: unknown[]) => calls.push(given) });
    const map = new Class([['a', 1]]);
    Object.defineProperty(Class.prototype, 'set', original);
    expect(calls).toEqual([['a', 1]]);
    expect(map.size).toBe(0);
  });

  it('refuses a set that cannot be called, before it asks for the iterator', () => {
    for (const set of [undefined, null, {}, 1, 'set']) {
      class Unset extends Class {}
      Object.defineProperty(Unset.prototype, 'set', { value: set });
      const { iterable, log } = createLog([]);
      expect(() => new Unset(iterable)).toThrow(TypeError);
      expect(log).toEqual([]);
      expect(new Unset().size).toBe(0);
    }
  });

  it('refuses what is no iterable', () => {
    for (const given of [1, true, {}, Symbol(), () => 1, { [Symbol.iterator]: undefined }, { [Symbol.iterator]: {} }]) {
      expect(() => Reflect.construct(Class, [given])).toThrow(TypeError);
    }
    expect(() => Reflect.construct(Class, [{ [Symbol.iterator]: () => 1 }])).toThrow(TypeError);
    expect(() => Reflect.construct(Class, [{ [Symbol.iterator]: () => ({}) }])).toThrow(TypeError);
    expect(() => Reflect.construct(Class, [{ [Symbol.iterator]: raise }])).toThrow(error);
  });

  it('takes entries from any iterable, and any object for an entry', () => {
    const entries = [
      { 0: 'a', 1: 1 },
      ['b', 2, 'ignored'],
      Object('cd'),
      Object.assign(() => 0, { 0: 'f', 1: 3 }),
      ['lonely'],
      [],
      new Proxy(['p', 4], {}),
    ];
    for (const given of [entries, new Set(entries), createLog(entries).iterable, entries.values()]) {
      const map = new Class(given);
      expect([...map]).toEqual([
        ['a', 1],
        ['b', 2],
        ['c', 'd'],
        ['f', 3],
        ['lonely', undefined],
        [undefined, undefined],
        ['p', 4],
      ]);
    }
    expect(new Class('').size).toBe(0);
  });

  it.each([[1], ['ab'], [Symbol('entry')], [null], [undefined], [true], [1n]])(
    'refuses %s as an entry, and closes the iterator',
    (entry) => {
      const { iterable, log } = createLog([['a', 1], entry, ['b', 2]]);
      expect(() => new Class(iterable)).toThrow(TypeError);
      expect(log.slice(2)).toEqual(['next', 'next', 'return']);
    },
  );

  it('closes the iterator where an entry throws, key read before value', () => {
    const log: string[] = [];
    const entry = {
      get 0() {
        log.push('0');
        return 'a';
      },
      get 1() {
        log.push('1');
        return raise();
      },
    };
    const iteration = createLog([entry]);
    expect(() => new Class(iteration.iterable)).toThrow(error);
    expect(log).toEqual(['0', '1']);
    expect(iteration.log.slice(2)).toEqual(['next', 'return']);
    const first = createLog([
      {
        get 0() {
          return raise();
        },
      },
    ]);
    expect(() => new Class(first.iterable)).toThrow(error);
    expect(first.log.at(-1)).toBe('return');
  });

  it('closes the iterator where set throws, and throws that error even if closing fails too', () => {
    class Refusing extends Class {
      override set(): never {
        return raise();
      }
    }
    const other = new Error('another');
    for (const returned of [
      undefined,
      () => 1,
      (): never => {
        throw other;
      },
    ]) {
      const { iterable, log } = createLog([['a', 1]], returned);
      expect(() => new Refusing(iterable)).toThrow(error);
      expect(log.slice(2)).toEqual(['next', 'return']);
    }
  });

  it('does not close an iterator that itself failed', () => {
    for (const next of [
      raise,
      () => ({
        get done() {
          return raise();
        },
      }),
      () => ({
        done: false,
        get value() {
          return raise();
        },
      }),
    ]) {
      let isClosed = false;
      const iterator = {
        next,
        return: () => {
          isClosed = true;
          return {};
        },
      };
      expect(() => Reflect.construct(Class, [{ [Symbol.iterator]: () => iterator }])).toThrow(error);
      expect(isClosed).toBe(false);
    }
  });

  it('takes the prototype from new.target, or its own where that has none', () => {
    class Derived extends Class {}
    expect(Object.getPrototypeOf(new Derived())).toBe(Derived.prototype);
    class Target {}
    const target = Target.bind(undefined) as unknown as { prototype: unknown } & (() => void);
    target.prototype = {};
    expect(Object.getPrototypeOf(Reflect.construct(Class, [], target))).toBe(target.prototype);
    for (const prototype of [undefined, null, 1, 'prototype', Symbol()]) {
      target.prototype = prototype;
      const map = Reflect.construct(Class, [[['a', 1]]], target) as Map<string, number>;
      expect(Object.getPrototypeOf(map)).toBe(Class.prototype);
      expect(map.get('a')).toBe(1);
    }
    expect(Object.getPrototypeOf(Reflect.construct(Class, [], Object))).toBe(Object.prototype);
  });

  it('makes maps that have no properties of their own and can be extended', () => {
    const map = new Class([['a', 1]]);
    expect(Reflect.ownKeys(map)).toEqual([]);
    expect(Object.isExtensible(map)).toBe(true);
  });
});
