/** Danger: something that cannot be shared is stored as something else, or an error leaves the store changed. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Key, ShardMap } from '../../lib/index.js';
import { addon } from '../../lib/native.js';
import { caught, expectCloneError, expectError } from './expect-error.js';

const { keyBytesMax, keyPartsMax, valueBytesMax } = addon.limits;

function arrayInItself(): unknown[] {
  const parts: unknown[] = ['a'];
  parts.push(parts);
  return parts;
}

function argumentsOf(..._: unknown[]): IArguments {
  // biome-ignore lint/complexity/noArguments: it is the object that is wanted
  return arguments;
}

function revokedProxy(): unknown {
  const { proxy, revoke } = Proxy.revocable(['a', 1], {});
  revoke();
  return proxy;
}

const badKeys: readonly (readonly [string, unknown])[] = [
  ['an object', {}],
  ['an array in an array', ['a', ['b']]],
  ['an array with bytes', [new Uint8Array(1)]],
  ['an array with an object', [{}]],
  ['an array with a function', ['a', () => 1]],
  ['an array with a symbol', [Symbol('part')]],
  ['an array with a String object', [Object('a')]],
  ['an array that contains itself', arrayInItself()],
  ['a Proxy of an array', new Proxy(['a', 1], {})],
  ['a Proxy of a longer array', new Proxy(['a', 1, 2], {})],
  ['a Proxy of an array that throws', new Proxy(['a', 1], { get: () => expect.unreachable() })],
  ['a revoked Proxy', revokedProxy()],
  ['an object that looks like an array', { length: 1, 0: 'a', __proto__: Array.prototype }],
  ['the arguments of a call', argumentsOf('a', 1)],
  ['a function', () => 1],
  ['a class', ShardMap],
  ['a symbol', Symbol('key')],
  ['a registered symbol', Symbol.for('key')],
  ['a Date', new Date(0)],
  ['a String object', Object('a')],
  ['a DataView', new DataView(new ArrayBuffer(1))],
  ['an ArrayBuffer', new ArrayBuffer(1)],
  ['an Int8Array', new Int8Array(1)],
  ['a Uint8ClampedArray', new Uint8ClampedArray(1)],
  ['a Float64Array', new Float64Array(1)],
  ['a Proxy of a Uint8Array', new Proxy(new Uint8Array(1), {})],
  ['an object that says it is a Uint8Array', { [Symbol.toStringTag]: 'Uint8Array', length: 1, 0: 1 }],
  ['an object with a prototype of Uint8Array', Object.create(Uint8Array.prototype)],
];

let map: ShardMap<Key, unknown>;
let changes: () => unknown;

beforeEach(() => {
  map = new ShardMap<Key, unknown>([
    ['a', 1],
    ['b', { c: 2 }],
  ]);
  changes = () => [[...map], map.size];
});

afterEach(() => {
  expect(changes()).toEqual([
    [
      ['a', 1],
      ['b', { c: 2 }],
    ],
    2,
  ]);
});

describe.each(badKeys)('%s as a key', (_, key) => {
  const bad = key as Key;
  it('is refused by each method, and nothing is changed', () => {
    const refused = (run: () => unknown): unknown => expectError(run, 'TypeError', 'ERR_SHARDMAP_INVALID_KEY');
    refused(() => map.set(bad, 1));
    refused(() => map.set(bad, { an: 'object' }));
    refused(() => map.get(bad));
    refused(() => map.has(bad));
    refused(() => map.delete(bad));
    refused(() => map.getOrInsert(bad, 1));
    refused(() => map.getOrInsert(bad, { an: 'object' }));
    refused(() => map.getOrInsertComputed(bad, () => expect.unreachable()));
    refused(() => map.increment(bad));
    refused(() => map.getAndSet(bad, 1));
    refused(() => map.getAndSet(bad, { an: 'object' }));
    refused(() => map.getAndDelete(bad));
    refused(() => map.compareAndSet(bad, undefined, 1));
    refused(() => map.compareAndSet(bad, undefined, { an: 'object' }));
    refused(() => map.compareAndSet(bad, { an: 'object' }, 1));
    refused(() => map.compareAndDelete(bad, 1));
    refused(() => map.compareAndDelete(bad, { an: 'object' }));
    refused(() => map.update(bad, () => expect.unreachable()));
    refused(() => map.entry(bad).value());
    refused(() => map.entry(bad).remove());
    refused(() => map.entry(bad).orInsert(1));
    refused(() => map.entry(bad).andModify(() => expect.unreachable()));
    refused(() => new ShardMap([[bad, 1]]));
    refused(() => ShardMap.groupBy([1], () => bad));
  });
});

describe('a value that cannot be copied', () => {
  const values: readonly (readonly [string, unknown])[] = [
    ['a function', () => 1],
    ['a class', ShardMap],
    ['a symbol', Symbol('value')],
    ['a nested function', { deep: [{ f() {} }] }],
    ['a nested symbol', [[Symbol.iterator]]],
    ['a WeakMap', new WeakMap()],
    ['a promise', Promise.resolve(1)],
  ];
  it.each(values)('%s throws DataCloneError as structuredClone does, and nothing is changed', (_, value) => {
    const expected = caught(() => structuredClone(value)) as DOMException;
    for (const run of [
      () => map.set('a', value),
      () => map.set('new', value),
      () => map.getOrInsert('new', value),
      () => map.getOrInsertComputed('new', () => value),
      () => map.getAndSet('a', value),
      () => map.compareAndSet('a', 1, value),
      () => map.compareAndSet('a', value, 1),
      () => map.compareAndDelete('a', value),
      () => map.entry('new').orInsert(value),
      () => new ShardMap([['new', value]]),
      () => ShardMap.groupBy([value], () => 'new'),
    ]) {
      expectCloneError(run);
    }
    expect((caught(() => map.set('a', value)) as DOMException).message).toBe(expected.message);
    expect((caught(() => map.set('a', value)) as DOMException).code).toBe(expected.code);
  });

  it('is not looked at by getOrInsert where the key exists, in a method that needs no value', () => {
    expect(map.getOrInsertComputed('a', () => expect.unreachable())).toBe(1);
  });

  it('lets the error of a throwing getter through', () => {
    const error = new Error('from the getter');
    const value = {
      get trap() {
        throw error;
      },
    };
    expect(caught(() => map.set('a', value))).toBe(error);
    expect(caught(() => map.getOrInsert('new', [value]))).toBe(error);
  });
});

describe('a key over the limit', () => {
  const refused = (key: Key): void => {
    expectError(() => map.set(key, 1), 'RangeError', 'ERR_SHARDMAP_KEY_TOO_LONG');
    expectError(() => map.set(key, {}), 'RangeError', 'ERR_SHARDMAP_KEY_TOO_LONG');
    expectError(() => map.getOrInsert(key, 1), 'RangeError', 'ERR_SHARDMAP_KEY_TOO_LONG');
  };
  it('is refused: bytes', () => refused(new Uint8Array(keyBytesMax + 1)));
  it('is refused: a one-byte string', () => refused('k'.repeat(keyBytesMax + 1)));
  it('is refused: a two-byte string', () => refused('Ж'.repeat(keyBytesMax / 2 + 1)));
  it('is refused: a bigint', () => refused(1n << BigInt(keyBytesMax * 8 + 64)));
  it('is refused: a string in an array', () => refused(['a', 'k'.repeat(keyBytesMax + 1)]));
  it('is refused: the strings of an array together', () =>
    refused(Array(keyPartsMax).fill('k'.repeat(keyBytesMax / keyPartsMax))));
  it('is refused: an array of too many parts', () => refused(Array(keyPartsMax + 1).fill(0)));
  it('is refused: a long array of holes', () => refused(Array(2 ** 32 - 1)));
  it('is stored at the limit', () => {
    const composite = ['k'.repeat(keyBytesMax - 4)]; // with the head of the part, which is a varint
    for (const key of ['k'.repeat(keyBytesMax), new Uint8Array(keyBytesMax), composite, Array(keyPartsMax)]) {
      expect(map.set(key, 'there').get(key)).toBe('there');
      expect(map.delete(key)).toBe(true);
    }
  });
});

describe('a value over the limit', () => {
  it('is refused', () => {
    // As the library hands it on: only the bytes of an object can be so many, and making them would take gigabytes.
    const native = addon.create(undefined, 0, 0, false);
    const { slot } = native;
    const bytes = new Uint8Array(valueBytesMax + 1);
    const kind = addon.valueKinds.clone;
    addon.set(slot, 'a', 1);
    const refused = (run: () => unknown): unknown => expectError(run, 'RangeError', 'ERR_SHARDMAP_VALUE_TOO_LONG');
    refused(() => addon.setEncoded(slot, 'a', kind, bytes, 0, bytes.length));
    refused(() => addon.setEncoded(slot, 'new', kind, bytes, 0, bytes.length));
    refused(() => addon.insertEncoded(slot, 'new', kind, bytes, 0, bytes.length, undefined));
    refused(() => addon.exchangeEncoded(slot, 'a', kind, bytes, 0, bytes.length, undefined));
    refused(() => addon.compareAndSetEncoded(slot, 'a', 1, false, kind, bytes, 0, bytes.length));
    refused(() => addon.setEncodedIf(slot, 'new', kind, bytes, 0, bytes.length, 0, 0));
    expect([addon.get(slot, 'a'), addon.has(slot, 'new'), addon.size(slot)]).toEqual([1, false, 1]);
    addon.close(slot);
  });
});

describe('a callback that is none', () => {
  const callbacks = [undefined, null, 1, 'f', {}, Symbol.iterator, []] as unknown as (() => never)[];
  it.each(callbacks)('%s is refused before anything is looked at', (callback) => {
    const refused = (run: () => unknown): unknown => expectError(run, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    refused(() => map.forEach(callback));
    refused(() => map.getOrInsertComputed('a', callback));
    refused(() => map.update('a', callback));
    refused(() => map.entry('a').andModify(callback));
    refused(() => map.entry('a').orInsertWith(callback));
    refused(() => map.getOrInsertComputed({} as Key, callback));
    refused(() => ShardMap.groupBy([], callback));
  });
});

describe('entries that are none', () => {
  const entries = [
    1,
    true,
    Symbol.iterator,
    {},
    () => 1,
    { [Symbol.iterator]: 1 },
    [1],
    ['ab'],
    [null],
    [undefined],
  ] as unknown as [][];
  it.each(entries.map((each) => [each]))('%s are refused', (each) => {
    expectError(() => new ShardMap(each), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
  });
});

describe('a wrong receiver', () => {
  const receivers: readonly unknown[] = [
    undefined,
    null,
    1,
    'a',
    {},
    [],
    () => 1,
    new Map(),
    new Set(),
    new WeakMap(),
    ShardMap,
    ShardMap.prototype,
    Object.create(new ShardMap()),
    new Proxy(new ShardMap(), {}),
  ];
  const refused = (run: () => unknown): unknown => expectError(run, 'TypeError', 'ERR_SHARDMAP_INVALID_RECEIVER');
  const methods = `get has set delete clear forEach keys values entries getOrInsert getOrInsertComputed stats close
    ttl expire expireAt persist touch on off`.split(/\s+/);
  it.each(methods)('is refused by %s', (name) => {
    const method = (ShardMap.prototype as unknown as Record<string, () => unknown>)[name] as () => unknown;
    for (const receiver of receivers) refused(() => Reflect.apply(method, receiver, ['a', () => 1]));
  });
  it.each(['size', 'name', 'handle'])('is refused by the accessor %s', (name) => {
    const getter = Object.getOwnPropertyDescriptor(ShardMap.prototype, name)?.get as () => unknown;
    for (const receiver of receivers) refused(() => Reflect.apply(getter, receiver, []));
  });
  it('is refused by the next method of the iterators', () => {
    const { next } = map.keys();
    for (const receiver of [...receivers, map, [].values(), new Map().keys()])
      refused(() => Reflect.apply(next, receiver, []));
  });
  it('is refused by dispose, and rejected by asyncDispose', async () => {
    const { [Symbol.dispose]: dispose, [Symbol.asyncDispose]: asyncDispose } = ShardMap.prototype;
    refused(() => Reflect.apply(dispose, {}, []));
    await expect(Reflect.apply(asyncDispose, {}, [])).rejects.toBeInstanceOf(TypeError);
  });
  it('does not take a Map for a ShardMap, nor the other way round', () => {
    refused(() => ShardMap.prototype.get.call(new Map() as never, 'a'));
    expect(() => Map.prototype.get.call(map as never, 'a')).toThrow(TypeError);
  });
});
