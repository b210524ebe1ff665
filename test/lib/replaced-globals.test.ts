/** Danger: the library uses a global or a method that its user replaced: above all `Map`, for which it stands in. */

import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { SyncMap } from '../../lib/sync-map.js';

const { defineProperty, getOwnPropertyDescriptor } = Object;
const bytes = Uint8Array.of(1, 2);
const rows = new Uint8Array(4);
const threeNumbers = { [Symbol.iterator]: countToThree };
const pairs: [Key, unknown][] = [['c', 1]];
const soon = new Date(Date.now() + 1e9);
const FOREVER = Number.POSITIVE_INFINITY;
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

/** What msgpackr needs, and so a value that is a plain object: no promise is made for it. */
const usedByPackage = ['Object', 'Array', 'Array.prototype.push', 'Array.prototype.map'];

/** Atomic updates, by the methods of both classes. */
function useAtomics(object: (value: object) => unknown): unknown {
  const map = new ShardMap<Key, unknown>();
  const sync = SyncMap.from<Key, unknown>(map.handle);
  const results = [
    map.increment('n'),
    map.update('list', () => object([1])),
    map.compareAndSet('list', object([1]), object([2])),
    map
      .entry('n')
      .andModify((n) => (n as number) + 1)
      .orInsert(0),
    map
      .entry('new')
      .andModify(() => 6)
      .orInsert(7),
    map.getAndSet(['pair', 1], object({ b: 3 })),
    sync.load('n'),
    sync.loadOrStore('c', object({ b: 4 })),
    sync.swap('c', undefined),
    sync.compareAndSwap('c', undefined, 5),
    sync.loadAndDelete(['pair', 1]),
  ];
  let visits = 0;
  sync.range(() => ++visits < 2);
  const counts = [visits, sync.count()];
  sync.close();
  map.close();
  return [results, counts];
}

/** Lifetimes, by the methods that take them. */
function useLifetimes(object: (value: object) => unknown): unknown {
  const map = new ShardMap<Key, unknown>(null, { ttl: 1e9, touch: true });
  const listener = (): void => {};
  map.on('expire', listener, { keepAlive: true }).on('expire', listener).on('error', listener);
  map.set('a', 1, { ttl: 1e9 }).set(['b', 1], object({ b: 2 }), { expiresAt: soon, keepTtl: true });
  map.setMany(pairs, { ttl: FOREVER });
  const results = [
    map.increment('n', 1, { ttl: 1e9, keepTtl: true }),
    map.update('a', () => object([1]), { ttl: 1e9 }),
    map.compareAndSet('a', object([1]), 2, { ttl: 1e9 }),
    map.entry('new').orInsert(7, { ttl: 1e9 }),
    map.expire('a', 1e9),
    map.expireAt('a', soon),
    map.persist('a'),
    map.ttl('a'),
    map.touch('n'),
  ];
  map.off('expire', listener).off('expire', listener).off('error', listener);
  map.close();
  return results;
}

/** Uses everything, and says what it saw; only the caller compares, with all replaced things back in their places. */
function useAll(hasObjects: boolean): unknown {
  const object = (value: object): unknown => (hasObjects ? value : bytes);
  const map = new ShardMap<Key, unknown>();
  map.set('a', 1).set(2n, object({ b: 3 }));
  map.set(bytes, object([4])).set(['e', 1n], 6);
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
  const writer = map.writer();
  writer
    .set('f', 8)
    .set(['g', 1], object([9]))
    .close();
  const odd = hasObjects ? ShardMap.groupBy(threeNumbers, (n) => (n % 2 ? 'odd' : 'even')).get('odd') : undefined;
  const attached = ShardMap.from(map.handle);
  const mask = map.set('bytes', bytes).gather(['absent', 'bytes'], rows, { missing: 7 });
  const gathered = [mask[0], mask[1], rows[1], rows[2], map.getInto('bytes', rows, 2), map.delete('bytes')];
  const facts = [
    useAtomics(object),
    useLifetimes(object),
    gathered,
    inserted,
    seen,
    first,
    second,
    computed,
    odd,
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
function useAllSafely(hasObjects: boolean): unknown {
  try {
    return useAll(hasObjects);
  } catch (error) {
    return error;
  }
}

function countToThree(): Iterator<number> {
  let n = 0;
  return { next: () => ({ done: n >= 3, value: ++n }) as IteratorResult<number> };
}

const expected = new Map([true, false].map((hasObjects) => [hasObjects, useAll(hasObjects)]));
const broken = (): never => {
  throw new Error('the library used what its user replaced');
};

describe('the library goes on', () => {
  it('when the global Map is ShardMap', () => {
    replace(globalThis, 'Map', ShardMap);
    const facts = useAllSafely(true);
    restoreAll();
    expect(facts).toEqual(expected.get(true));
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
    'Date',
    'Number',
    'Math',
    'setTimeout',
  ])('when the global %s is broken', (name) => {
    const hasObjects = !usedByPackage.includes(name);
    replace(globalThis, name, broken);
    const facts = useAllSafely(hasObjects);
    restoreAll();
    expect(facts).toEqual(expected.get(hasObjects));
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
  ] as const)('when %s is broken', (title, target, name) => {
    const hasObjects = !usedByPackage.includes(title);
    replace(target, name, broken);
    const facts = useAllSafely(hasObjects);
    restoreAll();
    expect(facts).toEqual(expected.get(hasObjects));
  });
});
