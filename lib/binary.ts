/**
 * Values that are bytes with a type: typed arrays, `DataView`, `ArrayBuffer`, and `Buffer`, which stays one. What they
 * show is stored as it is, and nothing of the memory around it: a row of a large matrix does not take the matrix along.
 */

import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import { Serializer } from 'node:v8';
import { createCloneError } from './errors.js';
import { addon, type ValueKinds } from './native.js';

/** Bytes of a view, from `start` to `end`, that encode a value of a kind. */
export interface Encoded {
  readonly kind: number;
  readonly view: ArrayBufferView;
  readonly start: number;
  readonly end: number;
}

type ViewClass = (new (
  buffer: ArrayBuffer,
  byteOffset?: number,
  length?: number,
) => ArrayBufferView) & {
  readonly BYTES_PER_ELEMENT?: number;
};

const { scratch, valueKinds: kinds } = addon;
const { apply } = Reflect;
const { isAnyArrayBuffer, isSharedArrayBuffer } = types;
const { isView } = ArrayBuffer;
const { allocUnsafe: createBuffer, isBuffer } = Buffer;
const { copy: copyBytes } = Buffer.prototype;
const Bytes = Uint8Array;
const ViewSerializer = Serializer;
const sliceBuffer = ArrayBuffer.prototype.slice;
const { slice: sliceElements } = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
const getTypeName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get as () => keyof ValueKinds | undefined;

const getResizable = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'resizable')?.get as () => boolean;

/** Of each kind of view; Float16Array is missing in older engines. */
const classes: (ViewClass | undefined)[] = [];
const viewNames = [
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
] as const;
for (const name of viewNames) classes[kinds[name]] = (globalThis as unknown as Record<string, ViewClass>)[name];

/** V8 keeps arrays of so many bytes at most in its heap: they are made thirty times as fast as longer ones. */
const ON_HEAP_BYTES = 64;
/** Views on the addon's scratch memory by kind: a short array is copied fastest from one of its own class. */
const scratchViews: (Uint8Array | undefined)[] = [];
for (const name of viewNames) {
  const View = classes[kinds[name]];
  if (View !== undefined && name !== 'DataView')
    scratchViews[kinds[name]] = new View(scratch.buffer as ArrayBuffer, scratch.byteOffset) as Uint8Array;
}
// A Buffer is made by a function: its constructor is deprecated.
const bufferOf = Buffer.from as (buffer: ArrayBuffer) => Buffer;

/** Whether `value` is an `ArrayBuffer` that can be resized, which its bytes alone do not tell. */
export function isResizable(value: ArrayBufferView | ArrayBufferLike): boolean {
  return !isView(value) && !isSharedArrayBuffer(value) && (apply(getResizable, value, []) as boolean);
}

/** The kind of a value that is bytes, or undefined for any other. */
export function binaryKindOf(value: unknown): number | undefined {
  if (!isView(value)) return isAnyArrayBuffer(value) ? kinds.ArrayBuffer : undefined;
  if (isBuffer(value)) return kinds.Buffer;
  return kinds[apply(getTypeName, value, []) ?? 'DataView'];
}

/** Throws a `DataCloneError` for memory that is shared, detached, or lost since its buffer was shrunk. */
export function encodeBinary(value: ArrayBufferView | ArrayBuffer, kind: number, place?: number): Encoded {
  if (value.byteLength === 0 && hasLostMemory(value))
    throw createCloneError('A view that lost its memory cannot be stored.', place);
  const buffer = isView(value) ? value.buffer : value;
  if (isSharedArrayBuffer(buffer)) throw createCloneError('Shared memory cannot be stored: store a copy of it.', place);
  const { byteLength } = value;
  if (isPassable(kind)) return { kind, view: value as ArrayBufferView, start: 0, end: byteLength };
  const view = isView(value) ? new Bytes(buffer, value.byteOffset, byteLength) : new Bytes(buffer);
  return { kind, view, start: 0, end: byteLength };
}

/** A value of `kind` over a buffer that is its own. */
export function binaryOver(kind: number, buffer: ArrayBuffer): unknown {
  if (kind === kinds.ArrayBuffer) return buffer;
  if (kind === kinds.Buffer) return bufferOf(buffer);
  return new (classes[kind] as ViewClass)(buffer);
}

/** Bytes of an element of a kind; NaN where this engine has no such kind. */
export function unitBytes(kind: number): number {
  if (kind === kinds.ArrayBuffer || kind === kinds.Buffer || kind === kinds.DataView) return 1;
  return classes[kind]?.BYTES_PER_ELEMENT ?? Number.NaN;
}

/** A view of `kind` on a part of a buffer. */
export function viewOf(kind: number, buffer: ArrayBuffer, byteOffset: number, byteLength: number): unknown {
  const View = classes[kind] as ViewClass;
  return new View(buffer, byteOffset, byteLength / (View.BYTES_PER_ELEMENT ?? 1));
}

/** The same, of a copy of bytes. */
export function decodeBinary(kind: number, bytes: Uint8Array, start: number, end: number): unknown {
  if (kind === kinds.Buffer) return copyToBuffer(bytes, start, end);
  const view = scratchViews[kind];
  if (bytes === scratch && view !== undefined && end - start <= ON_HEAP_BYTES) {
    const { BYTES_PER_ELEMENT: unit } = view;
    if (start % unit === 0) return apply(sliceElements, view, [start / unit, end / unit]);
  }
  const { byteOffset } = bytes;
  return binaryOver(kind, apply(sliceBuffer, bytes.buffer, [byteOffset + start, byteOffset + end]));
}

/** Short ones share memory that Node keeps for that, as those of `Buffer.from` do. */
function copyToBuffer(bytes: Uint8Array, start: number, end: number): Buffer {
  const copy = createBuffer(end - start);
  apply(copyBytes, bytes, [copy, 0, start, end]);
  return copy;
}

/** Whether the addon can be given such a view: Node-API does not know all of them. */
function isPassable(kind: number): boolean {
  return kind !== kinds.ArrayBuffer && kind !== kinds.DataView && kind !== kinds.Float16Array;
}

/** Whether a view, or a buffer, of nothing was one of something: V8 can tell. */
export function hasLostMemory(value: unknown): boolean {
  try {
    return !new ViewSerializer().writeValue(value);
  } catch {
    return true;
  }
}
