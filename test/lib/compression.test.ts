/**
 * Danger: a compressed value comes back as another, or not at all, by some way to read or in some other map; an
 * atomic comparison takes equal values for different ones because one is compressed; damage takes memory without end.
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type CompressOptions, ShardMap, type ShardMapCodec, type ShardMapOptions } from '../../lib/index.js';
import { addon } from '../../lib/native.js';
import { SyncMap } from '../../lib/sync-map.js';
import { clonable } from './clonable.js';
import { difference } from './difference.js';
import { caught, expectError } from './expect-error.js';
import { runCount, seed } from './run-size.js';
import { until } from './waiting.js';

const { valueKinds: kinds } = addon;
const hasZstd = 'zstdCompressSync' in zlib;
const algorithms = (['deflate', 'brotli', 'zstd'] as const).filter((name) => hasZstd || name !== 'zstd');
const settings: CompressOptions[] = algorithms.map((algorithm) => ({ algorithm, minBytes: 64 }));
settings.push({ algorithm: 'brotli', level: 5, minBytes: 100 });

const opened: ShardMap<string, unknown>[] = [];
afterEach(() => {
  for (const map of opened.splice(0)) map.close();
});

function open(compress?: boolean | CompressOptions, options: ShardMapOptions = {}): ShardMap<string, unknown> {
  const map = new ShardMap<string, unknown>(null, { ...options, compress });
  opened.push(map);
  return map;
}

function attach(map: ShardMap<string, unknown>, options?: Pick<ShardMapOptions, 'codec' | 'compress'>) {
  const other = ShardMap.from<string, unknown>(map.handle, options);
  opened.push(other);
  return other;
}

const words = 'a map that all worker threads of a process share, off the heap; ';
const text = words.repeat(40);
const rows = Array.from({ length: 50 }, (_, id) => ({ id, name: `row ${id}`, tags: ['a', 'b'], at: new Date(id) }));
const bytes = Buffer.from(text);
/** Of each kind that can be compressed. */
const values: [name: string, value: unknown][] = [
  ['a one-byte string', text],
  ['a two-byte string', `Ж${text}`],
  ['a string of lone surrogates', '\ud800x'.repeat(500)],
  ['an object', { rows }],
  ['an array', rows],
  ['what V8 serialises', new Map([['rows', rows]])],
  ['an error', new RangeError(text)],
  ['a Buffer', bytes],
  ['a Uint8Array', Uint8Array.from(bytes)],
  ['a view of a larger buffer', new Uint8Array(Uint8Array.from(bytes).buffer, 7, 900)],
  ['an ArrayBuffer', Uint8Array.from(bytes).buffer],
  ['a DataView', new DataView(Uint8Array.from(bytes).buffer, 3)],
  ['floats', Float32Array.from({ length: 500 }, (_, place) => place % 7)],
  ['bigints', BigInt64Array.from({ length: 500 }, (_, place) => BigInt(place % 7))],
  ['more than is read at once', 'much text '.repeat(120_000)],
];

/** What the store has, whatever it means. */
function bytesStored(map: ShardMap<string, unknown>): number {
  return map.stats().bytesValues;
}

function bytesPlain(value: unknown): number {
  return bytesStored(open().set('key', value));
}

