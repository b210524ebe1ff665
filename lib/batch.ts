/** Many keys in one call: how keys and entries come together and are handed to the addon. */

import { types } from 'node:util';
import type { Encoded } from './binary.js';
import { type Codec, wrapList } from './codec.js';
import { isObject, iterateOnce } from './entries.js';
import { createArgumentError } from './errors.js';
import { readKeyOnce } from './key.js';
import type { Lifetime } from './lifetime.js';
import { addon, FOUND_AT, REPLY_FORMS } from './native.js';

const { getMany, hasMany, setEntries, deleteKeys } = addon;
const { valueKinds: kinds } = addon;
const { openBatch, closeBatch, addKeys, addEntries, addEncoded, setMany, deleteMany, reply, scratch } = addon;
const { apply } = Reflect;
const { isArray } = Array;
const { isUint8Array } = types;
const List = Array;

/** Most items handed over as arguments of one call: V8 puts them on its stack. An even number, as entries are pairs. */
const ITEMS_PER_CALL = 256;
/** A string of so many characters at most is a key for sure. */
const SURE_KEY_CHARS = 1000;

export const KEYS = 'an iterable of keys, and no string';

/** The numbers of a reply: over `scratch`, which is at the beginning of its memory. */
const numbers = new Float64Array(scratch.buffer, scratch.byteOffset, ITEMS_PER_CALL);
/** The same memory for values that begin anywhere: what is `scratch` itself is taken for a single value. */
const listed = wrapList([scratch.buffer]) as Buffer;

/** A function of the addon that takes any number of items behind its other arguments. */
export type OnItems = (...args: never[]) => unknown;
/** `first` is the place of the first item of `args` among all. */
export type Call = (args: unknown[], first: number, isLast: boolean) => void;

/**
 * Calls `call` with up to 256 keys at a time, behind `heads` places for other arguments, which it sets; at least once, so
 * that the addon is asked whether the map is open.
 */
export function callWithKeys(keys: Iterable<unknown>, heads: number, call: Call): void {
  if (typeof keys === 'string') throw createArgumentError('keys', KEYS, keys);
  if (isArray(keys)) callWithArray(keys, heads, call);
  else callWithIterable(iterateOnce(keys, 'keys', KEYS), heads, call);
}

/** Getters in place of elements, or in composite keys, may make `keys` shorter meanwhile. */
function callWithArray(keys: readonly unknown[], heads: number, call: Call): void {
  let first = 0;
  do {
    const count = keys.length - first < ITEMS_PER_CALL ? keys.length - first : ITEMS_PER_CALL;
    const args = new List<unknown>(heads + count);
    let place = 0;
    for (; place < count && first + place < keys.length; place++) {
      const key = keys[first + place];
      args[heads + place] = typeof key === 'object' ? readKeyOnce(key) : key;
    }
    if (place < count) args.length = heads + place;
    call(args, first, first + place >= keys.length);
    first += place;
  } while (first < keys.length);
}

function callWithIterable(keys: Iterable<unknown>, heads: number, call: Call): void {
  let args = new List<unknown>(heads);
  let first = 0;
  const handOver = (isLast: boolean) => {
    const count = args.length - heads;
    call(args, first, isLast);
    args = new List<unknown>(heads);
    first += count;
  };
  for (const key of keys) {
    args[args.length] = readKeyOnce(key);
    // The same array of bytes may be the next key, with other bytes.
    if (args.length === heads + ITEMS_PER_CALL || isUint8Array(key)) handOver(false);
  }
  if (first === 0 || args.length > heads) handOver(true);
}

/** The values of keys, undefined where there is none. `slotOf` is asked for each call, as `keys` may run user's code. */
export function getAll(slotOf: () => number, codec: Codec, keys: Iterable<unknown>): unknown[] {
  const values: unknown[] = [];
  callWithKeys(keys, 2, (args, first) => {
    args[0] = slotOf();
    args[1] = first;
    const list = apply(getMany as OnItems, undefined, args) as unknown[];
    const form = reply[0];
    if (form === REPLY_FORMS.numbers) appendNumbers(values, args.length - 2);
    else if (form === REPLY_FORMS.values) append(values, list);
    else appendDecoded(values, list, codec);
  });
  return values;
}

