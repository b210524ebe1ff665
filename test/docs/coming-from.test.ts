/**
 * Danger: docs/coming-from.md promises somebody who ports code what the library does not do. Each row's code is run as it
 * is printed there, by the one test of its name; a row without a test fails, and a test without a row.
 */

import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { SyncMap } from '../../lib/sync-map.js';
import { expectError } from '../lib/expect-error.js';
import { busyWait, isRenewed, until } from '../lib/waiting.js';

/** Runs the code of a row, and returns its value if it is an expression: of its column `column` with code, the first if not said. */
type Run = (scope: Record<string, unknown>, column?: number) => unknown;
type Test = (run: Run) => void | Promise<void>;

interface Row {
  readonly name: string;
  readonly run: Run;
}

const page = readFileSync(new URL('../../docs/coming-from.md', import.meta.url), 'utf8');

/** The rows below a heading. Their names are what is in the first column, without backticks. */
function rowsOf(heading: string): Row[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => {
    const [name = '', ...cells] = line.slice(1, -1).split(/(?<!\\)\|/);
    const codes = cells.slice(0, -1).map((cell) => /^ `(.*)` $/.exec(cell)?.[1] ?? `no code in ${cell}`);
    return { name: name.replaceAll('`', '').trim(), run: (scope, column = 0) => evaluate(codes[column] ?? '', scope) };
  });
}

function evaluate(code: string, scope: Record<string, unknown>): unknown {
  const all: Record<string, unknown> = { ShardMap, SyncMap, ...scope };
  const body = /^(for|const) /.test(code) ? code : `return (${code});`;
  return compileFunction(body, Object.keys(all))(...Object.values(all));
}

function mapOf(entries: Record<string, unknown> = {}): ShardMap<Key, unknown> {
  return new ShardMap<Key, unknown>(Object.entries(entries));
}

const key = 'a';
const value = 7;

/** The same as a SyncMap and as a ShardMap, of two stores. */
function both(entries: Record<string, unknown> = {}): { sync: SyncMap<Key>; map: ShardMap<Key, unknown> } {
  return { sync: SyncMap.from(mapOf(entries).handle), map: mapOf(entries) };
}

