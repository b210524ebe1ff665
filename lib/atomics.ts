/**
 * Operations that read an entry and write it in one atomic step. None runs code of the user's while other threads have to
 * wait for it without end: those that call a function read, call it under no lock, and publish what it returned only if
 * nobody has changed the entry meanwhile; else they begin again.
 */

import { types } from 'node:util';
import type { Encoded } from './binary.js';
import { type Codec, copyEncoded, isPrimitive } from './codec.js';
import { mayBeCompressed } from './compression.js';
import type { Computation } from './computation.js';
import { createArgumentError, createError, createRangeError, describeKey } from './errors.js';
import { canonicalizeKey } from './key.js';
import { type Lifetime, overwriting } from './lifetime.js';
import { ABSENT, addon, CLOSED_STORE, SUM_BITS_MAX, SUM_MAX } from './native.js';

const { claim, compareAndDelete, compareAndSet, compareAndSetEncoded, exchange, exchangeEncoded } = addon;
const { deleteIf, findStamped, increment, insert, insertEncoded, release, setEncodedIf, setIf, reply } = addon;
const { isPromise } = types;
const { isFinite: isFiniteNumber } = Number;
const { abs, min } = Math;
const BIGINT_MAX = 2n ** BigInt(SUM_BITS_MAX) - 1n;

/** The function of an update leaves the entry as it is. */
export const KEEP: unique symbol = Symbol('keep');

/** Attempts of an update before it claims its key: more gain nothing (docs/performance.md, atomic updates). */
const FREE_ATTEMPTS = 4;
/** How long others wait for the first attempt with a claim, and then for each twice as long, up to the last. */
const CLAIM_MS_MIN = 1;
const CLAIM_MS_MAX = 128;
/** Attempts that fail because the function itself changes the entry, by whatever map, before an update gives up. */
const OWN_CHANGES_MAX = 16;

/** The slot of a store is asked for each time it is needed, as user's code may close it in between. */
export type SlotOf = () => number;

/** Returns the sum. */
export function add(slot: number, key: unknown, by: unknown, lifetime: Lifetime | undefined): number | bigint {
  if (typeof by === 'bigint') {
    if (by > BIGINT_MAX || by < -BIGINT_MAX)
      throw createRangeError('by', `a bigint of at most ${SUM_BITS_MAX} bits`, 'a larger one');
  } else if (typeof by !== 'number') {
    throw createArgumentError('by', 'a number or a bigint', by);
  } else if (!isFiniteNumber(by) || abs(by) > SUM_MAX) {
    throw createRangeError('by', `a number from -${SUM_MAX} to ${SUM_MAX}`, by);
  }
  lifetime?.begin();
  const sum = increment(slot, key, by === 0 ? 0 : by);
  if (sum !== undefined) return sum;
  if (reply[1] === 0) {
    const message = `the value of ${describeKey(key)} is no ${typeof by}, as by is`;
    throw createError('ERR_SHARDMAP_VALUE_TYPE', message);
  }
  const bounds =
    typeof by === 'bigint' ? `a bigint of at most ${SUM_BITS_MAX} bits` : `a number from -${SUM_MAX} to ${SUM_MAX}`;
  throw createError(
    'ERR_SHARDMAP_OUT_OF_RANGE',
    `the sum of the value of ${describeKey(key)} and ${by} is not ${bounds}`,
  );
}

/** Returns the value that was there before, as the addon does, or `absent`. */
export function replace(
  slotOf: SlotOf,
  codec: Codec,
  key: unknown,
  value: unknown,
  absent: unknown,
  lifetime: Lifetime | undefined = undefined,
): unknown {
  const encoded = codec.encode(value);
  const slot = slotOf();
  lifetime?.begin();
  if (encoded === undefined) return exchange(slot, key, value, absent);
  const { kind, view, start, end } = encoded;
  return exchangeEncoded(slot, key, kind, view, start, end, absent);
}

/** Inserts, and returns ABSENT; or returns the value that is there, as the addon does. */
export function insertOnce(
  slotOf: SlotOf,
  codec: Codec,
  key: unknown,
  value: unknown,
  lifetime: Lifetime | undefined = undefined,
): unknown {
  const encoded = codec.encode(value);
  const slot = slotOf();
  lifetime?.begin();
  if (encoded === undefined) return insert(slot, key, value, ABSENT);
  const { kind, view, start, end } = encoded;
  return insertEncoded(slot, key, kind, view, start, end, ABSENT);
}

/** With `orAbsent`, undefined is expected where there is no entry as well. */
export function setIfEqual(
  slotOf: SlotOf,
  codec: Codec,
  key: unknown,
  expected: unknown,
  orAbsent: boolean,
  value: unknown,
  lifetime: Lifetime | undefined = undefined,
): boolean {
  const own = isFoundByBytes(expected) ? key : canonicalizeKey(key);
  const encoded = codec.encode(value);
  if (isPrimitive(expected)) {
    const isSet = setIfPrimitive(slotOf(), own, expected, orAbsent && expected === undefined, value, encoded, lifetime);
    if (isSet || isFoundByBytes(expected)) return isSet;
  }
  const next = encoded === undefined ? undefined : copyEncoded(encoded);
  const renewed = overwriting(lifetime);
  return changeIfEqual(slotOf, codec, own, expected, (sequence, version) => {
    const slot = slotOf();
    renewed.begin();
    if (next === undefined) return setIf(slot, own, value, sequence, version);
    return setEncodedTo(slot, own, next, sequence, version);
  });
}

