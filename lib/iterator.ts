/**
 * Iteration over a store in insertion order, by pages. The cursor is the sequence number of the last entry seen, so
 * that nothing is pinned: a page is used as it is while this thread has not mutated the store since, else each of its
 * entries is looked at again before it is shown.
 */

import { type Codec, wrapList } from './codec.js';
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

/** Items of a page before its entries, and those of an entry. */
const PAGE_HEAD_ITEMS = 1;
const ENTRY_ITEMS = 4;

/** A walk over a store. `key` and `sequence` are those of the entry that `advance` found last. */
export class Cursor {
  key: unknown = undefined;
  sequence = 0;
  readonly #codec: Codec;
  #page: unknown[] = [];
  #bytes: Buffer | undefined;
  /** The value found last; in `#bytes` at this offset where its kind is not 0. */
  #kind = 0;
  #value: unknown = undefined;
  #index = 0;
  #entries = PAGE_ENTRIES_MIN;
  #mutations: number;

  /** Before the first entry. */
  constructor(native: NativeStore, codec: Codec) {
    this.#codec = codec;
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

  /** The value of the entry that `advance` found last; to be asked for once, before the map is used for anything. */
  takeValue(): unknown {
    if (this.#kind === 0) return this.#codec.decodeStored(this.#value);
    return this.#codec.decodeListed(this.#kind, this.#bytes as Buffer, this.#value as number);
  }

  #take(native: NativeStore): boolean {
    const page = this.#page;
    const index = this.#index;
    this.#index = index + ENTRY_ITEMS;
    const sequence = page[index] as number;
    this.key = page[index + 1];
    this.sequence = sequence;
    if (native.control[0] === this.#mutations) {
      this.#kind = page[index + 2] as number;
      this.#value = page[index + 3];
      return true;
    }
    this.#kind = 0;
    this.#value = recheck(native.slot, this.key, sequence, ABSENT);
    return this.#value !== ABSENT;
  }

  #turn(native: NativeStore): boolean {
    this.#mutations = native.control[0] as number;
    this.#page = readPage(native.slot, this.sequence, this.#entries);
    this.#bytes = wrapList(this.#page);
    this.#index = PAGE_HEAD_ITEMS;
    if (this.#entries < PAGE_ENTRIES_MAX) this.#entries *= PAGE_GROWTH;
    return this.#page.length > PAGE_HEAD_ITEMS;
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
    const cursor = this.#cursor;
    switch (this.#kind) {
      case 'key':
        return cursor.key;
      case 'value':
        return cursor.takeValue();
      case 'entry':
        return [cursor.key, cursor.takeValue()];
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