const go: Record<string, Test> = {
  'Load(key)': (run) => {
    expect(run({ ...both({ a: 1 }), key })).toEqual([1, true]);
    expect(run({ ...both({ a: undefined }), key })).toEqual([undefined, true]);
    expect(run({ ...both(), key })).toEqual([undefined, false]);
    expect(run({ ...both({ a: 1 }), key }, 1)).toBe(1);
    expect(run({ ...both(), key }, 1)).toBe(undefined);
  },
  'Store(key, value)': (run) => {
    const { sync, map } = both({ a: 1 });
    run({ sync, key, value });
    run({ map, key, value }, 1);
    expect([sync.load(key), map.get(key)]).toEqual([[value, true], value]);
  },
  'LoadOrStore(key, value)': (run) => {
    expect(run({ ...both({ a: 1 }), key, value })).toEqual([1, true]);
    expect(run({ ...both(), key, value })).toEqual([value, false]);
    expect(run({ ...both({ a: 1 }), key, value }, 1)).toBe(1);
    expect(run({ ...both(), key, value }, 1)).toBe(value);
  },
  'LoadAndDelete(key)': (run) => {
    const { sync, map } = both({ a: 1 });
    expect([run({ sync, key }), run({ sync, key })]).toEqual([
      [1, true],
      [undefined, false],
    ]);
    expect([run({ map, key }, 1), run({ map, key }, 1), map.size]).toEqual([1, undefined, 0]);
  },
  'Delete(key)': (run) => {
    const { sync, map } = both({ a: 1 });
    expect([run({ sync, key }), sync.count()]).toEqual([undefined, 0]);
    expect([run({ map, key }, 1), run({ map, key }, 1)]).toEqual([true, false]);
  },
  'Swap(key, value)': (run) => {
    const { sync, map } = both({ a: 1 });
    expect([run({ sync, key, value }), sync.load(key)]).toEqual([
      [1, true],
      [value, true],
    ]);
    expect([run({ map, key, value }, 1), map.get(key)]).toEqual([1, value]);
    expect(run({ ...both(), key, value })).toEqual([undefined, false]);
  },
  'CompareAndSwap(key, old, next)': (run) => {
    for (const column of [0, 1]) {
      expect(run({ ...both({ a: 1 }), key, old: 1, next: 2 }, column)).toBe(true);
      expect(run({ ...both({ a: 1 }), key, old: 2, next: 3 }, column)).toBe(false);
      expect(run({ ...both({ a: Number.NaN }), key, old: Number.NaN, next: 3 }, column)).toBe(true);
    }
    const objects = { ...both({ a: { n: 1 } }), key, old: { n: 1 }, next: 2 };
    expectError(() => run(objects), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    expect(run(objects, 1)).toBe(true);
    const absent = { ...both(), key, old: undefined, next: 2 };
    expect([run(absent), run(absent, 1)]).toEqual([false, true]);
  },
  'CompareAndDelete(key, old)': (run) => {
    for (const column of [0, 1]) {
      const { sync, map } = both({ a: 1 });
      const use = (old: unknown): unknown => run({ sync, map, key, old }, column);
      expect([use(2), use(1), use(1), use(undefined)]).toEqual([false, true, false, false]);
    }
    expectError(() => run({ ...both(), key, old: {} }), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    expect(run({ ...both({ a: { n: 1 } }), key, old: { n: 1 } }, 1)).toBe(true);
  },
  'Range(f)': (run) => {
    for (const [column, addition] of [
      [0, []],
      [1, ['new']],
    ] as const) {
      const { sync, map } = both({ b: 1, a: 2, c: 3 });
      const visit = (until: string): unknown[] => {
        const seen: unknown[] = [];
        const f = (each: string): boolean => {
          sync.store('new', 4);
          map.set('new', 4);
          seen.push(each);
          return each !== until;
        };
        run({ sync, map, f }, column);
        return seen;
      };
      expect(visit('none')).toEqual(['b', 'a', 'c', ...addition]);
      expect(visit('a')).toEqual(['b', 'a']);
    }
  },
  'Clear()': (run) => {
    const { sync, map } = both({ a: 1, b: 2 });
    run({ sync });
    run({ map }, 1);
    expect([sync.count(), map.size]).toEqual([0, 0]);
  },
  'a counter beside the map': (run) => {
    expect(run({ ...both({ a: 1, b: 2 }) })).toBe(2);
    expect(run({ ...both({ a: 1, b: 2 }) }, 1)).toBe(2);
  },
  'an array of maps, by hash': (run) => {
    expect(ShardMap.from((run({}) as SyncMap).handle).stats().shards).toBe(64);
    expect((run({}, 1) as ShardMap).stats().shards).toBe(64);
  },
};

const dashMap: Record<string, Test> = {
  'get(&key)': (run) => {
    const stored = { n: [1] };
    const map = mapOf({ a: stored });
    (run({ map, key }) as typeof stored).n.push(2);
    expect(run({ map, key })).toEqual(stored);
    expect(run({ map: mapOf(), key })).toBe(undefined);
  },
  'insert(key, value)': (run) => {
    const map = mapOf();
    expect([run({ map, key, value: 1 }), run({ map, key, value }), map.get(key)]).toEqual([undefined, 1, value]);
  },
  'remove(&key)': (run) => {
    const map = mapOf({ a: 1 });
    expect([run({ map, key }), run({ map, key })]).toEqual([1, undefined]);
  },
  'remove_if(&key, p)': (run) => {
    const map = mapOf({ a: 1, b: 2 });
    const p = (n: number): boolean => n > 1;
    for (const each of ['a', 'b', 'c']) run({ map, key: each, p });
    expect([...map]).toEqual([['a', 1]]);
  },
  'contains_key(&key)': (run) => {
    expect([run({ map: mapOf({ a: undefined }), key }), run({ map: mapOf(), key })]).toEqual([true, false]);
  },
  'entry(key).or_insert(value)': (run) => {
    const map = mapOf();
    expect([run({ map, key, value }), run({ map, key, value: 8 }), map.get(key)]).toEqual([value, value, value]);
  },
  'entry(key).or_insert_with(f)': (run) => {
    const map = mapOf();
    const given: unknown[] = [];
    const f = (each: unknown): number => given.push(each);
    expect([run({ map, key, f }), run({ map, key, f }), given]).toEqual([1, 1, ['a']]);
  },
  'entry(key).and_modify(f).or_insert(value)': (run) => {
    const map = mapOf();
    const f = (n: number): number => n * 2;
    expect([run({ map, key, f, value }), run({ map, key, f, value }), map.get(key)]).toEqual([7, 14, 14]);
  },
  '*entry(key).or_insert(0) += 1': (run) => {
    const map = mapOf();
    expect([run({ map, key }), run({ map, key })]).toEqual([1, 2]);
  },
  'get_mut(&key)': (run) => {
    const map = mapOf({ a: [1] });
    const f = (items: number[]): number[] => [...items, 2];
    run({ map, key, f });
    run({ map, key: 'absent', f });
    expect([...map]).toEqual([['a', [1, 2]]]);
  },
  'alter(&key, f)': (run) => {
    const map = mapOf({ a: 1 });
    const f = (n: number | undefined): number | undefined => (n === undefined ? undefined : n + 1);
    expect([run({ map, key, f }), run({ map, key: 'absent', f })]).toEqual([2, undefined]);
    expect([run({ map, key, f: () => undefined }), map.size]).toEqual([undefined, 0]);
  },
  'alter_all(f)': (run) => {
    const map = mapOf({ a: 1, b: 2 });
    run({ map, f: (n: number) => n * 10 });
    expect([...map.values()]).toEqual([10, 20]);
  },
  'retain(p)': (run) => {
    const map = mapOf({ a: 1, b: 2, c: 3 });
    const p = (each: string): boolean => {
      if (each === 'c') map.set('c', 'changed in between');
      return each === 'a';
    };
    run({ map, p });
    expect([...map]).toEqual([
      ['a', 1],
      ['c', 'changed in between'],
    ]);
  },
  'iter()': (run) => {
    const map = mapOf({ b: 1, a: 2 });
    const seen: unknown[] = [];
    const f = (each: string, n: number): void => {
      map.set(each, n + 1);
      seen.push([each, n]);
    };
    run({ map, f });
    expect(seen).toEqual([
      ['b', 1],
      ['a', 2],
    ]);
  },
  'len()': (run) => expect(run({ map: mapOf({ a: 1, b: 2 }) })).toBe(2),
  'is_empty()': (run) => expect([run({ map: mapOf() }), run({ map: mapOf({ a: 1 }) })]).toEqual([true, false]),
  'clear()': (run) => {
    const map = mapOf({ a: 1 });
    run({ map });
    expect(map.size).toBe(0);
  },
  'Ref, RefMut': (run) => {
    const map = mapOf({ a: 1 });
    run({ map, key, f: (n: number) => n + 1 });
    expect(map.get(key)).toBe(2);
  },
  'DashMap::with_shard_amount(64)': (run) => expect((run({}) as ShardMap).stats().shards).toBe(64),
  'Arc::clone(&map)': (run) => {
    const map = mapOf({ a: 1 });
    const other = run({ map }) as ShardMap<Key, unknown>;
    expect(other).not.toBe(map);
    map.set('b', 2);
    expect([...other]).toEqual([...map]);
  },
};

/** `expected` is what the row's code returns in each of the maps. */
function returns(
  scope: Record<string, unknown>,
  ...cases: [entries: Record<string, unknown>, expected: unknown][]
): Test {
  return (run) => {
    for (const [entries, expected] of cases)
      expect(run({ map: mapOf(entries), key, value, ...scope })).toEqual(expected);
  };
}

/** The row's code makes each map one with the other entries. */
function leaves(
  scope: Record<string, unknown>,
  ...cases: [before: Record<string, unknown>, after: Record<string, unknown>][]
): Test {
  return (run) => {
    for (const [before, after] of cases) {
      const map = mapOf(before);
      run({ map, key, value, ...scope });
      expect(Object.fromEntries(map as Iterable<[string, unknown]>)).toEqual(after);
    }
  };
}

function all(...tests: Test[]): Test {
  return async (run) => {
    for (const test of tests) await test(run);
  };
}

/** The entry of the row's code lives about so long afterwards; before, for an hour, or for ever. */
function lives(scope: Record<string, unknown>, ...cases: [before: number, after: number | undefined][]): Test {
  return (run) => {
    for (const [before, after] of cases) {
      const map = mapOf().set(key, 1, { ttl: before });
      run({ map, key, value, ...scope });
      expectLeft(map, after);
    }
  };
}

function expectLeft(map: ShardMap<Key, unknown>, expected: number | undefined): void {
  const left = map.ttl(key);
  expect(left ?? 0).toBeGreaterThanOrEqual((expected ?? 0) / 2);
  expect(left ?? 0).toBeLessThanOrEqual(expected ?? 0);
}

const HOUR = 3_600_000;
const FOREVER = Number.POSITIVE_INFINITY;

/** The row's code makes `f` hear of what expires; `heard` says of what. */
async function expectHeard(run: Run, f: (...given: never[]) => void, heard: () => unknown): Promise<void> {
  const map = mapOf().set('b', 1, { ttl: HOUR });
  run({ map, f });
  map.set('b', 2, { ttl: 1 }).set('deleted', 3, { ttl: HOUR }).delete('deleted');
  await until(() => heard() !== undefined);
  expect(heard()).toEqual(['b', 2]);
  map.close();
}

const names = { user: 'ann', field: 'visits' };
const redis: Record<string, Test> = {
  'GET key': returns({}, [{ a: 1 }, 1], [{}, undefined]),
  'SET key value': leaves({}, [{}, { a: 7 }], [{ a: 1 }, { a: 7 }]),
  'SETNX key value': all(
    returns({}, [{}, true], [{ a: 1 }, false], [{ a: undefined }, true]),
    leaves({}, [{}, { a: 7 }], [{ a: 1 }, { a: 1 }]),
  ),
  'SET key value XX': leaves({}, [{}, {}], [{ a: 1 }, { a: 7 }]),
  'SET key value EX 60': all(lives({}, [HOUR, 60_000], [FOREVER, 60_000]), leaves({}, [{}, { a: 7 }])),
  'SET key value PXAT moment': all(
    lives({ moment: Date.now() + HOUR }, [FOREVER, HOUR]),
    lives({ moment: new Date(Date.now() + HOUR) }, [FOREVER, HOUR]),
    lives({ moment: 1 }, [FOREVER, undefined]),
  ),
  'SET key value KEEPTTL': lives({}, [HOUR, HOUR], [FOREVER, FOREVER]),
  'SET key value NX PX 5000': all(
    returns({}, [{}, true], [{ a: 1 }, false]),
    (run) => {
      const map = mapOf();
      run({ map, key, value });
      expectLeft(map, 5000);
    },
    lives({}, [HOUR, HOUR]),
  ),
  'GETSET key value': all(returns({}, [{}, undefined], [{ a: 1 }, 1]), leaves({}, [{ a: 1 }, { a: 7 }])),
  'GETDEL key': all(returns({}, [{}, undefined], [{ a: 1 }, 1]), leaves({}, [{ a: 1 }, {}])),
  'GETEX key PX 5000': all(returns({}, [{}, undefined], [{ a: 1 }, 1]), lives({}, [HOUR, 5000])),
  'EXPIRE key 60': all(returns({}, [{}, false], [{ a: 1 }, true]), lives({}, [HOUR, 60_000], [FOREVER, 60_000])),
  'PEXPIREAT key moment': all(
    returns({ moment: new Date(Date.now() + HOUR) }, [{}, false], [{ a: 1 }, true]),
    lives({ moment: Date.now() + HOUR }, [FOREVER, HOUR]),
    lives({ moment: 1 }, [FOREVER, undefined]),
  ),
  'PERSIST key': all(lives({}, [HOUR, FOREVER]), returns({}, [{}, false], [{ a: 1 }, false])),
  'PTTL key': all(returns({}, [{}, undefined], [{ a: 1 }, FOREVER]), (run) => {
    expect(run({ map: mapOf().set(key, 1, { ttl: 0.9 * HOUR }), key })).toBeLessThan(HOUR);
  }),
  'TOUCH key': all(returns({}, [{}, false], [{ a: 1 }, true]), (run) => {
    const map = new ShardMap<Key, unknown>([[key, 1]], { ttl: HOUR, touch: true });
    expect(
      isRenewed(
        () => map.ttl(key),
        () => run({ map, key }),
      ),
    ).toBe(true);
  }),
  'SUBSCRIBE __keyevent@0__:expired': async (run) => {
    const heard: unknown[] = [];
    await expectHeard(
      run,
      (entries: unknown[]) => void heard.push(...entries),
      () => heard[0],
    );
  },
  'MGET a b': returns({}, [{ b: 2 }, [undefined, 2]]),
  'MSET a 1 b 2': leaves({}, [{ b: 1 }, { b: 2, a: 1 }]),
  'INCR key': (run) => {
    returns({}, [{}, 1], [{ a: 41 }, 42])(run);
    const map = mapOf({ a: Number.MAX_SAFE_INTEGER, text: '1' });
    expectError(() => run({ map, key }), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
    expectError(() => run({ map, key: 'text' }), 'TypeError', 'ERR_SHARDMAP_VALUE_TYPE');
    expect(map.get(key)).toBe(Number.MAX_SAFE_INTEGER);
  },
  'INCRBY key 5': returns({}, [{}, 5], [{ a: 37 }, 42]),
  'INCR key, EXPIRE key 60 NX': all(returns({}, [{}, 1], [{ a: 1 }, 2]), lives({}, [HOUR, HOUR]), (run) => {
    const map = mapOf();
    run({ map, key });
    expectLeft(map, 60_000);
  }),
  'INCRBYFLOAT key 0.5': returns({}, [{}, 0.5], [{ a: 1 }, 1.5]),
  'DECR key': returns({}, [{}, -1], [{ a: 43 }, 42]),
  'DECRBY key 5': returns({}, [{}, -5], [{ a: 47 }, 42]),
  'APPEND key value': returns({ value: 'c' }, [{}, 'c'], [{ a: 'ab' }, 'abc']),
  'DEL a b': all(returns({}, [{ b: 2, c: 3 }, 1]), leaves({}, [{ a: 1, b: 2, c: 3 }, { c: 3 }])),
  'EXISTS key': returns({}, [{ a: 1 }, true], [{}, false]),
  'EXISTS a b': returns({}, [{ b: 1 }, [false, true]]),
  DBSIZE: returns({}, [{}, 0], [{ a: 1, b: 2 }, 2]),
  FLUSHDB: leaves({}, [{ a: 1, b: 2 }, {}]),
  SCAN: (run) => {
    const seen: unknown[] = [];
    run({ map: mapOf({ b: 1, a: 2 }), f: (each: unknown) => seen.push(each) });
    expect(seen).toEqual(['b', 'a']);
  },
  'WATCH, MULTI, EXEC': (run) => {
    const map = mapOf({ a: 1 });
    let attempts = 0;
    const f = (n: number): number => {
      // Another thread would do it so.
      if (++attempts === 1) ShardMap.from<Key, unknown>(map.handle).set(key, 10);
      return n + 1;
    };
    expect([run({ map, key, f }), map.get(key), attempts]).toEqual([11, 11, 2]);
  },
  'WATCH, and no second try': all(
    returns({ seen: 1, next: 2 }, [{ a: 1 }, true], [{ a: 3 }, false]),
    leaves({ seen: 1, next: 2 }, [{ a: 1 }, { a: 2 }], [{ a: 3 }, { a: 3 }]),
  ),
  'HSET user field value': (run) => {
    const map = mapOf();
    run({ map, ...names, value });
    expect([...map]).toEqual([[['ann', 'visits'], value]]);
  },
  'HGET user field': (run) => {
    const map = mapOf().set(['ann', 'visits'], 3);
    expect([run({ map, ...names }), run({ map, ...names, field: 'other' })]).toEqual([3, undefined]);
  },
  'HINCRBY user field 1': (run) => {
    const map = mapOf();
    expect([run({ map, ...names }), run({ map, ...names })]).toEqual([1, 2]);
  },
};

const caches: Record<string, Test> = {
  'new Cache({ stdTTL: 60 })': (run) => expectLeft((run({}) as ShardMap<Key, unknown>).set(key, 1), 60_000),
  'new LRUCache({ ttl, updateAgeOnGet: true })': (run) => {
    const map = (run({ ttl: HOUR }) as ShardMap<Key, unknown>).set(key, 1);
    const other = ShardMap.from<Key>(map.handle);
    expect(
      isRenewed(
        () => map.ttl(key),
        () => other.get(key),
      ),
    ).toBe(true);
  },
  'setTemporary(key, value, ttl)': all(
    lives({ ttl: HOUR / 2 }, [HOUR, HOUR / 2], [FOREVER, HOUR / 2]),
    leaves({ ttl: HOUR }, [{}, { a: 7 }]),
    (run) => {
      const map = mapOf();
      run({ map, key, value, ttl: 0.001 });
      busyWait(1);
      expect([map.get(key), map.has(key)]).toEqual([undefined, false]);
    },
  ),
  'setPermanent(key, value)': all(lives({}, [HOUR, FOREVER]), (run) => {
    const map = new ShardMap<Key, unknown>(null, { ttl: HOUR });
    run({ map, key, value });
    expect([map.get(key), map.ttl(key)]).toEqual([value, FOREVER]);
  }),
  'makeTemporary(key, ttl)': all(
    lives({ ttl: HOUR / 2 }, [FOREVER, HOUR / 2], [HOUR, HOUR / 2]),
    returns({ ttl: 1 }, [{}, false]),
    leaves({ ttl: HOUR }, [{ a: 1 }, { a: 1 }]),
  ),
  'makePermanent(key)': lives({}, [HOUR, FOREVER], [FOREVER, FOREVER]),
  'cache.getRemainingTTL(key)': returns({}, [{}, undefined], [{ a: 1 }, FOREVER]),
  'cache.set(key, value, { noUpdateTTL: true })': lives({}, [HOUR, HOUR], [FOREVER, FOREVER]),
  'onExpire(f)': async (run) => {
    let heard: unknown[] | undefined;
    await expectHeard(
      run,
      (...entry: unknown[]) => {
        heard = entry;
      },
      () => heard,
    );
  },
  'onExpire(undefined)': async (run) => {
    const map = mapOf();
    let heard = 0;
    const listener = (): void => void expect.unreachable();
    map.on('expire', listener).on('expire', () => heard++);
    run({ map, listener });
    map.set(key, 1, { ttl: 1 });
    await until(() => heard > 0);
    map.close();
  },
  'cache.get(key)': returns({}, [{ a: 1 }, 1], [{}, undefined]),
  'cache.set(key, value)': leaves({}, [{}, { a: 7 }], [{ a: 1 }, { a: 7 }]),
  'cache.has(key)': returns({}, [{ a: 1 }, true], [{}, false]),
  'cache.delete(key)': all(returns({}, [{ a: 1 }, true], [{}, false]), leaves({}, [{ a: 1, b: 2 }, { b: 2 }])),
  'cache.take(key)': all(returns({}, [{ a: 1 }, 1], [{}, undefined]), leaves({}, [{ a: 1 }, {}])),
  'cache.wrap(key, load)': (run) => {
    const map = mapOf();
    let loads = 0;
    const load = (each: string): string => `${each} ${++loads}`;
    expect([run({ map, key, load }), run({ map, key, load }), loads]).toEqual(['a 1', 'a 1', 1]);
    expect(() => run({ map, key: 'b', load: async () => 1 })).toThrow(DOMException);
    expect(map.size).toBe(1);
  },
  'getMany(keys)': returns({ keys: ['b', 'c', 'a'] }, [{ a: 1, b: 2 }, [2, undefined, 1]]),
  'setMany(entries, ttl)': (run) => {
    const map = mapOf();
    run({
      map,
      entries: [
        [key, 1],
        ['b', 2],
      ],
      ttl: HOUR,
    });
    expectLeft(map, HOUR);
    expect([...map.values()]).toEqual([1, 2]);
  },
  'removeMany(keys)': leaves({ keys: ['b', 'c'] }, [{ a: 1, b: 2 }, { a: 1 }]),
  'removeAll()': leaves({}, [{ a: 1, b: 2 }, {}]),
  'forEach(f)': (run) => {
    const seen: unknown[] = [];
    run({ map: mapOf({ b: 1, a: 2 }), f: (...entry: unknown[]) => seen.push(entry) });
    expect(seen).toEqual([
      ['b', 1],
      ['a', 2],
    ]);
  },
  'count()': returns({}, [{ a: 1, b: 2 }, 2]),
  'cache.calculatedSize': (run) => {
    const map = mapOf();
    const before = run({ map }) as number;
    map.set('long', 'x'.repeat(1_000_000));
    expect((run({ map }) as number) - before).toBeGreaterThan(900_000);
  },
};

describe.each([
  ["From Go's sync.Map", go],
  ['From DashMap', dashMap],
  ['From Redis', redis],
  ['From temporary maps and caches', caches],
])('%s', (heading, tests) => {
  const rows = rowsOf(heading);

  it('has rows, and one test for each', () => {
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(tests));
  });

  for (const { name, run } of rows) it(name, () => tests[name]?.(run));
});

it('every table of the page is one of these', () => {
  const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading);
  expect(headings).toEqual(["From Go's sync.Map", 'From DashMap', 'From Redis', 'From temporary maps and caches']);
  expect(page.split(/^## /m)[0]).not.toMatch(/^\|/m);
});
