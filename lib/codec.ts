/**
 * Values that are not primitives, as bytes and back. Primitives never come here: the addon stores them as they are.
 *
 * A value takes the first of these ways that copies it exactly: bytes with a type are stored as they are (binary.ts),
 * but for an `ArrayBuffer` that can be resized, which V8 serialises; the user's codec, if the map has one, encodes all else; plain trees become MessagePack (plain.ts); what is left, V8
 * serialises (clone.ts). All ways copy what `structuredClone` copies, and refuse what it refuses. What comes out is
 * compressed (compression.ts) where the map has that option, long strings as well, and decompressed in any map.
 */

import { Buffer } from 'node:buffer';
import { isDeepStrictEqual, types } from 'node:util';
import { binaryKindOf, binaryOver, decodeBinary, type Encoded, encodeBinary, isResizable } from './binary.js';
import { decodeClone, encodeClone } from './clone.js';
import { type Compressor, decompress, stringOf } from './compression.js';
import { isObject } from './entries.js';
import { atPlace, createError, describe } from './errors.js';
import { addon, type NativeStore } from './native.js';
import { PlainCoder } from './plain.js';

const { reply, scratch, valueKinds: kinds } = addon;
const { apply } = Reflect;
const { isSharedArrayBuffer, isUint8Array } = types;
const { slice } = Uint8Array.prototype;
const { from: wrapBytes } = Buffer;
const { equals } = Buffer.prototype;
const isEqual = isDeepStrictEqual;
const NodeBuffer = Buffer;

/** A user's own way of turning values into bytes; see `ShardMapOptions.codec`. */
export interface ShardMapCodec {
  /** The bytes of a value, over memory that no threads share; they are copied. Runs under no lock. */
  encode(value: never): Uint8Array;
  /** The value again. `bytes` are a copy of its own. */
  decode(bytes: Uint8Array): unknown;
}

/** How one map turns values into bytes. */
export interface ValueOptions {
  readonly codec: ShardMapCodec | undefined;
  readonly compressor: Compressor | undefined;
}

/** Whether the addon stores `value` as it is. Functions and symbols are not storable at all: `encode` says so. */
export function isPrimitive(value: unknown): boolean {
  const type = typeof value;
  return type === 'object' ? value === null : type !== 'function' && type !== 'symbol';
}

/** The codec of one map. What it decodes does not depend on whether it compresses. */
export class Codec {
  readonly #plain: PlainCoder;
  readonly #custom: ShardMapCodec | undefined;
  readonly #compressor: Compressor | undefined;
  /** Strings of fewer characters are not compressed. */
  readonly #charsMin: number;

  constructor(native: NativeStore, { codec, compressor }: ValueOptions) {
    this.#plain = new PlainCoder(native);
    this.#custom = codec;
    this.#compressor = compressor;
    this.#charsMin = compressor === undefined ? Number.POSITIVE_INFINITY : compressor.charsMin;
  }

  /** To be called when the map is closed. What is under way throws where it needs the store. */
  close(): void {
    this.#plain.close();
  }

