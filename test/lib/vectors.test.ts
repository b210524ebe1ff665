/** Danger: a vector is copied to a wrong place, or beyond the memory that an array still has; an error changes `out`. */

import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GatherOptions, type Key, ShardMap, type VectorArray } from '../../lib/index.js';
import { anyKey, KeyInterner } from './arbitraries.js';
import { expectClosed, expectError } from './expect-error.js';
import { runCount, seed } from './run-size.js';
import { typedArrayClasses } from './typed-arrays.js';

interface VectorClass {
  new (length: number): VectorArray;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): VectorArray;
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
}

const classes = typedArrayClasses as unknown as readonly VectorClass[];

const isBig = (View: VectorClass): boolean => View.name.startsWith('Big');

/** Its elements are `first` and those that follow it, as far as the class has them. */
function vectorOf(View: VectorClass, length: number, first: number): VectorArray {
  const vector = new View(length);
  for (let place = 0; place < length; place++) {
    const element = (first + place) % 100;
    vector[place] = (isBig(View) ? BigInt(element) : element) as never;
  }
  return vector;
}

/** What `out` of another length would hold. */
function rowsOf(View: VectorClass, rows: readonly (VectorArray | undefined)[], row: number, missing: unknown = 0) {
  const filler = isBig(View) ? BigInt(missing as number) : missing;
  return rows.flatMap((each) => (each === undefined ? Array(row).fill(filler) : [...each]));
}

let map: ShardMap<Key, unknown>;
beforeEach(() => {
  map = new ShardMap<Key, unknown>();
});
afterEach(() => map.close());

describe.each(classes.map((View) => [View.name, View] as const))('of %s', (_, View) => {
  const lengths = [0, 1, 16, 64 / View.BYTES_PER_ELEMENT, 64 / View.BYTES_PER_ELEMENT + 1, 1000, 100_000];

  it.each(lengths)('getInto copies %i elements to where it is told, and nothing beside them', (length) => {
    const vector = vectorOf(View, length, 1);
    map.set('vector', vector);
    for (const offset of [0, 1, 5]) {
      const out = vectorOf(View, offset + length + 3, 77);
      const expected = out.slice();
      expected.set(vector as never, offset);
      expect(map.getInto('vector', out, offset)).toBe(length);
      expect(isDeepStrictEqual(out, expected)).toBe(true);
    }
    const exact = new View(length);
    expect(map.getInto('vector', exact)).toBe(length);
    expect(isDeepStrictEqual(exact, vector)).toBe(true);
  });

  it('getInto finds nothing where there is nothing, and leaves out as it is', () => {
    const out = vectorOf(View, 4, 7);
    expect(map.getInto('vector', out)).toBe(-1);
    expect(map.getInto(['a', 1], out, 4)).toBe(-1);
    expect(out).toEqual(vectorOf(View, 4, 7));
  });

  it('both write to a part of a larger buffer', () => {
    const { buffer } = vectorOf(View, 20, 0);
    map.set('a', vectorOf(View, 3, 50)).set('b', vectorOf(View, 3, 60));
    map.gather(['b', 'a'], new View(buffer as ArrayBuffer, View.BYTES_PER_ELEMENT * 4, 6));
    map.getInto('a', new View(buffer as ArrayBuffer, View.BYTES_PER_ELEMENT * 15, 3));
    const expected = [0, 1, 2, 3, 60, 61, 62, 50, 51, 52, 10, 11, 12, 13, 14, 50, 51, 52, 18, 19];
    expect(Array.from(new View(buffer as ArrayBuffer) as Uint8Array, Number)).toEqual(expected);
  });

  it.each([0, 1, 3, 16, 300])('gather makes rows of %i elements', (row) => {
    const vectors = Array.from({ length: 10 }, (_, index) => vectorOf(View, row, index * 3));
    for (const [index, vector] of vectors.entries()) map.set(index, vector);
    const keys = [7, 'absent', 0, 7, 9, ['absent']];
    const found = [vectors[7], undefined, vectors[0], vectors[7], vectors[9], undefined];
    const out = vectorOf(View, keys.length * row, 5);
    expect(map.gather(keys, out)).toEqual(Uint8Array.of(1, 0, 1, 1, 1, 0));
    expect([...out]).toEqual(rowsOf(View, found, row));
    map.gather(keys, out, { missing: (isBig(View) ? 3n : 3) as number });
    expect([...out]).toEqual(rowsOf(View, found, row, 3));
  });
});

