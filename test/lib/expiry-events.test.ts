/** Danger: a listener misses an entry that expired, gets one twice or one that did not, or its error hits somebody else. */

import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type ExpireInfo, type Key, ShardMap, type ShardMapOptions } from '../../lib/index.js';
import { addon } from '../../lib/native.js';
import { expectClosed, expectError } from './expect-error.js';
import { busyWait, until } from './waiting.js';

type Any = ShardMap<Key, unknown>;
type Entries = [Key, unknown][];

const maps: Any[] = [];
const uncaught: unknown[] = [];
afterEach(() => {
  for (const map of maps.splice(0)) map.close();
  uncaught.length = 0;
});

function open(options: ShardMapOptions = {}): Any {
  const map = new ShardMap<Key, unknown>(null, options);
  maps.push(map);
  return map;
}

function attach(map: Any, options?: Pick<ShardMapOptions, 'codec'>): Any {
  const other = ShardMap.from<Key, unknown>(map.handle, options);
  maps.push(other);
  return other;
}

/** Collects what a map tells. */
function collect(map: Any): Entries {
  const all: Entries = [];
  map.on('expire', (entries) => void all.push(...entries));
  return all;
}

const byKey = (entries: Entries): Entries => entries.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));

/** What is thrown where nobody can catch it, while `run` does its work. */
async function uncaughtWhile(run: () => Promise<void>): Promise<unknown[]> {
  const runners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  try {
    await run();
    await turn();
    return [...uncaught];
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const each of runners) process.on('uncaughtException', each);
  }
}

