/** What can be a key, and when two keys are the same one. */

const Bytes = Uint8Array;
const { is } = Object;

/**
 * What can be a key: primitives but symbols, by SameValueZero as in a `Map`, and `Uint8Array`s (`Buffer`s too), by
 * content. Bytes are copied when stored, and come back as a fresh `Uint8Array`.
 */
export type Key = string | number | bigint | boolean | null | undefined | Uint8Array;

/**
 * The key as a callback or an iterator shows it: `-0` as `0`, bytes as a copy that nobody else can change. For valid
 * keys only.
 */
export function canonicalizeKey(key: unknown): unknown {
  if (key === 0) return 0;
  return typeof key === 'object' && key !== null ? copyBytes(key) : key;
}

/** Whether two valid keys name the same entry. */
export function isSameKey(a: unknown, b: unknown): boolean {
  if (a === b || is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return areSameBytes(copyBytes(a), copyBytes(b));
}

function areSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) return false;
  }
  return true;
}

/** A detached array has no bytes, and cannot be copied from. */
function copyBytes(key: unknown): Uint8Array {
  const source = key as Uint8Array;
  return source.length === 0 ? new Bytes(0) : new Bytes(source);
}
