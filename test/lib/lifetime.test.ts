/** Danger: an entry expires that should live, or lives on: by any method, whether it sets, modifies, inserts or reads. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Key, type LifetimeOptions, ShardMap } from '../../lib/index.js';
import { SyncMap } from '../../lib/sync-map.js';
import { busyWait, isRenewed, until } from './waiting.js';

type Any = ShardMap<Key, unknown>;

const MINUTE = 60_000;
/** What a minute, or ten, are on a machine that is slow by half of that at most. */
const minute = [MINUTE / 2, MINUTE] as const;
const tenMinutes = [MINUTE * 9.5, MINUTE * 10] as const;
const never = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
const DAY = 24 * 60 * MINUTE;
/** A time to live counts from so long before the operation at most. */
const RECENT_MS_MAX = 0.01;

function expectLeft(map: Any, key: Key, [low, high]: readonly [number, number]): void {
  const left = map.ttl(key) ?? Number.NaN;
  expect(left).toBeGreaterThanOrEqual(low);
  expect(left).toBeLessThanOrEqual(high);
}

/** An operation on the entry of a key, which has the value `initial` if it is there. */
interface Operation {
  readonly key?: Key;
  readonly initial: unknown;
  run(map: Any, key: Key, options?: LifetimeOptions): unknown;
}

const setting: Record<string, Operation> = {
  set: { initial: 1, run: (map, key, options) => map.set(key, 2, options) },
  'set of an object': { initial: 1, run: (map, key, options) => map.set(key, { n: 2 }, options) },
  'set of a pair': { key: ['a', 1], initial: 1, run: (map, key, options) => map.set(key, 2, options) },
  'set of an object under a pair': {
    key: ['a', 1],
    initial: 1,
    run: (map, key, options) => map.set(key, [2], options),
  },
  'set of bytes': { key: Uint8Array.of(1), initial: 1, run: (map, key, options) => map.set(key, 2, options) },
  'set in a callback': {
    initial: 1,
    run: (map, key, options) => map.getOrInsertComputed('another', () => map.set(key, 2, options).size),
  },
  'setMany of few': {
    initial: 1,
    run: (map, key, options) =>
      map.setMany(
        [
          ['other', 1],
          [key, 2],
        ],
        options,
      ),
  },
  'setMany of objects': { initial: 1, run: (map, key, options) => map.setMany(new Map([[key, { n: 2 }]]), options) },
  'setMany of many': {
    initial: 1,
    run: (map, key, options) =>
      map.setMany(
        Array.from({ length: 1000 }, (_, i) => [i === 500 ? key : i, i]),
        options,
      ),
  },
  getAndSet: { initial: 1, run: (map, key, options) => map.getAndSet(key, 2, options) },
  'getAndSet of an object': { initial: 1, run: (map, key, options) => map.getAndSet(key, { n: 2 }, options) },
  compareAndSet: { initial: undefined, run: (map, key, options) => map.compareAndSet(key, undefined, 2, options) },
  'compareAndSet of an object': {
    initial: undefined,
    run: (map, key, options) => map.compareAndSet(key, undefined, { n: 2 }, options),
  },
};

/** These need an entry. */
const settingOne: Record<string, Operation> = {
  'compareAndSet of two objects': {
    initial: { n: 1 },
    run: (map, key, options) => map.compareAndSet(key, { n: 1 }, { n: 2 }, options),
  },
  'compareAndSet of an object by a primitive': {
    initial: { n: 1 },
    run: (map, key, options) => map.compareAndSet(key, { n: 1 }, 2, options),
  },
};

const modifying: Record<string, Operation> = {
  increment: { initial: 1, run: (map, key, options) => map.increment(key, 1, options) },
  'increment of a bigint': { initial: 1n, run: (map, key, options) => map.increment(key, 1n, options) },
  update: { initial: 1, run: (map, key, options) => map.update(key, () => 2, options) },
  'update to an object': { initial: 1, run: (map, key, options) => map.update(key, () => ({ n: 2 }), options) },
};

