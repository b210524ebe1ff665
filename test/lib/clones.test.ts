/** Danger: an object comes back as another one than `structuredClone` would have made, or one that it refuses is stored. */

import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
import { clonable } from './clonable.js';
import { difference } from './difference.js';
import { caught, expectCloneError } from './expect-error.js';
import { runCount, seed } from './run-size.js';

const map = new ShardMap<string, unknown>();

describe(`any value that can be copied (SHARDMAP_TEST_SEED=${seed})`, () => {
  it('comes back as structuredClone makes it', () => {
    fc.assert(
      fc.property(clonable, (value) => {
        map.set('value', value);
        const expected = structuredClone(value);
        expect(difference(map.get('value'), expected)).toBeUndefined();
        expect(difference([...map.values()][0], expected)).toBeUndefined();
        expect(difference(map.getOrInsert('value', 0), expected)).toBeUndefined();
      }),
      { seed, numRuns: runCount(2000), endOnFailure: true },
    );
  });

  it('comes back so in another map of the store, which never saw its structure written', () => {
    fc.assert(
      fc.property(fc.array(clonable, { minLength: 1, maxLength: 8 }), (values) => {
        const writer = new ShardMap<number, unknown>();
        for (const [index, value] of [...values, ...values].entries()) writer.set(index, value);
        const reader = ShardMap.from<number, unknown>(writer.handle);
        for (const [index, value] of [...values, ...values].entries()) {
          expect(difference(reader.get(index), structuredClone(value))).toBeUndefined();
        }
        reader.close();
        writer.close();
      }),
      { seed, numRuns: runCount(300), endOnFailure: true },
    );
  });
});

describe('bytes', () => {
  const matrix = Float32Array.from({ length: 1000 }, (_, index) => index);

  it('are what a view shows, without the memory around', () => {
    const row = matrix.subarray(10, 14);
    for (const value of [row, { row }, [row], new Map([['row', row]])]) {
      map.clear();
      expect(map.set('row', value).stats().bytesEntries).toBeLessThan(200);
      const back = map.get('row') as typeof value;
      const copy =
        (back instanceof Float32Array ? back : Object.values(back)[0]) ?? (back as Map<string, unknown>).get('row');
      expect(copy).toEqual(Float32Array.of(10, 11, 12, 13));
      expect((copy as Float32Array).buffer.byteLength).toBe(16);
    }
  });

  it('that several views of one value share are shared in the copy', () => {
    const { buffer } = new Uint8Array(16);
    const back = map.set('views', [new Uint8Array(buffer, 0, 8), new DataView(buffer, 4)]).get('views') as [
      Uint8Array,
      DataView,
    ];
    expect(back[0].buffer).toBe(back[1].buffer);
    back[0][5] = 7;
    expect(back[1].getUint8(1)).toBe(7);
  });

  it("of a Buffer stay a Buffer, which does not bring Node's pool along", () => {
    const pooled = Buffer.from('secret next door').subarray(0, 4);
    map.clear();
    map.set('direct', pooled).set('inside', { pooled, again: pooled.subarray(1) });
    expect(map.get('direct')).toEqual(Buffer.from('secr'));
    expect(map.stats().bytesEntries + map.stats().bytesBlobs).toBeLessThan(500);
    const inside = map.get('inside') as { pooled: Buffer; again: Buffer };
    expect(inside).toEqual({ pooled: Buffer.from('secr'), again: Buffer.from('ecr') });
  });

  it('are a copy that later changes do not reach', () => {
    const vector = Float64Array.of(1, 2, 3);
    map.set('vector', vector);
    vector[0] = 9;
    const first = map.get('vector') as Float64Array;
    first[1] = 9;
    expect(map.get('vector')).toEqual(Float64Array.of(1, 2, 3));
  });

  it.each([0, 1, 7, 8, 63, 64, 65, 1000, 65_535, 65_536, 65_537, 1 << 20])('come back whole: %d of them', (length) => {
    const value = Uint8Array.from({ length }, (_, index) => index * 31);
    map.clear();
    map.set('bytes', value).set('nested', { value });
    expect(Buffer.compare(map.get('bytes') as Uint8Array, value)).toBe(0);
    expect(Buffer.compare((map.get('nested') as { value: Uint8Array }).value, value)).toBe(0);
    expect(Buffer.compare([...map.values()][0] as Uint8Array, value)).toBe(0);
  });
});

