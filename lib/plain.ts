/**
 * Plain trees, the objects that most values are, as MessagePack: objects and arrays without a class of their own, dates,
 * and primitives. The names of an object's properties, its structure, are kept once in the store, so that all threads
 * read what any of them wrote, and what is stored is little more than the values.
 *
 * msgpackr does the encoding, which is several times as fast as V8's serialisation (docs/performance.md, codecs), and
 * gets what it can say exactly: anything else takes the way of clone.ts. That is found out on a copy, made while each
 * property of the value is read once, so that no getter can change what was looked at.
 */

import { types } from 'node:util';
import { Packr } from 'msgpackr';
import type { Encoded } from './binary.js';
import { addon, CLOSED_STORE, type NativeStore } from './native.js';

const { valueKinds: kinds, loadStructures, saveStructures } = addon;
const { getPrototypeOf, keys } = Object;
const { isArray } = Array;
const { isNaN: isNotANumber } = Number;
const { parse, stringify } = JSON;
const { apply } = Reflect;
const { isDate, isExternal, isProxy } = types;
const { getTime } = Date.prototype;
const NativeDate = Date;
const NativeSet = Set;
const { add, clear, has } = Set.prototype;
const { charCodeAt, isWellFormed } = String.prototype as unknown as { charCodeAt(): number; isWellFormed(): boolean };
const objectPrototype = Object.prototype;
const arrayPrototype = Array.prototype;
const datePrototype = Date.prototype;
const iterator: typeof Symbol.iterator = Symbol.iterator;
const toStringTag: typeof Symbol.toStringTag = Symbol.toStringTag;

/** Properties of an object with a structure; one with more is rather a dictionary, each with other names. */
const PROPERTIES_MAX = 64;
/** Depth of a tree that msgpackr is given, which recurs. */
const DEPTH_MAX = 64;
/** Structures that the store keeps: those that take one byte in msgpackr's format. */
const STRUCTURES_MAX = 32;
/** Structures met once that are remembered, to be kept when they are met again. */
const CANDIDATES_MAX = 1024;
/** Longest structure that is kept, in characters of its names. */
const STRUCTURE_CHARS_MAX = 4096;
/** Objects of one value that are remembered in a list; more are in a set. */
const SEEN_LIST_MAX = 8;
const UNDERSCORE = 0x5f;
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;

/** Stands for a value in which there is something that this way does not copy exactly. */
const NOT_PLAIN = Symbol('not plain');

/** The coder of one map. */
export class PlainCoder {
  #slot: number;
  #packer: Packr | undefined;
  /** The structures, as text, that this thread knows the store to have. */
  #structures: string | undefined;
  readonly #candidates = new NativeSet<string>();

  constructor({ slot }: NativeStore) {
    this.#slot = slot;
  }

  /** The slot may be another store's from now on, whose structures are not for this coder. */
  close(): void {
    this.#slot = CLOSED_STORE.slot;
  }

  /** Undefined where `value` is not plain. May run getters of the value's; nothing else of it is looked at twice. */
  copy(value: object): object | undefined {
    const copy = new PlainCopy().of(value, 0);
    return copy === NOT_PLAIN ? undefined : (copy as object);
  }

  /** Encodes what `copy` returned, as all bytes of a view that stay what they are. Runs no code of the user's. */
  encode(copy: object): Encoded {
    this.#packer ??= this.#createPacker();
    try {
      const view = this.#packer.pack(copy);
      return { kind: kinds.plain, view, start: 0, end: view.length };
    } catch (error) {
      this.#packer = undefined; // it may know structures that were not saved
      throw error;
    }
  }

  decode(bytes: Uint8Array, start: number, end: number): unknown {
    this.#packer ??= this.#createPacker();
    return this.#packer.unpack(bytes, start === 0 ? end : { start, end });
  }

