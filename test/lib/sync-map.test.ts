/**
 * Danger: a SyncMap does not do what Go's documentation says of `sync.Map`: takes a stored undefined for absence, swaps
 * where there is nothing, visits a key twice.
 */

import { deepStrictEqual } from 'node:assert';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Key, type KeyPart, ShardMap, type ShardMapHandle, type ShardMapOptions } from '../../lib/index.js';
import { SyncMap } from '../../lib/sync-map.js';
import { anyKey, anyValue, KeyInterner } from './arbitraries.js';
import { expectCloneError, expectClosed, expectError } from './expect-error.js';
import { runCount, seed } from './run-size.js';

/** What Go's documentation says, over a `Map` in which each insertion is told from all others. */
class Reference {
  readonly #interner = new KeyInterner();
  readonly #entries = new Map<unknown, { value: unknown; readonly key: Key; readonly insertion: number }>();
  #insertions = 0;

  load(key: Key): unknown[] {
    const entry = this.#entries.get(this.#interner.of(key));
    return [entry?.value, entry !== undefined];
  }
  store(key: Key, value: unknown): undefined {
    const entry = this.#entries.get(this.#interner.of(key));
    if (entry === undefined)
      this.#entries.set(this.#interner.of(key), { value, key: shown(key), insertion: this.#insertions++ });
    else entry.value = value;
    return undefined;
  }
  loadOrStore(key: Key, value: unknown): unknown[] {
    const [previous, loaded] = this.load(key);
    if (!loaded) this.store(key, value);
    return [loaded ? previous : value, loaded];
  }
  loadAndDelete(key: Key): unknown[] {
    const loaded = this.load(key);
    this.#entries.delete(this.#interner.of(key));
    return loaded;
  }
  delete(key: Key): undefined {
    this.loadAndDelete(key);
    return undefined;
  }
  swap(key: Key, value: unknown): unknown[] {
    const loaded = this.load(key);
    this.store(key, value);
    return loaded;
  }
  compareAndSwap(key: Key, old: unknown, next: unknown): boolean {
    const isSwapped = this.#has(key, old);
    if (isSwapped) this.store(key, next);
    return isSwapped;
  }
  compareAndDelete(key: Key, old: unknown): boolean {
    const isDeleted = this.#has(key, old);
    if (isDeleted) this.delete(key);
    return isDeleted;
  }
  range(callback: (key: unknown, value: unknown) => boolean): void {
    for (const [interned, { key, insertion }] of [...this.#entries]) {
      const entry = this.#entries.get(interned);
      if (entry?.insertion === insertion && !callback(key, entry.value)) return;
    }
  }
  clear(): undefined {
    this.#entries.clear();
    return undefined;
  }
  count(): number {
    return this.#entries.size;
  }
  #has(key: Key, old: unknown): boolean {
    const [value, loaded] = this.load(key);
    return loaded === true && [value].includes(old);
  }
}

/** A key as the map shows it: bytes as a Uint8Array, no holes, 0 for -0. */
function shown(key: Key): Key {
  if (key instanceof Uint8Array) return new Uint8Array(key);
  if (!Array.isArray(key)) return key === 0 ? 0 : key;
  return Array.from(key as readonly KeyPart[], (part) => (part === 0 ? 0 : part));
}

interface Methods {
  readonly load: (key: Key) => unknown;
  readonly store: (key: Key, value: unknown) => unknown;
  readonly loadOrStore: (key: Key, value: unknown) => unknown;
  readonly loadAndDelete: (key: Key) => unknown;
  readonly delete: (key: Key) => unknown;
  readonly swap: (key: Key, value: unknown) => unknown;
  readonly compareAndSwap: (key: Key, old: unknown, next: unknown) => unknown;
  readonly compareAndDelete: (key: Key, old: unknown) => unknown;
  readonly clear: () => unknown;
  readonly count: () => unknown;
}
interface Call {
  readonly method: keyof Methods;
  readonly given: readonly unknown[];
}

const primitive = fc.constantFrom(undefined, null, 0, -0, 1, Number.NaN, '', 'a', 'b'.repeat(300), 1n, 2n ** 70n, true);
const value = fc.oneof({ weight: 3, arbitrary: primitive }, { weight: 1, arbitrary: anyValue });
const key = fc.oneof({ weight: 3, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: anyKey });