describe('a listener', () => {
  it('gets each entry that expires, with its value, in batches that say why', async () => {
    const map = open();
    const infos: ExpireInfo[] = [];
    const all = collect(map);
    map.on('expire', (_, info) => void infos.push(info));
    map.set('stays', 1);
    for (let key = 0; key < 5000; key++) map.set(key, key % 2 ? `value ${key}` : { key }, { ttl: 1 + (key % 20) });
    await until(() => all.length >= 5000, 'the delivery of all');
    await turn();
    const expected = Array.from({ length: 5000 }, (_, key) => [key, key % 2 ? `value ${key}` : { key }]);
    expect(byKey(all)).toEqual(byKey(expected as Entries));
    expect(infos.length).toBeGreaterThanOrEqual(5);
    for (const info of infos) expect(info).toEqual({ reason: 'expired', dropped: 0 });
    expect(map.stats()).toMatchObject({ entries: 1, expiredEntries: 5000 });
  });

  it('gets keys and values of all kinds as reads give them', async () => {
    const map = open();
    const all = collect(map);
    const keys: Key[] = [
      '',
      'Ж',
      '\ud800',
      0,
      1.5,
      Number.NaN,
      5n,
      true,
      null,
      undefined,
      Uint8Array.of(1),
      ['a', 1],
      [],
    ];
    const values = [
      undefined,
      null,
      -0,
      2n ** 70n,
      'long '.repeat(1000),
      { plain: ['tree'] },
      new Map([[1, new Set([2])]]),
      new Date(5),
      Float32Array.of(1, 2),
      Float64Array.from({ length: 1000 }, (_, index) => index),
      Buffer.from('bytes'),
      new ArrayBuffer(3),
      Array(1),
    ];
    for (const [index, key] of keys.entries()) map.set(key, values[index % values.length], { expiresAt: 1 });
    await until(() => all.length === keys.length, 'the delivery of all');
    const id = (key: unknown): number =>
      keys.findIndex((each) => typeof each === typeof key && String(each) === String(key));
    all.sort(([a], [b]) => id(a) - id(b));
    expect(all).toEqual(keys.map((key, index) => [key, values[index % values.length]]));
    expect(Buffer.isBuffer(all[10]?.[1])).toBe(true);
  });

  it('hears nothing of entries that were overwritten, deleted, cleared, persisted or renewed in time', async () => {
    const map = open({ ttl: 1e6, touch: true });
    const all = collect(map);
    const names = ['overwritten', 'deleted', 'taken', 'persisted', 'prolonged', 'updated', 'incremented'];
    for (const name of names) map.set(name, 1, { ttl: 60_000 });
    map.set('overwritten', 2);
    map.delete('deleted');
    map.getAndDelete('taken');
    map.persist('persisted');
    map.expire('prolonged', 1e6);
    map.update('updated', () => 2, { ttl: 1e6 });
    map.increment('incremented');
    map.set('gone', 'last', { ttl: 1 });
    await until(() => all.length > 0, 'the expiry of the last');
    expect(all).toEqual([['gone', 'last']]);
    map.clear();
    await turn();
    expect(all.length).toBe(1);
  });

  it('hears of a value that had expired when it was set, and not of the one before it', async () => {
    const map = open().set('a', 'before', { ttl: 1e6 });
    const all = collect(map);
    map.set('a', 'expired', { expiresAt: 1 });
    map.set('b', 1).expireAt('b', 1);
    await until(() => all.length === 2, 'the delivery of both');
    expect(byKey(all)).toEqual([
      ['a', 'expired'],
      ['b', 1],
    ]);
  });

  it('hears of each life of a key that is set again and again', async () => {
    const map = open();
    const all = collect(map);
    for (let life = 0; life < 200; life++) {
      map.set('a', life, { ttl: 0.001 });
      busyWait(0.05);
    }
    await until(() => all.length === 200, 'the delivery of all');
    // The thread that removes them and the one that sets the next may come in any order.
    expect(all.map(([, life]) => life as number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    );
  });

  it('hears nothing of what expired before it listened', async () => {
    const map = open();
    const other = attach(map);
    const first = collect(other);
    map.set('a', 1, { expiresAt: 1 });
    await until(() => first.length === 1, 'the first');
    const all = collect(map);
    map.set('b', 2, { expiresAt: 1 });
    await until(() => first.length === 2 && all.length > 0, 'the second');
    expect(all).toEqual([['b', 2]]);
  });

  it('of each map of a store gets every entry, and of other stores none', async () => {
    const map = open();
    const [one, two, elsewhere] = [collect(map), collect(attach(map)), collect(open())];
    for (let key = 0; key < 100; key++) map.set(key, key, { ttl: 1 + (key % 3) });
    await until(() => one.length === 100 && two.length === 100, 'the delivery to both');
    expect(byKey(one)).toEqual(byKey(two));
    expect(elsewhere).toEqual([]);
  });

  it('is called in the order of registration, each time it was added, with one array and the map as this', async () => {
    const map = open();
    const calls: unknown[][] = [];
    const twice = function (this: unknown, ...given: unknown[]): void {
      calls.push(['twice', this, ...given]);
    };
    expect(map.on('expire', twice)).toBe(map);
    map.on('expire', (...given) => void calls.push(['other', map, ...given])).on('expire', twice);
    map.set('a', 1, { ttl: 1 });
    await until(() => calls.length > 0, 'a call');
    expect(calls.map(([name]) => name)).toEqual(['twice', 'other', 'twice']);
    for (const [, self, entries] of calls) expect([self === map, entries === calls[0]?.[2]]).toEqual([true, true]);
    calls.length = 0;
    expect(map.off('expire', twice)).toBe(map);
    map.set('a', 1, { ttl: 1 });
    await until(() => calls.length > 0, 'a call');
    expect(calls.map(([name]) => name)).toEqual(['twice', 'other']);
  });

  it('that was removed is not called any more, and one that was never added is none to remove', async () => {
    const map = open();
    const removed = (): void => void expect.unreachable();
    map.on('expire', removed).off('expire', () => {});
    map.off('expire', removed).off('expire', removed).off('error', removed);
    const all = collect(map);
    map.set('a', 1, { ttl: 1 });
    await until(() => all.length === 1, 'the delivery');
  });

  it('may remove others, itself, and add some, which hear of what comes later', async () => {
    const map = open();
    const calls: string[] = [];
    const later = (): void => void calls.push('later');
    const third = (): void => void calls.push('third');
    const first = (): void => {
      calls.push('first');
      map.off('expire', first).off('expire', third).on('expire', later);
    };
    map.on('expire', first).on('expire', third);
    map.set('a', 1, { ttl: 1 });
    await until(() => calls.length > 0, 'a call');
    await turn();
    expect(calls).toEqual(['first']);
    map.set('a', 1, { ttl: 1 });
    await until(() => calls.length > 1, 'another');
    expect(calls).toEqual(['first', 'later']);
  });

  it('that sets an entry again has it back', async () => {
    const map = open();
    let renewals = 0;
    map.on('expire', (entries) => {
      for (const [key, value] of entries) if (++renewals < 5) map.set(key, value, { ttl: 1 });
    });
    map.set('a', 1, { ttl: 1 });
    await until(() => renewals === 5, 'the fifth life');
  });

  it('that closes its map is the last that is called', async () => {
    const map = open();
    const other = attach(map);
    const all = collect(other);
    let calls = 0;
    map.on('expire', () => {
      calls++;
      map.close();
    });
    map.on('expire', () => void expect.unreachable());
    for (let key = 0; key < 5000; key++) map.set(key, key, { expiresAt: 1 });
    await until(() => all.length === 5000, 'the delivery to the other map');
    expect(calls).toBe(1);
    expectClosed(() => map.on('expire', () => {}));
  });

  it('lets the event loop run between batches', async () => {
    const map = open();
    let calls = 0;
    let turns = 0;
    let isCounting = true;
    const count = (): void => {
      turns++;
      if (isCounting) setImmediate(count);
    };
    setImmediate(count);
    const turnsSeen: number[] = [];
    map.on('expire', (entries) => {
      expect(entries.length).toBeLessThanOrEqual(2048);
      calls++;
      turnsSeen.push(turns);
    });
    map.setMany(
      Array.from({ length: 40_000 }, (_, key) => [key, key]),
      { ttl: 1 },
    );
    await until(() => map.size === 0 && calls >= 20, 'the delivery of all');
    isCounting = false;
    expect(new Set(turnsSeen).size).toBe(turnsSeen.length);
  });
});

describe('more than a queue takes', () => {
  it('is dropped and counted, and what is told and what is dropped is what expired', async () => {
    const count = 150_000;
    const map = open();
    let delivered = 0;
    let dropped = 0;
    map.on('expire', (entries, info) => {
      delivered += entries.length;
      dropped += info.dropped;
    });
    map.setMany(
      Array.from({ length: count }, (_, key) => [key, key]),
      { ttl: 1 },
    );
    const other = attach(map);
    for (const end = performance.now() + 30_000; other.stats().expiredEntries < count && performance.now() < end; );
    await until(() => delivered + dropped === count, 'the account of all');
    expect(dropped).toBeGreaterThanOrEqual(count - 65_536 - 2048);
    map.set('after', 1, { ttl: 1 });
    await until(() => delivered + dropped === count + 1, 'one more');
  });

  it('is measured in bytes too', async () => {
    const map = open();
    let delivered = 0;
    let dropped = 0;
    map.on('expire', (entries, info) => {
      delivered += entries.length;
      dropped += info.dropped;
    });
    const value = 'x'.repeat(1_000_000);
    for (let key = 0; key < 100; key++) map.set(key, value, { expiresAt: 1 });
    for (const end = performance.now() + 30_000; map.stats().expiredEntries < 100 && performance.now() < end; );
    await until(() => delivered + dropped === 100, 'the account of all');
    expect(dropped).toBeGreaterThanOrEqual(100 - 68);
    expect(dropped).toBeLessThan(100);
  });
});

describe('an error', () => {
  const failure = new Error('on purpose');
  const fail = (): never => {
    throw failure;
  };

  it('of a listener goes to those for errors, and the other listeners are called all the same', async () => {
    const map = open();
    const errors: unknown[] = [];
    map.on('error', (error) => void errors.push(error)).on('expire', fail);
    const all = collect(map);
    map.on('expire', fail);
    map.set('a', 1, { ttl: 1 });
    await until(() => errors.length === 2, 'both errors');
    expect([all, errors]).toEqual([[['a', 1]], [failure, failure]]);
  });

  it('that nobody listens for is an uncaught exception, and the other listeners are called all the same', async () => {
    const map = open();
    const all: Entries = [];
    const errors = await uncaughtWhile(async () => {
      map.on('expire', fail);
      map.on('expire', (entries) => void all.push(...entries));
      map.set('a', 1, { ttl: 1 });
      await until(() => all.length > 0 && uncaught.length > 0, 'the delivery');
    });
    expect([all, errors]).toEqual([[['a', 1]], [failure]]);
  });

  it('of a listener for errors is one too, and so is one after that was removed', async () => {
    const map = open();
    const another = new Error('another');
    const failAgain = (): never => {
      throw another;
    };
    const errors = await uncaughtWhile(async () => {
      map.on('error', failAgain).on('expire', fail);
      map.set('a', 1, { ttl: 1 });
      await until(() => uncaught.length === 1, 'the first');
      map.off('error', failAgain);
      map.set('a', 1, { ttl: 1 });
      await until(() => uncaught.length === 2, 'the second');
    });
    expect(errors).toEqual([another, failure]);
  });

  it('of the codec costs its entry alone', async () => {
    const codec = {
      encode: (value: { n: number }) => Uint8Array.of(value.n),
      decode(bytes: Uint8Array) {
        if (bytes[0] === 3) throw failure;
        return { n: bytes[0] };
      },
    };
    const map = open({ codec: codec as never });
    const errors: unknown[] = [];
    map.on('error', (error) => void errors.push(error));
    const all = collect(map);
    for (let n = 0; n < 6; n++) map.set(n, { n }, { ttl: 1 });
    map.set('no codec', 1, { ttl: 1 });
    await until(() => all.length === 6 && errors.length === 1, 'the delivery');
    expect(byKey(all).map(([key]) => key)).toEqual([0, 1, 2, 4, 5, 'no codec']);
    expect(errors).toEqual([failure]);
  });

  it('of a missing codec is typed', async () => {
    const map = open({ codec: { encode: () => Uint8Array.of(1), decode: () => 1 } });
    const other = attach(map);
    const errors: { code?: string }[] = [];
    other.on('error', (error) => void errors.push(error as { code?: string }));
    const all = collect(other);
    map.set('a', {}, { ttl: 1 }).set('b', 1, { ttl: 1 });
    await until(() => all.length === 1 && errors.length === 1, 'the delivery');
    expect([all, errors[0]?.code]).toEqual([[['b', 1]], 'ERR_SHARDMAP_CODEC']);
  });

  it('of a codec that closes the map ends the delivery', async () => {
    const decode = (): unknown => {
      map.close();
      return {};
    };
    const map = open({ codec: { encode: () => Uint8Array.of(1), decode } });
    const other = attach(map);
    const all: number[] = [];
    other.on('error', () => void all.push(1)).on('expire', () => {});
    map.on('expire', () => void expect.unreachable());
    for (let key = 0; key < 10; key++) map.set(key, {}, { expiresAt: 1 });
    await until(() => all.length === 10, 'the errors of the other map');
    expectClosed(() => map.size);
  });
});

describe('bad input', () => {
  const listeners = [undefined, null, 1, 'f', {}, []] as unknown as (() => void)[];
  it.each(listeners)('%s is no listener', (listener) => {
    const map = open();
    for (const event of ['expire', 'error'] as never[]) {
      expectError(() => map.on(event, listener as never), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
      expectError(() => map.off(event, listener as never), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    }
  });

  it.each(['expired', '', 'Expire', undefined, null, 1, {}, ['expire'], Symbol('expire')])(
    '%s is no event',
    (event) => {
      const map = open();
      expectError(() => map.on(event as never, () => {}), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
      expectError(() => map.off(event as never, () => {}), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    },
  );

  it.each([1, null, true, { keepalive: true }, { keepAlive: 1 }, { keepAlive: null }])(
    '%o are no options',
    (options) => {
      const map = open();
      const listen = (): unknown => map.on('expire', () => expect.unreachable(), options as never);
      expectError(listen, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
      expectError(
        () => Reflect.apply(map.on, map, ['error', () => {}, {}]),
        'TypeError',
        'ERR_SHARDMAP_INVALID_ARGUMENT',
      );
    },
  );

  it('a closed map has no listeners', () => {
    const map = open();
    map.on('expire', () => {}).on('error', () => {});
    map.close();
    expectClosed(() => map.on('expire', () => {}));
    expectClosed(() => map.off('expire', () => {}));
  });

  it('the addon refuses slots that are closed', () => {
    const { slot } = addon.create(undefined, 0, 0, false);
    addon.listen(slot, 10, 10);
    addon.close(slot);
    expectClosed(() => addon.listen(slot, 10, 10));
    expectClosed(() => addon.takeExpired(slot, 10));
  });
});