/** Whether the addon finds out by itself that a value is `expected`: of what may be compressed, only if it is not. */
function isFoundByBytes(expected: unknown): boolean {
  return isPrimitive(expected) && !mayBeCompressed(expected);
}

function setIfPrimitive(
  slot: number,
  key: unknown,
  expected: unknown,
  orAbsent: boolean,
  value: unknown,
  encoded: Encoded | undefined,
  lifetime: Lifetime | undefined,
): boolean {
  lifetime?.begin();
  if (encoded === undefined) return compareAndSet(slot, key, expected, orAbsent, value);
  const { kind, view, start, end } = encoded;
  return compareAndSetEncoded(slot, key, expected, orAbsent, kind, view, start, end);
}

export function deleteIfEqual(slotOf: SlotOf, codec: Codec, key: unknown, expected: unknown): boolean {
  const own = isFoundByBytes(expected) ? key : canonicalizeKey(key);
  if (isPrimitive(expected)) {
    const isDeleted = compareAndDelete(slotOf(), own, expected);
    if (isDeleted || isFoundByBytes(expected)) return isDeleted;
  }
  return changeIfEqual(slotOf, codec, own, expected, (sequence, version) => deleteIf(slotOf(), own, sequence, version));
}

/** `change` makes the change if the entry of `own` has this stamp, and returns whether it had. */
function changeIfEqual(
  slotOf: SlotOf,
  codec: Codec,
  own: unknown,
  expected: unknown,
  change: (sequence: number, version: number) => boolean,
): boolean {
  const isExpected = codec.matcher(expected);
  for (;;) {
    const stored = findStamped(slotOf(), own, ABSENT);
    const sequence = reply[2] as number;
    const version = reply[3] as number;
    if (!isExpected(stored)) return false;
    if (change(sequence, version)) return true;
  }
}

/**
 * What `decide` makes of an entry. It is given the value, or ABSENT, and returns the next one; ABSENT, where there shall
 * be no entry; or KEEP. It runs again as long as others change the entry while it runs. Returns what it returned last.
 *
 * After some attempts other threads' writes of the key are kept waiting, for a bounded time: so the update comes to its
 * end whatever they do, if `decide` takes less than that time.
 */
export function updateEntry(
  slotOf: SlotOf,
  codec: Codec,
  computation: Computation,
  decide: (current: unknown) => unknown,
  lifetime: Lifetime | undefined,
): unknown {
  const { key } = computation;
  let ownChanges = 0;
  let attempt = 0;
  try {
    for (; ; attempt++) {
      const hadClaim =
        attempt >= FREE_ATTEMPTS &&
        claim(slotOf(), key, min(CLAIM_MS_MIN * 2 ** (attempt - FREE_ATTEMPTS), CLAIM_MS_MAX));
      if ((hadClaim || computation.isTouched) && ++ownChanges === OWN_CHANGES_MAX) throw createOwnChangeError(key);
      const stored = findStamped(slotOf(), key, ABSENT);
      const sequence = reply[2] as number;
      const version = reply[3] as number;
      const current = stored === ABSENT ? ABSENT : codec.decodeStored(stored);
      computation.isTouched = false;
      const next = decide(current);
      if (next === KEEP || (next === ABSENT && current === ABSENT)) return next;
      if (isPromise(next)) throw createArgumentError('what the callback returns', 'a value, and no promise', next);
      if (publish(slotOf, codec, key, next, sequence, version, lifetime)) return next;
    }
  } finally {
    const slot = slotOf();
    if (attempt >= FREE_ATTEMPTS && slot !== CLOSED_STORE.slot) release(slot, key);
  }
}

function publish(
  slotOf: SlotOf,
  codec: Codec,
  key: unknown,
  next: unknown,
  sequence: number,
  version: number,
  lifetime: Lifetime | undefined,
): boolean {
  if (next === ABSENT) return deleteIf(slotOf(), key, sequence, version);
  const encoded = codec.encode(next);
  const slot = slotOf();
  lifetime?.begin();
  if (encoded === undefined) return setIf(slot, key, next, sequence, version);
  return setEncodedTo(slot, key, encoded, sequence, version);
}

function setEncodedTo(
  slot: number,
  key: unknown,
  { kind, view, start, end }: Encoded,
  sequence: number,
  version: number,
): boolean {
  return setEncodedIf(slot, key, kind, view, start, end, sequence, version);
}

function createOwnChangeError(key: unknown): Error {
  const message = `the callback itself changes the entry of ${describeKey(key)} each time: what it returns can never be set`;
  return createError('ERR_SHARDMAP_INVALID_ARGUMENT', message);
}
