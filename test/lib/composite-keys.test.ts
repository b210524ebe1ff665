/**
 * Danger: two arrays with different parts meet in one entry, equal ones make two, or what an array's getters do while
 * it is read reaches memory that is gone, or another map.
 */

import { deepStrictEqual, strictEqual } from 'node:assert';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Key, type KeyPart, ShardMap } from '../../lib/index.js';
import { addon } from '../../lib/native.js';
import { compositeKey, describeParts } from './arbitraries.js';
import { caught, expectClosed, expectError } from './expect-error.js';
import { runCount, seed } from './run-size.js';

/** An array whose element at `index` is what `read` returns. */
function withGetter(parts: readonly KeyPart[], index: number, read: () => unknown): KeyPart[] {
  return Object.defineProperty([...parts], index, { get: read, enumerable: true });
}

/** Keys of two parts are read by the library, others by the addon. */
const lists: (readonly KeyPart[])[] = [['x'], ['x', 'y'], ['x', 'y', 'z']];

/** Each method that takes a key, called with one. */
const uses: Record<string, (map: ShardMap<Key, unknown>, key: Key) => unknown> = {
  get: (map, key) => map.get(key),
  has: (map, key) => map.has(key),
  set: (map, key) => map.set(key, 1),
  'set of an object': (map, key) => map.set(key, { an: 'object' }),
  delete: (map, key) => map.delete(key),
  getOrInsert: (map, key) => map.getOrInsert(key, 1),
  'getOrInsert of an object': (map, key) => map.getOrInsert(key, { an: 'object' }),
  getOrInsertComputed: (map, key) => map.getOrInsertComputed(key, () => 1),
  'set in a computation': (map, key) => map.getOrInsertComputed('other', () => map.set(key, 1).size),
  'delete in a computation': (map, key) => map.getOrInsertComputed('other', () => map.delete(key)),
};

describe('composite keys', () => {
  it('are found by any array of the same parts, and by nothing else', () => {
    const map = new ShardMap<Key, string>([[['user', 7, undefined], 'found']]);
    // biome-ignore lint/suspicious/noSparseArray: holes are what is tested
    for (const key of [['user', 7, undefined], ['user', 7, ,], Object.freeze(['user', 7, undefined])] as Key[])
      expect(map.get(key)).toBe('found');
    for (const key of [['user', 7], ['user', '7', undefined], ['user', 7n, undefined], ['user', 7, null], 'user,7,'])
      expect(map.has(key)).toBe(false);
  });

  it('are the same where a Map of their descriptions says so, and come back with equal parts', () => {
    const keys = fc.array(compositeKey, { maxLength: 40, size: 'max' });
    const property = fc.property(keys, (given) => {
      const map = new ShardMap<readonly KeyPart[], number>();
      const model = new Map<string, number>();
      for (const [index, key] of given.entries()) {
        map.set(key, index);
        model.set(describeParts(key), index);
      }
      deepStrictEqual(
        [...map].map(([key, value]) => [describeParts(key), value]),
        [...model],
      );
      for (const key of given) strictEqual(map.get([...key]), model.get(describeParts(key)));
    });
    fc.assert(property, { seed, numRuns: runCount(1000) });
  });

  it('are copied in and out', () => {
    const key: KeyPart[] = ['a', -0];
    const map = new ShardMap<Key, number>([[key, 1]]);
    key[0] = 'b';
    key.push(1);
    const [out] = [...map.keys()] as [KeyPart[]];
    expect(out).toStrictEqual(['a', 0]);
    out[0] = 'c';
    expect([...map.keys()]).toEqual([['a', 0]]);
  });

  it('may change in the callback of a computation: the entry gets the key of the call', () => {
    const map = new ShardMap<Key, number>();
    const key: KeyPart[] = ['a'];
    map.getOrInsertComputed(key, (given) => {
      key[0] = 'b';
      (given as KeyPart[])[0] = 'c';
      return 1;
    });
    expect([...map.keys()]).toEqual([['a']]);
  });

  it('group items', () => {
    const items = ['ann 1', 'bob 1', 'ann 2', 'ann 1'];
    const map = ShardMap.groupBy(items, (item) => item.split(' '));
    expect([...map]).toEqual([
      [
        ['ann', '1'],
        ['ann 1', 'ann 1'],
      ],
      [['bob', '1'], ['bob 1']],
      [['ann', '2'], ['ann 2']],
    ]);
  });

  it('are those of the array itself: no iterator, no method and no species of it is asked', () => {
    class Odd extends Array<KeyPart> {
      override [Symbol.iterator](): never {
        return expect.unreachable();
      }
      override toString(): never {
        return expect.unreachable();
      }
      static override get [Symbol.species](): never {
        return expect.unreachable();
      }
    }
    const key = Odd.of<KeyPart>('a', 1) as unknown as KeyPart[];
    const map = new ShardMap<Key, number>([[['a', 1], 5]]);
    for (const use of Object.values(uses)) use(map, key);
    map.set(key, 6);
    expect([...map.keys()].filter((each) => each instanceof Odd)).toEqual([]);
    expect(map.get(['a', 1])).toBe(6);
  });

  it('may come from another realm', () => {
    const map = new ShardMap<Key, number>([[['a', 1], 5]]);
    expect(map.get(runInNewContext("['a', 1]"))).toBe(5);
  });

  it('come out of iterators as they are, whatever is on Array.prototype', () => {
    const map = new ShardMap<Key, number>([[['a', 1], 5]]);
    Object.defineProperty(Array.prototype, '0', { set: () => expect.unreachable(), configurable: true });
    const { value } = map.keys().next();
    Reflect.deleteProperty(Array.prototype, '0');
    expect(value).toEqual(['a', 1]);
  });

  it('say which of their parts is none', () => {
    const map = new ShardMap<Key, number>();
    const message = (key: unknown): string =>
      expectError(() => map.set(key as Key, 1), 'TypeError', 'ERR_SHARDMAP_INVALID_KEY').message;
    expect(message(['a', Symbol('b')])).toMatch(/\[1\].*symbol/);
    expect(message(['a', 'b', []])).toMatch(/\[2\].*object/);
    expect(message([() => 1])).toMatch(/\[0\].*function/);
  });
});

