/** Vectors: typed arrays whose elements are copied from the store into an array of the caller's, nothing in between. */

import { types } from 'node:util';
import { callWithKeys, KEYS, type OnItems } from './batch.js';
import { binaryKindOf, hasLostMemory } from './binary.js';
import { iterateOnce } from './entries.js';
import { createArgumentError, createError, createRangeError, describeKey } from './errors.js';
import { canonicalizeKey } from './key.js';
import { addon, type ValueKinds } from './native.js';
import { readOptions } from './options.js';

const { gather: gatherInto, getInto: copyInto, reply, valueKinds: kinds } = addon;
const { apply } = Reflect;
const { isArray } = Array;
const { isInteger } = Number;
const { isSharedArrayBuffer } = types;
const { isView } = ArrayBuffer;
const { fill } = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
const Mask = Uint8Array;
const Halves = Uint16Array;

/** An array of numbers that vectors are copied to. */
export type VectorArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** Names of the kinds of typed arrays, for errors. */
const classNames: string[] = [];
const kindNames = Object.keys(kinds) as (keyof ValueKinds)[];
for (const name of kindNames) if (kinds[name] >= kinds.ArrayBuffer) classNames[kinds[name]] = `a ${name}`;
classNames[kinds.compressed] = 'compressed, which only get and its like read';

/** What the functions of the addon return in place of a count. */
const ABSENT = -1;
const NO_ROOM = -2;
/** Arguments of `gatherInto` before the keys. */
const HEADS = 7;
/** Less the place of the key among those of the call. */
const OTHER_VALUE = -3;

/** How `gather` treats keys that are not there. */
export interface GatherOptions {
  /** What each element of their rows becomes: a number, or a bigint where the elements are. Default: 0. */
  readonly missing?: number | bigint | undefined;
}

/** An `out` that was looked at: the same memory as the addon knows it, and the kind of what can be copied there. */
class Output {
  readonly kind: number;
  readonly view: VectorArray;
  readonly length: number;
  readonly elementBytes: number;

  constructor(out: unknown) {
    const kind = binaryKindOf(out);
    const isVector = isView(out) && kind !== kinds.DataView;
    if (!isVector || isSharedArrayBuffer(out.buffer) || (out.byteLength === 0 && hasLostMemory(out)))
      throw createArgumentError('out', 'a typed array over memory of its own that is there and not shared', out);
    this.kind = kind === kinds.Buffer ? kinds.Uint8Array : (kind as number);
    this.view = out as VectorArray;
    this.length = this.view.length;
    this.elementBytes = this.view.BYTES_PER_ELEMENT;
    if (kind === kinds.Float16Array) this.view = new Halves(out.buffer, out.byteOffset, this.length); // unknown to Node-API
  }
}

/** Longest array that is remembered, in bytes: it is kept alive by that. */
const REMEMBERED_BYTES_MAX = 1 << 16;
/** What was looked at last. Who reads vectors one by one mostly gives the same array, which costs more than the copying. */
let latest: { readonly out: unknown; readonly output: Output } | undefined;

function outputOf(out: unknown): Output {
  // All else of an array stays as it is; one that has lost its memory has no length.
  if (latest !== undefined && latest.out === out && latest.output.length === (out as VectorArray).length)
    return latest.output;
  const output = new Output(out);
  const isRemembered = output.length > 0 && output.length * output.elementBytes <= REMEMBERED_BYTES_MAX;
  latest = isRemembered ? { out, output } : undefined;
  return output;
}

/** Copies the elements of the value of `key` to `out` from `offset` on; returns how many, or -1 where there is none. */
export function getInto(slotOf: () => number, key: unknown, out: unknown, offset: unknown): number {
  const { kind, view, length, elementBytes } = outputOf(out);
  if (typeof offset !== 'number') throw createArgumentError('offset', 'a number', offset);
  if (!isInteger(offset) || offset < 0 || offset > length)
    throw createRangeError('offset', `an integer from 0 to ${length}, the length of out`, offset);
  const bytes = copyInto(slotOf(), key, kind, view, offset * elementBytes);
  if (bytes >= 0) return bytes / elementBytes;
  if (bytes === ABSENT) return -1;
  if (bytes === OTHER_VALUE) throw createTypeError(key, kind);
  throw createLengthError(key, elementBytes, `out has room for ${length - offset} from ${offset} on`);
}