const inserting: Record<string, Operation> = {
  getOrInsert: { initial: 1, run: (map, key, options) => map.getOrInsert(key, 2, options) },
  'getOrInsert under a pair': {
    key: ['a', 1],
    initial: 1,
    run: (map, key, options) => map.getOrInsert(key, 2, options),
  },
  'getOrInsert of an object': { initial: 1, run: (map, key, options) => map.getOrInsert(key, { n: 2 }, options) },
  getOrInsertComputed: { initial: 1, run: (map, key, options) => map.getOrInsertComputed(key, () => 2, options) },
  'getOrInsertComputed of an object': {
    initial: 1,
    run: (map, key, options) => map.getOrInsertComputed(key, () => ({ n: 2 }), options),
  },
  'entry, orInsert': { initial: 1, run: (map, key, options) => map.entry(key).orInsert(2, options) },
  'entry, orInsertWith': { initial: 1, run: (map, key, options) => map.entry(key).orInsertWith(() => 2, options) },
  'entry, andModify, orInsert': {
    initial: 1,
    run: (map, key, options) =>
      map
        .entry(key)
        .andModify(() => 3)
        .orInsert(2, options),
  },
  'entry, andModify, orInsertWith an object': {
    initial: 1,
    run: (map, key, options) =>
      map
        .entry(key)
        .andModify(() => [3])
        .orInsertWith(() => [2], options),
  },
};

const maps: Any[] = [];
afterEach(() => {
  for (const map of maps.splice(0)) map.close();
  vi.restoreAllMocks();
});

/** A map with the entry, if `lifetime` is given. */
function make({ key = 'a', initial }: Operation, own: { ttl?: number }, lifetime?: LifetimeOptions): [Any, Key] {
  const map = new ShardMap<Key, unknown>(null, own);
  maps.push(map);
  if (lifetime !== undefined) map.set(key, initial, lifetime);
  return [map, key];
}

describe.each(Object.entries({ ...setting, ...modifying, ...inserting }))('a new entry, by %s', (_, operation) => {
  it.each([
    ['lives for ever, without options', {}, undefined, never],
    ['lives for ever, where options say nothing', {}, {}, never],
    ['lives for its ttl', {}, { ttl: MINUTE }, minute],
    ['lives for its ttl with keepTtl', {}, { ttl: MINUTE, keepTtl: true }, minute],
    ['lives for its ttl without keepTtl', {}, { ttl: MINUTE, keepTtl: false }, minute],
    ['lives for a ttl that is no integer', {}, { ttl: MINUTE - 0.123 }, minute],
    ['lives for ever by an infinite ttl', {}, { ttl: Number.POSITIVE_INFINITY }, never],
    ['lives for the longest ttl', {}, { ttl: 4_611_686_018_427 }, [4_611_686_000_000, 4_611_686_018_427]],
    ["lives for the map's ttl", { ttl: MINUTE }, undefined, minute],
    ["lives for the map's ttl, where options say nothing", { ttl: MINUTE }, { ttl: undefined }, minute],
    ["lives for the map's ttl with keepTtl", { ttl: MINUTE }, { keepTtl: true }, minute],
    ["lives for its own ttl, not the map's", { ttl: MINUTE }, { ttl: 10 * MINUTE }, tenMinutes],
    ["lives for ever, whatever the map's ttl", { ttl: MINUTE }, { ttl: Number.POSITIVE_INFINITY }, never],
    ['lives for ever until a moment that never comes', { ttl: MINUTE }, { expiresAt: Number.POSITIVE_INFINITY }, never],
  ] as const)('%s', (_, own, options, expected) => {
    const [map, key] = make(operation, own);
    operation.run(map, key, options);
    expectLeft(map, key, expected);
    expect(map.has(key)).toBe(true);
    if (expected !== never) expect(map.stats().timedEntries).toBeGreaterThan(0);
  });

  it('lives until a moment: a Date, or a number', () => {
    for (const expiresAt of [Date.now() + MINUTE, new Date(Date.now() + MINUTE)]) {
      const [map, key] = make(operation, { ttl: 10 * MINUTE });
      operation.run(map, key, { expiresAt });
      expectLeft(map, key, minute);
    }
  });

  it.each([
    ['a moment ago', () => Date.now()],
    ['long ago', () => 0],
    ['a Date long ago', () => new Date(0)],
    ['before 1970', () => new Date(-1)],
    ['for ever', () => Number.NEGATIVE_INFINITY],
  ])('has expired at once, if it expires %s', async (_, expiresAt) => {
    const [map, key] = make(operation, {});
    operation.run(map, key, { expiresAt: expiresAt() });
    expectAbsent(map, key);
    await until(() => map.stats().expiredEntries > 0, 'the removal');
  });

  it('is there until its deadline and never after', () => {
    for (let ttl = 2; ; ttl *= 2) {
      const [map, key] = make(operation, {});
      const start = performance.now();
      operation.run(map, key, { ttl });
      const set = performance.now();
      const isThere = map.has(key) && map.get(key) !== undefined;
      const isInTime = performance.now() - start < ttl - RECENT_MS_MAX;
      busyWait(ttl + 1 - (performance.now() - set));
      expectAbsent(map, key);
      if (!isInTime) continue; // the machine was busy: longer
      expect(isThere).toBe(true);
      break;
    }
  });
});

