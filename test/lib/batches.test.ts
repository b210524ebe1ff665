/**
 * Danger: a batch does something else than its operations one by one: at the border of a call or a group, with a key that
 * comes twice, with a value of another kind than its neighbours, or with keys that change while they are gathered.
 */

import { deepStrictEqual, strictEqual } from 'node:assert';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { anyKey, anyValue, KeyInterner } from './arbitraries.js';
import { clonable } from './clonable.js';
import { difference } from './difference.js';
import { runCount, seed } from './run-size.js';

/** Around the borders of groups and calls. */
const SIZES = [0, 1, 2, 31, 32, 33, 127, 128, 129, 255, 256, 257, 511, 512, 513];

type Entry = readonly [Key, unknown];
type Entries = readonly Entry[];

/** Many more of the same kinds, without a random choice for each. */
function repeat<Item>(items: readonly Item[], size: number): Item[] {
  return Array.from({ length: items.length === 0 ? 0 : size }, (_, index) => items[index % items.length] as Item);
}

const entry: fc.Arbitrary<Entry> = fc.tuple(anyKey, anyValue);
const size = fc.oneof(fc.constantFrom(...SIZES), fc.integer({ min: 0, max: 40 }));
/** Some different entries, in a batch of any size: keys meet again, and most are told apart by a number. */
const entries: fc.Arbitrary<Entries> = fc
  .tuple(fc.array(entry, { minLength: 1, maxLength: 40 }), size, fc.integer({ min: 1, max: 9 }))
  .map(([some, count, own]) =>
    repeat(some, count).map(([key, value], index) => (index % own === 0 ? ([key, value] as const) : [index, value])),
  );
const keys: fc.Arbitrary<readonly Key[]> = fc
  .tuple(fc.array(anyKey, { minLength: 1, maxLength: 40 }), size)
  .map(([some, count]) => repeat(some, count).map((key, index) => (index % 3 === 2 ? index : key)));

/** All the ways to hand over the same items. */
type Form = <Item>(items: readonly Item[]) => Iterable<Item>;
const forms: readonly Form[] = [
  (items) => items,
  (items) => items.values(),
  (items) => ({ [Symbol.iterator]: () => items[Symbol.iterator]() }),
  function* generate(items) {
    yield* items;
  },
];
const form = fc.constantFrom(...forms);

function mapOf(entries: Iterable<Entry>, shards?: number): ShardMap<Key, unknown> {
  const map = new ShardMap<Key, unknown>(null, { shards });
  for (const [key, value] of entries) map.set(key, value);
  return map;
}

function check(...[property, usual]: [fc.IPropertyWithHooks<never>, number]): void {
  fc.assert(property, { seed, numRuns: runCount(usual), endOnFailure: true });
}

function property<Given extends [unknown, ...unknown[]]>(
  given: { [Index in keyof Given]: fc.Arbitrary<Given[Index]> },
  run: (...values: Given) => void,
): fc.IPropertyWithHooks<never> {
  return fc.property(...given, run) as unknown as fc.IPropertyWithHooks<never>;
}

describe(`batches do what single operations do (SHARDMAP_TEST_SEED=${seed})`, () => {
  it('setMany sets what as many sets do, in their order, where the later of two wins in the place of the first', () => {
    check(
      property<[Entries, Entries, Form, number | undefined]>(
        [entries, entries, form, fc.constantFrom(undefined, 1, 16)],
        (before, batch, as, shards) => {
          const expected = mapOf(before, shards);
          const map = mapOf(before, shards);
          for (const [key, value] of batch) expected.set(key, value);
          strictEqual(map.setMany(as(batch)), map);
          deepStrictEqual([...map], [...expected]);
          strictEqual(map.size, expected.size);
          expected.close();
          map.close();
        },
      ),
      300,
    );
  }, 120_000);

  it('getMany and hasMany tell what a Map has', () => {
    check(
      property<[Entries, readonly Key[], Form]>([entries, keys, form], (stored, asked, as) => {
        const interner = new KeyInterner();
        const model = new Map(stored.map(([key, value]) => [interner.of(key), value]));
        const map = new ShardMap<Key, unknown>().setMany(stored);
        const values = map.getMany(as(asked));
        deepStrictEqual(
          values,
          asked.map((key) => model.get(interner.of(key))),
        );
        deepStrictEqual(
          values,
          asked.map((key) => map.get(key)),
        );
        deepStrictEqual(
          map.hasMany(as(asked)),
          asked.map((key) => model.has(interner.of(key))),
        );
        map.close();
      }),
      300,
    );
  }, 120_000);

  it('deleteMany deletes, and counts each entry once', () => {
    check(
      property<[Entries, readonly Key[], Form, number | undefined]>(
        [entries, keys, form, fc.constantFrom(undefined, 1, 16)],
        (stored, given, as, shards) => {
          const expected = mapOf(stored, shards);
          const map = mapOf(stored, shards);
          let count = 0;
          for (const key of given) if (expected.delete(key)) count++;
          strictEqual(map.deleteMany(as(given)), count);
          deepStrictEqual([...map], [...expected]);
          expected.close();
          map.close();
        },
      ),
      300,
    );
  }, 120_000);

  it('values of any kind come back as structuredClone makes them, wherever they are in a batch', () => {
    const values = fc.tuple(fc.array(clonable, { minLength: 1, maxLength: 12 }), fc.constantFrom(1, 3, 200, 300));
    check(
      property<[[unknown[], number]]>([values], ([some, every]) => {
        const stored = some.flatMap((value, index): Entry[] => [
          [index * every, value],
          [`not ${index}`, index],
        ]);
        const map = new ShardMap<Key, unknown>().setMany(stored);
        const asked = Array.from({ length: some.length * every + 1 }, (_, index) => index);
        for (const [index, value] of map.getMany(asked).entries()) {
          const expected = index % every === 0 ? structuredClone(some[index / every]) : undefined;
          strictEqual(difference(value, expected), undefined);
        }
        map.close();
      }),
      300,
    );
  }, 120_000);
});

