/** Danger: a batch that cannot be done is done by half, or code of the user's that runs meanwhile reaches what is gone. */

import { beforeEach, describe, expect, it } from 'vitest';
import { type Key, type KeyPart, ShardMap } from '../../lib/index.js';
import { addon } from '../../lib/native.js';
import { caught, expectCloneError, expectClosed, expectError } from './expect-error.js';

const { keyBytesMax } = addon.limits;

let map: ShardMap<Key, unknown>;

beforeEach(() => {
  map = new ShardMap<Key, unknown>([
    ['a', 1],
    ['b', { c: 2 }],
  ]);
});

function expectUnchanged(): void {
  expect([...map]).toEqual([
    ['a', 1],
    ['b', { c: 2 }],
  ]);
}

/** `count` keys, `bad` at `place`. */
function keysWith(bad: unknown, place: number, count = 1000): Key[] {
  const keys = Array.from({ length: count }, (_, index): Key => (index % 2 === 0 ? 'a' : index));
  keys[place] = bad as Key;
  return keys;
}

/** The methods that take keys, and setMany with them, of primitive values, of objects, and of both in turn. */
const uses: Record<string, (keys: Iterable<Key>, on?: ShardMap<Key, unknown>) => unknown> = {
  getMany: (keys, on = map) => on.getMany(keys),
  hasMany: (keys, on = map) => on.hasMany(keys),
  deleteMany: (keys, on = map) => on.deleteMany(keys),
  setMany: (keys, on = map) => on.setMany(pairs(keys, () => 1)),
  'setMany of objects': (keys, on = map) => on.setMany(pairs(keys, () => ({ an: 'object' }))),
  'setMany of all kinds': (keys, on = map) => on.setMany(pairs(keys, (index) => (index % 3 === 0 ? [index] : index))),
};

/** New entries, one with the value `bad` at `place`. */
function entriesWith(bad: unknown, place: number): [Key, unknown][] {
  return Array.from({ length: 301 }, (_, index) => [`new ${index}`, index === place ? bad : index]);
}

function* pairs(keys: Iterable<Key>, valueAt: (index: number) => unknown): Generator<[Key, unknown]> {
  let index = 0;
  for (const key of keys) yield [key, valueAt(index++)];
}

const methods = ['getMany', 'hasMany', 'setMany', 'deleteMany'] as const;

