/** What the conformance tests run on: ShardMap, and the engine's Map to check the tests themselves. */

import { ShardMap } from '../../lib/index.js';

/** A map as the specification describes it; the newest methods may be missing from the engine's. */
export interface MapInstance extends Map<unknown, unknown> {
  getOrInsert(key: unknown, value: unknown): unknown;
  getOrInsertComputed(key: unknown, callback: (key: unknown) => unknown): unknown;
}

export interface MapClass {
  new (entries?: unknown): MapInstance;
  readonly prototype: MapInstance;
  groupBy(items: Iterable<unknown>, callback: (item: unknown, index: number) => unknown): MapInstance;
}

export interface Subject {
  readonly name: string;
  readonly Class: MapClass;
}

export const subjects: readonly Subject[] = [
  { name: 'ShardMap', Class: ShardMap as unknown as MapClass },
  { name: 'Map', Class: Map as unknown as MapClass },
];

/** Those that have a method of this name; ShardMap has all of them. */
export function subjectsWith(method: 'getOrInsert' | 'getOrInsertComputed' | 'groupBy'): readonly Subject[] {
  return subjects.filter(({ name, Class }) => name === 'ShardMap' || method in Class || method in Class.prototype);
}

/** An iterator that tells what was asked of it. */
export function createLog(
  items: readonly unknown[],
  returned?: () => unknown,
): { iterable: Iterable<never>; log: string[] } {
  const log: string[] = [];
  let index = 0;
  const iterator = {
    next(): unknown {
      log.push('next');
      return index < items.length ? { value: items[index++], done: false } : { value: undefined, done: true };
    },
    return(): unknown {
      log.push('return');
      return returned === undefined ? {} : returned();
    },
  };
  const iterable = {
    get [Symbol.iterator]() {
      log.push('get @@iterator');
      return () => {
        log.push('call @@iterator');
        return iterator;
      };
    },
  };
  return { iterable: iterable as unknown as Iterable<never>, log };
}
