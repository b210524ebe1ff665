/** What JSON has no word for, as objects of one member that names it. docs/command-line.md lists them. */

import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import type { Key, KeyPart } from '../index.js';

type BytesClass = (new (buffer: ArrayBuffer) => unknown) & { readonly BYTES_PER_ELEMENT?: number };

/** Classes of values that are bytes; Float16Array is missing in older engines. */
const BYTES_CLASSES = [
  'Buffer',
  'ArrayBuffer',
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

/** Numbers that JSON does not have. */
const NUMBERS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-0': -0,
};

/** Base64 as it is written here: of whole groups, padded. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const BIGINT = /^(?:0|-?[1-9]\d*)$/;

/** Something that cannot be read as what it should be; the message says why. */
export class FormatError extends Error {}

/** A key as JSON has it. */
export function encodeKey(key: Key): unknown {
  if (Array.isArray(key)) return Array.from(key as readonly KeyPart[], (part) => encodePrimitive(part));
  return types.isUint8Array(key) ? { bytes: encodeBytes(key) } : encodePrimitive(key);
}

export function decodeKey(json: unknown): Key {
  if (Array.isArray(json)) return json.map((part, place) => decodePart(part, `part ${place} of the key`));
  const tag = tagOf(json, 'the key');
  return tag?.name === 'bytes' ? new Uint8Array(decodeBytes(tag.content, 'the key')) : decodePart(json, 'the key');
}

function decodePart(json: unknown, what: string): KeyPart {
  const tag = tagOf(json, what);
  return (tag === undefined ? json : decodePrimitive(tag.name, tag.content, what)) as KeyPart;
}

/** A primitive, or its tag where JSON does not have it exactly. */
function encodePrimitive(value: unknown): unknown {
  return encodeTagged(value) ?? value;
}

/** The tag of a value that has one. */
export function encodeTagged(value: unknown): Record<string, unknown> | undefined {
  switch (typeof value) {
    case 'undefined':
      return { undefined: true };
    case 'bigint':
      return { bigint: String(value) };
    case 'number':
      if (Object.is(value, -0)) return { number: '-0' };
      return Number.isFinite(value) ? undefined : { number: String(value) };
    case 'object':
      return encodeBinary(value);
    default:
      return undefined;
  }
}

function encodeBinary(value: object | null): Record<string, unknown> | undefined {
  if (Buffer.isBuffer(value)) return { Buffer: encodeBytes(value) };
  if (ArrayBuffer.isView(value)) {
    // An object's own tag cannot lie: a store gives none but arrays of the language's own classes.
    const name = value instanceof DataView ? 'DataView' : (value as Uint8Array)[Symbol.toStringTag];
    return { [name]: encodeBytes(value) };
  }
  return types.isArrayBuffer(value) ? { ArrayBuffer: encodeBytes(new Uint8Array(value)) } : undefined;
}

/** The value of a tag. */
export function decodeTagged(json: unknown): unknown {
  const tag = tagOf(json, '"tagged"');
  if (tag === undefined) throw new FormatError('"tagged" must be an object such as {"bigint":"12"}');
  const { name, content } = tag;
  if (!(BYTES_CLASSES as readonly string[]).includes(name)) return decodePrimitive(name, content, '"tagged"');
  return decodeBinary(name, content);
}

function decodeBinary(name: string, content: unknown): unknown {
  const bytes = decodeBytes(content, `"${name}"`);
  if (name === 'Buffer') return bytes;
  const Class = (globalThis as unknown as Record<string, BytesClass | undefined>)[name];
  if (Class === undefined) throw new FormatError(`this version of Node has no ${name}`);
  const { BYTES_PER_ELEMENT: unit = 1 } = Class;
  if (bytes.length % unit !== 0)
    throw new FormatError(`"${name}" has ${bytes.length} bytes, and each element takes ${unit}`);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  return name === 'ArrayBuffer' ? buffer : new Class(buffer);
}

function decodePrimitive(name: string, content: unknown, what: string): unknown {
  if (name === 'undefined' && content === true) return undefined;
  if (name === 'bigint' && typeof content === 'string' && BIGINT.test(content)) return BigInt(content);
  if (name === 'number' && typeof content === 'string' && Object.hasOwn(NUMBERS, content)) return NUMBERS[content];
  const known = ['undefined', 'bigint', 'number'].includes(name);
  throw new FormatError(`${what} has ${known ? `a "${name}" that is none` : `an unknown tag "${name}"`}`);
}

/** undefined for what is no object. */
function tagOf(json: unknown, what: string): { name: string; content: unknown } | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const [name, ...others] = Object.keys(json);
  if (name === undefined || others.length > 0 || Array.isArray(json))
    throw new FormatError(`${what} must be a primitive or an object of one member, such as {"bigint":"12"}`);
  return { name, content: (json as Record<string, unknown>)[name] };
}

export function encodeBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64');
}

export function decodeBytes(content: unknown, what: string): Buffer {
  if (typeof content !== 'string' || content.length % 4 !== 0 || !BASE64.test(content))
    throw new FormatError(`${what} must be base64`);
  return Buffer.from(content, 'base64');
}