describe.each(Object.entries(uses))('%s', (_, use) => {
  it.each([0, 1, 127, 128, 255, 256, 257, 300, 511, 512, 999])(
    'refuses what cannot be a key, says that it is item %i, and changes nothing',
    (place) => {
      for (const bad of [{}, Symbol('key'), () => 1, new Proxy(['a', 1], {}), ['a', {}], new Date(), [['a']]]) {
        const error = expectError(() => use(keysWith(bad, place)), 'TypeError', 'ERR_SHARDMAP_INVALID_KEY');
        expect(error.message).toMatch(new RegExp(`\\b${place}\\b`));
      }
      const long = [
        'k'.repeat(keyBytesMax + 1),
        new Uint8Array(keyBytesMax + 1),
        Array(5000),
        ['k'.repeat(keyBytesMax)],
      ];
      for (const bad of long) {
        const error = expectError(() => use(keysWith(bad, place)), 'RangeError', 'ERR_SHARDMAP_KEY_TOO_LONG');
        expect(error.message).toMatch(new RegExp(`\\b${place}\\b`));
      }
      expectUnchanged();
    },
  );

  it('tells the place in an iterable too, also where keys of bytes come before it', () => {
    for (const key of ['a', Uint8Array.of(1), ['a', 1]] as Key[]) {
      const keys = Array(700).fill(key) as Key[];
      keys[600] = {} as Key;
      const error = expectError(() => use(keys.values()), 'TypeError', 'ERR_SHARDMAP_INVALID_KEY');
      expect(error.message).toMatch(/\b600\b/);
      expectUnchanged();
    }
  });

  it('lets the error of an iterable through, closes it where it is ours, and changes nothing', () => {
    const error = new Error('from the iterable');
    let returned = 0;
    const iterable = (count: number, bad: unknown): Iterable<Key> => ({
      [Symbol.iterator]: () => ({
        next: () => {
          if (count-- > 0) return { value: 'a', done: false };
          if (bad === undefined) throw error;
          return { value: bad as Key, done: false };
        },
        return: () => {
          returned++;
          return { value: undefined, done: true };
        },
      }),
    });
    for (const count of [0, 10, 300]) expect(caught(() => use(iterable(count, undefined)))).toBe(error);
    expectUnchanged();
    returned = 0;
    expectError(() => use(endless(iterable(700, {}))), 'TypeError', 'ERR_SHARDMAP_INVALID_KEY');
    expect(returned).toBe(1);
    expectUnchanged();
  });

  it('lets the error of a getter in a key through, and changes nothing', () => {
    const error = new Error('from the getter');
    const trap = (): never => {
      throw error;
    };
    const key = Object.defineProperty(['x', 'y'], 1, { get: trap }) as KeyPart[];
    for (const place of [0, 300, 999]) expect(caught(() => use(keysWith(key, place)))).toBe(error);
    const keys = Object.defineProperty(keysWith('a', 0), 500, { get: trap });
    expect(caught(() => use(keys))).toBe(error);
    expectUnchanged();
  });

  it('notices that a getter closed the map, and opened others in its place', () => {
    for (const place of [0, 1, 300, 999]) {
      const closing = new ShardMap<Key, unknown>([['a', 1]]);
      const other = ShardMap.from<Key, unknown>(closing.handle);
      const opened: ShardMap<Key, unknown>[] = [];
      const get = (): string => {
        closing.close();
        for (let count = 0; count < 50; count++) opened.push(new ShardMap<Key, unknown>());
        return 'x';
      };
      const key = Object.defineProperty(['x', 'y'], 0, { get }) as KeyPart[];
      expectClosed(() => use(keysWith(key, place), closing));
      expect([...other]).toEqual([['a', 1]]);
      expect(opened.map((each) => each.size)).toEqual(Array(50).fill(0));
      for (const each of [other, ...opened]) each.close();
    }
  });

  it('bears keys that use the batches of the map themselves', () => {
    let depth = 0;
    const nested = (): Key[] => {
      const get = (): string => {
        if (++depth < 20) use(nested());
        map.setMany([['inner', depth]]);
        expect(map.getMany(['inner', 'none'])).toEqual([depth, undefined]);
        expect(map.deleteMany(['inner'])).toBe(1);
        return 'x';
      };
      return keysWith(Object.defineProperty(['x', 'y'], 0, { get }), 290, 300);
    };
    use(nested());
    expect(depth).toBe(20);
    expect(map.has('inner')).toBe(false);
  });

  it('refuses what is not iterable, and a string', () => {
    for (const bad of [undefined, null, 1, 'text', {}, Symbol.iterator, () => 1, { [Symbol.iterator]: 1 }]) {
      const refused = (run: () => unknown): unknown => expectError(run, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
      for (const method of methods) refused(() => map[method](bad as never));
    }
    expectUnchanged();
  });

  it('is refused on a closed map, also with nothing to do', () => {
    map.close();
    for (const keys of [[], ['a'], keysWith('a', 0)]) expectClosed(() => use(keys));
  });
});

/** The same, which a generator of ours goes through: its end closes the other. */
function* endless(keys: Iterable<Key>): Generator<Key> {
  yield* keys;
}

describe('setMany', () => {
  it('refuses a value that cannot be copied as set does, and changes nothing', () => {
    for (const bad of [() => 1, Symbol('value'), { deep: [() => 1] }, new WeakMap(), Promise.resolve(1)]) {
      for (const place of [0, 1, 300]) {
        const entries = entriesWith(bad, place);
        expectCloneError(() => map.setMany(entries));
        expectCloneError(() => map.setMany(entries.values()));
        expectUnchanged();
      }
    }
  });

  it('says of which entry the value is that cannot be copied', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(8));
    const bad = [() => 1, Symbol('value'), { deep: [() => 1] }, [new Set([() => 1])], new Blob([]), shared, [shared]];
    for (const value of bad) {
      const alone = (caught(() => map.set('new', value)) as DOMException).message;
      for (const place of [0, 1, 300]) {
        const error = caught(() => map.setMany(entriesWith(value, place))) as DOMException;
        expect(error.message).toBe(`Item ${place} of the batch: ${alone}`);
      }
    }
    expectUnchanged();
  });

  it('says of which entry the value is that a codec does not encode to bytes', () => {
    const coded = new ShardMap<Key, unknown>(null, { codec: { encode: () => 'text' as never, decode: () => 1 } });
    for (const place of [0, 1, 300]) {
      const run = (): unknown => coded.setMany(entriesWith({}, place));
      const error = expectError(run, 'TypeError', 'ERR_SHARDMAP_CODEC');
      expect(error.message).toMatch(new RegExp(`^Item ${place} of the batch: `));
    }
    expect(coded.size).toBe(0);
  });

  it('lets errors of code in values through as they are, also where they are clone errors', () => {
    for (const fail of [() => structuredClone(Symbol('value')), () => map.set('new', () => 1)]) {
      let thrown: unknown;
      const trap = (): unknown => {
        thrown = caught(fail);
        throw thrown;
      };
      const value = Object.defineProperty({}, 'trap', { get: trap, enumerable: true });
      const coded = new ShardMap<Key, unknown>(null, { codec: { encode: trap as () => Uint8Array, decode: () => 1 } });
      for (const run of [() => map.setMany(entriesWith(value, 3)), () => coded.setMany(entriesWith({}, 3))]) {
        expect(caught(run)).toBe(thrown);
        expect((thrown as DOMException).message).not.toMatch(/Item/);
      }
    }
    expectUnchanged();
  });

  it('refuses entries that are no objects, and says which', () => {
    for (const bad of [1, 'ab', null, undefined, true, 1n, Symbol('entry')]) {
      for (const place of [0, 300]) {
        const entries: unknown[] = Array.from({ length: 301 }, (_, index) => [`new ${index}`, index]);
        entries[place] = bad;
        const error = expectError(() => map.setMany(entries as never), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
        expect(error.message).toMatch(new RegExp(`\\b${place}\\b`));
        expectUnchanged();
      }
    }
  });

  it('closes the iterator of its entries where one is refused, and lets errors of getters in entries through', () => {
    let closed = 0;
    const error = new Error('from the getter');
    const trap = (): never => {
      throw error;
    };
    const bad: readonly unknown[] = [
      1,
      [{}, 1],
      ['new', () => 1],
      Object.defineProperty(['new', 1], 0, { get: trap }),
      Object.defineProperty(['new', 1], 1, { get: trap }),
      ['new', Object.defineProperty({}, 'trap', { get: trap, enumerable: true })],
    ];
    for (const [index, entry] of bad.entries()) {
      function* entries(): Generator<[string, unknown]> {
        try {
          for (let count = 0; count < 300; count++) yield [`new ${count}`, count];
          yield entry as [string, unknown];
          expect.unreachable();
        } finally {
          closed++;
        }
      }
      const thrown = caught(() => map.setMany(entries()));
      expect(closed).toBe(index + 1);
      expectUnchanged();
      if (index >= 3) expect(thrown).toBe(error);
    }
  });

  it('reads key and value of an entry once, in this order, the key before code in the value runs', () => {
    const log: string[] = [];
    const parts = ['x', 'y'];
    const entry = {
      get 0() {
        log.push('key');
        return parts;
      },
      get 1() {
        log.push('value');
        parts[0] = 'changed';
        return 1;
      },
    };
    map.setMany([entry as unknown as [Key, unknown]]);
    expect(log).toEqual(['key', 'value']);
    expect(map.getMany([['x', 'y']])).toEqual([1]);
  });

  it('notices that a value closed the map while it was encoded', () => {
    const other = ShardMap.from<Key, unknown>(map.handle);
    const value = {
      get trap() {
        map.close();
        return 1;
      },
    };
    expectClosed(() =>
      map.setMany([
        ['new', 1],
        ['newer', value],
        ['newest', 1],
      ]),
    );
    expect([...other].length).toBe(2);
  });

  it('sets what a value that uses batches of the map set meanwhile before its own entries', () => {
    const value = {
      get trap() {
        map.setMany([
          ['inner', 1],
          ['outer', 1],
        ]);
        map.deleteMany(['a']);
        return map.getMany(['inner', 'outer', 'a']);
      },
    };
    map.setMany([
      ['outer', 2],
      ['last', value],
    ]);
    expect([...map]).toEqual([
      ['b', { c: 2 }],
      ['inner', 1],
      ['outer', 2],
      ['last', { trap: [1, 1, undefined] }],
    ]);
  });
});

describe('a wrong receiver', () => {
  it.each(methods)('is refused by %s before its argument is looked at', (name) => {
    for (const receiver of [undefined, null, 1, {}, new Map(), Object.create(map), new Proxy(map, {}), ShardMap]) {
      const run = (): unknown => Reflect.apply(ShardMap.prototype[name], receiver as never, [1 as never]);
      expectError(run, 'TypeError', 'ERR_SHARDMAP_INVALID_RECEIVER');
    }
  });
});