/** Whether there is an entry, for each key. */
export function hasAll(slotOf: () => number, keys: Iterable<unknown>): boolean[] {
  const found: boolean[] = [];
  callWithKeys(keys, 2, (args, first) => {
    args[0] = slotOf();
    args[1] = first;
    apply(hasMany as OnItems, undefined, args);
    for (let place = 0; place < args.length - 2; place++) found[found.length] = scratch[FOUND_AT + place] === 1;
  });
  return found;
}

/** Deletes the keys, all of which are read before; returns how many entries there were. `noted` receives the keys. */
export function deleteAll(slotOf: () => number, keys: Iterable<unknown>, noted: unknown[] | undefined): number {
  let batch: number | undefined;
  let count = 0;
  try {
    callWithKeys(keys, 1, (args, first, isLast) => {
      if (first === 0 && isLast) {
        args[0] = slotOf();
        count = apply(deleteKeys as OnItems, undefined, args) as number;
      } else {
        batch ??= openBatch();
        args[0] = batch;
        apply(addKeys as OnItems, undefined, args);
      }
      if (noted !== undefined) append(noted, args, 1);
    });
    return batch === undefined ? count : deleteMany(slotOf(), batch);
  } finally {
    if (batch !== undefined) closeBatch(batch);
  }
}

/**
 * Entries that wait to be set together, each as it was when it was added. What cannot be a key or a value is refused
 * when it is added, and the others stay, as they do where memory runs out. Keys are what `readKeyOnce` gave: so nothing
 * here runs code of the user's.
 */
export class EntryBatch {
  readonly #number = openBatch();
  /**
   * Keys and values that need no reading: no one can change them, and the addon will take them. The batch is first.
   */
  #args: unknown[] = [this.#number];
  #size = 0;

  /** How many entries wait. */
  get size(): number {
    return this.#size;
  }