/** Copies the values of keys to the rows of `out`, as many as there are keys; returns 1 for each found, and else 0. */
export function gather(slotOf: () => number, keys: Iterable<unknown>, out: unknown, options: unknown): Uint8Array {
  const { missing } = readOptions(options, ['missing']);
  // This runs code of the user's, which may change everything: nothing is looked at before.
  const calls: unknown[][] = [];
  let count = 0;
  callWithKeys(isArray(keys) ? keys : listKeys(keys), HEADS, (args) => {
    calls[calls.length] = args;
    count += args.length - HEADS;
  });
  const { kind, view, length, elementBytes } = new Output(out);
  const filler = resolveMissing(missing, kind);
  const row = rowLength(length, count);
  const rowBytes = row * elementBytes;
  const mask = new Mask(count);
  let found = 0;
  let first = 0;
  for (let call = 0; call < calls.length; call++) {
    const args = calls[call] as unknown[];
    args[0] = slotOf();
    args[1] = kind;
    args[2] = view;
    args[3] = first * rowBytes;
    args[4] = rowBytes;
    args[5] = mask;
    args[6] = first;
    const result = apply(gatherInto as OnItems, undefined, args) as number;
    if (result < 0) throw createGatherError(result, args, kind, elementBytes, row);
    found += result;
    first += args.length - HEADS;
  }
  if (found < count) fillMissing(out as VectorArray, mask, row, filler);
  return mask;
}

function rowLength(length: number, rows: number): number {
  const row = rows === 0 ? 0 : length / rows;
  if (isInteger(row)) return row;
  const message = `out has ${length} elements, which are no rows of one length for ${rows} keys`;
  throw createError('ERR_SHARDMAP_OUT_OF_RANGE', message);
}

function fillMissing(out: VectorArray, mask: Uint8Array, row: number, filler: number | bigint): void {
  for (let index = 0; index < mask.length; index++) {
    if (mask[index] === 0) apply(fill as OnItems, out, [filler, index * row, (index + 1) * row]);
  }
}

function resolveMissing(missing: unknown, kind: number): number | bigint {
  const isBig = kind === kinds.BigInt64Array || kind === kinds.BigUint64Array;
  const type = isBig ? 'bigint' : 'number';
  if (missing === undefined) return isBig ? 0n : 0;
  if (typeof missing !== type) throw createArgumentError('options.missing', `a ${type}`, missing);
  return missing as number | bigint;
}

function listKeys(keys: Iterable<unknown>): readonly unknown[] {
  if (typeof keys === 'string') throw createArgumentError('keys', KEYS, keys);
  const list: unknown[] = [];
  for (const key of iterateOnce(keys, 'keys', KEYS)) list[list.length] = canonicalizeKey(key); // it may be the same array again, with other bytes or parts
  return list;
}

function createGatherError(
  result: number,
  args: readonly unknown[],
  kind: number,
  elementBytes: number,
  row: number,
): Error {
  if (result === NO_ROOM) return createError('ERR_SHARDMAP_OUT_OF_RANGE', 'out has less room than its length says');
  const key = args[HEADS + OTHER_VALUE - result];
  const isSameKind = reply[0] === kind || (reply[0] === kinds.Buffer && kind === kinds.Uint8Array);
  return isSameKind ? createLengthError(key, elementBytes, `a row of out has ${row}`) : createTypeError(key, kind);
}

/** `reply` tells what the value is. */
function createTypeError(key: unknown, kind: number): Error {
  const found = classNames[reply[0] as number] ?? 'no typed array';
  return createError(
    'ERR_SHARDMAP_VALUE_TYPE',
    `the value of ${describeKey(key)} is ${found}, and out is ${classNames[kind]}`,
  );
}

function createLengthError(key: unknown, elementBytes: number, room: string): Error {
  const elements = (reply[1] as number) / elementBytes;
  return createError(
    'ERR_SHARDMAP_OUT_OF_RANGE',
    `the value of ${describeKey(key)} has ${elements} elements, and ${room}`,
  );
}
