/** Danger: an entry that a writer took is lost, changed on its way, or set in another order than it was given. */

import { deepStrictEqual, strictEqual } from 'node:assert';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Key, ShardMap, ShardMapWriter, type ShardMapWriterOptions } from '../../lib/index.js';
import { addon } from '../../lib/native.js';
import { anyKey, anyValue, KeyInterner } from './arbitraries.js';
import { caught, expectCloneError, expectClosed, expectError } from './expect-error.js';
import { useFakeTimers, useRealTimers } from './fake-timers.js';
import { runCount, seed } from './run-size.js';

let map: ShardMap<Key, unknown>;

beforeEach(() => {
  useFakeTimers();
  map = new ShardMap();
});

afterEach(() => {
  map.close();
  useRealTimers();
});

describe('a writer', () => {
  it('is made by a map only', () => {
    expect(map.writer()).toBeInstanceOf(ShardMapWriter);
    const Class = ShardMapWriter as unknown as new (...given: unknown[]) => unknown;
    for (const given of [[], [map], [{}, undefined]]) {
      expectError(() => new Class(...given), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    }
  });

  it('sets nothing before a flush, then all, in the order given', () => {
    const writer = map.writer();
    for (const key of ['c', 'a', 'b']) expect(writer.set(key, `value of ${key}`)).toBe(writer);
    expect([writer.pending, map.size]).toEqual([3, 0]);
    writer.flush();
    expect(writer.pending).toBe(0);
    expect([...map]).toEqual(['c', 'a', 'b'].map((key) => [key, `value of ${key}`]));
  });

  it('lets the last of one key win, in the place of the first', () => {
    const writer = map.writer();
    writer.set('a', 1).set('b', { n: 1 }).set('a', { n: 2 }).set('b', 2).flush();
    expect([...map]).toEqual([
      ['a', { n: 2 }],
      ['b', 2],
    ]);
  });

  it('goes on after a flush, and flushes nothing where nothing is pending', () => {
    const writer = map.writer();
    writer.flush();
    writer.set('a', 1).flush();
    writer.flush();
    map.delete('a');
    writer.flush();
    expect(map.size).toBe(0);
    writer.set('b', 2).flush();
    expect([...map]).toEqual([['b', 2]]);
  });

  it('stands beside others, each with entries of its own', () => {
    const writers = [map.writer(), map.writer(), new ShardMap().writer()] as ShardMapWriter<Key, unknown>[];
    for (const [index, writer] of writers.entries()) writer.set('key', index).set(index, index);
    expect(writers.map(({ pending }) => pending)).toEqual([2, 2, 2]);
    writers[1]?.flush();
    expect([...map]).toEqual([
      ['key', 1],
      [1, 1],
    ]);
    writers[0]?.flush();
    expect([map.get('key'), map.size]).toEqual([0, 3]);
    expect(writers.map(({ pending }) => pending)).toEqual([0, 0, 2]);
  });

  it('uses the codec of its map', () => {
    const codec = { encode: (value: Date) => Uint8Array.of(value.getDate()), decode: (bytes: Uint8Array) => bytes[0] };
    const dates = new ShardMap<string, unknown>(null, { codec });
    dates
      .writer()
      .set('a', new Date(2026, 0, 5))
      .flush();
    expect(dates.get('a')).toBe(5);
  });
});

describe('a flush by itself', () => {
  it('comes when maxEntries are pending: 50 unless said', () => {
    for (const [options, count] of [
      [undefined, 50],
      [{ maxEntries: undefined, maxDelay: undefined, onError: undefined }, 50],
      [{ maxEntries: 3 }, 3],
      [{ maxEntries: 1 }, 1],
      [{ maxEntries: 1000 }, 1000],
    ] as const) {
      map.clear();
      const writer = map.writer(options);
      for (let index = 1; index < count; index++) writer.set(index, index);
      expect([map.size, writer.pending]).toEqual([0, count - 1]);
      writer.set('last', { of: 'all' });
      expect([map.size, writer.pending]).toEqual([count, 0]);
      expect([...map.keys()]).toEqual([...Array.from({ length: count - 1 }, (_, index) => index + 1), 'last']);
    }
  });

  it('counts a key that is set twice as two', () => {
    const writer = map.writer({ maxEntries: 2 });
    writer.set('a', 1).set('a', 2);
    expect([map.get('a'), writer.pending]).toEqual([2, 0]);
  });

  it.each([
    [undefined, 10],
    [{ maxDelay: 5 }, 5],
    [{ maxDelay: 2 ** 31 - 1 }, 2 ** 31 - 1],
  ] as const)('comes maxDelay after the first pending entry: %o', (options, delayMs) => {
    const writer = map.writer(options);
    vi.advanceTimersByTime(100);
    writer.set('a', 1);
    vi.advanceTimersByTime(delayMs - 1);
    writer.set('b', 2);
    expect(map.size).toBe(0);
    vi.advanceTimersByTime(1);
    expect([map.size, writer.pending]).toEqual([2, 0]);
    writer.set('c', 3);
    vi.advanceTimersByTime(delayMs - 1);
    expect(map.size).toBe(2);
    vi.advanceTimersByTime(1);
    expect(map.size).toBe(3);
  });

  it('comes in the next turn of the timers with a maxDelay of 0', () => {
    map.writer({ maxDelay: 0 }).set('a', 1);
    expect(map.size).toBe(0);
    vi.advanceTimersByTime(1);
    expect(map.size).toBe(1);
  });

  it('waits its whole delay again after a flush by count or by hand', () => {
    const writer = map.writer({ maxEntries: 2, maxDelay: 10 });
    writer.set('a', 1);
    vi.advanceTimersByTime(9);
    writer.set('b', 1).set('c', 1);
    vi.advanceTimersByTime(9);
    expect(writer.pending).toBe(1);
    writer.flush();
    writer.set('d', 1);
    vi.advanceTimersByTime(9);
    expect(writer.pending).toBe(1);
    vi.advanceTimersByTime(1);
    expect([writer.pending, map.size]).toEqual([0, 4]);
  });

  it('leaves no timer behind where nothing is pending', () => {
    const writer = map.writer({ maxEntries: 2 });
    writer.set('a', 1).set('b', 2).set('c', 3).flush();
    writer.set('d', 4).close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('close', () => {
  it('of a writer flushes; it takes no more then, and closing again is no error', () => {
    const writer = map.writer();
    writer.set('a', 1);
    expect(writer.close()).toBeUndefined();
    expect(map.get('a')).toBe(1);
    expectClosed(() => writer.set('b', 2));
    expectClosed(() => writer.set('b', {}));
    writer.close();
    writer[Symbol.dispose]();
    writer.flush();
    expect([writer.pending, map.size]).toEqual([0, 1]);
  });

  it('is what dispose does', () => {
    const writer = map.writer();
    writer.set('a', 1)[Symbol.dispose]();
    expect(map.get('a')).toBe(1);
    expectClosed(() => writer.set('b', 2));
  });

  it.each(['close', Symbol.dispose] as const)('of the map by %s flushes its writers, and only these', (name) => {
    const other = ShardMap.from<Key, unknown>(map.handle);
    const writers = Array.from({ length: 5 }, () => map.writer());
    const idle = map.writer();
    const stranger = other.writer();
    for (const [index, writer] of writers.entries()) writer.set(index, { index });
    stranger.set('stranger', 1);
    map[name]();
    expect([...other].sort()).toEqual(writers.map((_, index) => [index, { index }]));
    expect(stranger.pending).toBe(1);
    for (const writer of [...writers, idle]) {
      expect(writer.pending).toBe(0);
      expectClosed(() => writer.set('b', 2));
      writer.flush();
      writer.close();
    }
    stranger.close();
    expect(other.get('stranger')).toBe(1);
    expectClosed(() => map.writer());
    other.close();
  });
});

describe('thousands of writers', () => {
  it('leave no batch open once nothing is pending, and take no more of them than are pending', () => {
    const nextBatch = (): number => {
      const number = addon.openBatch();
      addon.closeBatch(number);
      return number;
    };
    const first = nextBatch();
    const writers = Array.from({ length: 2000 }, () => map.writer());
    for (const writer of writers) writer.set('a', 1).flush();
    expect(nextBatch()).toBeLessThanOrEqual(first + 1);
    for (const [index, writer] of writers.entries()) writer.set(index, index);
    for (const writer of writers) writer.set('b', {});
    expect(map.size).toBe(1);
    map.close();
    expect(writers.every(({ pending }) => pending === 0)).toBe(true);
    expect(nextBatch()).toBeLessThanOrEqual(first + 1);
  });
});

describe('what is set later', () => {
  it('is the key as it was: bytes and arrays', () => {
    const bytes = Uint8Array.of(1, 2);
    const parts: Key[] = ['a', 1];
    const writer = map.writer();
    for (const value of [1, { an: 'object' }]) {
      writer.set(bytes, value).set(parts as Key, value);
      bytes[0] = 2;
      parts[1] = 2;
    }
    writer.flush();
    expect([...map.keys()]).toEqual([Uint8Array.of(1, 2), ['a', 1], Uint8Array.of(2, 2), ['a', 2]]);
  });

  it('is the value as it was: objects, arrays, bytes of every kind, and those of a codec', () => {
    const buffer = new ArrayBuffer(2);
    const given = {
      object: { nested: [1] },
      map: new Map([['a', 1]]),
      bytes: Buffer.of(1),
      floats: new Float32Array(100),
      buffer,
      date: new Date(5),
    };
    const expected = structuredClone(given);
    const writer = map.writer();
    for (const [key, value] of Object.entries(given)) writer.set(key, value);
    const shared = Uint8Array.of(7);
    const coded = new ShardMap<string, unknown>(null, { codec: { encode: () => shared, decode: ([byte]) => byte } });
    const codedWriter = coded.writer();
    codedWriter.set('a', {});
    shared[0] = 8;
    codedWriter.flush();
    given.object.nested[0] = 2;
    given.map.set('a', 2);
    given.bytes[0] = 2;
    given.floats.fill(2);
    new Uint8Array(buffer).fill(2);
    given.date.setTime(6);
    writer.flush();
    expect(Object.fromEntries(map)).toEqual({ ...expected, bytes: Buffer.of(1) });
    expect(coded.get('a')).toBe(7);
  });

  it('runs getters once, when the entry is taken', () => {
    let reads = 0;
    const key = Object.defineProperty(['a', 0], 1, { get: () => ++reads }) as Key;
    const value = {
      get trap() {
        return ++reads;
      },
    };
    const writer = map.writer();
    writer.set(key, value);
    expect(reads).toBe(2);
    writer.flush();
    expect([...map]).toEqual([[['a', 1], { trap: 2 }]]);
    expect(reads).toBe(2);
  });
});

describe('what cannot be set', () => {
  it('is refused when it is given, and the others stay', () => {
    const writer = map.writer();
    const error = new Error('from the getter');
    const trap = {
      get trap() {
        throw error;
      },
    };
    const refuseAll = (): void => {
      for (const value of [1, {}]) {
        for (const key of [{}, Symbol('key'), () => 1, ['a', {}], new Proxy(['a'], {})]) {
          expectError(() => writer.set(key as Key, value), 'TypeError', 'ERR_SHARDMAP_INVALID_KEY');
        }
        for (const key of ['k'.repeat(2 ** 20 + 1), Array(1025).fill(0), new Uint8Array(2 ** 20 + 1)]) {
          expectError(() => writer.set(key, value), 'RangeError', 'ERR_SHARDMAP_KEY_TOO_LONG');
        }
      }
      for (const value of [() => 1, Symbol('value'), { f() {} }, Promise.resolve()]) {
        expectCloneError(() => writer.set('bad', value));
      }
      expect(caught(() => writer.set('bad', trap))).toBe(error);
    };
    refuseAll();
    expect(writer.pending).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    writer.set('a', 1).set('b', {});
    refuseAll();
    expect(writer.pending).toBe(2);
    writer.set('c', 3).flush();
    expect([...map.keys()]).toEqual(['a', 'b', 'c']);
  });

  it.each([0, -1, 1.5, Number.NaN, 65_537, Number.POSITIVE_INFINITY])('maxEntries of %s is out of range', (count) => {
    expectError(() => map.writer({ maxEntries: count }), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
  });
  it.each([-1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY])('maxDelay of %s is out of range', (delayMs) => {
    expectError(() => map.writer({ maxDelay: delayMs }), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
  });
  it.each([
    { maxEntries: '50' },
    { maxEntries: null },
    { maxEntries: 50n },
    { maxDelay: '10' },
    { maxDelay: null },
    { onError: null },
    { onError: 'log' },
    { maxDelays: 10 },
    null,
    1,
    () => 1,
  ])('%o are options of the wrong type or unknown', (options) => {
    const bad = options as ShardMapWriterOptions;
    expectError(() => map.writer(bad), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
  });
  it('the largest options are none of these', () => {
    map.writer({ maxEntries: 65_536, maxDelay: 2 ** 31 - 1, onError: () => {} });
  });

  it('a wrong receiver is refused by each method', () => {
    const { set, flush, close, [Symbol.dispose]: dispose } = ShardMapWriter.prototype;
    const pending = Object.getOwnPropertyDescriptor(ShardMapWriter.prototype, 'pending')?.get as () => number;
    for (const method of [set, flush, close, dispose, pending]) {
      for (const receiver of [undefined, null, 1, {}, map, ShardMapWriter.prototype, new Proxy(map.writer(), {})]) {
        const call = (): unknown => Reflect.apply(method, receiver, ['a', 1]);
        expectError(call, 'TypeError', 'ERR_SHARDMAP_INVALID_RECEIVER');
      }
    }
    const { writer } = ShardMap.prototype;
    expectError(() => Reflect.apply(writer, {}, []), 'TypeError', 'ERR_SHARDMAP_INVALID_RECEIVER');
  });
});

describe('a getter of a value', () => {
  const trapped = (act: () => void): object => ({
    get trap() {
      act();
      return 1;
    },
  });

  it('may use the writer: what it sets comes first', () => {
    const writer = map.writer({ maxEntries: 3 });
    writer.set('first', 1);
    writer.set(
      'outer',
      trapped(() => writer.set('inner', 2)),
    );
    expect([...map.keys()]).toEqual(['first', 'inner', 'outer']);
    writer.set(
      'again',
      trapped(() => writer.set('x', 1).flush()),
    );
    expect([[...map.keys()].at(-1), writer.pending]).toEqual(['x', 1]);
    writer.flush();
    expect([...map.keys()]).toEqual(['first', 'inner', 'outer', 'x', 'again']);
  });

  it('may close the writer or the map: the entry is refused, and those before are set', () => {
    const other = ShardMap.from<Key, unknown>(map.handle);
    for (const [before, target] of [0, 1].flatMap((count) => [
      [count, 'writer'],
      [count, 'map'],
    ]) as [number, string][]) {
      other.clear();
      const own = ShardMap.from<Key, unknown>(map.handle);
      const writer = own.writer();
      for (let index = 0; index < before; index++) writer.set(index, index);
      expectClosed(() =>
        writer.set(
          'trap',
          trapped(() => (target === 'map' ? own : writer).close()),
        ),
      );
      expect([other.size, writer.pending]).toEqual([before, 0]);
    }
    other.close();
  });
});

describe(`a writer with random flushes (SHARDMAP_TEST_SEED=${seed})`, () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ key: anyKey, value: anyValue }) },
    { weight: 1, arbitrary: fc.constantFrom('flush', 'wait', 'delete all') },
  );
  it('does what a Map does', () => {
    const property = fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (steps, most) => {
      const real = new ShardMap<Key, unknown>(null, { shards: 4 });
      const interner = new KeyInterner();
      const model = new Map<unknown, unknown>();
      const pending: [unknown, unknown][] = [];
      const writer = real.writer({ maxEntries: most });
      const flush = (): void => {
        for (const [key, value] of pending.splice(0)) model.set(key, value);
      };
      for (const each of steps) {
        if (typeof each === 'object') {
          writer.set(each.key, each.value);
          pending.push([interner.of(each.key), each.value]);
          if (pending.length === most) flush();
        } else if (each === 'delete all') {
          real.clear();
          model.clear();
        } else {
          if (each === 'flush') writer.flush();
          else vi.advanceTimersByTime(10);
          flush();
        }
        strictEqual(writer.pending, pending.length);
        strictEqual(real.size, model.size);
      }
      const other = ShardMap.from<Key, unknown>(real.handle);
      real.close();
      flush();
      deepStrictEqual(
        [...other].map(([key, value]) => [interner.of(key), value]),
        [...model],
      );
      other.close();
    });
    fc.assert(property, { seed, numRuns: runCount(300) });
  });
});