describe('a batch', () => {
  it('may be of a hundred thousand keys', () => {
    const map = new ShardMap<Key, number>();
    const count = 100_000;
    const all = Array.from({ length: count }, (_, index) => (index % 2 === 0 ? index : `key ${index}`));
    map.setMany(all.map((key, index) => [key, index] as const));
    expect(map.size).toBe(count);
    expect(map.getMany(all)).toEqual(Array.from(all, (_, index) => index));
    expect(map.hasMany(all).every(Boolean)).toBe(true);
    expect([...map.keys()]).toEqual(all);
    expect(map.deleteMany(all.filter((_, index) => index % 4 < 2))).toBe(count / 2);
    expect(map.getMany(all)).toEqual(Array.from(all, (_, index) => (index % 4 < 2 ? undefined : index)));
  });

  it('takes entries from a Map, a Set of pairs, another ShardMap, and the map itself', () => {
    const pairs: [string, number][] = [
      ['b', 1],
      ['a', 2],
    ];
    for (const given of [new Map(pairs), new Set(pairs), new ShardMap(pairs), Object.entries({ b: 1, a: 2 })]) {
      expect([...new ShardMap<string, number>().setMany(given)]).toEqual(pairs);
    }
    const map = new ShardMap(pairs);
    expect([...map.setMany(map)]).toEqual(pairs);
    expect(map.getMany(map.keys())).toEqual([1, 2]);
    expect(map.hasMany(new Set(['a', 'c']))).toEqual([true, false]);
    expect(map.deleteMany(map.keys())).toBe(2);
  });

  it('reads entries as a Map does: any objects with 0 and 1, functions too', () => {
    const pairLike = Object.assign(() => 1, { 0: 'c', 1: 3 });
    const given = [{ 0: 'a', 1: 1 }, ['b'], pairLike, ['d', 4, 5], Object('ef')] as unknown as [string, unknown][];
    expect([...new ShardMap<string, unknown>().setMany(given)]).toEqual([...new Map(given)]);
  });

  it('takes holes of an array for undefined', () => {
    const map = new ShardMap<Key, string>([[undefined, 'of undefined']]);
    const holes = Array(300) as Key[];
    holes[299] = 'absent';
    expect(map.getMany(holes)).toEqual([...Array(299).fill('of undefined'), undefined]);
    expect(map.hasMany(holes).lastIndexOf(true)).toBe(298);
    expect(map.deleteMany(holes)).toBe(1);
    expect(() => map.setMany(Array(3) as never)).toThrow(TypeError);
  });

  it('asks no array for its species', () => {
    class Odd extends Array<string> {
      static override get [Symbol.species](): never {
        return expect.unreachable();
      }
    }
    const map = new ShardMap<string, number>([['a', 1]]);
    const values = map.getMany(Odd.of('a', 'b'));
    expect(values).toEqual([1, undefined]);
    expect(Object.getPrototypeOf(values)).toBe(Array.prototype);
  });

  it('takes each key as it is when it is handed over, also where one array of bytes, or of parts, serves for all', () => {
    const given = Array.from({ length: 600 }, (_, index) => index % 256);
    function* bytes(): Generator<Uint8Array> {
      const one = new Uint8Array(1);
      for (one[0] of given) yield one;
    }
    function* parts(): Generator<Key> {
      const one: Key[] = ['x', 0];
      for (one[1] of given) yield one as Key;
    }
    for (const reuse of [bytes, parts]) {
      const map = new ShardMap<Key, number>();
      map.setMany(
        (function* () {
          let index = 0;
          for (const key of reuse()) yield [key, given[index++] as number] as const;
        })(),
      );
      expect([map.size, [...map.values()]]).toEqual([256, given.slice(0, 256)]);
      expect(map.getMany(reuse())).toEqual(given);
      expect(map.hasMany(reuse())).toEqual(given.map(() => true));
      expect(map.deleteMany(reuse())).toBe(256);
    }
  });

  it('takes each entry as it is when it is handed over, also where one array serves for all', () => {
    const given = Array.from({ length: 300 }, (_, index): [number, unknown] => [
      index,
      index === 200 ? {} : `${index}`,
    ]);
    function* reuse(): Generator<readonly [number, unknown]> {
      const one: [number, unknown] = [0, 0];
      for ([one[0], one[1]] of given) yield one;
    }
    expect([...new ShardMap<number, unknown>().setMany(reuse())]).toEqual(given);
  });

  it.each([0, 1, 127, 128, 129, 255, 256, 257, 299])('sets in order around an object or bytes at %i', (place) => {
    const number = (index: number): [Key, unknown] => [`key ${index}`, index];
    for (const odd of [['object', { place }] as const, [new Uint8Array([place % 256, 1]), place] as const]) {
      const given = Array.from({ length: 300 }, (_, index) => (index === place ? odd : number(index)));
      expect([...new ShardMap<Key, unknown>().setMany(given)]).toEqual(given);
    }
  });

  it('takes entries that code of the user adds while it is read', () => {
    const given: [string, number][] = [['a', 1]];
    Object.defineProperty(given[0], 1, { get: () => given.push(['b', 2]) });
    expect([...new ShardMap<string, number>().setMany(given)]).toEqual([
      ['a', 2],
      ['b', 2],
    ]);
  });

  it('gives fresh copies of objects', () => {
    const map = new ShardMap<string, { list: number[] }>([['a', { list: [1] }]]);
    const [one, other] = map.getMany(['a', 'a']);
    one?.list.push(2);
    expect(other).toEqual({ list: [1] });
    expect(map.get('a')).toEqual({ list: [1] });
  });

  it('uses the codec of the map, which may use batches of the map itself', () => {
    const codec = {
      encode: (value: Date) => {
        map.setMany([[`encoded ${map.size}`, 'by a codec']]);
        return Buffer.from(value.toISOString());
      },
      decode: (bytes: Uint8Array) => {
        expect(map.getMany(['encoded 0', 'none'])).toEqual(['by a codec', undefined]);
        return new Date(Buffer.from(bytes).toString());
      },
    };
    const map: ShardMap<string, unknown> = new ShardMap<string, unknown>(null, { codec });
    const dates = Array.from({ length: 300 }, (_, index) => new Date(index));
    map.setMany(dates.map((date, index) => [`date ${index}`, date] as const));
    expect(map.size).toBe(600);
    expect(map.getMany(dates.map((_, index) => `date ${index}`))).toEqual(dates);
  });
});