describe('objects of every size', () => {
  it.each([1, 32, 63, 64, 65, 1000, 70_000])('with %d properties come back in order', (count) => {
    const value = Object.fromEntries(Array.from({ length: count }, (_, index) => [`name ${index}`, index]));
    const back = map.set('wide', value).get('wide') as object;
    expect(Object.keys(back)).toEqual(Object.keys(value));
    expect(difference(back, value)).toBeUndefined();
  });

  it.each([1, 8, 9, 64, 65, 66, 1000])('nested %d deep', (depth) => {
    let value: object = { leaf: true };
    for (let level = 0; level < depth; level++) value = level % 2 === 0 ? { value } : [value];
    expect(difference(map.set('deep', value).get('deep'), value)).toBeUndefined();
  });

  it('with more structures than the store keeps', () => {
    const values = Array.from({ length: 500 }, (_, index) => ({
      [`a${index}`]: index,
      [`b${index}`]: [{ [`c${index}`]: 1 }],
    }));
    for (let round = 0; round < 3; round++) {
      for (const [index, value] of values.entries()) map.set(String(index), value);
      for (const [index, value] of values.entries()) expect(map.get(String(index))).toEqual(value);
    }
  });

  it('of a hundred megabytes', () => {
    const text = 'x'.repeat(100 << 20);
    const back = map.set('large', { text, bytes: new Uint8Array(8) }).get('large') as { text: string };
    expect(back.text.length).toBe(text.length);
    expect(back.text === text).toBe(true);
    map.delete('large');
  });
});

describe('what structuredClone refuses is refused, and nothing is changed', () => {
  const detached = new Uint8Array(8);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const lost = lostView();
  const refused: readonly (readonly [string, unknown])[] = [
    ['a function', () => 1],
    ['a symbol', Symbol('value')],
    ['a boxed symbol', Object(Symbol('value'))],
    ['a function deep inside', { a: [{ b: () => 1 }] }],
    ['a function in a map', new Map([['f', () => 1]])],
    ['a WeakMap', new WeakMap()],
    ['a WeakRef', { ref: new WeakRef({}) }],
    ['a promise', [Promise.resolve(1)]],
    ['a generator', (function* () {})()],
    ['arguments', argumentsOf(1, 2)],
    ['a proxy', new Proxy({}, {})],
    ['a proxy inside', { inside: new Proxy([], {}) }],
    ['a detached view', detached],
    ['a detached view inside', { detached }],
    ['a detached buffer', detached.buffer],
    ['a view that lost its memory', lost],
    ['a view inside that lost its memory', [lost]],
  ];
  it.each(refused)('%s', (_, value) => {
    expect(caught(() => structuredClone(value))).toBeInstanceOf(DOMException);
    expectUnchanged(value);
  });

  // These structuredClone hands to another thread as they are, which a store cannot.
  it.each([
    ['shared memory', new SharedArrayBuffer(8)],
    ['a view on shared memory', new Int32Array(new SharedArrayBuffer(8))],
    ['a view on shared memory inside', { counters: new Int32Array(new SharedArrayBuffer(8)) }],
    ['a Blob', new Blob(['text'])],
    ['a Blob inside', { blob: new Blob(['text']) }],
    ['a Blob in a map', new Map([['list', new Set([[new Blob(['text'])]])]])],
    [
      'a Blob in an instance',
      new (class Upload {
        readonly blob = new Blob(['text']);
      })(),
    ],
    ['a key', createSecretKey(Buffer.from('key'))],
  ])('%s', (_, value) => expectUnchanged(value));

  // From Node 22 on, by a mark of Node's own on each object; before, they are copied as objects without properties.
  it.each([
    ['a URL', () => new URL('https://example.org')],
    ['headers', () => new Headers({ accept: 'text/plain' })],
    ['headers, again', () => new Headers()],
    ["headers of a class of one's own", () => new (class extends Headers {})()],
    ['a request inside', () => ({ requests: [new Request('https://example.org')] })],
    ['a response in a map', () => new Map([[new Response(), 1]])],
    [
      'a form in an instance',
      () =>
        new (class Upload {
          readonly form = new FormData();
        })(),
    ],
  ])('%s, where structuredClone refuses it', (_, create) => {
    if (process.version.startsWith('v20.')) {
      expect(difference(map.set('key', create()).get('key'), structuredClone(create()))).toBeUndefined();
    } else {
      expect(caught(() => structuredClone(create()))).toBeInstanceOf(DOMException);
      expectUnchanged(create());
    }
  });

  it.each([
    ['an object', (inner: object) => ({ a: [inner] })],
    ['an instance', (inner: object) => Object.assign(new (class Instance {})(), { inner })],
  ])('what a getter throws in %s reaches the caller', (_, around) => {
    const error = new Error('from a getter');
    const value = around({
      get b() {
        throw error;
      },
    });
    expect(caught(() => map.set('key', value))).toBe(error);
  });

  it('a buffer that a getter detaches', () => {
    const bytes = new Uint8Array(8);
    const value = {
      get first() {
        return structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
      },
      bytes,
    };
    expectUnchanged(value);
  });

  it('a view whose memory a getter takes away', () => {
    const create = () => {
      const buffer = resizable(8);
      return {
        get first() {
          return buffer.resize(2);
        },
        view: new Uint8Array(buffer, 4, 4),
      };
    };
    expect(caught(() => structuredClone(create()))).toBeInstanceOf(DOMException);
    expectUnchanged(create());
  });
});