/** By all that reads. */
function expectAbsent(map: Any, key: Key): void {
  const id = (each: unknown): string => (each instanceof Uint8Array ? 'bytes' : JSON.stringify(each));
  expect(map.get(key)).toBeUndefined();
  expect(map.has(key)).toBe(false);
  expect(map.ttl(key)).toBeUndefined();
  expect(map.getMany([key])).toEqual([undefined]);
  expect(map.hasMany([key])).toEqual([false]);
  expect([...map.keys()].map(id)).not.toContain(id(key));
  expect(map.getInto(key, new Uint8Array(8))).toBe(-1);
  expect([...map.gather([key], new Uint8Array(8))]).toEqual([0]);
  expect(map.entry(key).value()).toBeUndefined();
  expect(map.touch(key)).toBe(false);
  expect(map.expire(key, 1000)).toBe(false);
  expect(map.persist(key)).toBe(false);
  expect(map.delete(key)).toBe(false);
}

describe.each(Object.entries({ ...setting, ...settingOne }))('an entry that is there, by %s', (_, operation) => {
  it.each([
    ['lives for ever, without options', {}, undefined, never],
    ['lives for ever, without keepTtl', {}, { keepTtl: false }, never],
    ["lives for the map's ttl again", { ttl: MINUTE }, undefined, minute],
    ['lives for its new ttl', { ttl: MINUTE }, { ttl: 10 * MINUTE, keepTtl: false }, tenMinutes],
    ['lives for ever by an infinite ttl', { ttl: MINUTE }, { ttl: Number.POSITIVE_INFINITY }, never],
    ['keeps what it had with keepTtl', { ttl: MINUTE }, { keepTtl: true }, tenMinutes],
    ['keeps what it had with keepTtl, whatever ttl', { ttl: MINUTE }, { ttl: 1, keepTtl: true }, tenMinutes],
  ] as const)('%s', (_, own, options, expected) => {
    const [map, key] = make(operation, own, { ttl: 10 * MINUTE });
    operation.run(map, key, options);
    expectLeft(map, key, expected);
    expect(map.get(key)).not.toEqual(operation.initial);
  });

  it('stays for ever with keepTtl, if it was there for ever', () => {
    const [map, key] = make(operation, { ttl: MINUTE }, { ttl: Number.POSITIVE_INFINITY });
    operation.run(map, key, { ttl: 1, keepTtl: true });
    expectLeft(map, key, never);
  });

  it('is gone with its old value, where the new one has expired already', () => {
    const [map, key] = make(operation, {}, {});
    operation.run(map, key, { expiresAt: 1 });
    expectAbsent(map, key);
  });
});