describe('an array that is given again', () => {
  it('is looked at again once its memory has become more, less, or none', () => {
    const map = new ShardMap([['four', Float32Array.of(1, 2, 3, 4)]]);
    type Resizable = ArrayBuffer & { resize(bytes: number): void };
    const buffer = Reflect.construct(ArrayBuffer, [16, { maxByteLength: 32 }]) as Resizable;
    const out = new Float32Array(buffer);
    const copy = (offset: number) => () => map.getInto('four', out, offset);
    for (let time = 0; time < 2; time++) expect(copy(0)()).toBe(4);
    expect(copy(4)).toThrow(RangeError);
    buffer.resize(32);
    expect(copy(4)()).toBe(4);
    expect([...out]).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
    buffer.resize(8);
    expect(copy(0)).toThrow(RangeError);
    structuredClone(buffer, { transfer: [buffer] });
    expect(copy(0)).toThrow(TypeError);
  });
});

describe('gather', () => {
  it.each([0, 1, 100, 255, 256, 257, 512, 1000])('of %i keys, each at its place', (count) => {
    const keys = Array.from({ length: count }, (_, index) => (index % 3 === 0 ? `key ${index}` : index));
    const isThere = (index: number): boolean => index % 7 !== 3;
    for (const [index, key] of keys.entries()) if (isThere(index)) map.set(key, Float64Array.of(index, -index));
    const out = new Float64Array(2 * count);
    const mask = map.gather(keys, out, { missing: Number.NaN });
    expect(mask).toEqual(Uint8Array.from(keys, (_, index) => (isThere(index) ? 1 : 0)));
    expect(out).toEqual(
      Float64Array.from({ length: 2 * count }, (_, place) => {
        const index = Math.floor(place / 2);
        if (!isThere(index)) return Number.NaN;
        return place % 2 === 0 ? index : -index;
      }),
    );
  });

  it('takes any iterable of keys, and reads each key when it comes', () => {
    map.set(['a', 1], Float32Array.of(1)).set(['a', 2], Float32Array.of(2)).set(Uint8Array.of(9), Float32Array.of(3));
    const gathered = (keys: Iterable<Key>, rows: number): number[] => {
      const out = new Float32Array(rows);
      map.gather(keys, out, undefined);
      return [...out];
    };
    expect(gathered(new Set<Key>([['a', 2], Uint8Array.of(9)]), 2)).toEqual([2, 3]);
    const same: Key[] = ['a', 0];
    function* reusing(): Generator<Key> {
      for (same[1] = 1; (same[1] as number) <= 3; same[1] = (same[1] as number) + 1) yield same as never;
    }
    expect(gathered(reusing(), 3)).toEqual([1, 2, 0]);
    const sameBytes = Uint8Array.of(7);
    function* reusingBytes(): Generator<Key> {
      for (; (sameBytes[0] as number) < 10; (sameBytes[0] as number)++) yield sameBytes;
    }
    expect(gathered(reusingBytes(), 3)).toEqual([0, 0, 3]);
    expect(gathered(map.keys(), 3)).toEqual([1, 2, 3]);
    expect(gathered([], 0)).toEqual([]);
  });

  it('reads keys from 0 on, once each, though they change each other', () => {
    map.set(1, Float32Array.of(1)).set(2, Float32Array.of(2));
    const keys: Key[] = [1, 1, 2];
    Object.defineProperty(keys, 0, { get: () => [keys.pop(), keys.push(2), keys.push(2), 2].at(-1) });
    const out = new Float32Array(4);
    expect(map.gather(keys, out)).toEqual(Uint8Array.of(1, 1, 1, 1));
    expect([...out]).toEqual([2, 1, 2, 2]);
  });

  it('fills rows of numbers that their elements cannot be as such an array does', () => {
    const out = new Uint8Array(2);
    map.gather(['absent'], out, { missing: -1 });
    expect([...out]).toEqual([255, 255]);
    map.gather(['absent'], out, { missing: Number.NaN });
    expect([...out]).toEqual([0, 0]);
  });
});

