/** Danger: where memory runs out while a writer flushes, entries are lost, or nobody hears of it. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createError } from '../../lib/errors.js';
import { type Key, ShardMap, ShardMapError, type ShardMapWriter } from '../../lib/index.js';
import type { Addon, AddonReply } from '../../lib/native.js';
import { caught, expectClosed, expectError } from './expect-error.js';
import { useFakeTimers, useRealTimers } from './fake-timers.js';

/** Takes the place of the addon's function, to be what it is where memory is out. */
const setMany = vi.hoisted(() => ({ fail: undefined as ((reply: Float64Array) => void) | undefined }));
vi.mock('../../lib/native.js', async (load) => {
  const native = await load<{ addon: Addon & AddonReply }>();
  const { addon } = native;
  const replaced: Addon['setMany'] = (slot, batch) => {
    if (slot !== 0) setMany.fail?.(addon.reply);
    addon.setMany(slot, batch);
  };
  return { ...native, addon: { ...addon, setMany: replaced } };
});

const OUT_OF_MEMORY = 'ERR_SHARDMAP_OUT_OF_MEMORY';
let map: ShardMap<Key, unknown>;

function runOut(done = 0): void {
  setMany.fail = (reply) => {
    reply[0] = done;
    throw createError(OUT_OF_MEMORY, 'as if memory were out');
  };
}
function recover(): void {
  setMany.fail = undefined;
}

beforeEach(() => {
  useFakeTimers();
  map = new ShardMap();
});
afterEach(() => {
  recover();
  map.close();
  useRealTimers();
});

describe('a flush that fails', () => {
  it('throws, leaves what was not set pending, and is made up for by the next', () => {
    const writer = map.writer();
    writer.set('a', 1).set('b', {}).set('c', 3);
    runOut();
    expectError(() => writer.flush(), 'ShardMapError', OUT_OF_MEMORY);
    expect(writer.pending).toBe(3);
    runOut(1); // one was set
    expectError(() => writer.flush(), 'ShardMapError', OUT_OF_MEMORY);
    expect(writer.pending).toBe(2);
    recover();
    writer.set('d', 4).flush();
    expect([[...map.keys()], writer.pending]).toEqual([['a', 'b', 'c', 'd'], 0]);
  });

  it('by close leaves writer and map open', () => {
    const writer = map.writer();
    writer.set('a', 1);
    runOut();
    expectError(() => writer.close(), 'ShardMapError', OUT_OF_MEMORY);
    expectError(() => map.close(), 'ShardMapError', OUT_OF_MEMORY);
    writer.set('b', 2);
    expect([writer.pending, map.size]).toEqual([2, 0]);
    recover();
    writer.close();
    expect(map.size).toBe(2);
  });

  it('by count refuses the next entry if it fails again, so that no more than maxEntries are pending', () => {
    const writer = map.writer({ maxEntries: 2 });
    runOut();
    writer.set('a', 1).set('b', 2);
    expect(writer.pending).toBe(2);
    expectError(() => writer.set('c', 3), 'ShardMapError', OUT_OF_MEMORY);
    expect(writer.pending).toBe(2);
    recover();
    writer.set('c', 3);
    expect([[...map.keys()], writer.pending]).toEqual([['a', 'b'], 1]);
  });

  it('by the timer tells onError, and is tried again after a while', () => {
    const errors: unknown[] = [];
    const onError = vi.fn((error: unknown) => void errors.push(error));
    const writer = map.writer({ onError, maxDelay: 5 });
    runOut();
    writer.set('a', 1);
    vi.advanceTimersByTime(5);
    expect(errors).toEqual([expect.any(ShardMapError)]);
    expect(onError.mock.contexts).toEqual([undefined]);
    vi.advanceTimersByTime(99);
    expect(errors.length).toBe(1);
    vi.advanceTimersByTime(1);
    expect(errors.length).toBe(2);
    recover();
    vi.advanceTimersByTime(100);
    expect([map.get('a'), writer.pending, errors.length]).toEqual([1, 0, 2]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('by the timer is thrown there without onError', () => {
    const writer = map.writer();
    writer.set('a', 1);
    runOut();
    expectError(() => vi.advanceTimersByTime(10), 'ShardMapError', OUT_OF_MEMORY);
    recover();
    vi.advanceTimersByTime(100);
    expect([map.get('a'), writer.pending]).toEqual([1, 0]);
  });

  it('throws what onError throws, and keeps the entries', () => {
    const error = new Error('from onError');
    const writer = map.writer({
      onError() {
        throw error;
      },
    });
    writer.set('a', 1);
    runOut();
    expect(caught(() => vi.advanceTimersByTime(10))).toBe(error);
    expect(writer.pending).toBe(1);
  });
});

describe('onError', () => {
  it('may use the writer and the map, and close both', () => {
    const other = ShardMap.from<Key, unknown>(map.handle);
    const acts: ((writer: ShardMapWriter<Key, unknown>) => unknown)[] = [
      (writer) => writer.flush(),
      (writer) => writer.close(),
      (writer) => writer.set('b', 2).flush(),
      () => map.set('b', 2),
      () => map.close(),
    ];
    for (const act of acts) {
      other.clear();
      map.close();
      map = ShardMap.from(other.handle);
      const onError = (): void => {
        recover();
        act(writer);
      };
      const writer: ShardMapWriter<Key, unknown> = map.writer({ onError });
      writer.set('a', 1);
      runOut();
      vi.advanceTimersByTime(10);
      vi.advanceTimersByTime(100);
      expect([other.get('a'), writer.pending, vi.getTimerCount()]).toEqual([1, 0, 0]);
    }
    other.close();
  });
});

describe('a map that closes without its close being called', () => {
  it('takes what its writer has pending along, and says so once', () => {
    const writers: ReturnType<typeof map.writer>[] = [];
    const errors: unknown[] = [];
    const closed: ShardMap<Key, unknown>[] = [];
    class Failing extends ShardMap<Key, unknown> {
      override set(key: Key, value: unknown): this {
        writers.push(this.writer({ onError: (error) => errors.push(error) }).set(key, value));
        if (key === 'last') closed.push(this);
        if (key === 'last') throw new Error('on purpose');
        return this;
      }
    }
    const entries = [
      ['first', 1],
      ['last', 2],
    ] as const;
    expect(() => new Failing(entries, { name: 'failing' })).toThrow('on purpose');
    const [first, last] = writers;
    closed[0]?.close(); // as any map that is closed already
    expectClosed(() => first?.set('b', 1));
    expectClosed(() => first?.flush());
    expect(first?.pending).toBe(0);
    first?.flush();
    vi.advanceTimersByTime(10);
    vi.advanceTimersByTime(1000);
    expect([last?.pending, errors.length, vi.getTimerCount()]).toEqual([0, 1, 0]);
    expect(errors[0]).toMatchObject({ code: 'ERR_SHARDMAP_CLOSED' });
    expectClosed(() => last?.set('b', 1));
  });
});