  #createPacker(): Packr {
    return new Packr({
      maxSharedStructures: STRUCTURES_MAX,
      maxOwnStructures: STRUCTURES_MAX,
      useToJSON: false,
      getStructures: () => {
        this.#structures = loadStructures(this.#slot);
        return this.#structures === undefined ? [] : parse(this.#structures);
      },
      // False where another thread saved meanwhile: the packer then loads what that saved, and packs again.
      saveStructures: (structures) => {
        const text = stringify(structures);
        if (!saveStructures(this.#slot, this.#structures, text)) return false;
        this.#structures = text;
        return true;
      },
      shouldShareStructure: (names) => this.#wasMetBefore(names),
    });
  }

  /** A structure is kept when it is met again: objects that are dictionaries would soon take all places. */
  #wasMetBefore(names: readonly string[]): boolean {
    const text = stringify(names);
    if (apply(has, this.#candidates, [text])) return true;
    if (this.#candidates.size === CANDIDATES_MAX) apply(clear, this.#candidates, []);
    if (text.length <= STRUCTURE_CHARS_MAX) apply(add, this.#candidates, [text]);
    return false;
  }
}

/** Makes one copy of a value, or finds out that it is not plain. */
class PlainCopy {
  #seen: object[] | Set<object> = [];

  of(value: object, depth: number): unknown {
    if (isProxy(value) || depth > DEPTH_MAX || !this.#see(value)) return NOT_PLAIN;
    const prototype: unknown = getPrototypeOf(value);
    if (prototype === objectPrototype) return iterator in value ? NOT_PLAIN : this.#ofObject(value, depth);
    if (prototype === arrayPrototype) return isArray(value) ? this.#ofArray(value, depth) : NOT_PLAIN;
    if (prototype === datePrototype) return isDate(value) ? copyDate(value) : NOT_PLAIN;
    const isOrdinary = prototype === null && !(toStringTag in value) && !isExternal(value);
    return isOrdinary ? this.#ofObject(value, depth) : NOT_PLAIN;
  }

  /** False for an object that was seen before: what refers to it twice, or to itself, must do so in the copy. */
  #see(value: object): boolean {
    const seen = this.#seen;
    if (isArray(seen)) {
      for (let index = 0; index < seen.length; index++) if (seen[index] === value) return false;
      seen[seen.length] = value;
      if (seen.length > SEEN_LIST_MAX) this.#seen = toSet(seen);
      return true;
    }
    if (apply(has, seen, [value])) return false;
    apply(add, seen, [value]);
    return true;
  }

  #ofObject(value: object, depth: number): unknown {
    const copy = { ...value } as Record<string, unknown>;
    const names = keys(copy);
    if (names.length > PROPERTIES_MAX) return NOT_PLAIN;
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      if (!isExactName(name)) return NOT_PLAIN;
      const property = copy[name];
      if (typeof property === 'object' && property !== null) {
        const inner = this.of(property, depth + 1);
        if (inner === NOT_PLAIN) return NOT_PLAIN;
        copy[name] = inner;
      } else if (!isExact(property)) {
        return NOT_PLAIN;
      }
    }
    return copy;
  }

  #ofArray(value: readonly unknown[], depth: number): unknown {
    const { length } = value;
    if (!isDense(value, length)) return NOT_PLAIN;
    const copy: unknown[] = [];
    for (let index = 0; index < length; index++) {
      const item = value[index];
      if (typeof item === 'object' && item !== null) {
        const inner = this.of(item, depth + 1);
        if (inner === NOT_PLAIN) return NOT_PLAIN;
        copy[index] = inner;
      } else if (isExact(item)) {
        copy[index] = item;
      } else {
        return NOT_PLAIN;
      }
    }
    return copy;
  }
}

/** Whether an array has all of its items and no other properties, which would be named last. */
function isDense(value: readonly unknown[], length: number): boolean {
  const names = keys(value);
  return names.length === length && (length === 0 || names[length - 1] === `${length - 1}`);
}

function copyDate(value: Date): unknown {
  const time = apply(getTime, value, []);
  return isNotANumber(time) ? NOT_PLAIN : new NativeDate(time);
}

function toSet(list: readonly object[]): Set<object> {
  const set = new NativeSet<object>();
  for (let index = 0; index < list.length; index++) apply(add, set, [list[index]]);
  return set;
}

/** Whether msgpackr gives such a property back: it changes `__proto__`, and keeps notes of its own in `__keys__`. */
function isExactName(name: string): boolean {
  return apply(charCodeAt, name, [0]) !== UNDERSCORE && name !== 'constructor' && apply(isWellFormed, name, []);
}

/** Whether msgpackr gives a primitive back as it was. Nothing but primitives and functions comes here. */
function isExact(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return apply(isWellFormed, value, []);
    case 'number':
      return value !== 0 || 1 / value > 0;
    case 'bigint':
      return value >= INT64_MIN && value <= UINT64_MAX;
    default:
      return typeof value !== 'function' && typeof value !== 'symbol';
  }
}
