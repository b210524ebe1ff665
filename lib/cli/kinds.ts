/** What keys and values are, in a word. */

import { Buffer } from 'node:buffer';
import { types } from 'node:util';
import type { Key } from '../index.js';
import { OpaqueValue } from './opaque.js';

export function kindOfKey(key: Key): string {
  if (Array.isArray(key)) return 'composite';
  if (key === null) return 'null';
  return typeof key === 'object' ? 'bytes' : typeof key;
}

export function kindOfValue(value: unknown): string {
  if (typeof value !== 'object') return typeof value;
  if (value === null) return 'null';
  if (value instanceof OpaqueValue) return 'custom';
  if (Array.isArray(value)) return 'array';
  if (Buffer.isBuffer(value)) return 'Buffer';
  if (types.isNativeError(value)) return 'Error';
  // What comes out of a store is of a class of the language's own.
  return Object.getPrototypeOf(value) === Object.prototype ? 'object' : value.constructor.name;
}