const anyCall: fc.Arbitrary<Call> = fc.oneof(
  { weight: 4, arbitrary: call('load', key) },
  { weight: 6, arbitrary: call('store', key, value) },
  { weight: 4, arbitrary: call('loadOrStore', key, value) },
  { weight: 3, arbitrary: call('loadAndDelete', key) },
  { weight: 2, arbitrary: call('delete', key) },
  { weight: 4, arbitrary: call('swap', key, value) },
  { weight: 6, arbitrary: call('compareAndSwap', key, primitive, value) },
  { weight: 4, arbitrary: call('compareAndDelete', key, primitive) },
  { weight: 1, arbitrary: call('clear') },
  { weight: 2, arbitrary: call('count') },
);

function call(method: keyof Methods, ...given: fc.Arbitrary<unknown>[]): fc.Arbitrary<Call> {
  return fc.tuple(...given).map((values) => ({ method, given: values }));
}

type Target = Reference | SyncMap<Key>;

function make(target: Target, { method, given }: Call): unknown {
  return (target[method] as (...all: readonly unknown[]) => unknown)(...given);
}

/** All that a range visits, and what calls in the middle of it return; `calls[n]` are made at visit `n`. */
function trace(target: Target, calls: readonly Call[][], visitsMax: number): unknown[] {
  const seen: unknown[] = [];
  let visits = 0;
  target.range((eachKey, each) => {
    seen.push([eachKey, each]);
    for (const each of calls[visits] ?? []) seen.push([each.method, make(target, each)]);
    return ++visits < visitsMax;
  });
  return seen;
}

type Command = fc.Command<Reference, SyncMap<Key>>;

const commands: fc.Arbitrary<Command>[] = [
  anyCall.map((each) => ({
    check: () => true,
    run: (reference, map) => deepStrictEqual(make(map, each), make(reference, each)),
    toString: () => `${each.method}(${each.given.map(fc.stringify).join()})`,
  })),
  fc
    .tuple(fc.array(fc.array(anyCall, { maxLength: 3 }), { maxLength: 8 }), fc.constantFrom(1, 2, 3, 1000))
    .map(([calls, visitsMax]) => ({
      check: () => true,
      run: (reference, map) => {
        const expected = trace(reference, calls, visitsMax);
        deepStrictEqual(trace(map, calls, visitsMax), expected);
      },
      toString: () => `range(${fc.stringify(calls)}, ${visitsMax})`,
    })),
];

describe(`a SyncMap does what Go's documentation says (SHARDMAP_TEST_SEED=${seed})`, () => {
  it.each([[undefined], [1], [64]])('in random sequences of calls, with %s shards', (shards) => {
    const sequences = fc.commands([commands[0], commands[0], commands[0], commands[1]] as fc.Arbitrary<Command>[], {
      maxCommands: 60,
      size: 'max',
    });
    const property = fc.property(sequences, (sequence) => {
      const map = new SyncMap<Key>({ shards });
      fc.modelRun(() => ({ model: new Reference(), real: map }), sequence);
      map.close();
    });
    fc.assert(property, { seed, numRuns: runCount(500) });
  });
});

describe('loaded', () => {
  it('tells a value that is undefined from none', () => {
    const map = new SyncMap<string, undefined>();
    expect(map.load('a')).toEqual([undefined, false]);
    expect(map.swap('a', undefined)).toEqual([undefined, false]);
    expect(map.load('a')).toEqual([undefined, true]);
    expect(map.swap('a', undefined)).toEqual([undefined, true]);
    expect(map.loadOrStore('a', undefined)).toEqual([undefined, true]);
    expect(map.loadAndDelete('a')).toEqual([undefined, true]);
    expect(map.loadAndDelete('a')).toEqual([undefined, false]);
    expect(map.loadOrStore('a', undefined)).toEqual([undefined, false]);
    expect(map.count()).toBe(1);
  });

  it('comes with objects too, as copies', () => {
    const map = new SyncMap<string, { n: number } | Float32Array | Set<number>>();
    const values = [{ n: 1 }, Float32Array.of(1, 2), new Set([1]), { n: 2 }];
    let previous: unknown;
    for (const [index, each] of values.entries()) {
      const swapped = map.swap('a', each);
      expect(swapped).toEqual([previous, index > 0]);
      previous = each;
    }
    expect(map.loadOrStore('a', { n: 3 })).toEqual([{ n: 2 }, true]);
    expect(map.load('a')).toEqual([{ n: 2 }, true]);
    expect(map.load('a')[0]).not.toBe(map.load('a')[0]);
    expect(map.loadAndDelete('a')).toEqual([{ n: 2 }, true]);
  });
});

