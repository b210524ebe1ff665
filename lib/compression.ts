/**
 * Compression of large values by node:zlib, in the thread that sets or gets them. What is compressed are the bytes of an
 * encoded value. They become a value of the kind `compressed`, which tells by itself how to get them back, so that any
 * map reads what another has compressed, in whatever way (docs/log-format.md, compressed values):
 *
 *     the kind that the bytes are of (1 byte), the algorithm (1), how many bytes they are (4, the lowest first),
 *     what the algorithm made of them
 */

import { Buffer } from 'node:buffer';
import process from 'node:process';
import zlib from 'node:zlib';
import { type Encoded, unitBytes } from './binary.js';
import { createError } from './errors.js';
import { addon } from './native.js';

/** How a map compresses large values. Options that are not listed here are refused. */
export interface CompressOptions {
  /**
   * `'deflate'` is the fastest to get, `'brotli'` to set, and `'zstd'` takes the least memory for large values, and the longest
   * for small ones. `'zstd'` needs a Node.js that has it, 22.15, 23.8 or newer, also to read what it has compressed.
   * Default: `'deflate'`.
   */
  readonly algorithm?: 'deflate' | 'brotli' | 'zstd' | undefined;
  /**
   * From 1, the fastest, to 9 of `'deflate'`, 11 of `'brotli'`, 22 of `'zstd'`: higher ones save some percent more, and take
   * many times as long to set. Default: 1.
   */
  readonly level?: number | undefined;
  /** Values of fewer bytes are stored as they are: an integer from 64 on. Default: 1,024. */
  readonly minBytes?: number | undefined;
}

export type AlgorithmName = NonNullable<CompressOptions['algorithm']>;

type Run = (bytes: Buffer, options: object) => Buffer;

interface Algorithm {
  /** In stored values: it is never given to another. */
  readonly number: number;
  readonly levelMax: number;
  readonly compress: Run | undefined;
  /** Missing where this Node.js has none. */
  readonly decompress: Run | undefined;
  readonly optionsOf: (level: number, bytes: number) => object;
}

const { valueKinds: kinds, limits } = addon;
const { apply } = Reflect;
const { clz32, max, min } = Math;
const { exec } = RegExp.prototype;
const { allocUnsafe: createBuffer, from: wrapBytes } = Buffer;
const { latin1Slice, set, ucs2Slice } = Buffer.prototype as Buffer & Record<'latin1Slice' | 'ucs2Slice', () => string>;
const NodeBuffer = Buffer;
const { brotliCompressSync, brotliDecompressSync, constants, deflateRawSync, inflateRawSync } = zlib;
// The oldest Node.js has none of these, and its types do not know them.
const { zstdCompressSync, zstdDecompressSync } = zlib as { zstdCompressSync?: Run; zstdDecompressSync?: Run };
const { ZSTD_c_compressionLevel: ZSTD_LEVEL = 0 } = constants as { ZSTD_c_compressionLevel?: number };

export const ALGORITHMS: Readonly<Record<AlgorithmName, Algorithm>> = {
  deflate: {
    number: 1,
    levelMax: 9,
    compress: deflateRawSync,
    decompress: inflateRawSync,
    // A window as large as the value, which takes less time to make.
    optionsOf: (level, bytes) => ({ level, windowBits: min(max(32 - clz32(bytes - 1), 9), 15) }),
  },
  brotli: {
    number: 2,
    levelMax: 11,
    compress: brotliCompressSync,
    decompress: brotliDecompressSync,
    optionsOf: (level, bytes) => ({
      params: { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_SIZE_HINT]: bytes },
    }),
  },
  zstd: {
    number: 3,
    levelMax: 22,
    compress: zstdCompressSync,
    decompress: zstdDecompressSync,
    optionsOf: (level) => ({ params: { [ZSTD_LEVEL]: level } }),
  },
};
const byNumber: readonly (Algorithm | undefined)[] = [
  undefined,
  ALGORITHMS.deflate,
  ALGORITHMS.brotli,
  ALGORITHMS.zstd,
];

/** Shorter values are inside of their entries, where nothing can be saved. */
export const MIN_BYTES_MIN = 64;

const HEAD_BYTES = 6;
/** What node:zlib takes memory by: most values are one piece, and one that lies about its size gets no more at once. */
const CHUNK_BYTES_MIN = 64;
const CHUNK_BYTES_MAX = 1 << 20;
const NO_BYTE = /[^\0-\xff]/;

/** How one map compresses. */
export class Compressor {
  /** Shorter strings are never compressed. */
  readonly charsMin: number;
  readonly #algorithm: Algorithm;
  readonly #level: number;
  readonly #minBytes: number;

  constructor(algorithm: AlgorithmName, level: number, minBytes: number) {
    this.charsMin = minBytes / 2;
    this.#algorithm = ALGORITHMS[algorithm];
    this.#level = level;
    this.#minBytes = minBytes;
  }