describe('a Buffer', () => {
  it('is an Uint8Array in either place', () => {
    map.set('buffer', Buffer.from('abc')).set('bytes', Uint8Array.of(1, 2, 3));
    for (const out of [Buffer.alloc(6), new Uint8Array(6), Buffer.alloc(20).subarray(3, 9)]) {
      expect([...map.gather(['bytes', 'buffer'], out)]).toEqual([1, 1]);
      expect([...out]).toEqual([1, 2, 3, 97, 98, 99]);
      expect(map.getInto('buffer', out, 1)).toBe(3);
      expect([...out]).toEqual([1, 97, 98, 99, 98, 99]);
    }
  });

  it('is no Uint8ClampedArray', () => {
    map.set('buffer', Buffer.from('abc'));
    expectError(() => map.getInto('buffer', new Uint8ClampedArray(3)), 'TypeError', 'ERR_SHARDMAP_VALUE_TYPE');
  });
});

describe('a resizable buffer', () => {
  it('is written to as long as it is now', () => {
    const buffer = resizable(8, 16);
    const fixed = new Uint8Array(buffer, 2, 4);
    const tracking = new Uint8Array(buffer);
    map.set('vector', Uint8Array.of(1, 2, 3, 4));
    expect(map.getInto('vector', fixed)).toBe(4);
    buffer.resize(12);
    expect(map.getInto('vector', tracking, 8)).toBe(4);
    expect([...tracking]).toEqual([0, 0, 1, 2, 3, 4, 0, 0, 1, 2, 3, 4]);
    expect([...map.gather(['vector', 'absent', 'vector'], tracking, { missing: 9 })]).toEqual([1, 0, 1]);
    expect([...tracking]).toEqual([1, 2, 3, 4, 9, 9, 9, 9, 1, 2, 3, 4]);
    buffer.resize(4);
    expect(map.getInto('vector', tracking)).toBe(4);
    refused(() => map.getInto('vector', fixed));
    buffer.resize(0);
    expect(map.getInto('absent', tracking)).toBe(-1);
  });
});

describe(`any vectors under any keys (SHARDMAP_TEST_SEED=${seed})`, () => {
  const vector = fc.tuple(fc.nat(classes.length - 1), fc.nat(20), fc.nat(99));
  const entries = fc.array(fc.tuple(anyKey, vector), { maxLength: 30 });
  it('are found as a Map of them finds them', () => {
    fc.assert(
      fc.property(entries, fc.array(anyKey, { maxLength: 40 }), fc.nat(20), (written, wanted, row) => {
        map.clear();
        const interner = new KeyInterner();
        const model = new Map<unknown, VectorArray>();
        for (const [key, [which, length, first]] of written) {
          const value = vectorOf(classes[which] as VectorClass, length, first);
          map.set(key, value);
          model.set(interner.of(key), value);
        }
        const keys = [...wanted, ...written.map(([key]) => key)];
        const values = keys.map((key) => model.get(interner.of(key)));
        for (const [index, key] of keys.entries()) expectGetInto(key, values[index]);
        for (const View of classes) expectGather(View, keys, values, row);
      }),
      { seed, numRuns: runCount(150), endOnFailure: true },
    );
  });

  function expectGetInto(key: Key, value: VectorArray | undefined): void {
    const View = (value?.constructor ?? Float32Array) as VectorClass;
    const out = new View(30);
    expect(map.getInto(key, out, 4)).toBe(value?.length ?? -1);
    if (value !== undefined) expect(out.slice(4, 4 + value.length)).toEqual(value);
  }

  /** Of the keys whose values can be rows of such a matrix; of all keys only where all of them can. */
  function expectGather(
    View: VectorClass,
    keys: readonly Key[],
    values: readonly (VectorArray | undefined)[],
    row: number,
  ): void {
    const fits = values.map((value) => value === undefined || (value instanceof View && value.length === row));
    const some = values.filter((_, index) => fits[index]);
    const out = new View(some.length * row);
    const mask = map.gather(
      keys.filter((_, index) => fits[index]),
      out,
    );
    expect([...mask]).toEqual(some.map((value) => (value === undefined ? 0 : 1)));
    expect([...out]).toEqual(rowsOf(View, some, row));
    if (fits.includes(false)) expect(() => map.gather(keys, new View(keys.length * row))).toThrow();
  }
});