describe('in the callback of a computation', () => {
  it('setMany makes the entry its own, which the result overwrites; deleteMany takes that back', () => {
    for (const key of ['a', -0, Number.NaN, Uint8Array.of(1), ['a', -0], 2n ** 70n] as Key[]) {
      const map = new ShardMap<Key, unknown>();
      const others = Array.from({ length: 300 }, (_, index) => [`other ${index}`, index] as const);
      const set = (): unknown => map.setMany([...others, [key, 'from the callback'], ['last', {}]]);
      expect(map.getOrInsertComputed(key, () => set() && 'computed')).toBe('computed');
      expect(map.get(key)).toBe('computed');
      expect([...map.keys()].slice(-2)).toEqual([Object.is(key, -0) ? 0 : Array.isArray(key) ? ['a', 0] : key, 'last']);
      map.clear();
      const result = map.getOrInsertComputed(key, () => {
        set();
        map.deleteMany([...others.map(([other]) => other), key]);
        ShardMap.from<Key, unknown>(map.handle).set(key, "another's");
        return 'computed';
      });
      expect(result).toBe("another's");
    }
  });

  it('a batch that fails makes nothing its own', () => {
    const map = new ShardMap<Key, unknown>();
    const result = map.getOrInsertComputed('a', () => {
      expect(() =>
        map.setMany([
          ['a', 1],
          [{} as Key, 1],
        ]),
      ).toThrow(TypeError);
      ShardMap.from<Key, unknown>(map.handle).set('a', "another's");
      return 'computed';
    });
    expect(result).toBe("another's");
  });
});
