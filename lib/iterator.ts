/**
 * Iteration over a store in insertion order, by pages. The cursor is the sequence number of the last entry seen, so
 * that nothing is pinned: a page is used as it is while this thread has not mutated the store since, else each of its
 * entries is looked at again before it is shown.
 */

import { decodeStored } from './codec.js';
import { createReceiverError } from './errors.js';
import { ABSENT, addon, type NativeStore } from './native.js';

const { page: readPage, recheck } = addon;
const { defineProperty, getPrototypeOf, setPrototypeOf } = Object;

/**
 * Entries in the first page, so that a look at the first few is cheap; each page is four times as large as the one
 * before.
 */
const PAGE_ENTRIES_MIN = 16;
const PAGE_ENTRIES_MAX = 1024;
const PAGE_GROWTH = 4;

/** A walk over a store. `key` and `stored` are those of the entry that `advance` found last. */
export class Cursor {
  key: unknown = undefined;
  stored: unknown = undefined;
  #page: unknown[] = [];
  #index = 0;
  #sequence = 0;
  #entries = PAGE_ENTRIES_MIN;
  #mutations: number;

  /** Before the first entry. */
  constructor(native: NativeStore) {
    this.#mutations = native.control[0] as number;
  }

  /** Moves to the next entry; false at the end. `native` is given each time because closing a map exchanges it. */
  advance(native: NativeStore): boolean {
    do {
      while (this.#index < this.#page.length) {
        if (this.#take(native)) return true;
      }
    } while (this.#turn(native));
    return false;
  }

  #take(native: NativeStore): boolean {
    const page = this.#page;
    const index = this.#index;
    this.#index = index + 3;
    const sequence = page[index] as number;
    const key = page[index + 1];
    this.#sequence = sequence;
    const isFresh = native.control[0] === this.#mutations;
    const stored = isFresh ? page[index + 2] : recheck(native.slot, key, sequence, ABSENT);
    if (stored === ABSENT) return false;
    this.key = key;
    this.stored = stored;
    return true;
  }

  #turn(native: NativeStore): boolean {
    this.#mutations = native.control[0] as number;
    this.#page = readPage(native.slot, this.#sequence, this.#entries);
    this.#index = 0;
    if (this.#entries < PAGE_ENTRIES_MAX) this.#entries *= PAGE_GROWTH;
    return this.#page.length > 0;
  }
}

/** What an iterator yields. */
export type IterationKind = 'key' | 'value' | 'entry';

/** Where an iterator gets its store from at each step: a map, and how to read the store of one. */
export interface StoreSource<Owner> {
  readonly owner: Owner;
  readonly storeOf: (owner: Owner, method: string) => NativeStore;
}

/** The iterators of a map. Its prototype is made to look as the specification's %MapIteratorPrototype% below. */
class MapIterator<Owner, Item> {
  #source: StoreSource<Owner> | undefined;
  readonly #cursor: Cursor;
  readonly #kind: IterationKind;

  constructor(source: StoreSource<Owner>, cursor: Cursor, kind: IterationKind) {
    this.#source = source;
    this.#cursor = cursor;
    this.#kind = kind;
  }

  static isOne(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #cursor in value;
  }

  next(): IteratorResult<Item, undefined> {
    if (!MapIterator.isOne(this)) throw createReceiverError('next', 'Map Iterator', this);
    const source = this.#source;
    if (source === undefined) return { value: undefined, done: true };
    if (this.#cursor.advance(source.storeOf(source.owner, 'next'))) return { value: this.#item() as Item, done: false };
    this.#source = undefined;
    return { value: undefined, done: true };
  }

  #item(): unknown {
    const { key, stored } = this.#cursor;
    switch (this.#kind) {
      case 'key':
        return key;
      case 'value':
        return decodeStored(stored);
      case 'entry':
        return [key, decodeStored(stored)];
    }
  }
}

const iteratorPrototype: object = getPrototypeOf(getPrototypeOf([][Symbol.iterator]()));
Reflect.deleteProperty(MapIterator.prototype, 'constructor');
setPrototypeOf(MapIterator.prototype, iteratorPrototype);
defineProperty(MapIterator.prototype, Symbol.toStringTag, { value: 'Map Iterator', configurable: true });

/** A new iterator over the map that `source` names. */
export function createIterator<Owner, Item>(
  source: StoreSource<Owner>,
  cursor: Cursor,
  kind: IterationKind,
): globalThis.MapIterator<Item> {
  return new MapIterator<Owner, Item>(source, cursor, kind) as unknown as globalThis.MapIterator<Item>;
}