describe.each(Object.entries(modifying))('an entry that is there, by %s', (_, operation) => {
  it.each([
    ['keeps its deadline, without options', { ttl: MINUTE }, undefined, tenMinutes],
    ['keeps its deadline, where options say nothing', { ttl: MINUTE }, {}, tenMinutes],
    ['keeps its deadline with keepTtl, whatever ttl', {}, { ttl: MINUTE, keepTtl: true }, tenMinutes],
    ['begins a new life without keepTtl', { ttl: MINUTE }, { keepTtl: false }, minute],
    ['lives for its new ttl', {}, { ttl: MINUTE }, minute],
    ['lives for ever by an infinite ttl', { ttl: MINUTE }, { ttl: Number.POSITIVE_INFINITY }, never],
  ] as const)('%s', (_, own, options, expected) => {
    const [map, key] = make(operation, own, { ttl: 10 * MINUTE });
    operation.run(map, key, options);
    expectLeft(map, key, expected);
    expect(map.get(key)).not.toEqual(operation.initial);
  });

  it('counts as none once it has expired', () => {
    const initial = typeof operation.initial === 'bigint' ? 40n : 40;
    const [map, key] = make({ ...operation, initial }, {}, { expiresAt: 1 });
    operation.run(map, key, { ttl: MINUTE });
    expect([41, 41n]).not.toContain(map.get(key));
    expectLeft(map, key, minute);
  });
});

describe.each(Object.entries(inserting))('an entry that is there, by %s', (_, operation) => {
  it('keeps its deadline, whatever options', () => {
    for (const options of [undefined, { ttl: 1 }, { keepTtl: false }, { expiresAt: 1 }]) {
      const [map, key] = make(operation, { ttl: MINUTE }, { ttl: 10 * MINUTE });
      operation.run(map, key, options);
      expectLeft(map, key, tenMinutes);
    }
  });
});

describe('an entry that has expired', () => {
  it('counts as absent in each atomic operation', () => {
    const gone = (): Any => make({ initial: 5, run: () => 0 }, {}, { expiresAt: 1 })[0];
    expect(gone().increment('a', 2)).toBe(2);
    expect(gone().getAndSet('a', 2)).toBeUndefined();
    expect(gone().getAndDelete('a')).toBeUndefined();
    expect(gone().compareAndSet('a', undefined, 2)).toBe(true);
    expect(gone().compareAndSet('a', 5, 2)).toBe(false);
    expect(gone().compareAndDelete('a', 5)).toBe(false);
    expect(gone().getOrInsert('a', 2)).toBe(2);
    expect(gone().update('a', (current) => String(current))).toBe('undefined');
    expect(gone().deleteMany(['a'])).toBe(0);
    expect(SyncMap.from(gone().handle).load('a')).toEqual([undefined, false]);
  });

  it('is not counted, nor its bytes kept, once it has been removed', async () => {
    const [map] = make({ initial: 1, run: () => 0 }, {});
    map.setMany(
      Array.from({ length: 1000 }, (_, index) => [index, 'x'.repeat(1000)]),
      { ttl: 5 },
    );
    map.set('stays', 1);
    await until(() => map.size === 1, 'the removal of all');
    expect(map.stats()).toMatchObject({ entries: 1, timedEntries: 0, expiredEntries: 1000 });
    expect([...map]).toEqual([['stays', 1]]);
  });

  it('comes last when it is set again, as one that was deleted does', () => {
    const [map] = make({ initial: 1, run: () => 0 }, {}, { ttl: 0.001 });
    map.set('b', 2);
    busyWait(1);
    map.set('a', 3);
    expect([...map]).toEqual([
      ['b', 2],
      ['a', 3],
    ]);
  });

  it('is left out by iterators that began while it was there', () => {
    const map = make({ initial: 1, run: () => 0 }, {})[0];
    for (let key = 0; key < 5; key++) map.set(key, key);
    const keys = map.keys();
    expect(keys.next().value).toBe(0);
    for (const key of [1, 3]) map.set(key, 'gone', { expiresAt: 1 });
    expect([...keys]).toEqual([2, 4]);
  });

  it('is never shown by a near cache, however often it is read', () => {
    const [map] = make({ initial: 'there', run: () => 0 }, {}, { ttl: 30 });
    const start = performance.now();
    let last = start;
    for (; performance.now() - start < 60; last = performance.now()) {
      const value = map.get('a');
      if (last - start > 31 && value !== undefined) throw new Error(`read ${last - start} ms after it was set`);
    }
    expect(map.has('a')).toBe(false);
    map.set('a', 'for ever');
    for (let i = 0; i < 5000; i++) map.get('a');
    map.expire('a', 5);
    busyWait(6);
    expect([map.get('a'), map.has('a')]).toEqual([undefined, false]);
  });
});

