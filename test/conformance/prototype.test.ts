/**
 * Danger: something that reflects on a map (a polyfill, a serialiser, a subclass) finds other properties than a Map
 * has. ECMA-262, section 24.1.3: the properties of the prototype, their attributes, names and lengths; receivers that
 * are no map.
 */

import { describe, expect, it } from 'vitest';
import { type Subject, subjects, subjectsWith } from './subjects.js';

const methods = { clear: 0, delete: 1, entries: 0, forEach: 1, get: 1, has: 1, keys: 0, set: 2, values: 0 };
const descriptorOf = (object: object, key: PropertyKey): PropertyDescriptor =>
  Object.getOwnPropertyDescriptor(object, key) as PropertyDescriptor;

function expectMethod(Class: Subject['Class'], key: string, length: number): void {
  const { value, ...attributes } = descriptorOf(Class.prototype, key);
  expect(attributes).toEqual({ writable: true, enumerable: false, configurable: true });
  const own = { writable: false, enumerable: false, configurable: true };
  expect(descriptorOf(value, 'length')).toEqual({ value: length, ...own });
  expect(descriptorOf(value, 'name')).toEqual({ value: key, ...own });
  expect(Object.getPrototypeOf(value)).toBe(Function.prototype);
  expect(Object.isExtensible(value)).toBe(true);
  expect('prototype' in value).toBe(false);
  expect(() => Reflect.construct(Object, [], value)).toThrow(TypeError);
  expect(() => Reflect.construct(value, [])).toThrow(TypeError);
}

describe.each(subjects)('the prototype of $name', ({ Class }) => {
  it('is an ordinary object whose constructor is the class, and is no map itself', () => {
    expect(Object.getPrototypeOf(Class.prototype)).toBe(Object.prototype);
    const attributes = { writable: true, enumerable: false, configurable: true };
    expect(descriptorOf(Class.prototype, 'constructor')).toEqual({ value: Class, ...attributes });
    expect(() => Class.prototype.size).toThrow(TypeError);
  });

  it('has a tag that cannot be written', () => {
    const attributes = { writable: false, enumerable: false, configurable: true };
    expect(descriptorOf(Class.prototype, Symbol.toStringTag)).toEqual({ value: 'Map', ...attributes });
    expect(Object.prototype.toString.call(new Class())).toBe('[object Map]');
  });

  it.each(Object.entries(methods))('has the method %s of length %i', (key, length) => expectMethod(Class, key, length));

  it('has size as an accessor without a setter', () => {
    const size = descriptorOf(Class.prototype, 'size');
    expect(size).toMatchObject({ set: undefined, enumerable: false, configurable: true });
    expect([size.get?.name, size.get?.length]).toEqual(['get size', 0]);
    expect(() => Reflect.construct(Object, [], size.get as never)).toThrow(TypeError);
    expect(Reflect.set(new Class(), 'size', 3)).toBe(false);
  });

  it('has entries for its iterator: the same function', () => {
    const attributes = { writable: true, enumerable: false, configurable: true };
    expect(descriptorOf(Class.prototype, Symbol.iterator)).toEqual({ value: Class.prototype.entries, ...attributes });
    expect(Class.prototype[Symbol.iterator].name).toBe('entries');
  });

  it('refuses receivers that are no such map in every method', () => {
    const receivers = [
      undefined,
      null,
      false,
      1,
      '',
      Symbol(),
      1n,
      {},
      [],
      new Set(),
      new WeakMap(),
      Class.prototype,
      Class,
      () => 1,
    ];
    for (const key of [...Object.keys(methods), Symbol.iterator] as (keyof Map<unknown, unknown>)[]) {
      const method = descriptorOf(Class.prototype, key).value as () => unknown;
      for (const receiver of receivers) expect(() => Reflect.apply(method, receiver, [() => 1])).toThrow(TypeError);
    }
    const { get } = descriptorOf(Class.prototype, 'size');
    for (const receiver of receivers)
      expect(() => Reflect.apply(get as () => unknown, receiver, [])).toThrow(TypeError);
  });
});

describe.each(subjectsWith('getOrInsert'))('the prototype of $name', ({ Class }) => {
  it('has the upsert methods of length 2', () => {
    expectMethod(Class, 'getOrInsert', 2);
    expectMethod(Class, 'getOrInsertComputed', 2);
  });
});
