/**
 * Danger: an operation that reads and writes does one without the other, takes one value for another, or calls a function
 * where it can block or break the map.
 */

import { deepStrictEqual, strictEqual } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { anyKey, anyValue, KeyInterner } from './arbitraries.js';
import { caught, expectCloneError, expectClosed, expectError } from './expect-error.js';
import { runCount, seed } from './run-size.js';

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** A `Map` with the operations as their documentation has them. */
class Model {
  readonly map = new Map<unknown, unknown>();

  isEqual(key: unknown, expected: unknown): boolean {
    const current = this.map.get(key);
    if (isObject(expected)) return this.map.has(key) && isDeepStrictEqual(current, structuredClone(expected));
    return current === expected || Object.is(current, expected);
  }
  change(key: unknown, next: unknown): void {
    if (next === undefined) this.map.delete(key);
    else this.map.set(key, structuredClone(next));
  }
}

type Step = (model: Model, map: ShardMap<Key, unknown>, interner: KeyInterner) => void;

/** Each is done on both sides, and its results are compared. */
const anyStep: fc.Arbitrary<Step> = fc
  .record({
    key: anyKey,
    value: anyValue,
    expected: anyValue,
    isRight: fc.boolean(),
    operation: fc.constantFrom('getAndSet', 'getAndDelete', 'compareAndSet', 'compareAndDelete', 'update', 'entry'),
  })
  .map(({ key, value, expected: other, isRight, operation }) =>
    Object.assign<Step, object>(
      (model, map, interner) => {
        const own = interner.of(key);
        const expected = isRight ? model.map.get(own) : other;
        const before = model.map.get(own);
        switch (operation) {
          case 'getAndSet':
            deepStrictEqual(map.getAndSet(key, value), before);
            model.map.set(own, structuredClone(value));
            break;
          case 'getAndDelete':
            deepStrictEqual(map.getAndDelete(key), before);
            model.map.delete(own);
            break;
          case 'compareAndSet':
            strictEqual(map.compareAndSet(key, expected, value), model.isEqual(own, expected));
            if (model.isEqual(own, expected)) model.map.set(own, structuredClone(value));
            break;
          case 'compareAndDelete':
            strictEqual(map.compareAndDelete(key, expected), model.map.has(own) && model.isEqual(own, expected));
            if (model.isEqual(own, expected)) model.map.delete(own);
            break;
          case 'update':
            deepStrictEqual(
              map.update(key, (current) => {
                deepStrictEqual(current, before);
                return value;
              }),
              value,
            );
            model.change(own, value);
            break;
          default: {
            const had = model.map.has(own);
            const result = map
              .entry(key)
              .andModify((current) => [current])
              .orInsert(value);
            const next = had ? [before] : value;
            deepStrictEqual(result, next);
            model.map.set(own, structuredClone(next));
          }
        }
      },
      { toString: () => `${operation}(${fc.stringify(key)}, ${fc.stringify([value, other, isRight])})` },
    ),
  );

describe(`with seed ${seed}, random operations`, () => {
  it('do what their documentation says', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), fc.constantFrom(1, 64), (steps, shards) => {
        const map = new ShardMap<Key, unknown>(null, { shards });
        const model = new Model();
        const interner = new KeyInterner();
        for (const step of steps) step(model, map, interner);
        deepStrictEqual(
          [...map].map(([key, value]) => [interner.of(key), value]),
          [...model.map],
        );
        map.close();
      }),
      { seed, numRuns: runCount(300), endOnFailure: true },
    );
  });

  it('increment as JavaScript adds', () => {
    const number = fc.oneof(
      fc.integer(),
      fc.double({ min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, noNaN: true }),
      fc.maxSafeInteger(),
      fc.constantFrom(-0, 0.1, Number.MIN_VALUE),
    );
    const bigint = fc.oneof(fc.bigInt(), fc.bigInt({ min: -(2n ** 512n) + 1n, max: 2n ** 512n - 1n }));
    const tryBoth = <N extends number | bigint>(
      summands: N[],
      add: (sum: N, by: N) => N,
      fits: (sum: N) => boolean,
    ) => {
      const map = new ShardMap<string, unknown>();
      let sum: N | undefined;
      for (const by of summands) {
        const next = sum === undefined ? by : add(sum, by);
        if (fits(next)) {
          sum = next === 0 ? (0 as N) : next;
          expect(map.increment('n', by as never)).toBe(sum);
        } else {
          expectError(() => map.increment('n', by as never), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
        }
        expect(map.get('n')).toBe(sum);
      }
      map.close();
    };
    const max = Number.MAX_SAFE_INTEGER;
    fc.assert(
      fc.property(fc.array(number), fc.array(bigint), (numbers, bigints) => {
        tryBoth(
          numbers,
          (sum, by) => sum + by,
          (sum) => Math.abs(sum) <= max,
        );
        tryBoth(
          bigints,
          (sum, by) => sum + by,
          (sum) => sum < 2n ** 512n && sum > -(2n ** 512n),
        );
      }),
      { seed, numRuns: runCount(300), endOnFailure: true },
    );
  });
});

