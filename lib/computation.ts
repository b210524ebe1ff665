/**
 * Keys whose value a callback of `getOrInsertComputed` or `update` is computing right now, and whether it changed them
 * itself meanwhile.
 */

import { canonicalizeKey, isSameKey } from './key.js';

/** One computation; those of one map that run inside of one another are linked from the innermost outwards. */
export class Computation {
  /** The key that the callback's value goes to. */
  readonly key: unknown;
  readonly outer: Computation | undefined;
  /**
   * Whether the entry was made by this map while the callback ran: the specification then overwrites it. Another
   * thread's entry stays.
   */
  isOwnEntry = false;
  /** Whether this map has set or deleted the entry since this was last made false. */
  isTouched = false;

  constructor(key: unknown, outer: Computation | undefined) {
    this.key = canonicalizeKey(key);
    this.outer = outer;
  }
}

/** The map has set `key`. */
export function notePut(innermost: Computation | undefined, key: unknown): void {
  for (let each = innermost; each !== undefined; each = each.outer) {
    if (isSameKey(each.key, key)) note(each, true);
  }
}

/** The map has deleted `key`. */
export function noteDelete(innermost: Computation | undefined, key: unknown): void {
  for (let each = innermost; each !== undefined; each = each.outer) {
    if (isSameKey(each.key, key)) note(each, false);
  }
}

/** The map has set, or deleted, all of `keys`. */
export function noteEach(
  note: typeof notePut | typeof noteDelete,
  innermost: Computation | undefined,
  keys: readonly unknown[],
): void {
  for (let index = 0; index < keys.length; index++) note(innermost, keys[index]);
}

/** The map has deleted all keys. */
export function noteClear(innermost: Computation | undefined): void {
  for (let each = innermost; each !== undefined; each = each.outer) note(each, false);
}

function note(computation: Computation, isOwnEntry: boolean): void {
  computation.isOwnEntry = isOwnEntry;
  computation.isTouched = true;
}
