/** Many keys in one call: how keys and entries come together and are handed to the addon. */

import { types } from 'node:util';
import { type Codec, isPrimitive, wrapList } from './codec.js';
import { isObject, iterateOnce } from './entries.js';
import { createArgumentError } from './errors.js';
import { readKeyOnce } from './key.js';
import { addon } from './native.js';

const { getMany, hasMany, openBatch, closeBatch, addKeys, addEntries, addEncoded, reply, setMany, deleteMany } = addon;
const { apply } = Reflect;
const { isArray } = Array;
const { isUint8Array } = types;

/** Most items handed over as arguments of one call: V8 puts them on its stack. An even number, as entries are pairs. */
const ITEMS_PER_CALL = 256;
/** A string of so many characters at most is a key for sure. */
const SURE_KEY_CHARS = 1000;

export const KEYS = 'an iterable of keys, and no string';

/** A function of the addon that takes any number of items behind its other arguments. */
export type OnItems = (...args: never[]) => unknown;

/** Items on their way to a function that takes many of them at once: behind places for the arguments before them. */
export class ItemCalls {
  readonly #heads: number;
  readonly #call: (args: unknown[], first: number) => void;
  #args: unknown[] = [];
  /** The place of the first of `#args` among all items. */
  #first = 0;

  /** `call` gets the arguments, whose first `heads` it sets, and how many items were handed over before. */
  constructor(heads: number, call: (args: unknown[], first: number) => void) {
    this.#heads = heads;
    this.#call = call;
    this.#begin();
  }

  add(item: unknown): void {
    const args = this.#args;
    args[args.length] = item;
    if (args.length === this.#heads + ITEMS_PER_CALL) this.flush();
  }

  /** Adds all keys, and hands over what is left; none, too, so that the addon is asked whether the map is open. */
  addKeys(items: Iterable<unknown>): void {
    if (typeof items === 'string') throw createArgumentError('keys', KEYS, items);
    if (isArray(items)) {
      for (let index = 0; index < items.length; index++) this.add(readKeyOnce(items[index]));
    } else {
      for (const item of iterateOnce(items, 'keys', KEYS)) this.#addAtOnce(readKeyOnce(item));
    }
    if (this.#first === 0 || this.#args.length > this.#heads) this.#handOver();
  }

  /** The same array of bytes may be the next key, with other bytes. */
  #addAtOnce(key: unknown): void {
    this.add(key);
    if (isUint8Array(key)) this.flush();
  }

  flush(): void {
    if (this.#args.length > this.#heads) this.#handOver();
  }

  #handOver(): void {
    const args = this.#args;
    const first = this.#first;
    this.#first += args.length - this.#heads;
    this.#begin();
    this.#call(args, first);
  }

  #begin(): void {
    const args: unknown[] = [];
    for (let head = 0; head < this.#heads; head++) args[head] = undefined;
    this.#args = args;
  }
}

/** The values of keys, undefined where there is none. `slotOf` is asked for each call, as `keys` may run user's code. */
export function getAll(slotOf: () => number, codec: Codec, keys: Iterable<unknown>): unknown[] {
  const values: unknown[] = [];
  const calls = new ItemCalls(2, (args, first) => {
    args[0] = slotOf();
    args[1] = first;
    const list = apply(getMany as OnItems, undefined, args) as unknown[];
    if (reply[0] === 0) append(values, list);
    else appendDecoded(values, list, codec);
  });
  calls.addKeys(keys);
  return values;
}

/** Whether there is an entry, for each key. */
export function hasAll(slotOf: () => number, keys: Iterable<unknown>): boolean[] {
  const found: boolean[] = [];
  const calls = new ItemCalls(2, (args, first) => {
    args[0] = slotOf();
    args[1] = first;
    append(found, apply(hasMany as OnItems, undefined, args) as boolean[]);
  });
  calls.addKeys(keys);
  return found;
}

/** Deletes the keys, all of which are read before; returns how many entries there were. `noted` receives the keys. */
export function deleteAll(slotOf: () => number, keys: Iterable<unknown>, noted: unknown[] | undefined): number {
  const batch = openBatch();
  try {
    const calls = new ItemCalls(1, (args) => {
      args[0] = batch;
      apply(addKeys as OnItems, undefined, args);
      if (noted !== undefined) append(noted, args, 1);
    });
    calls.addKeys(keys);
    return deleteMany(slotOf(), batch);
  } finally {
    closeBatch(batch);
  }
}

/**
 * Entries that wait to be set together, each as it was when it was added. What cannot be a key or a value is refused
 * when it is added, and the others stay.
 */
export class EntryBatch {
  readonly #codec: Codec;
  readonly #number = openBatch();
  /** Keys and values that need no reading: no one can change them, and the addon will take them. */
  readonly #calls = new ItemCalls(1, (args) => {
    args[0] = this.#number;
    apply(addEntries as OnItems, undefined, args);
  });

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** `key` is what `readKeyOnce` gave. Runs code of the user's that `value` has. */
  add(key: unknown, value: unknown): void {
    if (!isPrimitive(value)) {
      const { kind, view, start, end } = this.#codec.encode(value);
      this.#calls.flush();
      addEncoded(this.#number, key, kind, view, start, end);
    } else if (isSureKey(key)) {
      this.#calls.add(key);
      this.#calls.add(value);
    } else {
      this.#calls.flush();
      addEntries(this.#number, key, value);
    }
  }

  /** Sets all entries. Where memory runs out, those that were set are in the batch no more. */
  set(slot: number): void {
    this.#calls.flush();
    setMany(slot, this.#number);
  }

  /** Forgets what is left. */
  close(): void {
    closeBatch(this.#number);
  }
}

/** Sets entries, all of which are read before. `noted` receives their keys. */
export function setAll(
  slotOf: () => number,
  codec: Codec,
  entries: Iterable<readonly [unknown, unknown]>,
  noted: unknown[] | undefined,
): void {
  const batch = new EntryBatch(codec);
  try {
    let count = 0;
    for (const entry of iterateOnce(entries, 'entries', 'an iterable of [key, value] pairs')) {
      if (!isObject(entry)) throw createArgumentError(`entry ${count}`, 'an object such as [key, value]', entry);
      const key = readKeyOnce(entry[0]);
      batch.add(key, entry[1]);
      if (noted !== undefined) noted[noted.length] = key;
      count++;
    }
    batch.set(slotOf());
  } finally {
    batch.close();
  }
}

function append<Item>(items: Item[], more: readonly Item[], from = 0): void {
  for (let index = from; index < more.length; index++) items[items.length] = more[index] as Item;
}

/** `list` is `[bytes, kind, value, …]`, as a page has it. */
function appendDecoded(values: unknown[], list: readonly unknown[], codec: Codec): void {
  const bytes = wrapList(list) as Buffer;
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