describe('a buffer that can be resized', () => {
  const tail = Uint8Array.of(1, 2, 3, 4, 0, 0);

  it('stays one, alone and inside of others', () => {
    const buffer = resizable(4);
    new Uint8Array(buffer).set([1, 2, 3, 4]);
    const back = [
      map.set('key', buffer).get('key'),
      (map.set('key', { buffer }).get('key') as { buffer: unknown }).buffer,
      (map.set('key', new Map([[1, buffer]])).get('key') as Map<number, unknown>).get(1),
    ] as ResizableBuffer[];
    for (const copy of back) {
      copy.resize(6);
      expect([new Uint8Array(copy), copy.maxByteLength]).toEqual([tail, 8]);
    }
    expect(buffer.byteLength).toBe(4);
  });

  it.each([
    ['before it is set', (resize: () => unknown, view: object) => ({ resize: resize(), view })],
    [
      'by a getter before its view',
      (resize: () => unknown, view: object) => ({
        get first() {
          return resize();
        },
        view,
      }),
    ],
  ])('shows what structuredClone shows where it is resized %s', (_, around) => {
    for (const bytes of [2, 6]) {
      const create = () => {
        const buffer = resizable(4);
        const view = new Uint8Array(buffer);
        view.set([1, 2, 3, 4]);
        return around(() => buffer.resize(bytes), view);
      };
      const expected = structuredClone(create()) as { view: Uint8Array };
      const copy = map.set('key', create()).get('key') as { view: Uint8Array };
      expect(copy.view).toEqual(expected.view);
    }
  });
});

function argumentsOf(..._: readonly number[]): unknown {
  // biome-ignore lint/complexity/noArguments: a value of this kind is what is tested
  return arguments;
}

function expectUnchanged(value: unknown): void {
  map.clear();
  map.set('key', 'before');
  expectCloneError(() => map.set('key', value));
  expectCloneError(() => map.set('new', value));
  expectCloneError(() => map.getOrInsert('new', value));
  expectCloneError(() => map.getOrInsertComputed('new', () => value));
  expect([...map]).toEqual([['key', 'before']]);
}

/** A view whose buffer was shrunk until nothing was left of it. */
function lostView(): Uint8Array {
  const buffer = resizable(8);
  const view = new Uint8Array(buffer, 4, 4);
  buffer.resize(2);
  return view;
}

type ResizableBuffer = ArrayBuffer & { readonly maxByteLength: number; resize(bytes: number): void };

/** So many bytes, and up to eight. */
function resizable(bytes: number): ResizableBuffer {
  const ResizableBuffer = ArrayBuffer as unknown as new (
    bytes: number,
    options: { maxByteLength: number },
  ) => ResizableBuffer;
  return new ResizableBuffer(bytes, { maxByteLength: 8 });
}
