/** Danger: the library uses a global or a method that its user replaced: above all `Map`, for which it stands in. */

import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';

const { defineProperty, getOwnPropertyDescriptor } = Object;
const bytes = Uint8Array.of(1, 2);
const threeNumbers = { [Symbol.iterator]: countToThree };
const restores: (() => void)[] = [];

/** Only between `replace` and `restoreAll` is anything out of its place: the runner uses all of it too. */
function replace(target: object, name: PropertyKey, value: unknown): void {
  const descriptor = getOwnPropertyDescriptor(target, name) as PropertyDescriptor;
  defineProperty(target, name, { ...descriptor, value });
  restores[restores.length] = () => defineProperty(target, name, descriptor);
}

function restoreAll(): void {
  let restore = restores.pop();
  while (restore !== undefined) {
    restore();
    restore = restores.pop();
  }
}

/** Uses everything, and says what it saw; only the caller compares, with all replaced things back in their places. */
function useAll(): unknown {
  const map = new ShardMap<Key, unknown>();
  map.set('a', 1).set(2n, { b: 3 });
  map.set(bytes, [4]).set(['e', 1n], 6);
  const inserted = [map.getOrInsert('c', 5), map.getOrInsertComputed('d', (key) => `computed ${String(key)}`)];
  const seen: unknown[] = [];
  let seenCount = 0;
  map.forEach((value) => {
    seen[seenCount++] = value;
  });
  const computed = map.getOrInsertComputed(['e', 2n], () => map.set(['e', 2n], 7).get(['e', 1n]));
  const keys = map.keys();
  const first = keys.next();
  const second = keys.next();
  const grouped = ShardMap.groupBy(threeNumbers, (n) => (n % 2 ? 'odd' : 'even'));
  const attached = ShardMap.from(map.handle);
  const facts = [
    inserted,
    seen,
    first,
    second,
    computed,
    grouped.get('odd'),
    attached.size,
    attached.has('a'),
    attached.delete('a'),
    map.stats().entries,
  ];
  attached.clear();
  map.close();
  return facts;
}

/** The runner itself uses what is broken here: an error is handed out as a fact. */
function useAllSafely(): unknown {
  try {
    return useAll();
  } catch (error) {
    return error;
  }
}

function countToThree(): Iterator<number> {
  let n = 0;
  return { next: () => ({ done: n >= 3, value: ++n }) as IteratorResult<number> };
}

const expected = useAll();
const broken = (): never => {
  throw new Error('the library used what its user replaced');
};

describe('the library goes on', () => {
  it('when the global Map is ShardMap', () => {
    replace(globalThis, 'Map', ShardMap);
    const facts = useAllSafely();
    restoreAll();
    expect(facts).toEqual(expected);
  });

  it.each([
    'Map',
    'WeakMap',
    'Set',
    'WeakSet',
    'Symbol',
    'Reflect',
    'Object',
    'Proxy',
    'Array',
    'Uint8Array',
    'ArrayBuffer',
    'TypeError',
    'JSON',
  ])('when the global %s is broken', (name) => {
    replace(globalThis, name, broken);
    const facts = useAllSafely();
    restoreAll();
    expect(facts).toEqual(expected);
  });

  const ArrayIteratorPrototype = Object.getPrototypeOf([].values()) as object;
  it.each([
    ['Array.prototype[Symbol.iterator]', Array.prototype, Symbol.iterator],
    ['%ArrayIteratorPrototype%.next', ArrayIteratorPrototype, 'next'],
    ['Array.prototype.push', Array.prototype, 'push'],
    ['Array.prototype.map', Array.prototype, 'map'],
    ['Array.prototype.forEach', Array.prototype, 'forEach'],
    ['Function.prototype.call', Function.prototype, 'call'],
    ['Function.prototype.apply', Function.prototype, 'apply'],
    ['Function.prototype.bind', Function.prototype, 'bind'],
    ['Map.prototype.get', Map.prototype, 'get'],
    ['Map.prototype.set', Map.prototype, 'set'],
  ] as const)('when %s is broken', (_, target, name) => {
    replace(target, name, broken);
    const facts = useAllSafely();
    restoreAll();
    expect(facts).toEqual(expected);
  });
});