  /** The same value, compressed, or as it is where that is not shorter. */
  compress(encoded: Encoded): Encoded {
    const { kind, view, start, end } = encoded;
    const bytes = end - start;
    if (bytes < this.#minBytes || bytes > limits.valueBytesMax) return encoded;
    return this.#pack(kind, wrap(view.buffer, view.byteOffset + start, bytes)) ?? encoded;
  }

  /** A string as an encoded value; undefined where it is to be stored as it is. */
  compressString(text: string): Encoded | undefined {
    const isTwoByte = isWide(text);
    const bytes = isTwoByte ? 2 * text.length : text.length;
    if (bytes < this.#minBytes || bytes > limits.valueBytesMax) return undefined;
    const view = apply(wrapBytes, NodeBuffer, [text, isTwoByte ? 'utf16le' : 'latin1']) as Buffer;
    return this.#pack(isTwoByte ? kinds.twoByteString : kinds.oneByteString, view);
  }

  #pack(kind: number, bytes: Buffer): Encoded | undefined {
    const { number, compress, optionsOf } = this.#algorithm;
    const { length } = bytes;
    const packed = (compress as Run)(bytes, { ...optionsOf(this.#level, length), chunkSize: chunkBytes(length) });
    const end = HEAD_BYTES + packed.length;
    if (end >= length) return undefined;
    const view = apply(createBuffer, NodeBuffer, [end]) as Buffer;
    view[0] = kind;
    view[1] = number;
    for (let place = 0; place < 4; place++) view[2 + place] = length >>> (8 * place);
    apply(set, view, [packed, HEAD_BYTES]);
    return { kind: kinds.compressed, view, start: 0, end };
  }
}

/**
 * What was compressed, from the bytes of a stored value. It takes no more memory than the value says of itself, which is
 * held against the limit of values.
 */
export function decompress(bytes: Uint8Array, start: number, end: number): Encoded & { readonly view: Buffer } {
  // A copy: the user's async_hooks may run meanwhile, and call the addon, whose memory this may be.
  const stored = apply(wrapBytes, NodeBuffer, [wrap(bytes.buffer, bytes.byteOffset + start, end - start)]) as Buffer;
  const at = (place: number) => stored[place] as number;
  const kind = at(0);
  const length = at(2) + at(3) * 2 ** 8 + at(4) * 2 ** 16 + at(5) * 2 ** 24;
  if (!(length > stored.length && length <= limits.valueBytesMax) || !hasKind(kind, length))
    throw createCorruptError(`${stored.length} bytes cannot be ${length} of kind ${kind}`);
  const run = decompressorOf(at(1));
  let view: Buffer;
  try {
    const options = { maxOutputLength: length, chunkSize: chunkBytes(length + 1) }; // one more, or a piece would be full
    view = run(wrap(stored.buffer, stored.byteOffset + HEAD_BYTES, stored.length - HEAD_BYTES), options);
  } catch (cause) {
    throw createCorruptError(`what should be ${length} bytes cannot be decompressed`, cause);
  }
  if (view.length !== length) throw createCorruptError(`what should be ${length} bytes is ${view.length}`);
  return { kind, view, start: 0, end: length };
}

/** The string whose bytes these are; undefined where they are of another kind. */
export function stringOf({ kind, view }: Encoded): string | undefined {
  if (kind === kinds.oneByteString) return apply(latin1Slice, view, []);
  return kind === kinds.twoByteString ? apply(ucs2Slice, view, []) : undefined;
}

/** Whether some map may have stored a value, which is a primitive, compressed. */
export function mayBeCompressed(value: unknown): value is string {
  if (typeof value !== 'string' || value.length < MIN_BYTES_MIN / 2) return false;
  return value.length >= MIN_BYTES_MIN || isWide(value);
}

/** Whether a string has two bytes a character; of one that V8 keeps as one-byte that takes no time. */
function isWide(text: string): boolean {
  return apply(exec, NO_BYTE, [text]) !== null;
}

/** Whether there are values of this kind and so many bytes that can be compressed. */
function hasKind(kind: number, bytes: number): boolean {
  if (kind === kinds.oneByteString || kind === kinds.plain || kind === kinds.clone || kind === kinds.custom)
    return true;
  return bytes % (kind === kinds.twoByteString ? 2 : unitBytes(kind)) === 0;
}

function decompressorOf(number: number): Run {
  const run = byNumber[number]?.decompress;
  if (run !== undefined) return run;
  if (number === ALGORITHMS.zstd.number) throw createError('ERR_SHARDMAP_CODEC', `the value ${needsZstd('read')}`);
  const message = `the value is compressed by algorithm ${number}, which this version does not know`;
  throw createError('ERR_SHARDMAP_NEWER_FORMAT', message);
}

/** For what only a newer Node.js can do. */
export function needsZstd(what: string): string {
  return `is compressed by zstd, and to be ${what} needs Node.js 22.15, 23.8 or newer: this is ${process.version}`;
}

function createCorruptError(what: string, cause?: unknown): Error {
  return createError('ERR_SHARDMAP_CORRUPT', `a compressed value is damaged: ${what}`, cause);
}

function wrap(buffer: ArrayBufferLike, byteOffset: number, bytes: number): Buffer {
  return apply(wrapBytes, NodeBuffer, [buffer, byteOffset, bytes]) as Buffer;
}

function chunkBytes(bytes: number): number {
  return min(max(bytes, CHUNK_BYTES_MIN), CHUNK_BYTES_MAX);
}