describe.each(settings)('a map with compress: %o', (compress) => {
  it.each(values)('gives back %s, by every way to set and to read, and takes less for it', async (_, value) => {
    const map = open(compress);
    const reader = attach(map);
    map.set('set', value).setMany([['many', value]]);
    map.getAndSet('exchanged', value);
    map.getOrInsert('inserted', value);
    map.getOrInsertComputed('computed', () => value);
    map.update('updated', () => value);
    map.entry('entry').orInsert(value);
    map.compareAndSet('compared', undefined, value);
    map.set('timed', value, { ttl: 60_000 });
    const writer = map.writer();
    writer.set('written', value).close();
    map.getOrInsertComputed('outer', () => void map.set('inner', value));
    map.delete('outer');
    const keys = [...map.keys()];
    expect(keys).toHaveLength(11);
    expect(bytesStored(map)).toBeLessThan(0.8 * keys.length * bytesPlain(value));

    for (const each of [map, reader]) {
      for (const key of keys) {
        assert.deepStrictEqual(each.get(key), value);
        assert.deepStrictEqual(each.getOrInsert(key, 1), value);
        assert.deepStrictEqual(each.entry(key).value(), value);
      }
      assert.deepStrictEqual(each.getMany([...keys, 'absent']), [...keys.map(() => value), undefined]);
      for (const found of each.values()) assert.deepStrictEqual(found, value);
      const seen: unknown[] = [];
      each.forEach((found) => {
        each.set('meanwhile', 1); // what follows is looked at again
        if (found !== 1) seen.push(found);
      });
      assert.deepStrictEqual(
        seen,
        keys.map(() => value),
      );
      each.delete('meanwhile');
      assert.deepStrictEqual(
        each.update('set', (current) => current),
        value,
      );
      assert.deepStrictEqual(each.getAndSet('set', value), value);
    }
    const expired: unknown[] = [];
    reader.on('expire', (entries) => void expired.push(...entries));
    map.expire('timed', 0.01);
    await until(() => expired.length > 0);
    assert.deepStrictEqual(expired, [['timed', value]]);
    for (const key of map.keys()) assert.deepStrictEqual(reader.getAndDelete(key), value);
  });

  it.each(values)('compares %s, however either side is stored', (_, value) => {
    for (const other of [undefined, ...settings]) {
      const map = open(compress);
      const others = attach(map, { compress: other });
      const different = Array.isArray(value) ? [...value, 1] : typeof value === 'string' ? `${value}.` : [value];
      for (const [one, two] of [
        [map, others],
        [others, map],
      ] as const) {
        one.set('key', value);
        expect(two.compareAndSet('key', different, 1)).toBe(false);
        expect(two.compareAndSet('key', value, different)).toBe(true);
        expect(one.compareAndSet('key', value, 1)).toBe(false);
        expect(one.compareAndDelete('key', value)).toBe(false);
        expect(one.compareAndSet('key', different, value)).toBe(true);
        expect(two.compareAndDelete('key', different)).toBe(false);
        expect(two.compareAndDelete('key', value)).toBe(true);
        expect(one.has('key')).toBe(false);
      }
    }
  });

  it(`round-trips whatever structuredClone copies (seed ${seed})`, () => {
    const map = open({ ...compress, minBytes: 64 });
    const plain = open();
    fc.assert(
      fc.property(clonable, (value) => {
        expect(difference(map.set('key', value).get('key'), plain.set('key', value).get('key'))).toBeUndefined();
        expect(difference(map.getMany(['key']), plain.getMany(['key']))).toBeUndefined();
      }),
      { seed, numRuns: runCount(150) },
    );
  });
});

describe('compression', () => {
  it('begins at minBytes of what is stored, and at 1,024 unless told', () => {
    const isCompressed = (compress: boolean | CompressOptions, value: unknown): boolean =>
      bytesStored(open(compress).set('key', value)) < bytesPlain(value);
    for (const [compress, least] of [
      [true, 1024],
      [{}, 1024],
      [{ minBytes: 2000 }, 2000],
      [{ minBytes: 64 }, 64],
    ] as const) {
      expect(isCompressed(compress, 'a'.repeat(least - 1))).toBe(false);
      expect(isCompressed(compress, 'a'.repeat(least))).toBe(true);
      expect(isCompressed(compress, 'Ж'.repeat(least / 2 - 1))).toBe(false);
      expect(isCompressed(compress, 'Ж'.repeat(least / 2))).toBe(true);
      expect(isCompressed(compress, new Uint8Array(least - 1))).toBe(false);
      expect(isCompressed(compress, new Uint8Array(least))).toBe(true);
      expect(isCompressed(compress, new Float64Array(least / 8))).toBe(true);
    }
    expect(isCompressed(false, 'a'.repeat(5000))).toBe(false);
  });

  it('leaves what would not become smaller as it is: vectors of noise are gathered', () => {
    const map = open({ minBytes: 64 });
    const noise = new Float32Array(Uint8Array.from(randomBytes(1024)).buffer);
    map.set('noise', noise);
    expect(bytesStored(map)).toBe(1024);
    const out = new Float32Array(noise.length);
    expect(map.getInto('noise', out)).toBe(noise.length);
    expect(out).toEqual(noise);
    const noisy = randomBytes(600).toString('latin1');
    expect(map.set('text', noisy).get('text')).toBe(noisy);
    expect(bytesStored(map)).toBe(1024 + noisy.length);
  });

  it('leaves numbers, and what counts them, alone', () => {
    const map = open({ minBytes: 64 });
    map.set('big', 2n ** 4000n);
    expect(map.increment('count', 2)).toBe(2);
    expect(map.get('big')).toBe(2n ** 4000n);
    expectError(() => map.set('text', text).increment('text'), 'TypeError', 'ERR_SHARDMAP_VALUE_TYPE');
  });

  it('refuses to copy the elements of a compressed vector, and says of which key', () => {
    const map = open(true);
    const out = new Float32Array(500);
    map.setMany([
      ['short', new Float32Array(500).fill(1.5)],
      ['other', new Float32Array(500)],
    ]);
    for (const run of [
      () => map.getInto('short', out),
      () => map.gather(['absent', 'short'], new Float32Array(1000)),
    ]) {
      const error = expectError(run, 'TypeError', 'ERR_SHARDMAP_VALUE_TYPE');
      expect(error.message).toContain("the value of the string 'short' is compressed");
    }
    expect(out).toEqual(new Float32Array(500));
  });

  it("takes what a user's codec makes, and hands it what it made", () => {
    const codec: ShardMapCodec = {
      encode: (value: unknown) => Buffer.from(JSON.stringify(value)),
      decode: (each) => [JSON.parse(Buffer.from(each).toString()), map.getMany(['inner', 'inner'])],
    };
    const map = open({ minBytes: 64 }, { codec });
    map.set('inner', text);
    map.set('rows', { rows });
    expect(bytesStored(map)).toBeLessThan(1000);
    const decoded = [JSON.parse(JSON.stringify({ rows })), [text, text]];
    expect(map.get('rows')).toEqual(decoded);
    expect(map.getMany(['rows', 'rows'])).toEqual([decoded, decoded]);
    expect(map.compareAndSet('rows', { rows: [] }, 1)).toBe(false);
    expect(map.compareAndSet('rows', { rows }, 1)).toBe(true);
    map.set('rows', { rows });
    expectError(() => attach(map).get('rows'), 'TypeError', 'ERR_SHARDMAP_CODEC');
  });

  it('is had by a SyncMap as well', () => {
    const map = new SyncMap<string, unknown>({ compress: true });
    map.store('key', text);
    expect(map.load('key')).toEqual([text, true]);
    expect(map.loadOrStore('key', 1)).toEqual([text, true]);
    expect(map.compareAndSwap('key', text, 'next')).toBe(true);
    expect(map.swap('key', text)).toEqual(['next', true]);
    expect(map.compareAndDelete('key', text)).toBe(true);
    map.close();
  });

  it('is no conflict: maps of one name have their own', () => {
    const first = open(true, { name: 'compressing' });
    const second = open({ algorithm: 'brotli' }, { name: 'compressing' });
    const third = open(undefined, { name: 'compressing' });
    for (const writer of [first, second, third]) {
      writer.set('key', text);
      for (const reader of [first, second, third]) expect(reader.get('key')).toBe(text);
    }
  });
});

