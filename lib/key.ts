/** What can be a key, and when two keys are the same one. */

import { types } from 'node:util';
import { addon } from './native.js';

const Bytes = Uint8Array;
const { is } = Object;
const { isArray } = Array;
const { isProxy, isUint8Array } = types;
const { keyPartsMax } = addon.limits;

/** A primitive but a symbol: what can be a part of a composite key. */
export type KeyPart = string | number | bigint | boolean | null | undefined;

/**
 * What can be a key: primitives but symbols, by SameValueZero as in a `Map`; `Uint8Array`s (`Buffer`s too), by content;
 * and arrays of primitives, which are composite keys.
 *
 * A composite key has up to 1,024 parts. Two are the same key where they have as many parts and these are the same, one
 * by one: `['a', 1]` is neither `['a', '1']` nor `['a1']`, and `['a']` is not `'a'`. A hole is a part `undefined`.
 *
 * Arrays and bytes are copied when stored, and come back as fresh ones.
 *
 * @example
 * const tokens = new ShardMap<readonly [user: string, token: string], number>(); // in place of a Map of Maps
 * tokens.set(['ann', 'c0ffee'], Date.now());
 * tokens.has(['ann', 'c0ffee']); // true
 */
export type Key = KeyPart | Uint8Array | readonly KeyPart[];

/**
 * The key as a callback or an iterator shows it: `-0` as `0`, parts and bytes as a copy that nobody else can change.
 * What cannot be a key stays what it is.
 */
export function canonicalizeKey(key: unknown): unknown {
  if (key === 0) return 0;
  return isUint8Array(key) ? copyBytes(key) : readKeyOnce(key);
}

/**
 * A key that is to be read more than once: of an array a copy, so that getters in place of its elements run once, and
 * now. What cannot be a key stays what it is.
 */
export function readKeyOnce<K>(key: K): K {
  if (typeof key !== 'object' || isProxy(key) || !isArray(key) || key.length > keyPartsMax) return key;
  return copyParts(key) as K;
}

/** A key that is an array of two elements. */
export type Pair = readonly [first: unknown, second: unknown];

/** Whether `key` is one; a `Proxy` of one may be taken for one as well, and is refused by the addon. */
export function isPair(key: unknown): key is Pair {
  try {
    return typeof key === 'object' && isArray(key) && key.length === 2;
  } catch {
    return false; // a Proxy
  }
}

/** Whether two valid keys name the same entry. */
export function isSameKey(a: unknown, b: unknown): boolean {
  if (a === b || is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isArray(a) || isArray(b)) return isArray(a) && isArray(b) && areSameParts(a, b);
  return areSameBytes(copyBytes(a), copyBytes(b));
}

function areSameParts(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index] && !is(a[index], b[index])) return false;
  }
  return true;
}

function areSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) return false;
  }
  return true;
}

function copyParts(source: readonly unknown[]): unknown[] {
  const { length } = source;
  const parts: unknown[] = [];
  for (let index = 0; index < length; index++) {
    const part = source[index];
    parts[index] = part === 0 ? 0 : part;
  }
  return parts;
}

/** A detached array has no bytes, and cannot be copied from. */
function copyBytes(key: unknown): Uint8Array {
  const source = key as Uint8Array;
  return source.length === 0 ? new Bytes(0) : new Bytes(source);
}
