/** The addon: its whole surface, and the only place that loads it. */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { createError, fail } from './errors.js';

/** Both elements of a key that is an array of two, or nothing. */
export type PairArguments = [] | [first: unknown, second: unknown];

/**
 * What the addon exports. All maps of a thread call the same functions, with the slot of their store first: so V8 sees
 * one call target however many maps there are. Slot 0 is never open: on it, as on any closed slot, everything but
 * `close` throws. All functions validate the key first; one that is an array is read by them, which runs getters that
 * take the place of elements; but an array of two elements may have these, already read, as `pair` behind all other
 * arguments. A value that was stored encoded comes back as an `ArrayBuffer`,
 * and no other value is an object.
 */
export interface Addon {
  /**
   * Once per environment, before anything else. `fail` builds and throws the error; `collect` is `(...items) => items`.
   */
  setup(hooks: { fail(code: string, message: string): never; collect(...items: unknown[]): unknown[] }): void;
  readonly limits: {
    readonly keyBytesMax: number;
    readonly keyPartsMax: number;
    readonly valueBytesMax: number;
    readonly shardsMax: number;
  };
  /** A new store, or with a name the process's store of that name; `shards` 0 is the default. */
  create(name: string | undefined, shards: number): NativeStore;
  /** The open store with this id, or undefined where there is none. */
  attach(id: string): NativeStore | undefined;
  /** The value of `key`, or undefined. */
  get(slot: number, key: unknown, ...pair: PairArguments): unknown;
  /** The same; tells in `control` what a value that was found is known to be current by. */
  getVersioned(slot: number, key: unknown): unknown;
  /** The value of `key`, or `absent`. */
  find(slot: number, key: unknown, absent: unknown): unknown;
  has(slot: number, key: unknown, ...pair: PairArguments): boolean;
  /** `value` is a primitive, but no symbol. */
  set(slot: number, key: unknown, value: unknown, ...pair: PairArguments): void;
  setEncoded(slot: number, key: unknown, bytes: Uint8Array): void;
  delete(slot: number, key: unknown, ...pair: PairArguments): boolean;
  clear(slot: number): void;
  size(slot: number): number;
  /** In one atomic step: returns the value that was there, or inserts and returns `absent`. */
  insert(slot: number, key: unknown, value: unknown, absent: unknown, ...pair: PairArguments): unknown;
  insertEncoded(slot: number, key: unknown, bytes: Uint8Array, absent: unknown): unknown;
  /**
   * `[sequence, key, value, …]` of about `count` entries with a sequence above `after`, in insertion order; fewer where
   * they are large, and `[]` at the end only.
   */
  page(slot: number, after: number, count: number): unknown[];
  /** The value of `key` if that is still the entry with `sequence`, else `absent`. */
  recheck(slot: number, key: unknown, sequence: number, absent: unknown): unknown;
  stats(slot: number): NativeStats;
  /** Idempotent. The slot's number may be another store's afterwards. */
  close(slot: number): void;
}

/**
 * One handle on a store: each `ShardMap` has its own, and must keep this object, whose garbage collection closes it.
 */
export interface NativeStore {
  readonly slot: number;
  /** 32 lower-case hexadecimal digits, random. */
  readonly id: string;
  readonly name: string | undefined;
  readonly shards: number;
  /**
   * `[0]` counts this environment's own mutations of the store. The value that `getVersioned` found last is current for
   * as long as `versions[control[2]] === control[1]`.
   */
  readonly control: { readonly [index: number]: number };
  /**
   * Memory of the store that other threads write: empty where the engine refuses such arrays, and once the store is
   * closed.
   */
  readonly versions: { readonly [index: number]: number };
}

/** Figures of one store; bytes are those reserved from the system unless said. */
export interface NativeStats {
  readonly entries: number;
  readonly shards: number;
  readonly bytesTotal: number;
  readonly bytesEntries: number;
  readonly bytesIndex: number;
  readonly bytesBlobs: number;
  readonly bytesShards: number;
  readonly bytesFree: number;
  readonly bytesRetired: number;
}

/** What the addon returns in place of a value where there is none: no stored value is a symbol. */
export const ABSENT: unique symbol = Symbol('absent');

function load(): Addon {
  const packageRoot = fileURLToPath(new URL('..', import.meta.url));
  try {
    const loadBinary = createRequire(import.meta.url)('node-gyp-build') as (root: string) => Addon;
    const addon = loadBinary(packageRoot);
    addon.setup({ fail, collect: (...items) => items });
    return addon;
  } catch (cause) {
    const target = `${process.platform}-${process.arch}, Node ${process.version}`;
    const message = `no native binary of shardmap could be loaded from ${packageRoot} (${target})`;
    throw createError('ERR_SHARDMAP_ADDON_UNAVAILABLE', message, cause);
  }
}

export const addon = load();

/**
 * What takes the place of a map's store when it is closed. Its counter equals nothing: nothing is shown without asking
 * the addon, which throws.
 */
export const CLOSED_STORE: NativeStore = Object.freeze({
  slot: 0,
  id: '',
  name: undefined,
  shards: 0,
  control: Object.freeze([Number.NaN]),
  versions: Object.freeze([]),
});