describe('ttl, expire, expireAt and persist', () => {
  const one = (lifetime: LifetimeOptions = {}, own = {}): Any => make({ initial: 1, run: () => 0 }, own, lifetime)[0];

  it('tell and change when an entry expires, and leave its value', () => {
    const map = one();
    expectLeft(map, 'a', never);
    expect(map.expire('a', MINUTE)).toBe(true);
    expectLeft(map, 'a', minute);
    expect(map.persist('a')).toBe(true);
    expectLeft(map, 'a', never);
    expect(map.persist('a')).toBe(false);
    expect(map.expireAt('a', new Date(Date.now() + MINUTE))).toBe(true);
    expectLeft(map, 'a', minute);
    expect(map.expireAt('a', Date.now() + 10 * MINUTE)).toBe(true);
    expectLeft(map, 'a', tenMinutes);
    expect(map.expire('a', Number.POSITIVE_INFINITY)).toBe(true);
    expectLeft(map, 'a', never);
    expect(map.expireAt('a', Number.POSITIVE_INFINITY)).toBe(true);
    expect([...map]).toEqual([['a', 1]]);
  });

  it('say that there is no entry', () => {
    const map = one();
    expect([map.ttl('b'), map.expire('b', 1), map.expireAt('b', 1), map.persist('b'), map.touch('b')]).toEqual([
      undefined,
      false,
      false,
      false,
      false,
    ]);
    expect(map.size).toBe(1);
  });

  it('take keys of all kinds', () => {
    for (const key of ['', 1, -0, 5n, true, null, undefined, Uint8Array.of(1), ['a', 1], []] as Key[]) {
      const map = one().set(key, 1, { ttl: MINUTE });
      expectLeft(map, key, minute);
      expect([map.touch(key), map.persist(key), map.expire(key, 1e9), map.expireAt(key, 1)]).toEqual(
        Array(4).fill(true),
      );
      expect(map.ttl(key)).toBeUndefined();
    }
  });

  it('make an entry expire at once at a moment that has passed', () => {
    for (const moment of [0, Date.now(), new Date(0), Number.NEGATIVE_INFINITY]) {
      const map = one();
      expect(map.expireAt('a', moment)).toBe(true);
      expectAbsent(map, 'a');
    }
  });

  it('round up to whole milliseconds', () => {
    const map = one({ ttl: 0.5 });
    const left = map.ttl('a');
    expect([1, undefined]).toContain(left);
    map.set('a', 1, { ttl: MINUTE });
    expect(Number.isInteger(map.ttl('a'))).toBe(true);
  });

  it('count down', () => {
    const map = one({ ttl: MINUTE });
    const first = map.ttl('a') as number;
    busyWait(5);
    expect(map.ttl('a')).toBeLessThanOrEqual(first - 4);
  });
});

