/** Danger: a bad time to live is taken for a good one, or refused when half of the operation is done. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Key, type LifetimeOptions, ShardMap, type ShardMapOptions } from '../../lib/index.js';
import { caught, expectError } from './expect-error.js';

const TTL_MAX = 4_611_686_018_427;

type Refusal = readonly ['TypeError' | 'RangeError', string];
const wrongType: Refusal = ['TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT'];
const outOfRange: Refusal = ['RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE'];

const badTtls: readonly (readonly [string, unknown, Refusal])[] = [
  ['0', 0, outOfRange],
  ['-0', -0, outOfRange],
  ['a negative number', -1, outOfRange],
  ['-Infinity', Number.NEGATIVE_INFINITY, outOfRange],
  ['NaN', Number.NaN, outOfRange],
  ['more than 146 years', TTL_MAX + 1, outOfRange],
  ['2^53', 2 ** 53, outOfRange],
  ['the largest number', Number.MAX_VALUE, outOfRange],
  ['a string', '5', wrongType],
  ['a bigint', 5n, wrongType],
  ['null', null, wrongType],
  ['true', true, wrongType],
  ['an object', { valueOf: () => 5 }, wrongType],
  ['an array', [5], wrongType],
  ['a Number object', Object(5), wrongType],
  ['a Date', new Date(), wrongType],
  ['a symbol', Symbol('5'), wrongType],
  ['a function', () => 5, wrongType],
];

const badMoments: readonly (readonly [string, unknown, Refusal])[] = [
  ['NaN', Number.NaN, outOfRange],
  ['an invalid Date', new Date(Number.NaN), outOfRange],
  ['a Date that is too far', new Date(8.64e15), outOfRange],
  ['a number that is too far', Number.MAX_VALUE, outOfRange],
  ['a string', '2030-01-01', wrongType],
  ['a bigint', 5n, wrongType],
  ['null', null, wrongType],
  ['true', true, wrongType],
  ['an object with the prototype of a Date', Object.create(Date.prototype), wrongType],
  ['an object that says it is a Date', { [Symbol.toStringTag]: 'Date', getTime: () => 5 }, wrongType],
  ['a Proxy of a Date', new Proxy(new Date(), {}), wrongType],
  ['a symbol', Symbol('5'), wrongType],
];

const badOptions: readonly (readonly [string, unknown, Refusal])[] = [
  ...badTtls.map(([name, ttl, refusal]) => [`a ttl of ${name}`, { ttl }, refusal] as const),
  ...badTtls.map(([name, ttl, refusal]) => [`${name} with keepTtl`, { ttl, keepTtl: true }, refusal] as const),
  ...badMoments.map(([name, expiresAt, refusal]) => [`an expiresAt of ${name}`, { expiresAt }, refusal] as const),
  ['both ttl and expiresAt', { ttl: 1, expiresAt: 1 }, wrongType],
  ['both, with keepTtl', { ttl: 1, expiresAt: new Date(), keepTtl: true }, wrongType],
  ['a keepTtl of 1', { keepTtl: 1 }, wrongType],
  ['a keepTtl of null', { keepTtl: null }, wrongType],
  ["a keepTtl of 'true'", { keepTtl: 'true' }, wrongType],
  ['an unknown option', { tll: 5 }, wrongType],
  ['an unknown option beside a known one', { ttl: 5, touch: true }, wrongType],
  ['a number', 5, wrongType],
  ['a string', 'ttl', wrongType],
  ['null', null, wrongType],
  ['true', true, wrongType],
  ['a function', () => ({ ttl: 5 }), wrongType],
  ['a symbol', Symbol('options'), wrongType],
];

const unreachable = (): never => expect.unreachable();

let map: ShardMap<Key, unknown>;
beforeEach(() => {
  map = new ShardMap<Key, unknown>([
    ['a', 1],
    ['b', { c: 2 }],
  ]);
  map.set('timed', 1, { ttl: 1e9 });
});
afterEach(() => {
  expect([...map]).toEqual([
    ['a', 1],
    ['b', { c: 2 }],
    ['timed', 1],
  ]);
  expect(map.ttl('a')).toBe(Number.POSITIVE_INFINITY);
  expect(map.ttl('timed')).toBeGreaterThan(1e9 - 60_000);
  expect(map.stats()).toMatchObject({ entries: 3, timedEntries: 1, expiredEntries: 0 });
  map.close();
});

describe.each(badOptions)('%s', (_, bad, [className, code]) => {
  const options = bad as LifetimeOptions;
  const refused = (run: () => unknown): unknown => expectError(run, className, code);

  it('is refused by each method, and nothing is changed', () => {
    for (const key of ['a', 'timed', 'new', ['new', 1]] as Key[]) {
      refused(() => map.set(key, 2, options));
      refused(() => map.set(key, { an: 'object' }, options));
      refused(() => map.setMany([[key, 2]], options));
      refused(() => map.setMany(unreachable as never, options));
      refused(() => map.getAndSet(key, 2, options));
      refused(() => map.compareAndSet(key, 1, 2, options));
      refused(() => map.compareAndSet(key, { c: 2 }, 2, options));
      refused(() => map.increment(key, 1, options));
      refused(() => map.update(key, unreachable, options));
      refused(() => map.getOrInsert(key, 2, options));
      refused(() => map.getOrInsertComputed(key, unreachable, options));
      refused(() => map.entry(key).orInsert(2, options));
      refused(() => map.entry(key).orInsertWith(unreachable, options));
    }
    refused(() => map.entry('new').andModify(unreachable).orInsert(2, options));
  });

  it('is refused after a modification too', () => {
    const entry = map.entry('a').andModify((n) => n);
    refused(() => entry.orInsert(2, options));
  });
});

describe.each(badTtls)('a ttl of %s', (_, bad, [className, code]) => {
  const ttl = bad as number;
  it('is refused by expire, whether there is an entry or not', () => {
    for (const key of ['a', 'timed', 'new']) expectError(() => map.expire(key, ttl), className, code);
  });
  it('is refused by the constructor, and the name stays free', () => {
    expectError(() => new ShardMap(null, { name: 'bad ttl', ttl }), className, code);
    expectError(() => new ShardMap(null, { name: 'bad ttl', ttl, touch: true }), className, code);
    const other = new ShardMap(null, { name: 'bad ttl', ttl: 5 });
    other.close();
  });
});

describe.each(badMoments)('a moment of %s', (_, bad, [className, code]) => {
  it('is refused by expireAt, whether there is an entry or not', () => {
    for (const key of ['a', 'timed', 'new']) expectError(() => map.expireAt(key, bad as Date), className, code);
  });
});

describe('a ttl that is not given', () => {
  it('is none to expire and expireAt', () => {
    expectError(() => map.expire('a', undefined as never), ...wrongType);
    expectError(() => map.expireAt('a', undefined as never), ...wrongType);
  });
});

describe('a bad key', () => {
  it('is refused by the methods of expiry', () => {
    const key = {} as Key;
    for (const run of [
      () => map.ttl(key),
      () => map.expire(key, 1),
      () => map.expireAt(key, 1),
      () => map.persist(key),
      () => map.touch(key),
      () => map.set(key, 1, { ttl: 1 }),
    ])
      expectError(run, 'TypeError', 'ERR_SHARDMAP_INVALID_KEY');
  });
});

describe('an error of the user’s own', () => {
  it('reaches the caller, and nothing is changed', () => {
    const error = new Error('from the getter');
    const options = {
      get ttl(): number {
        throw error;
      },
    };
    expect(caught(() => map.set('a', 2, options))).toBe(error);
    expect(caught(() => map.setMany([['a', 2]], options))).toBe(error);
    expect(caught(() => map.increment('a', 1, options))).toBe(error);
    const fail = (): never => {
      throw error;
    };
    expect(caught(() => map.update('a', fail, { ttl: 1 }))).toBe(error);
    expect(caught(() => map.getOrInsertComputed('new', fail, { ttl: 1 }))).toBe(error);
  });
});

describe('options of a map', () => {
  const open = (options: unknown): ShardMap => new ShardMap(null, options as ShardMapOptions);

  it.each([1, 'true', null, {}, Symbol('touch')])('touch of %s is of the wrong type', (touch) => {
    expectError(() => open({ ttl: 5, touch }), ...wrongType);
  });

  it('touch needs a ttl that it can renew', () => {
    expectError(() => open({ touch: true }), ...wrongType);
    expectError(() => open({ touch: true, ttl: Number.POSITIVE_INFINITY }), ...wrongType);
    for (const options of [{ touch: false }, { ttl: 5, touch: true }, { ttl: 5, touch: false }]) open(options).close();
  });

  it('must be those of the store that has the name, or not be given', () => {
    const name = 'lifetimes';
    const cases: [ShardMapOptions, good: ShardMapOptions[], bad: ShardMapOptions[]][] = [
      [{}, [{}, { ttl: Number.POSITIVE_INFINITY }, { touch: false }], [{ ttl: 5 }, { ttl: 5, touch: true }]],
      [{ ttl: 5 }, [{}, { ttl: 5 }, { ttl: 5, touch: false }], [{ ttl: 6 }, { ttl: 5, touch: true }]],
      [
        { ttl: 5, touch: true },
        [{}, { ttl: 5, touch: true }, { ttl: 5 }],
        [{ touch: false }, { ttl: 5, touch: false }],
      ],
      [{ ttl: 5 }, [], [{ ttl: Number.POSITIVE_INFINITY }, { ttl: 5.001 }]],
      [{ ttl: 1 / 3 }, [{ ttl: 1 / 3 }], [{ ttl: 0.334 }]],
      [{ ttl: TTL_MAX }, [{ ttl: TTL_MAX }], [{ ttl: TTL_MAX - 1 }]],
    ];
    for (const [first, good, bad] of cases) {
      const store = open({ name, ...first });
      for (const options of good) open({ name, ...options }).close();
      for (const options of bad)
        expectError(() => open({ name, ...options }), 'ShardMapError', 'ERR_SHARDMAP_OPTIONS_CONFLICT');
      store.set('a', '1');
      expect(store.ttl('a') ?? 0).toBeLessThanOrEqual(
        first.ttl === undefined ? Number.POSITIVE_INFINITY : first.ttl + 1,
      );
      store.close();
    }
  });

  it('of a name that has been given up are free', () => {
    open({ name: 'again', ttl: 5 }).close();
    const store = open({ name: 'again', ttl: 1e6 });
    expect(store.set('a', 1).ttl('a')).toBeGreaterThan(1e5);
    store.close();
  });

  it('are not taken by ShardMap.from', () => {
    expectError(() => ShardMap.from(map.handle, { ttl: 5 } as never), ...wrongType);
  });
});