describe.each(Object.entries(uses))('%s, while it reads an array', (_, use) => {
  it.each(lists)("lets a getter's error through, and changes nothing (%#)", (...parts) => {
    const map = new ShardMap<Key, unknown>([['a', 1]]);
    for (const error of [new Error('from the getter'), 'a string', undefined]) {
      const key = withGetter(parts, parts.length - 1, () => {
        throw error;
      });
      expect(caught(() => use(map, key))).toBe(error);
    }
    expect([...map]).toEqual([['a', 1]]);
  });

  it.each(lists)('notices that a getter closed the map (%#)', (...parts) => {
    const map = new ShardMap<Key, unknown>([['a', 1]]);
    const other = ShardMap.from<Key, unknown>(map.handle);
    expectClosed(() =>
      use(
        map,
        withGetter(parts, 0, () => map.close()),
      ),
    );
    expect([...other]).toEqual([['a', 1]]);
  });

  it.each(lists)('notices that a getter closed the map and opened others in its place (%#)', (...parts) => {
    const map = new ShardMap<Key, unknown>([['a', 1]]);
    const others: ShardMap<Key, unknown>[] = [];
    const key = withGetter(parts, 0, () => {
      map.close();
      for (let count = 0; count < 50; count++) others.push(new ShardMap<Key, unknown>());
      return 'x';
    });
    expectClosed(() => use(map, key));
    expect(others.map((other) => other.size)).toEqual(Array(50).fill(0));
  });

  it.each(lists)('bears a getter that uses the map, with other composite keys too (%#)', (...parts) => {
    const map = new ShardMap<Key, unknown>([[parts, 0]]);
    let depth = 0;
    const nested = (): KeyPart[] =>
      withGetter(parts, 0, () => {
        if (++depth < 20) use(map, nested());
        for (let count = 0; count < 50; count++) map.set(['inner', 'k'.repeat(count), count], count);
        return 'x';
      });
    use(map, nested());
    expect(map.get(['inner', 'kkk', 3])).toBe(3);
    expect(depth).toBeGreaterThanOrEqual(20);
  });

  it.each(lists)('bears a getter that makes the array shorter or longer: it has its parts (%#)', (...parts) => {
    for (const length of [1, 1000, 2 ** 32 - 1]) {
      const map = new ShardMap<Key, unknown>();
      const key: KeyPart[] = withGetter(parts, 0, () => {
        key.length = length;
        return 'x';
      });
      use(map, key);
      const composite = [...map.keys()].filter((each) => Array.isArray(each));
      if (composite.length > 0) expect(composite).toEqual([parts.map((part, at) => (at < length ? part : undefined))]);
    }
  });

  it.each(lists)('reads each element once, and in order (%#)', (...parts) => {
    const map = new ShardMap<Key, unknown>();
    const log: number[] = [];
    const key: KeyPart[] = [];
    for (const index of parts.keys()) {
      Object.defineProperty(key, index, {
        get: () => {
          log.push(index);
          return index;
        },
      });
    }
    use(map, key);
    expect(log).toEqual([...parts.keys()]);
  });
});

describe('the addon', () => {
  it('gives back no more than a page of long composite keys at once', () => {
    const { keyPartsMax } = addon.limits;
    const map = new ShardMap<Key, number>();
    for (let index = 0; index < 2000; index++) map.set([index, ...Array(keyPartsMax - 1).fill(null)], index);
    let next = 0;
    for (const [key, value] of map) {
      expect((key as KeyPart[])[0]).toBe(next);
      expect(value).toBe(next++);
      expect((key as KeyPart[]).length).toBe(keyPartsMax);
    }
    expect(next).toBe(2000);
  });
});
