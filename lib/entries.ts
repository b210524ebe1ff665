/** The entries that a constructor is given: how they are read and handed to the map's own adder. */

import { createArgumentError } from './errors.js';

const { apply } = Reflect;
const iterator: typeof Symbol.iterator = Symbol.iterator;

const PAIRS = 'an iterable of [key, value] pairs';

/** Whether `value` is an object as the specification means it, functions included. */
export function isObject(value: unknown): boolean {
  return typeof value === 'object' ? value !== null : typeof value === 'function';
}

/**
 * ECMAScript's AddEntriesFromIterable: the adder is looked up once, and the iterator closed where an entry or the adder
 * throws.
 */
export function addEntries<K, V>(map: Map<K, V>, entries: Iterable<readonly [K, V]>): void {
  const adder: unknown = map.set;
  if (typeof adder !== 'function') throw createArgumentError('the set method of the map', 'a function', adder);
  for (const entry of iterateOnce(entries, 'entries', PAIRS)) {
    if (!isObject(entry)) throw createArgumentError('each of the entries', 'an object such as [key, value]', entry);
    const key = entry[0];
    const value = entry[1];
    apply(adder, map, [key, value]);
  }
}

/** The same iteration, with an error that says what is wrong where there is none. */
export function iterateOnce<Item>(items: Iterable<Item>, what: string, expected: string): Iterable<Item> {
  const method: unknown = items?.[iterator];
  if (typeof method !== 'function') throw createArgumentError(what, expected, items);
  return { [iterator]: () => apply(method, items, []) };
}