describe('touch', () => {
  const TTL = 400;
  const vector = Float32Array.of(1, 2);
  const reads: Record<string, (map: Any) => unknown> = {
    get: (map) => map.get('a'),
    getMany: (map) => map.getMany(['a', 'b']),
    getInto: (map) => map.getInto('a', new Float32Array(2)),
    gather: (map) => map.gather(['b', 'a'], new Float32Array(4)),
    getOrInsert: (map) => map.getOrInsert('a', 1),
    getOrInsertComputed: (map) => map.getOrInsertComputed('a', () => 1),
    touch: (map) => map.touch('a'),
  };
  const others: Record<string, (map: Any) => unknown> = {
    has: (map) => map.has('a'),
    hasMany: (map) => map.hasMany(['a']),
    'for…of': (map) => [...map],
    forEach: (map) => map.forEach(() => {}),
    ttl: (map) => map.ttl('a'),
    size: (map) => map.size,
  };
  function open(own: { ttl: number; touch?: boolean }, lifetime?: LifetimeOptions): Any {
    const map = new ShardMap<Key, unknown>(null, own);
    maps.push(map);
    return map.set('a', vector, lifetime);
  }
  /** Where it is not renewed, there is never more left than before. */
  function expectNoGain(map: Any, use: (map: Any) => unknown): void {
    busyWait(5);
    const before = map.ttl('a') as number;
    use(map);
    expect(map.ttl('a')).toBeLessThanOrEqual(before);
  }

  it.each(Object.entries(reads))('by %s renews the ttl of the map', (_, use) => {
    const map = open({ ttl: MINUTE, touch: true });
    const renews = isRenewed(
      () => map.ttl('a'),
      () => use(map),
    );
    expect(renews).toBe(true);
    expectLeft(map, 'a', minute);
  });
  it.each(Object.entries(others))('is not what %s does', (_, use) => {
    expectNoGain(open({ ttl: MINUTE, touch: true }), use);
  });
  it.each(Object.entries(reads))('by %s leaves a ttl of the entry’s own, and maps without the option', (_, use) => {
    expectNoGain(open({ ttl: MINUTE, touch: true }, { ttl: MINUTE }), use);
    expectNoGain(open({ ttl: MINUTE }), use);
    expectNoGain(open({ ttl: MINUTE, touch: false }), use);
  });

  it('keeps an entry for as long as it is read, and no longer', async () => {
    const map = new ShardMap<Key, unknown>(null, { ttl: TTL, touch: true });
    maps.push(map);
    map.set('read', 1).set('left', 1);
    let last = performance.now();
    let isLate = false;
    for (const end = last + 2 * TTL; performance.now() < end && !isLate; ) {
      const value = map.get('read');
      isLate = performance.now() - last > TTL / 2; // the machine was busy: nothing follows
      if (!isLate) expect(value).toBe(1);
      last = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    busyWait(TTL + 1);
    expect([map.has('left'), map.has('read')]).toEqual([false, false]);
  });

  it('goes by what another map of the store was opened with', () => {
    const [map] = make({ initial: 1, run: () => 0 }, { ttl: MINUTE, touch: true } as { ttl: number });
    const other = ShardMap.from<Key, unknown>(map.handle);
    maps.push(other);
    other.set('a', vector);
    expectLeft(other, 'a', minute);
    const renews = isRenewed(
      () => other.ttl('a'),
      () => other.get('a'),
    );
    expect(renews).toBe(true);
  });
});

describe('a jump of the system’s clock', () => {
  it.each([DAY, -DAY])('by %i ms changes nothing of an entry that was set', (jump) => {
    const map = make({ initial: 1, run: () => 0 }, { ttl: MINUTE })[0];
    map.set('ttl', 1, { ttl: MINUTE });
    map.set('own', 1);
    map.set('moment', 1, { expiresAt: new Date(Date.now() + MINUTE) });
    const start = performance.now();
    map.set('short', 1, { ttl: 20 });
    const { now } = Date;
    vi.spyOn(Date, 'now').mockImplementation(() => now() + jump);
    for (const key of ['ttl', 'own', 'moment']) expectLeft(map, key, minute);
    const isThere = map.has('short');
    if (performance.now() - start < 19) expect(isThere).toBe(true);
    map.set('later', 1, { ttl: MINUTE });
    expectLeft(map, 'later', minute);
    map.expire('own', 10 * MINUTE);
    expectLeft(map, 'own', tenMinutes);
    map.set('at', 1, { expiresAt: Date.now() + MINUTE });
    expectLeft(map, 'at', minute);
    map.set('before the jump', 1, { expiresAt: now() + 10 * DAY });
    expectLeft(map, 'before the jump', [10 * DAY - jump - MINUTE, 10 * DAY - jump + MINUTE]);
    busyWait(21);
    expect(map.has('short')).toBe(false);
  });

  it('while a callback computes the value counts: a moment is one of the clock when the entry is set', () => {
    const map = make({ initial: 1, run: () => 0 }, {})[0];
    const { now } = Date;
    const expiresAt = now() + DAY + MINUTE;
    const jump = (): number => {
      vi.spyOn(Date, 'now').mockImplementation(() => now() + DAY);
      return 1;
    };
    map.getOrInsertComputed('a', jump, { expiresAt });
    expectLeft(map, 'a', minute);
  });
});

describe('options', () => {
  it('are read once, before the value and the entries, and let the errors of getters through', () => {
    const map = make({ initial: 1, run: () => 0 }, {})[0];
    const log: string[] = [];
    const options = {
      get ttl() {
        log.push('ttl');
        return MINUTE;
      },
      get keepTtl() {
        log.push('keepTtl');
        return false;
      },
    };
    const value = {
      get n() {
        log.push('value');
        return 1;
      },
    };
    map.set('a', value, options);
    map.setMany([['b', value]], options);
    expect(log).toEqual(['ttl', 'keepTtl', 'value', 'ttl', 'keepTtl', 'value']);
    expectLeft(map, 'a', minute);
    expectLeft(map, 'b', minute);
  });

  it('hold for their operation alone: not for one that a getter makes, nor for the next', () => {
    const map = make({ initial: 1, run: () => 0 }, {})[0];
    const value = {
      get n() {
        map.set('inner', 1);
        return 1;
      },
    };
    map.set('outer', value, { ttl: MINUTE });
    map.setMany([['outer of many', value]], { ttl: MINUTE });
    map.set('next', 1);
    const pair = ['p', 1] as Key[];
    Object.defineProperty(pair, 0, { get: () => map.set('inner of a key', 1).size });
    map.set(pair as unknown as Key, 1, { ttl: MINUTE });
    for (const key of ['inner', 'next', 'inner of a key']) expectLeft(map, key, never);
    for (const key of ['outer', 'outer of many']) expectLeft(map, key, minute);
    expect(map.stats().timedEntries).toBe(3);
  });

  it('of an operation that fails are gone with it', () => {
    const map = make({ initial: 1, run: () => 0 }, {})[0];
    expect(() => map.set({} as Key, 1, { ttl: 1 })).toThrow(TypeError);
    map.set('a', 1);
    expect(() => map.setMany([[{} as Key, 1]], { ttl: 1 })).toThrow(TypeError);
    map.setMany([['b', 1]]);
    expect(map.set('text', 'x').compareAndSet('text', 'y', 1, { ttl: 1 })).toBe(false);
    expect(() => map.increment('text', 1, { ttl: 1 })).toThrow(TypeError);
    map.increment('c');
    for (const key of ['a', 'b', 'c', 'text']) expectLeft(map, key, never);
  });

  it('do not come from a polluted prototype unless they are options', () => {
    const map = make({ initial: 1, run: () => 0 }, {})[0];
    Object.defineProperty(Object.prototype, 'polluted', { value: 1, enumerable: true, configurable: true });
    try {
      map.set('a', 1, { ttl: MINUTE });
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted');
    }
    expectLeft(map, 'a', minute);
  });

  it('of the map are those of writers and of SyncMap too', () => {
    const map = make({ initial: 1, run: () => 0 }, { ttl: MINUTE })[0];
    map.writer().set('a', 1).set('b', { n: 1 }).flush();
    const sync = SyncMap.from<Key, unknown>(map.handle);
    sync.store('c', 1);
    sync.loadOrStore('d', 1);
    sync.swap('a', 2);
    for (const key of ['a', 'b', 'c', 'd']) expectLeft(map, key, minute);
    expect(
      ShardMap.from<Key, unknown>(new SyncMap({ ttl: MINUTE, touch: true }).handle)
        .set('a', 1)
        .ttl('a'),
    ).toBe(MINUTE);
    sync.close();
  });

  it('of the map hold for what its constructor is given, and for groups', () => {
    const map = new ShardMap<Key, unknown>([['a', 1]], { ttl: MINUTE });
    maps.push(map);
    expectLeft(map, 'a', minute);
    expect(ShardMap.groupBy([1], () => 'one').ttl('one')).toBe(Number.POSITIVE_INFINITY);
  });

  it('make a rate limiter with increment: a window that begins with its first request', () => {
    const map = make({ initial: 1, run: () => 0 }, {})[0];
    const options = { ttl: MINUTE, keepTtl: true };
    expect([map.increment('ann', 1, options), map.increment('ann', 1, options)]).toEqual([1, 2]);
    busyWait(20);
    const before = map.ttl('ann') as number;
    map.increment('ann', 1, options);
    expect(map.ttl('ann')).toBeLessThanOrEqual(before);
  });
});