describe('increment', () => {
  const map = () => new ShardMap<Key, unknown>();

  it('counts a missing key as 0, by 1 unless told', () => {
    const counters = map();
    expect([counters.increment('a'), counters.increment('a'), counters.increment('b', 5n)]).toEqual([1, 2, 5n]);
    expect(Object.is(counters.increment('zero', -0), 0)).toBe(true);
    expect([counters.increment(['user', 'day'], 2), counters.increment(['user', 'day'])]).toEqual([2, 3]);
  });

  it.each([
    ['a string', '1', 1],
    ['a stored undefined', undefined, 1],
    ['null', null, 1],
    ['a boolean', true, 1],
    ['an object', { n: 1 }, 1],
    ['a bigint by a number', 1n, 1],
    ['a number by a bigint', 1, 1n],
    ['a string by a bigint', '1', 1n],
  ])('refuses %s, and changes nothing', (_, value, by) => {
    const counters = map().set('n', value);
    expectError(() => counters.increment('n', by as number), 'TypeError', 'ERR_SHARDMAP_VALUE_TYPE');
    expect([...counters]).toEqual([['n', value]]);
  });

  it.each([
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['-Infinity', Number.NEGATIVE_INFINITY],
    ['a number too large', 2 ** 53],
    ['a bigint too large', 2n ** 512n],
    ['a bigint too small', -(2n ** 512n)],
  ])('refuses by %s, whatever is there', (_, by) => {
    for (const value of [undefined, 1, 1n, 'text']) {
      const counters = value === undefined ? map() : map().set('n', value);
      expectError(() => counters.increment('n', by as number), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
      expect(counters.get('n')).toBe(value);
      expect(counters.size).toBe(value === undefined ? 0 : 1);
    }
  });

  it.each(['1', null, true, {}, Symbol.iterator, () => 1])('refuses by %s', (by) => {
    const counters = map();
    expectError(() => counters.increment('n', by as never), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    expect(counters.size).toBe(0);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])('refuses a stored %s', (value) => {
    const counters = map().set('n', value);
    expectError(() => counters.increment('n'), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
    expect(counters.get('n')).toBe(value);
  });
});

describe('compareAndSet and compareAndDelete', () => {
  it('compare objects by content, in whatever form they are stored', () => {
    const values: [unknown, unknown][] = [
      [
        { a: 1, b: [2] },
        { a: 1, b: [3] },
      ],
      [
        [1, [2]],
        [1, [2], undefined],
      ],
      [new Map([['a', 1]]), new Map([['a', 2]])],
      [new Set([1]), [1]],
      [new Date(5), new Date(6)],
      [new Float32Array([1, 2]), new Float64Array([1, 2])],
      [new Uint8Array(100_000), new Uint8Array(100_001)],
      [Buffer.from('a'), Uint8Array.from(Buffer.from('a'))],
      [new ArrayBuffer(8), new DataView(new ArrayBuffer(8))],
      [/a/g, /a/i],
      [new Error('a'), new Error('b')],
    ];
    for (const [value, other] of values) {
      for (const isFirstOfItsShape of [true, false]) {
        const map = new ShardMap<string, unknown>([['k', value]]);
        if (!isFirstOfItsShape) map.set('l', value).set('m', value);
        expect(map.compareAndSet('k', other, 'wrong')).toBe(false);
        expect(map.compareAndDelete('k', other)).toBe(false);
        expect(map.get('k')).toEqual(value);
        expect(map.compareAndSet('k', value, value)).toBe(true);
        expect(map.compareAndSet('k', value, { next: value })).toBe(true);
        expect(map.compareAndDelete('k', { next: other })).toBe(false);
        expect(map.compareAndDelete('k', { next: value })).toBe(true);
        expect(map.compareAndSet('k', value, 'wrong')).toBe(false);
      }
    }
  });

  it("compare what a user's codec encodes by its bytes", () => {
    const codec = {
      encode: (value: { n: number }) => Uint8Array.of(value.n),
      decode: (bytes: Uint8Array) => ({ n: bytes[0] as number }),
    };
    const map = new ShardMap<string, unknown>([], { codec });
    map.set('k', { n: 1 });
    expect(map.compareAndSet('k', { n: 2 }, 'wrong')).toBe(false);
    expect(map.compareAndSet('k', { n: 257, other: true }, { n: 3 })).toBe(true);
    expect(map.compareAndDelete('k', { n: 3 })).toBe(true);
  });

  it('take undefined for no entry, and for a value that is undefined', () => {
    const map = new ShardMap<string, unknown>();
    expect(map.compareAndDelete('k', undefined)).toBe(false);
    expect(map.compareAndSet('k', undefined, undefined)).toBe(true);
    expect(map.has('k')).toBe(true);
    expect(map.compareAndSet('k', null, 1)).toBe(false);
    expect(map.compareAndDelete('k', undefined)).toBe(true);
    expect(map.size).toBe(0);
  });

  it('refuse what cannot be a value, on either side, and change nothing', () => {
    const map = new ShardMap<string, unknown>([['k', { a: 1 }]]);
    for (const value of [() => 1, Symbol('s'), { deep: () => 1 }]) {
      expectCloneError(() => map.compareAndSet('k', value, 1));
      expectCloneError(() => map.compareAndSet('k', 1, value));
      expectCloneError(() => map.compareAndSet('k', { a: 1 }, value));
      expectCloneError(() => map.compareAndDelete('k', value));
    }
    expect([...map]).toEqual([['k', { a: 1 }]]);
  });

  it('run getters of both objects once', () => {
    const map = new ShardMap<string, unknown>([['k', { a: 1 }]]);
    let calls = 0;
    const counting = {
      get a() {
        calls++;
        return 1;
      },
    };
    expect(map.compareAndSet('k', counting, counting)).toBe(true);
    expect(calls).toBe(2);
  });
});

describe('update', () => {
  it('gives the key as a copy, in its canonical form', () => {
    const map = new ShardMap<Key, unknown>();
    const seen: unknown[] = [];
    const note = (_: unknown, key: Key) => {
      seen.push(key);
      if (key instanceof Uint8Array) key[0] = 9;
      return 1;
    };
    const bytes = Uint8Array.of(1, 2);
    const parts = ['a', -0];
    for (const key of [-0, 'a', bytes, parts]) map.update(key, note);
    expect(Object.is(seen[0], 0)).toBe(true);
    expect(seen[2]).not.toBe(bytes);
    expect(seen[3]).toEqual(['a', 0]);
    expect(map.get(Uint8Array.of(1, 2))).toBe(1);
    expect(map.size).toBe(4);
  });

  it('deletes for undefined, and leaves what is not there', () => {
    const map = new ShardMap<string, unknown>([['k', 1]]);
    expect(map.update('k', () => undefined)).toBeUndefined();
    expect(map.update('k', () => undefined)).toBeUndefined();
    expect(map.size).toBe(0);
  });

  it('changes nothing where its callback throws, or its value cannot be copied', () => {
    const map = new ShardMap<string, unknown>([['k', 1]]);
    const error = new Error('from the callback');
    const fail = () => {
      throw error;
    };
    expect(caught(() => map.update('k', fail))).toBe(error);
    expectCloneError(() => map.update('k', () => () => 1));
    expectError(() => map.update('k', async () => 2), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    expect([...map]).toEqual([['k', 1]]);
  });

  it('runs again where somebody else changes the entry meanwhile, and sees what is there then', () => {
    const map = new ShardMap<string, unknown>([['k', 0]]);
    const elsewhere = ShardMap.from<string, unknown>(map.handle);
    const changes: (() => unknown)[] = [
      () => elsewhere.set('k', 1),
      () => elsewhere.delete('k'),
      () => elsewhere.set('k', { n: 2 }),
      () => elsewhere.clear(),
      () => elsewhere.setMany([['k', 3]]),
      () => elsewhere.increment('k'),
    ];
    const seen: unknown[] = [];
    const result = map.update('k', (current) => {
      seen.push(current);
      changes[seen.length - 1]?.();
      return [current];
    });
    expect(seen).toEqual([0, 1, undefined, { n: 2 }, undefined, 3, 4]);
    expect(result).toEqual([4]);
    expect(map.get('k')).toEqual([4]);
  });

  it('succeeds after more failures than it has free attempts, and leaves no claim behind', () => {
    const map = new ShardMap<string, number>([['k', 0]]);
    const elsewhere = ShardMap.from<string, number>(map.handle);
    let calls = 0;
    const result = map.update('k', (current = 0) => {
      if (++calls <= 15) elsewhere.increment('k');
      return current + 100;
    });
    expect([result, calls]).toEqual([115, 16]);
  });

  it('may use the map, other updates of other keys included', () => {
    const map = new ShardMap<string, unknown>([['k', 1]]);
    map.update('k', (current) => {
      map.set('other', [...map.keys()]);
      return map.update('inner', () => map.get('k') === current) === true ? 'all right' : 'wrong';
    });
    expect([...map]).toEqual([
      ['k', 'all right'],
      ['other', ['k']],
      ['inner', true],
    ]);
  });

  it('gives up where its callback changes the entry each time, and keeps what that did', () => {
    const map = new ShardMap<string, unknown>([['k', 0]]);
    for (const change of [
      () => map.increment('k'),
      () => map.update('k', (current) => (current as number) + 1),
      () => map.getAndSet('k', (map.get('k') as number) + 1),
    ]) {
      expectError(
        () =>
          map.update('k', () => {
            change();
            return 'never';
          }),
        'TypeError',
        'ERR_SHARDMAP_INVALID_ARGUMENT',
      );
      expect(map.get('k')).toBeTypeOf('number');
    }
    const elsewhere = ShardMap.from<string, unknown>(map.handle);
    map.set('k', 0);
    expectError(() => map.update('k', () => elsewhere.increment('k')), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    expect(map.get('k')).toBeGreaterThan(10);
    // A deletion comes to an end: there is nothing to delete the second time.
    map.update('k', () => void map.delete('k'));
    expect(map.has('k')).toBe(false);
  });

  it('of a map that its callback closes throws', () => {
    for (const failures of [0, 10]) {
      const map = new ShardMap<string, unknown>([['k', 0]]);
      const elsewhere = ShardMap.from<string, unknown>(map.handle);
      let calls = 0;
      expectClosed(() =>
        map.update('k', () => {
          if (calls++ < failures) elsewhere.increment('k');
          else map.close();
          return 'never';
        }),
      );
      expect(elsewhere.get('k')).toBe(failures);
      expect(elsewhere.set('k', 'free').get('k')).toBe('free');
    }
  });

  it('inside of getOrInsertComputed is a change of its own', () => {
    const map = new ShardMap<string, unknown>();
    for (const [change, key] of [
      [() => map.update('a', () => 'mine'), 'a'],
      [() => map.increment('b'), 'b'],
      [() => map.getAndSet('c', 'mine'), 'c'],
      [() => map.compareAndSet('d', undefined, 'mine'), 'd'],
      [() => map.entry('e').orInsert('mine'), 'e'],
    ] as [() => unknown, string][]) {
      map.getOrInsertComputed(key, () => {
        change();
        return 'computed';
      });
      expect(map.get(key)).toBe('computed');
    }
    const elsewhere = ShardMap.from<string, unknown>(map.handle);
    map.delete('f');
    const kept = map.getOrInsertComputed('f', () => {
      map.set('f', 'mine');
      map.getAndDelete('f');
      elsewhere.set('f', 'theirs');
      return 'computed';
    });
    expect(kept).toBe('theirs');
  });
});

describe('an entry', () => {
  it('is modified or inserted', () => {
    const map = new ShardMap<string, number>();
    const count = () =>
      map
        .entry('n')
        .andModify((n) => n + 1)
        .orInsert(1);
    expect([count(), count(), count()]).toEqual([1, 2, 3]);
    expect(map.entry('n').value()).toBe(3);
    expect(map.entry('n').orInsert(9)).toBe(3);
    expect(map.entry('m').orInsertWith((key) => key.length)).toBe(1);
    expect(map.entry('m').orInsertWith(() => expect.unreachable())).toBe(1);
    expect(map.entry('n').remove()).toBe(3);
    expect(map.entry('n').remove()).toBeUndefined();
    expect(map.entry('n').value()).toBeUndefined();
  });

  it('counts what others insert between andModify and orInsert', () => {
    const map = new ShardMap<string, number>();
    const entry = map.entry('n').andModify((n) => n + 1);
    map.set('n', 41);
    expect(entry.orInsert(1)).toBe(42);
    expect(map.get('n')).toBe(42);
    const twice = map
      .entry('m')
      .andModify((n) => n + 1)
      .andModify((n) => n * 10);
    map.set('m', 1);
    expect(twice.orInsertWith(() => expect.unreachable())).toBe(20);
    expect(twice.orInsert(5)).toBe(20); // a step of its own
    expect(map.get('m')).toBe(20);
  });

  it('returns what andModify made, whatever others do then', () => {
    const map = new ShardMap<string, number>([['n', 1]]);
    const entry = map.entry('n').andModify((n) => n + 1);
    map.delete('n');
    expect(entry.orInsert(7)).toBe(2);
    expect(map.has('n')).toBe(false);
    expect(entry.orInsert(7)).toBe(7);
  });

  it('is deleted by an andModify that returns undefined', () => {
    const map = new ShardMap<string, number>([['n', 1]]);
    expect(
      map
        .entry('n')
        .andModify(() => undefined)
        .value(),
    ).toBeUndefined();
    expect(map.size).toBe(0);
  });

  it('keeps the key that it was made with', () => {
    const map = new ShardMap<Key, unknown>();
    const bytes = Uint8Array.of(1);
    const parts = ['a', 'b'];
    const entries = [map.entry(bytes), map.entry(parts)];
    bytes[0] = 2;
    parts[1] = 'c';
    for (const entry of entries) (entry.key as unknown[])[0] = 3;
    for (const entry of entries) entry.orInsert('there');
    expect([...map.keys()]).toEqual([Uint8Array.of(1), ['a', 'b']]);
    expect(entries[1]?.key).toEqual([3, 'b']);
  });

  it('refuses callbacks that are none, and works by its own rules in a closed map', () => {
    const map = new ShardMap<string, number>();
    const entry = map.entry('n');
    for (const callback of [undefined, 1, {}] as never[]) {
      expectError(() => entry.andModify(callback), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
      expectError(() => entry.orInsertWith(callback), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    }
    expect(map.size).toBe(0);
    map.close();
    expectClosed(() => map.entry('n'));
    expectClosed(() => entry.value());
    expectClosed(() => entry.remove());
    expectClosed(() => entry.orInsert(1));
    expectClosed(() => entry.orInsertWith(() => expect.unreachable()));
    expectClosed(() => entry.andModify(() => expect.unreachable()));
  });
});
