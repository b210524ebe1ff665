/**
 * Danger: the iterators of a map are not what code that takes iterators expects.
 * ECMA-262, section 24.1.5: Map iterator objects and %MapIteratorPrototype%.
 */

import { describe, expect, it } from 'vitest';
import { subjects } from './subjects.js';

const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([].values())) as object;
const kinds = ['keys', 'values', 'entries'] as const;

describe.each(subjects)('the iterators of a $name', ({ Class }) => {
  const prototype = Object.getPrototypeOf(new Class().keys()) as object;
  const done = { value: undefined, done: true };

  it('share one prototype, which inherits from that of all iterators', () => {
    for (const kind of kinds) expect(Object.getPrototypeOf(new Class()[kind]())).toBe(prototype);
    expect(Object.getPrototypeOf(new Class()[Symbol.iterator]())).toBe(prototype);
    expect(Object.getPrototypeOf(prototype)).toBe(IteratorPrototype);
    expect(Reflect.ownKeys(prototype)).toEqual(['next', Symbol.toStringTag]);
    expect(Reflect.ownKeys(new Class().keys())).toEqual([]);
  });

  it('have a next method and a tag with the attributes of built-in ones', () => {
    const next = Object.getOwnPropertyDescriptor(prototype, 'next') as PropertyDescriptor;
    expect(next).toMatchObject({ writable: true, enumerable: false, configurable: true });
    expect([next.value.name, next.value.length]).toEqual(['next', 0]);
    expect('prototype' in next.value).toBe(false);
    expect(Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)).toEqual({
      value: 'Map Iterator',
      writable: false,
      enumerable: false,
      configurable: true,
    });
  });

  it('are their own iterators, new ones at each call', () => {
    const map = new Class([['a', 1]]);
    for (const kind of kinds) {
      const iterator = map[kind]();
      expect(iterator[Symbol.iterator]()).toBe(iterator);
      expect(map[kind]()).not.toBe(iterator);
      expect('return' in iterator || 'throw' in iterator).toBe(false);
    }
  });

  it('yield keys, values or fresh pairs in order, then nothing any more', () => {
    const map = new Class([
      ['a', 1],
      ['b', 2],
    ]);
    const keys = map.keys();
    expect([keys.next(), keys.next(), keys.next(), keys.next()]).toEqual([
      { value: 'a', done: false },
      { value: 'b', done: false },
      done,
      done,
    ]);
    const values = map.values();
    expect([values.next(), values.next(), values.next()]).toEqual([
      { value: 1, done: false },
      { value: 2, done: false },
      done,
    ]);
    const entries = map.entries();
    const first = entries.next();
    expect(first).toEqual({ value: ['a', 1], done: false });
    expect(Reflect.ownKeys(first)).toEqual(['value', 'done']);
    expect(Array.isArray(first.value)).toBe(true);
    expect(first.value).not.toBe(map.entries().next().value);
    expect(new Class().keys().next()).toEqual(done);
  });

  it('show what is added before their end, and nothing after it', () => {
    const map = new Class();
    const early = map.keys();
    map.set('a', 1);
    expect(early.next()).toEqual({ value: 'a', done: false });
    map.set('b', 2);
    expect(early.next()).toEqual({ value: 'b', done: false });
    expect(early.next()).toEqual(done);
    map.set('c', 3);
    expect(early.next()).toEqual(done);
  });

  it('are at their end after clear, unless something is added', () => {
    const map = new Class([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    const ended = map.entries();
    const goesOn = map.entries();
    ended.next();
    goesOn.next();
    map.clear();
    expect(ended.next()).toEqual(done);
    map.set('b', 4);
    expect(goesOn.next()).toEqual({ value: ['b', 4], done: false });
    expect(ended.next()).toEqual(done);
  });

  it('go on where they were when entries before and after them are deleted', () => {
    const map = new Class(['a', 'b', 'c', 'd'].map((key) => [key, key]));
    const keys = map.keys();
    keys.next();
    keys.next();
    map.delete('a');
    map.delete('b');
    map.delete('c');
    map.set('a', 'again');
    expect([...keys]).toEqual(['d', 'a']);
  });

  it('refuse to be anything else than a map iterator', () => {
    const { next } = new Class().keys();
    const receivers = [
      undefined,
      null,
      1,
      '',
      Symbol(),
      {},
      [],
      new Class(),
      [].values(),
      new Set().values(),
      prototype,
      Object.create(new Class().keys()),
    ];
    for (const receiver of receivers) expect(() => Reflect.apply(next, receiver, [])).toThrow(TypeError);
  });

  it('can be stepped by the next method of another kind', () => {
    const map = new Class([['a', 1]]);
    expect(map.values().next.call(map.keys())).toEqual({ value: 'a', done: false });
  });

  it('work in destructuring, spread, Array.from and new maps', () => {
    const map = new Class([
      ['a', 1],
      ['b', 2],
    ]);
    const [[key]] = map as unknown as [[unknown]];
    expect(key).toBe('a');
    expect([...map.keys(), ...map.values()]).toEqual(['a', 'b', 1, 2]);
    expect(Array.from(map, ([each]) => each)).toEqual(['a', 'b']);
    expect([...new Class(map)]).toEqual([...map]);
    expect(Object.fromEntries(map as Map<string, unknown>)).toEqual({ a: 1, b: 2 });
  });
});