describe.each(['compareAndSwap', 'compareAndDelete'] as const)('%s', (name) => {
  const use = (map: SyncMap<string, unknown>, key: string, old: unknown): boolean =>
    name === 'compareAndSwap' ? map.compareAndSwap(key, old, 'next') : map.compareAndDelete(key, old);

  it('is false where there is no entry, also for undefined and null', () => {
    const map = new SyncMap<string, unknown>();
    for (const old of [undefined, null, '', 0]) expect(use(map, 'a', old)).toBe(false);
    expect(map.count()).toBe(0);
  });

  it('meets a stored undefined, and tells it from null', () => {
    const map = new SyncMap<string, unknown>();
    map.store('a', undefined);
    expect(use(map, 'a', null)).toBe(false);
    expect(use(map, 'a', undefined)).toBe(true);
  });

  it.each([[{}], [[]], [new Date(0)], [Uint8Array.of(1)], [() => 1], [Symbol('s')]])(
    'refuses to compare with %o, whatever is there',
    (old) => {
      const map = new SyncMap<string, unknown>();
      map.store('object', {});
      map.store('number', 1);
      for (const key of ['object', 'number', 'absent']) {
        expectError(() => use(map, key, old), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
      }
      expect(map.load('object')).toEqual([{}, true]);
      expect(map.count()).toBe(2);
    },
  );

  it('is false where the value is an object', () => {
    const map = new SyncMap<string, unknown>();
    map.store('a', { n: 1 });
    for (const old of [undefined, null, 1, '[object Object]']) expect(use(map, 'a', old)).toBe(false);
    expect(map.load('a')).toEqual([{ n: 1 }, true]);
  });
});

describe('compareAndSwap', () => {
  it('sets an object', () => {
    const map = new SyncMap<string, unknown>();
    map.store('a', 1);
    expect(map.compareAndSwap('a', 2, { n: 1 })).toBe(false);
    expect(map.compareAndSwap('a', 1, { n: 1 })).toBe(true);
    expect(map.load('a')).toEqual([{ n: 1 }, true]);
  });

  it('leaves everything as it is where the next value cannot be stored', () => {
    const map = new SyncMap<string, unknown>();
    map.store('a', 1);
    for (const use of [
      () => map.compareAndSwap('a', 1, () => 1),
      () => map.swap('a', Symbol('s')),
      () => map.store('a', () => 1),
      () => map.loadOrStore('b', () => 1),
    ]) {
      expectCloneError(use);
    }
    expect(map.load('a')).toEqual([1, true]);
    expect(map.count()).toBe(1);
  });
});

describe('range', () => {
  const twenty = (): SyncMap<number, number> => {
    const map = new SyncMap<number, number>({ shards: 4 });
    for (let n = 0; n < 20; n++) map.store(n, n);
    return map;
  };

  it('visits nothing in an empty map, and stops where it is told to', () => {
    new SyncMap().range(() => expect.unreachable());
    const seen: number[] = [];
    twenty().range((n) => {
      seen.push(n);
      return n < 7;
    });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('visits no key twice that its callback deletes and stores again', () => {
    const map = twenty();
    const seen: number[] = [];
    map.range((n) => {
      seen.push(n);
      map.delete(n);
      map.store(n, n + 100);
      return true;
    });
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(map.count()).toBe(20);
  });

  it('comes to its end though its callback stores a new key each time', () => {
    const map = twenty();
    let visits = 0;
    map.range((n) => {
      visits++;
      map.store(1000 + n, n);
      return true;
    });
    expect([visits, map.count()]).toEqual([20, 40]);
  });

  it('may be nested, and all methods called in it', () => {
    const map = twenty();
    let pairs = 0;
    map.range((outer) => {
      map.range((inner) => {
        pairs++;
        expect(map.load(inner)).toEqual([inner, true]);
        expect(map.compareAndSwap(inner, inner, outer)).toBe(true);
        expect(map.swap(inner, inner)).toEqual([outer, true]);
        return true;
      });
      return true;
    });
    expect(pairs).toBe(400);
  });

  it('ends where its callback clears the map, throws, or closes it', () => {
    const map = twenty();
    let visits = 0;
    map.range(() => {
      visits++;
      map.clear();
      return true;
    });
    expect([visits, map.count()]).toEqual([1, 0]);
    map.store(1, 1);
    map.store(2, 2);
    const thrown = new Error('of the callback');
    expect(() =>
      map.range(() => {
        throw thrown;
      }),
    ).toThrow(thrown);
    expectClosed(() =>
      map.range(() => {
        map.close();
        return true;
      }),
    );
  });

  it('wants a function', () => {
    for (const garbage of [undefined, null, 1, {}]) {
      expectError(() => twenty().range(garbage as never), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    }
  });
});

describe('a SyncMap', () => {
  it('takes the options of a ShardMap, and refuses others', () => {
    expect(ShardMap.from(new SyncMap({ shards: 16 }).handle).stats().shards).toBe(16);
    expectError(() => new SyncMap({ shards: 3 }), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
    expectError(() => new SyncMap({ shard: 4 } as ShardMapOptions), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    const codec = { encode: (each: Date) => Uint8Array.of(each.getDate()), decode: (bytes: Uint8Array) => bytes[0] };
    const days = new SyncMap<string, unknown>({ name: 'sync-map days', codec });
    const same = new SyncMap<string, unknown>({ name: 'sync-map days', codec });
    days.store('a', new Date(2026, 0, 5));
    expect(same.load('a')).toEqual([5, true]);
    expect(SyncMap.from(days.handle, { codec }).swap('a', 1)).toEqual([5, true]);
    days.close();
    same.close();
  });

  it('shares its store by its handle with other SyncMaps and with ShardMaps', () => {
    const map = new SyncMap<string, number>();
    const other = SyncMap.from<string, number>(structuredClone(map.handle));
    const shardMap = ShardMap.from<string, number>(map.handle);
    map.store('a', 1);
    expect(other.load('a')).toEqual([1, true]);
    expect(shardMap.increment('a')).toBe(2);
    expect(SyncMap.from<string, number>(shardMap.handle).load('a')).toEqual([2, true]);
    map.close();
    expect(other.load('a')).toEqual([2, true]);
    expectError(() => SyncMap.from({} as ShardMapHandle), 'TypeError', 'ERR_SHARDMAP_INVALID_HANDLE');
  });

  it('reads a key that has getters once', () => {
    const map = new SyncMap<readonly [string, number], number>();
    let reads = 0;
    const key = Object.defineProperty(['a', 1], 1, {
      get: () => {
        reads++;
        return reads;
      },
    }) as unknown as [string, number];
    expect(map.load(key)).toEqual([undefined, false]);
    expect(map.loadOrStore(key, 5)).toEqual([5, false]);
    expect(map.load(['a', 2])).toEqual([5, true]);
    expect(reads).toBe(2);
  });

  const uses: Record<string, (map: SyncMap<Key>) => unknown> = {
    load: (map) => map.load('a'),
    store: (map) => map.store('a', 1),
    loadOrStore: (map) => map.loadOrStore('a', 1),
    'loadOrStore of an object': (map) => map.loadOrStore('a', {}),
    loadAndDelete: (map) => map.loadAndDelete('a'),
    delete: (map) => map.delete('a'),
    swap: (map) => map.swap('a', 1),
    'swap of an object': (map) => map.swap('a', {}),
    compareAndSwap: (map) => map.compareAndSwap('a', 1, 2),
    compareAndDelete: (map) => map.compareAndDelete('a', 1),
    range: (map) => map.range(() => expect.unreachable()),
    clear: (map) => map.clear(),
    count: (map) => map.count(),
    handle: (map) => map.handle,
  };
  it.each(Object.entries(uses))('that is closed refuses %s', (_, use) => {
    const map = new SyncMap<Key>();
    map.store('a', 1);
    map.close();
    map.close();
    expectClosed(() => use(map));
  });

  it('is closed by dispose', async () => {
    const map = new SyncMap();
    map[Symbol.dispose]();
    expectClosed(() => map.count());
    const other = new SyncMap();
    await other[Symbol.asyncDispose]();
    expectClosed(() => other.count());
  });

  it('keeps its methods to itself', async () => {
    const { prototype } = SyncMap;
    const methods = Object.getOwnPropertyDescriptors(prototype);
    for (const name of Reflect.ownKeys(methods)) {
      if (name === 'constructor') continue;
      const { value: method, get } = methods[name as keyof typeof methods] as PropertyDescriptor;
      for (const receiver of [undefined, null, {}, new ShardMap(), prototype, new Proxy(new SyncMap(), {})]) {
        const use = (): unknown => Reflect.apply(method ?? get, receiver, []);
        if (name === Symbol.asyncDispose) {
          await expect(use()).rejects.toThrow(expect.objectContaining({ code: 'ERR_SHARDMAP_INVALID_RECEIVER' }));
        } else {
          expectError(use, 'TypeError', 'ERR_SHARDMAP_INVALID_RECEIVER');
        }
      }
    }
  });
});