// --- Bad input -------------------------------------------------------------------------------------------------------

interface ResizableBuffer extends ArrayBuffer {
  resize(bytes: number): void;
}

function resizable(length: number, maxByteLength: number): ResizableBuffer {
  return new (ArrayBuffer as unknown as new (length: number, options: object) => ResizableBuffer)(length, {
    maxByteLength,
  });
}

function detach({ buffer }: VectorArray): void {
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
}

const refused = (run: () => unknown): Error => expectError(run, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
const outside = (run: () => unknown): Error => expectError(run, 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
const mistyped = (run: () => unknown): Error => expectError(run, 'TypeError', 'ERR_SHARDMAP_VALUE_TYPE');

describe('bad input changes nothing', () => {
  const original = (): Float32Array => Float32Array.of(1, 2, 3, 4);
  let out: Float32Array;
  beforeEach(() => {
    out = original();
    map = new ShardMap<Key, unknown>([
      ['four', Float32Array.of(9, 8, 7, 6)],
      ['two', Float32Array.of(5, 4)],
      [['two', 1], Float32Array.of(3, 2)],
      ['doubles', Float64Array.of(1, 2)],
      ['text', 'abcdefgh'],
      ['object', { length: 2 }],
      ['number', 1.5],
      ['list', [1, 2]],
      ['view', new DataView(new ArrayBuffer(8))],
      ['buffer', new ArrayBuffer(8)],
    ]);
    return () => expect(out).toEqual(original());
  });

  const others: readonly (readonly [string, unknown])[] = [
    ['undefined', undefined],
    ['null', null],
    ['an array', [1, 2]],
    ['a DataView', new DataView(new ArrayBuffer(8))],
    ['an ArrayBuffer', new ArrayBuffer(8)],
    ['a string', 'out'],
    ['a number', 8],
    ['an object like an array', { length: 8, buffer: new ArrayBuffer(8), byteLength: 8 }],
    ['a Proxy of a typed array', new Proxy(new Float32Array(8), {})],
    ['an object with a prototype of Float32Array', Object.create(Float32Array.prototype)],
    ['shared memory', new Float32Array(new SharedArrayBuffer(8))],
    ['empty shared memory', new Float32Array(new SharedArrayBuffer(0))],
  ];
  it.each(others)('%s as out', (_, other) => {
    for (const key of ['four', 'absent']) {
      refused(() => map.getInto(key, other as VectorArray));
      refused(() => map.gather([key], other as VectorArray));
    }
    refused(() => map.gather([], other as VectorArray));
  });

  it('an out that is detached, or shrunk away', () => {
    const lost = new Float32Array(4);
    detach(lost);
    const buffer = resizable(16, 16);
    const shrunk = new Float32Array(buffer, 4, 2);
    buffer.resize(8);
    for (const each of [lost, shrunk]) {
      refused(() => map.getInto('absent', each));
      refused(() => map.getInto('two', each));
      refused(() => map.gather(['two'], each));
      refused(() => map.gather([], each));
    }
  });

  it('an out that is too short', () => {
    const name = (error: Error): void => expect(error.message).toContain("'four'");
    for (const length of [0, 1, 3]) name(outside(() => map.getInto('four', new Float32Array(length))));
    for (const offset of [1, 3, 4]) name(outside(() => map.getInto('four', out, offset)));
    name(outside(() => map.gather(['four', 'two'], out)));
  });

  it('an out that says it is longer than it is', () => {
    Object.defineProperty(out, 'length', { value: 1 << 20, configurable: true });
    outside(() => map.getInto('four', out, 1000));
    outside(() => map.gather(['four', 'four'], out));
    outside(() => map.gather(Array(1 << 18).fill('four'), out));
    Reflect.deleteProperty(out, 'length');
  });

  it('an out whose rows do not divide', () => {
    outside(() => map.gather(['two', 'two', 'two'], out));
    outside(() => map.gather(Array(5).fill('absent'), out));
  });

  it.each(['text', 'object', 'number', 'list', 'view', 'buffer', 'doubles'])(
    'a value that is no Float32Array: %s',
    (key) => {
      for (const run of [
        () => map.getInto(key, out),
        () => map.getInto(key, out, 4),
        () => map.gather([key], out),
        () => map.gather(['two', key], out),
        () => map.gather([...Array(299).fill('absent'), key], new Float32Array(600)),
      ]) {
        const error = mistyped(run);
        expect(error.message).toContain(`'${key}'`);
        expect(error.message).toContain('Float32Array');
        if (key === 'doubles') expect(error.message).toContain('Float64Array');
      }
    },
  );

  it('a value of another length, which the error tells with its key', () => {
    expect(outside(() => map.gather(['two', 'four'], out)).message).toMatch(/'four'.* 4 .* 2/);
    expect(outside(() => map.gather(['four', ['two', 1]], new Float32Array(8))).message).toMatch(/'two', .* 1\]/);
    expect(outside(() => map.gather(['absent', 'two'], new Float32Array(0))).message).toMatch(/'two'.* 2 .* 0/);
    const keys = [...Array(299).fill('two'), 'four'];
    expect(outside(() => map.gather(keys, new Float32Array(600))).message).toContain("'four'");
  });

  it.each([5, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32, 2 ** 64])('offset %d', (offset) => {
    outside(() => map.getInto('two', out, offset));
    outside(() => map.getInto('absent', out, offset));
  });

  it.each([['1'], [null], [1n], [{}], [[]], [Symbol.iterator], [{ valueOf: () => 0 }]])('offset %o', (offset) => {
    refused(() => map.getInto('absent', out, offset as unknown as number));
  });

  it.each([
    ['a number', 1],
    ['a string', 'a'],
    ['null', null],
    ['a function', () => 1],
  ])('%s as options', (_, options) => {
    refused(() => map.gather(['two', 'two'], out, options as GatherOptions));
  });

  it('an unknown option', () => {
    refused(() => map.gather(['two', 'two'], out, { mising: 1 } as GatherOptions));
  });

  it('a filler that the elements cannot be', () => {
    for (const missing of [1n, '1', null, {}, true, Symbol.iterator]) {
      refused(() => map.gather(['two', 'absent'], out, { missing } as GatherOptions));
    }
    for (const missing of [1, Number.NaN, '1', null]) {
      refused(() => map.gather(['absent'], new BigInt64Array(2), { missing } as GatherOptions));
      refused(() => map.gather(['absent'], new BigUint64Array(2), { missing } as GatherOptions));
    }
  });

  const noKeys = ['two', undefined, null, 1, {}, { [Symbol.iterator]: 1 }, Symbol.iterator];
  it.each(noKeys.map((each) => [each]))('keys that are none: %o', (keys) => {
    refused(() => map.gather(keys as never, out));
  });

  it('a key that is none, of which the error tells the place', () => {
    const bad = (run: () => unknown): Error => expectError(run, 'TypeError', 'ERR_SHARDMAP_INVALID_KEY');
    for (const key of [{}, Symbol.iterator, ['a', {}], () => 1]) {
      bad(() => map.getInto(key as never, out));
      bad(() => map.gather(['two', key as never], out));
      const keys = Array(400).fill('absent');
      keys[299] = key;
      expect(bad(() => map.gather(keys, new Float32Array(400))).message).toContain('299');
    }
    const long = 'k'.repeat(2 ** 20 + 1);
    expectError(() => map.gather([long, 'two'], out), 'RangeError', 'ERR_SHARDMAP_KEY_TOO_LONG');
  });

  it('what an iterable or a getter throws comes through', () => {
    const error = new Error('of the user');
    const throwing = (): never => {
      throw error;
    };
    function* keys(): Generator<Key> {
      yield 'two';
      throwing();
    }
    const composite = Object.defineProperty(['two'], 1, { get: throwing });
    expect(() => map.gather(keys(), out)).toThrow(error);
    expect(() => map.gather(['two', composite], out)).toThrow(error);
    expect(() => map.getInto(composite, out)).toThrow(error);
  });

  it('a closed map, whatever is asked of it', () => {
    map.close();
    expectClosed(() => map.getInto('two', out));
    expectClosed(() => map.gather(['two', 'two'], out));
    expectClosed(() => map.gather([], out));
  });

  it.each(['getInto', 'gather'] as const)('a wrong receiver of %s', (name) => {
    const method = ShardMap.prototype[name] as () => unknown;
    for (const receiver of [undefined, null, {}, new Map(), ShardMap.prototype, new Proxy(map, {})]) {
      const run = (): unknown => Reflect.apply(method, receiver, ['two', out]);
      expectError(run, 'TypeError', 'ERR_SHARDMAP_INVALID_RECEIVER');
    }
  });
});

describe('what happens while keys are read', () => {
  /** Each way to have code run there. */
  const ways: Record<string, (out: VectorArray, act: () => void) => unknown> = {
    'an iterable': (out, act) => map.gather(acting(act), out),
    'a getter in a composite key': (out, act) => map.gather([keyThat(act), 'two'], out),
    'a getter in the key of getInto': (out, act) => map.getInto(keyThat(act), out),
    'a getter in place of a key': (out, act) => map.gather(keysThat(act), out),
    'a getter in the options': (out, act) => map.gather(['two', 'two'], out, optionsThat(act)),
  };
  function* acting(act: () => void): Generator<Key> {
    yield 'two';
    act();
    yield 'two';
  }
  const keyThat = (act: () => void): Key =>
    Object.defineProperty(['two'], 1, {
      get: () => {
        act();
        return 1;
      },
    });
  const keysThat = (act: () => void): Key[] =>
    Object.defineProperty(['two', 'two'], 1, {
      get: () => {
        act();
        return 'two';
      },
    });
  const optionsThat = (act: () => void): GatherOptions => ({
    get missing() {
      act();
      return 0;
    },
  });

  beforeEach(() => {
    map.set('two', Float32Array.of(1, 2)).set(['two', 1], Float32Array.of(3, 4));
  });

  describe.each(Object.entries(ways))('by %s', (_, way) => {
    it('out loses its memory', () => {
      const out = new Float32Array(4);
      refused(() => way(out, () => detach(out)));
    });

    it('out is shrunk away', () => {
      const buffer = resizable(64, 64);
      const out = new Float32Array(buffer, 16, 4);
      refused(() => way(out, () => buffer.resize(24)));
      buffer.resize(64);
      expect([...new Uint8Array(buffer)]).toEqual(Array(64).fill(0));
    });

    it('out is shrunk, and too short then', () => {
      const buffer = resizable(64, 64);
      const out = new Float32Array(buffer, 16);
      outside(() => way(out, () => buffer.resize(20)));
      buffer.resize(64);
      expect([...new Uint8Array(buffer)]).toEqual(Array(64).fill(0));
    });

    it('the map is closed, and another opened in its place', () => {
      const out = new Float32Array(4);
      let other: ShardMap<Key, unknown> | undefined;
      const act = (): void => {
        map.close();
        other = new ShardMap<Key, unknown>([['two', Float32Array.of(7, 7)]]);
      };
      expectClosed(() => way(out, act));
      expect([...out]).toEqual([0, 0, 0, 0]);
      other?.close();
    });
  });
});