  /** `value` is a primitive, but no symbol. */
  add(key: unknown, value: unknown): void {
    if (isSureKey(key)) {
      this.#addSure(key, value);
    } else {
      this.#flush();
      addEntries(this.#number, key, value);
    }
    this.#size++;
  }

  /** Adds keys and values that `args` has in turn, behind a place for another argument: many, and not looked at here. */
  addAll(args: unknown[]): void {
    this.#flush();
    args[0] = this.#number;
    apply(addEntries as OnItems, undefined, args);
    this.#size += (args.length - 1) / 2;
  }

  addEncoded(key: unknown, { kind, view, start, end }: Encoded): void {
    if (kind === kinds.plain && isSureKey(key)) {
      this.#addSure(key, view); // nobody else has these bytes, and they are all of the view
    } else {
      this.#flush();
      addEncoded(this.#number, key, kind, view, start, end);
    }
    this.#size++;
  }

  /** Sets all entries. Where memory runs out, those that were set are in the batch no more. */
  set(slot: number, lifetime: Lifetime | undefined = undefined): void {
    this.#flush();
    reply[0] = 0;
    lifetime?.begin();
    try {
      setMany(slot, this.#number);
    } catch (error) {
      this.#size -= reply[0];
      throw error;
    }
    this.#size = 0;
  }

  /** Forgets what is left. */
  close(): void {
    closeBatch(this.#number);
  }

  /** Where the call throws that makes room, what came before stays, and this is not added. */
  #addSure(key: unknown, value: unknown): void {
    if (this.#args.length > ITEMS_PER_CALL) this.#flush();
    const args = this.#args;
    args[args.length] = key;
    args[args.length] = value;
  }

  /** Hands over what is there. Where that throws, it is still there. */
  #flush(): void {
    const args = this.#args;
    if (args.length === 1) return;
    apply(addEntries as OnItems, undefined, args);
    this.#args = [this.#number];
  }
}

/**
 * Entries on their way to one operation that sets them all. Those that the addon takes as they are wait until a call is
 * full of them: one that has room for all sets them as well, else a batch gets them. From the first on that must be
 * encoded, each goes to the batch by itself.
 */
class EntryReader {
  readonly #codec: Codec;
  /** `noted` receives the keys. */
  readonly #noted: unknown[] | undefined;
  /** Room for the slot, then keys and values in turn. Made in its size, which is cheaper than to grow. */
  readonly #args: unknown[];
  #argsUsed = 1;
  #batch: EntryBatch | undefined;
  #isOneByOne = false;
  #count = 0;

  /** `expected` entries may come, or others. */
  constructor(codec: Codec, noted: unknown[] | undefined, expected: number) {
    this.#codec = codec;
    this.#noted = noted;
    this.#args = new List<unknown>(1 + (2 * expected < ITEMS_PER_CALL ? 2 * expected : ITEMS_PER_CALL));
  }

  /** Runs code of the user's that entries and their values have. One loop: what each would call took a tenth longer. */
  read(entries: readonly (readonly [unknown, unknown])[]): void {
    const codec = this.#codec;
    const args = this.#args;
    let used = this.#argsUsed;
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index] as readonly [unknown, unknown];
      if (!isObject(entry)) throw createArgumentError(`entry ${this.#count}`, 'an object such as [key, value]', entry);
      const first = entry[0];
      const isSimple = typeof first !== 'object';
      const key = isSimple ? first : readKeyOnce(first);
      const value = entry[1];
      if (!this.#isOneByOne && codec.passes(value) && (isSimple || !isUint8Array(key))) {
        if (used > ITEMS_PER_CALL) used = this.#handOver(used);
        args[used++] = key;
        args[used++] = value;
      } else {
        used = this.#handOver(used);
        this.#addOne(key, value);
      }
      if (this.#noted !== undefined) this.#noted[this.#noted.length] = key;
      this.#count++;
    }
    this.#argsUsed = used;
  }

  set(slot: number, lifetime: Lifetime | undefined): void {
    if (this.#batch !== undefined) {
      this.#handOver(this.#argsUsed);
      this.#batch.set(slot, lifetime);
    } else {
      this.#args[0] = slot;
      this.#args.length = this.#argsUsed;
      lifetime?.begin();
      apply(setEntries as OnItems, undefined, this.#args);
    }
  }

  close(): void {
    this.#batch?.close();
  }

  /** Empties the arguments, `used` of them, into the batch, which is opened. Returns how many are used then. */
  #handOver(used: number): number {
    this.#batch ??= new EntryBatch();
    if (used > 1) {
      this.#args.length = used;
      this.#batch.addAll(this.#args);
    }
    return 1;
  }

  /** After `#handOver`. */
  #addOne(key: unknown, value: unknown): void {
    this.#isOneByOne = true;
    const batch = this.#batch as EntryBatch;
    const encoded = this.#codec.encode(value, this.#count);
    if (encoded === undefined) batch.add(key, value);
    else batch.addEncoded(key, encoded);
  }
}

/** Sets entries, all of which are read before. `noted` receives their keys. */
export function setAll(
  slotOf: () => number,
  codec: Codec,
  entries: Iterable<readonly [unknown, unknown]>,
  lifetime: Lifetime | undefined,
  noted: unknown[] | undefined,
): void {
  const reader = new EntryReader(codec, noted, isArray(entries) ? entries.length : ITEMS_PER_CALL);
  try {
    if (isArray(entries)) {
      reader.read(entries);
    } else {
      // One by one, as the next one may be the same array with other elements.
      for (const entry of iterateOnce(entries, 'entries', 'an iterable of [key, value] pairs')) reader.read([entry]);
    }
    reader.set(slotOf(), lifetime);
  } finally {
    reader.close();
  }
}

function append<Item>(items: Item[], more: readonly Item[], from = 0): void {
  for (let index = from; index < more.length; index++) items[items.length] = more[index] as Item;
}

function appendNumbers(values: unknown[], count: number): void {
  if (reply[1] === count) {
    for (let place = 0; place < count; place++) values[values.length] = numbers[place];
  } else {
    for (let place = 0; place < count; place++)
      values[values.length] = scratch[FOUND_AT + place] === 1 ? numbers[place] : undefined;
  }
}

/** `list` is `[bytes, kind, value, …]`, as a page has it. */
function appendDecoded(values: unknown[], list: readonly unknown[], codec: Codec): void {
  const bytes = list[0] === scratch ? listed : (wrapList(list) as Buffer);
  for (let index = 1; index < list.length; index += 2) {
    const kind = list[index] as number;
    const value = list[index + 1];
    values[values.length] = kind === 0 ? value : codec.decodeListed(kind, bytes, value as number);
  }
}

function isSureKey(key: unknown): boolean {
  switch (typeof key) {
    case 'string':
      return key.length <= SURE_KEY_CHARS;
    case 'number':
    case 'boolean':
    case 'undefined':
      return true;
    default:
      return key === null;
  }
}