  /** Whether the addon is given `value` as it is. Where this says no, `encode` may find that it is. */
  passes(value: unknown): boolean {
    if (typeof value === 'number') return true; // as most are, and soonest told
    return isPrimitive(value) && (typeof value !== 'string' || value.length < this.#charsMin);
  }

  /** Undefined where the addon is given `value` as it is; else as `encodeObject`, and compressed. */
  encode(value: unknown, place?: number): Encoded | undefined {
    if (this.passes(value)) return undefined;
    const compressor = this.#compressor;
    if (typeof value === 'string') return compressor?.compressString(value);
    const encoded = this.encodeObject(value, place);
    return compressor === undefined ? encoded : compressor.compress(encoded);
  }

  /**
   * Runs getters of the user's. Throws a `DataCloneError` for what cannot be copied, and whatever such a getter or the
   * user's codec throws. `place` is that of the value's entry where it is one of a batch: for errors of ours.
   */
  encodeObject(value: unknown, place?: number): Encoded {
    const kind = binaryKindOf(value);
    if (kind !== undefined)
      return isResizable(value as ArrayBuffer)
        ? encodeClone(value, place)
        : encodeBinary(value as ArrayBuffer, kind, place);
    if (this.#custom !== undefined) return encodeCustom(this.#custom, value, place);
    if (typeof value !== 'object') return encodeClone(value, place);
    const copy = this.#plain.copy(value as object);
    if (copy !== undefined) return this.#plain.encode(copy);
    return encodeClone(value, place);
  }

  /** A value as the addon has just returned it: decoded where it was stored encoded. */
  decodeStored(stored: unknown): unknown {
    if (typeof stored !== 'object' || stored === null) return stored;
    const kind = reply[0] as number;
    const length = reply[1] as number;
    if (stored === scratch) return this.#decode(kind, scratch, 0, length);
    if (kind >= kinds.ArrayBuffer) return binaryOver(kind, stored as ArrayBuffer);
    return this.#decode(kind, apply(wrapBytes, NodeBuffer, [stored]), 0, length);
  }

  /** A value of a list that the addon has returned, which begins in `bytes` at `offset` with its length. */
  decodeListed(kind: number, bytes: Buffer, offset: number): unknown {
    const start = offset + 4;
    return this.#decode(kind, bytes, start, start + readLength(bytes, offset));
  }

  /**
   * A test of values as the addon has just returned them: whether one is a copy of `value`, a string or no primitive. Trees
   * are compared as `util.isDeepStrictEqual` does, as their bytes depend on what was stored before; others by their bytes,
   * which are those that were compressed, where they were.
   */
  matcher(value: unknown): (stored: unknown) => boolean {
    if (typeof value === 'string')
      return (stored) => stored === value || (isObject(stored) && stringOf(openStored(stored)) === value);
    const { kind, view, end } = copyEncoded(this.encodeObject(value));
    if (kind === kinds.plain || kind === kinds.clone) {
      const copy = this.#decode(kind, view, 0, end);
      return (stored) => isObject(stored) && isEqual(this.decodeStored(stored), copy);
    }
    return (stored) => {
      if (!isObject(stored)) return false;
      const found = openStored(stored);
      return found.kind === kind && apply(equals, view, [found.view]);
    };
  }

  /** A fresh value from bytes of a kind, which may be overwritten afterwards. */
  #decode(kind: number, bytes: Buffer, start: number, end: number): unknown {
    switch (kind) {
      case kinds.plain:
        return this.#plain.decode(bytes, start, end);
      case kinds.clone:
        return decodeClone(bytes.subarray(start, end));
      case kinds.custom:
        return decodeCustom(this.#custom, apply(slice, bytes, [start, end]));
      case kinds.compressed: {
        const inner = decompress(bytes, start, end);
        return stringOf(inner) ?? this.#decode(inner.kind, inner.view, 0, inner.end);
      }
      default:
        return decodeBinary(kind, bytes, start, end);
    }
  }
}

/** The same bytes in memory of their own: what `encode` returns is good until it is called again. */
export function copyEncoded({ kind, view, start, end }: Encoded): Encoded & { readonly view: Buffer } {
  const bytes = apply(wrapBytes, NodeBuffer, [view.buffer, view.byteOffset + start, end - start]) as Buffer;
  return { kind, view: apply(wrapBytes, NodeBuffer, [bytes]) as Buffer, start: 0, end: end - start };
}

/** An encoded value that the addon has just returned, as it was before it was compressed. */
function openStored(stored: unknown): Encoded & { readonly view: Buffer } {
  const kind = reply[0] as number;
  const end = reply[1] as number;
  const at = stored === scratch ? [scratch.buffer, scratch.byteOffset, end] : [stored];
  const view = apply(wrapBytes, NodeBuffer, at) as Buffer;
  return kind === kinds.compressed ? decompress(view, 0, end) : { kind, view, start: 0, end };
}

/** The bytes of a list that the addon has returned, with all encoded values in it. */
export function wrapList(list: readonly unknown[]): Buffer | undefined {
  return list[0] === undefined ? undefined : (apply(wrapBytes, NodeBuffer, [list[0]]) as Buffer);
}

function readLength(bytes: Uint8Array, offset: number): number {
  const at = (index: number) => bytes[offset + index] as number;
  return at(0) + at(1) * 2 ** 8 + at(2) * 2 ** 16 + at(3) * 2 ** 24;
}

function encodeCustom(codec: ShardMapCodec, value: unknown, place: number | undefined): Encoded {
  const view: unknown = codec.encode(value as never);
  if (!isUint8Array(view) || isSharedArrayBuffer(view.buffer)) {
    const what = `${describe(view)}, and must return a Uint8Array that is not over shared memory`;
    throw createError('ERR_SHARDMAP_CODEC', atPlace(place, `options.codec.encode returned ${what}`));
  }
  return { kind: kinds.custom, view, start: 0, end: view.length };
}

function decodeCustom(codec: ShardMapCodec | undefined, bytes: Uint8Array): unknown {
  if (codec !== undefined) return codec.decode(bytes);
  const message = 'the value was encoded by a codec of its user, and this map was opened without options.codec';
  throw createError('ERR_SHARDMAP_CODEC', message);
}