describe('a bad option', () => {
  const bad: [compress: unknown, className: 'TypeError' | 'RangeError', code: string][] = [
    ...[1, 'deflate', null, Symbol('s'), () => 1].map((each) => [each, 'TypeError'] as const),
    ...['gzip', 'DEFLATE', '', 1, null, {}].map((algorithm) => [{ algorithm }, 'TypeError'] as const),
    ...['x', null, 64n, [64]].map((minBytes) => [{ minBytes }, 'TypeError'] as const),
    ...[-1, Number.NaN, 100.5, 0, 63, 2 ** 30 + 1, Number.POSITIVE_INFINITY].map(
      (minBytes) => [{ minBytes }, 'RangeError'] as const,
    ),
    ...['1', null, true].map((level) => [{ level }, 'TypeError'] as const),
    ...[0, -1, 10, 1.5, Number.NaN].map((level) => [{ level }, 'RangeError'] as const),
    [{ algorithm: 'brotli', level: 12 }, 'RangeError'] as const,
    [{ minbytes: 100 }, 'TypeError'] as const,
  ].map(([compress, className]) => [
    compress,
    className as 'TypeError' | 'RangeError',
    className === 'TypeError' ? 'ERR_SHARDMAP_INVALID_ARGUMENT' : 'ERR_SHARDMAP_OUT_OF_RANGE',
  ]);
  it.each(bad)('compress: %o is refused by all that take options', async (compress, className, code) => {
    const options = { compress } as { compress: boolean };
    expectError(() => new ShardMap(null, options), className, code);
    expectError(() => new SyncMap(options), className, code);
    expectError(() => ShardMap.from(open().handle, options), className, code);
    await expect(ShardMap.open({ dir: '/nowhere/at/all', ...options })).rejects.toMatchObject({ code });
  });

  it('zstd is refused by a Node.js that has none, and only there', () => {
    const openIt = () => open({ algorithm: 'zstd' });
    if (hasZstd) return openIt().close();
    const error = expectError(openIt, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    expect(error.message).toContain(process.version);
  });
});

describe('a compressed value that', () => {
  /** As nothing of the library's stores it. */
  function store(stored: Uint8Array): ShardMap<string, unknown> {
    const map = open();
    const native = addon.attach(map.handle.shardmap) as NonNullable<ReturnType<typeof addon.attach>>;
    addon.setEncoded(native.slot, 'key', kinds.compressed, stored, 0, stored.length);
    addon.close(native.slot);
    return map;
  }

  function head(kind: number, algorithm: number, length: number): Buffer {
    const bytesOfHead = Buffer.from([kind, algorithm, 0, 0, 0, 0]);
    bytesOfHead.writeUInt32LE(length, 2);
    return bytesOfHead;
  }

  const readers: ((map: ShardMap<string, unknown>) => unknown)[] = [
    (map) => map.get('key'),
    (map) => map.getMany(['key']),
    (map) => [...map],
    (map) => map.compareAndSet('key', text, 1),
    (map) => map.compareAndSet('key', bytes, 1),
    (map) => map.update('key', () => 1),
  ];

  const deflated = zlib.deflateRawSync(bytes);
  it.each([
    ['is empty', Buffer.alloc(0)],
    ['is only a head', head(kinds.Buffer, 1, 100)],
    ['is cut off', Buffer.concat([head(kinds.Buffer, 1, bytes.length), deflated.subarray(0, -5)])],
    ['has more than it says', Buffer.concat([head(kinds.Buffer, 1, bytes.length - 1), deflated])],
    ['has less than it says', Buffer.concat([head(kinds.Buffer, 1, bytes.length + 1), deflated])],
    ['says that it is shorter than it is stored', Buffer.concat([head(kinds.Buffer, 1, 10), deflated])],
    ['says more than any value has', Buffer.concat([head(kinds.Buffer, 1, 2 ** 32 - 1), deflated])],
    ['is a bomb', Buffer.concat([head(kinds.Buffer, 1, 1 << 20), zlib.deflateRawSync(Buffer.alloc(1 << 28))])],
    ['is compressed twice', Buffer.concat([head(kinds.compressed, 1, bytes.length), deflated])],
    ['is of a kind that there is not', Buffer.concat([head(200, 1, bytes.length), deflated])],
    ['is no whole number of elements', Buffer.concat([head(kinds.Float64Array, 1, 2563), deflated])],
    ['is of another algorithm', Buffer.concat([head(kinds.Buffer, 2, bytes.length), deflated])],
  ])('%s is an error of corruption, and bounded', (_, stored) => {
    const before = process.memoryUsage().arrayBuffers;
    for (const read of readers)
      expectError(() => read(store(Uint8Array.from(stored))), 'ShardMapError', 'ERR_SHARDMAP_CORRUPT');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 26);
  });

  it('a newer version has compressed is told so', () => {
    const map = store(Buffer.concat([head(kinds.Buffer, 77, bytes.length), deflated]));
    for (const read of readers) expectError(() => read(map), 'ShardMapError', 'ERR_SHARDMAP_NEWER_FORMAT');
  });

  it('zstd is said to have compressed is told of to a Node.js without it, and else damaged', () => {
    const map = store(Buffer.concat([head(kinds.Buffer, 3, bytes.length), deflated]));
    for (const read of readers) {
      if (hasZstd) {
        expectError(() => read(map), 'ShardMapError', 'ERR_SHARDMAP_CORRUPT');
      } else {
        const error = expectError(() => read(map), 'TypeError', 'ERR_SHARDMAP_CODEC');
        expect(error.message).toContain('22.15');
      }
    }
  });

  it(`is random bytes gives a value or a typed error, and never crashes (seed ${seed})`, () => {
    const codes = ['ERR_SHARDMAP_CORRUPT', 'ERR_SHARDMAP_NEWER_FORMAT', 'ERR_SHARDMAP_CODEC'];
    const stored = fc
      .tuple(fc.nat(4), fc.constantFrom(1, 2, 3), fc.nat(1 << 22), fc.uint8Array({ maxLength: 200 }), fc.nat(3000))
      .map(([pick, algorithm, length, noise, flip]) => {
        if (pick > 2) return Buffer.concat([head(kinds.Buffer, algorithm, length), noise]);
        const whole = [zlib.deflateRawSync(bytes), zlib.brotliCompressSync(bytes)][pick % 2] as Buffer;
        const damaged = Buffer.concat([head(kinds.Buffer, 1 + (pick % 2), bytes.length), whole]);
        damaged[flip % damaged.length] = (damaged[flip % damaged.length] as number) ^ 1;
        return damaged;
      });
    fc.assert(
      fc.property(stored, (each) => {
        const map = store(Uint8Array.from(each));
        try {
          map.get('key');
        } catch (error) {
          const { code } = error as { code?: string };
          expect(codes).toContain(code);
        }
        map.close();
      }),
      { seed, numRuns: runCount(400) },
    );
  });

  it('is deflated by its user is not taken for one of ours', () => {
    const map = open(true);
    map.set('key', deflated);
    expect(map.get('key')).toEqual(deflated);
    expect(caught(() => map.getInto('key', new Float32Array(1)))).toMatchObject({ code: 'ERR_SHARDMAP_VALUE_TYPE' });
  });
});
