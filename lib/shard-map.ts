/** The class: the contract of ECMAScript's `Map`, over a store that all threads of the process share. */

import type { InspectOptions, inspect } from 'node:util';
import { add, deleteIfEqual, insertOnce, KEEP, replace, setIfEqual, updateEntry } from './atomics.js';
import { deleteAll, getAll, hasAll, setAll } from './batch.js';
import { Codec } from './codec.js';
import { Computation, noteClear, noteDelete, noteEach, notePut } from './computation.js';
import { hasNewsSubscribers, isTimed, time, timePromise } from './diagnostics.js';
import { asyncDispose, dispose } from './dispose.js';
import {
  backUp,
  compact,
  Flushes,
  ignore,
  keepUntilExit,
  leave,
  openDirectory,
  resolveOpenOptions,
  type ShardMapOpenOptions,
} from './durability.js';
import { addEntries, isObject } from './entries.js';
import { ShardMapEntry } from './entry.js';
import { createArgumentError, createClosedError, createError, createReceiverError } from './errors.js';
import { type ErrorListener, type ExpireListener, type ListenOptions, MapEvents } from './events.js';
import { groupInto } from './groups.js';
import { createHandle, readHandle, type ShardMapHandle } from './handle.js';
import { inspectEntries } from './inspection.js';
import { Cursor, createIterator, type IterationKind } from './iterator.js';
import { canonicalizeKey, isPair, type Key, type Pair, readKeyOnce } from './key.js';
import {
  keeping,
  type Lifetime,
  type LifetimeOptions,
  millisecondsUntil,
  readLifetime,
  resolveMoment,
} from './lifetime.js';
import { ABSENT, addon, CLOSED_STORE, type NativeStore } from './native.js';
import { CLOSED_NEAR_CACHE, NearCache } from './near-cache.js';
import {
  Attachment,
  openStore,
  resolveOwnOptions,
  resolveTtl,
  type ShardMapOptions,
  type ShardMapWriterOptions,
  type StoreAccess,
} from './options.js';
import { reshard } from './shards.js';
import { createStats, readStatsOptions, type ShardMapStats, type StatsOptions } from './stats.js';
import { type GatherOptions, gather, getInto, type VectorArray } from './vectors.js';
import { closeWriters, ShardMapWriter, WriterTarget } from './writer.js';

const {
  find,
  get,
  has,
  insert,
  insertEncoded,
  set,
  setEncoded,
  take,
  clear,
  close,
  expire,
  flushSync,
  logStats,
  stats,
  timeLeft,
} = addon;
// What these are called is taken, by the language and by variables.
const { delete: remove, size: count, touch: renew } = addon;
/** What `expire` returns. */
const NO_ENTRY = 0;
const HAD_DEADLINE = 2;
const { defineProperty, setPrototypeOf } = Object;
const FOREVER = Number.POSITIVE_INFINITY;
const { apply } = Reflect;

const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** The store of `receiver`; throws where that is no ShardMap. Defined where the private field is in sight. */
export let storeOf: (receiver: unknown, method: string) => NativeStore;
/** The codec of one that is known to be a ShardMap. */
export let codecOf: (map: unknown) => Codec;

/**
 * A `Map` that all threads of a Node process share: entries live outside of V8's heap, and no thread's copy is made of
 * them but for the values that it reads.
 *
 * In one thread it behaves as a `Map` does, to the letter of ECMAScript. Between threads each operation on one key is
 * one atomic step: once it returned, every thread sees its effect. Iteration is weakly consistent under other threads'
 * writes: an entry that is present throughout is visited once. Reads wait for no other thread; writes for its work on a
 * single shard, and those of a key that it is updating in vain for a moment more: see {@link ShardMap.update}.
 *
 * Keys are primitives but symbols, `Uint8Array`s by content, and arrays of primitives part by part: see {@link Key}.
 * Values are copies: whatever `structuredClone` can copy, but for memory that threads share. Any operation throws
 * `ERR_SHARDMAP_CLOSED` after `close()`, `ERR_SHARDMAP_INVALID_RECEIVER` on anything that is no ShardMap, and
 * `ERR_SHARDMAP_INVALID_KEY` or `ERR_SHARDMAP_KEY_TOO_LONG` for a key that cannot be stored.
 *
 * @example
 * const map = new ShardMap<string, number>([['answer', 42]]);
 * new Worker('./worker.js', { workerData: map.handle }); // there: ShardMap.from(workerData).get('answer') === 42
 */
export class ShardMap<K extends Key = string, V = unknown> implements Map<K, V> {
  /** `'Map'`, as a Map has it. */
  declare readonly [Symbol.toStringTag]: string;

  #native: NativeStore;
  #near: NearCache;
  readonly #codec: Codec;
  readonly #slowMs: number;
  #computation: Computation | undefined;
  #events: MapEvents | undefined;
  readonly #flushes = new Flushes();
  readonly #slotOf = (): number => this.#native.slot;

  static {
    storeOf = (receiver, method) => {
      if (typeof receiver === 'object' && receiver !== null && #native in receiver) return receiver.#native;
      throw createReceiverError(method, 'ShardMap', receiver);
    };
    codecOf = (map) => (map as ShardMap).#codec;
    // As a Map's, and as every subclass of Map has it: libraries (lodash's isEmpty, size, isMap) tell a Map by it.
    defineProperty(ShardMap.prototype, Symbol.toStringTag, { value: 'Map', configurable: true });
  }

  /**
   * A map over a new store, or with `options.name` over the process's store of that name.
   *
   * @param entries - Added in order by the map's own `set`, one by one: other threads may see some of them before
   *   others. Give the type arguments with them: TypeScript takes a literal key for the only one there will be.
   * @param options - See {@link ShardMapOptions}. Unknown options are refused.
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT, ERR_SHARDMAP_OUT_OF_RANGE for bad options; ERR_SHARDMAP_OPTIONS_CONFLICT
   *   where a store of that name is open with other options; ERR_SHARDMAP_OUT_OF_MEMORY.
   * @example
   * const sessions = new ShardMap<string, number>(null, { name: 'sessions', shards: 256 });
   */
  constructor(
    entries: Iterable<readonly [K, V]> | null | undefined = undefined,
    options: ShardMapOptions | undefined = undefined,
  ) {
    const { native, own } = openStore(options);
    this.#native = native;
    this.#codec = new Codec(native, own);
    this.#slowMs = own.slowMs;
    this.#near = new NearCache(native, this.#codec);
    keepUntilExit(native);
    this.#observe();
    if (new.target !== ShardMap && !isObject(new.target.prototype)) setPrototypeOf(this, ShardMap.prototype);
    if (entries === undefined || entries === null) return;
    try {
      addEntries(this, entries);
    } catch (error) {
      // Nobody gets the map; one without a name is left to garbage collection, as a `Map` is.
      if (native.name !== undefined) this.#closeStore();
      throw error;
    }
  }

  /**
   * Attaches to the open store that a handle names, in any thread of the process.
   *
   * @param handle - A map's `handle`, as it is or as it arrives by `workerData`, `postMessage` or `structuredClone`.
   * @param options - The codec, where the map has one, and how to compress: each thread brings its own.
   * @throws ERR_SHARDMAP_INVALID_HANDLE for anything else; ERR_SHARDMAP_CLOSED where no thread has the store open any
   *   more; ERR_SHARDMAP_INVALID_ARGUMENT for bad options.
   * @example
   * const map = ShardMap.from<string, number>(workerData.map);
   */
  static from<K extends Key = string, V = unknown>(
    handle: ShardMapHandle,
    options: Pick<ShardMapOptions, 'codec' | 'compress' | 'slowMs'> | undefined = undefined,
  ): ShardMap<K, V> {
    const id = readHandle(handle);
    const own = resolveOwnOptions(options);
    const native = addon.attach(id);
    if (native === undefined)
      throw createClosedError(`the store ${id} is not open: each of its maps was closed, or its threads ended`);
    // biome-ignore lint/complexity/noThisInStatic: a subclass makes maps of its own kind
    return ShardMap.#take<K, V>(this, { native, own });
  }

  /**
   * A map over the store that is kept in a directory: what was in it is there again, but for what has expired, and in its
   * order, but for entries that two threads inserted at the same time; what is written from now on is logged. Maps of all
   * threads that open the same directory share one store.
   *
   * What a crash may lose `options.fsync` says; what is left is always a prefix of what was done. Other threads see a change
   * before it is on the medium: await `flush()` where that matters.
   *
   * @throws (the promise rejects) ERR_SHARDMAP_INVALID_ARGUMENT, ERR_SHARDMAP_OUT_OF_RANGE for bad options;
   *   ERR_SHARDMAP_OPTIONS_CONFLICT where it is open with others; ERR_SHARDMAP_IN_USE where another process has it open;
   *   ERR_SHARDMAP_IO, ERR_SHARDMAP_DISK_FULL, ERR_SHARDMAP_CORRUPT, ERR_SHARDMAP_NEWER_FORMAT.
   * @example
   * const sessions = await ShardMap.open<string, Session>({ dir: './sessions', fsync: 'interval' });
   */
  static async open<K extends Key = string, V = unknown>(options: ShardMapOpenOptions): Promise<ShardMap<K, V>> {
    const resolved = resolveOpenOptions(options);
    const { dir, own } = resolved;
    const timed = { map: undefined, dir, operation: 'open', thresholdMs: own.slowMs };
    const native = await timePromise(timed, () => openDirectory(resolved));
    // biome-ignore lint/complexity/noThisInStatic: a subclass makes maps of its own kind
    return ShardMap.#take<K, V>(this, { native, own: resolved.own });
  }

  /** A map of the class over a store that is open already; closes it where the class does not take it. */
  static #take<K extends Key, V>(species: unknown, access: StoreAccess): ShardMap<K, V> {
    const attachment = new Attachment(access);
    try {
      const MapClass = (typeof species === 'function' ? species : ShardMap) as typeof ShardMap;
      const map = new MapClass<K, V>(undefined, attachment as ShardMapOptions);
      if (attachment.isTaken) return map;
    } finally {
      if (!attachment.isTaken) close(access.native.slot);
    }
    const message = 'the constructor of a subclass must hand its second argument on to ShardMap';
    throw createError('ERR_SHARDMAP_INVALID_ARGUMENT', message);
  }

  /**
   * Groups items into a new map of arrays, as `Map.groupBy` does: `callback(item, index)` names each item's group. The
   * arrays are copies.
   *
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT where `callback` is no function; `DataCloneError` for an item that cannot be
   *   copied.
   * @example
   * ShardMap.groupBy([1, 2, 3], (n) => (n % 2 ? 'odd' : 'even')).get('odd'); // [1, 3]
   */
  static groupBy<K extends Key, T>(items: Iterable<T>, callback: (item: T, index: number) => K): ShardMap<K, T[]> {
    const map = new ShardMap<K, T[]>();
    groupInto(map.#native.slot, map.#codec, items, callback);
    return map;
  }

  /** The class itself, as `Map` has it. */
  static get [Symbol.species](): typeof ShardMap {
    // biome-ignore lint/complexity/noThisInStatic: a subclass is its own species
    return this;
  }

  /**
   * What another thread attaches to this store with, by {@link ShardMap.from}: frozen, small, survives
   * `structuredClone`. It keeps nothing open: hold on to this map until the other thread has attached.
   *
   * @example
   * const worker = new Worker('./worker.js', { workerData: map.handle });
   */
  get handle(): ShardMapHandle {
    return createHandle(openStoreOf(this, 'handle'));
  }

  /** The name the store was made with, if any. */
  get name(): string | undefined {
    return openStoreOf(this, 'name').name;
  }

  /**
   * Entries in the store, counted over all shards: exact while no other thread writes. Takes no lock. An entry that expired
   * this moment may be counted still.
   */
  get size(): number {
    return count(storeOf(this, 'size').slot);
  }

  /**
   * The value of `key`, or undefined. An object is a fresh copy each time.
   *
   * @example
   * map.get('answer');
   */
  get(key: K): V | undefined {
    const { slot } = storeOf(this, 'get');
    if (typeof key === 'object') return this.#codec.decodeStored(getByObject(this, key)) as V | undefined;
    return this.#near.get(slot, key) as V | undefined;
  }

  /**
   * Whether there is an entry with `key`.
   *
   * @example
   * if (!map.has('answer')) map.set('answer', 42);
   */
  has(key: K): boolean {
    const { slot } = storeOf(this, 'has');
    if (typeof key === 'object') return hasByObject(this, key);
    return this.#near.has(key) || has(slot, key);
  }

  /**
   * Sets the value of `key`; an entry that exists keeps its place. Atomic. On any error the store is unchanged.
   *
   * @param options - How long the entry lives: see {@link LifetimeOptions}. Without them, also where there was an entry
   *   that had a deadline, as long as the map's `ttl` says, or for ever.
   * @throws `DataCloneError` for a value that `structuredClone` refuses; ERR_SHARDMAP_VALUE_TOO_LONG;
   *   ERR_SHARDMAP_OUT_OF_MEMORY; ERR_SHARDMAP_INVALID_ARGUMENT, ERR_SHARDMAP_OUT_OF_RANGE for bad options.
   * @example
   * map.set('a', 1).set('b', { nested: ['values', 2n] });
   * map.set('session', token, { ttl: 30 * 60_000 });
   */
  set(key: K, value: V, options: LifetimeOptions | undefined = undefined): this {
    const { slot } = storeOf(this, 'set');
    if (isTimed()) return this.#time('set', [key, value, options]) as this;
    if (typeof key === 'object' || this.#computation !== undefined) this.#setOther(key, value, readLifetime(options));
    else if (!this.#codec.passes(value)) this.#setEncoded(key, value, readLifetime(options));
    else if (options === undefined) set(slot, key, value);
    else this.#setPrimitive(key, value, readLifetime(options));
    return this;
  }

  #setOther(key: K, value: V, lifetime: Lifetime | undefined): void {
    const own = this.#ownKey(key);
    if (!this.#codec.passes(value)) {
      this.#setEncoded(own, value, lifetime);
    } else if (isPair(own)) {
      setPair(this, own, value, lifetime);
    } else {
      this.#setPrimitive(own, value, lifetime);
    }
    if (this.#computation !== undefined) notePut(this.#computation, own);
  }

  #setPrimitive(key: K, value: V, lifetime: Lifetime | undefined): void {
    const { slot } = this.#native;
    lifetime?.begin();
    set(slot, key, value);
  }

  /**
   * Deletes the entry with `key`; false where there was none. Atomic.
   *
   * @example
   * map.delete('answer'); // true for one thread only, however many try
   */
  delete(key: K): boolean {
    storeOf(this, 'delete');
    if (isTimed()) return this.#time('delete', [key]) as boolean;
    const own = this.#ownKey(key);
    const isDeleted = isPair(own) ? removePair(this, own) : remove(this.#native.slot, own);
    if (this.#computation !== undefined) noteDelete(this.#computation, own);
    return isDeleted;
  }

  /** A key that is noted for a computation is read twice. */
  #ownKey(key: K): K {
    return this.#computation === undefined ? key : readKeyOnce(key);
  }

  /**
   * Deletes all entries. Atomic to whatever writes: entries set before it, by any thread, are gone, and those set after it
   * stay. Other threads' reads do not wait for it, and for some microseconds may find one entry gone and another still
   * there.
   *
   * @throws ERR_SHARDMAP_OUT_OF_MEMORY; then nothing is deleted.
   *
   * @example
   * map.clear();
   * map.size; // 0
   */
  clear(): void {
    const { slot } = storeOf(this, 'clear');
    if (isTimed()) return void this.#time('clear', []);
    clear(slot);
    noteClear(this.#computation);
  }

  /**
   * The value of `key`; where there is none, `value`, which is then set. Atomic: of many threads, one inserts and all
   * get its value.
   *
   * @param options - How long the entry lives that is inserted; one that is there stays as it is.
   * @throws As {@link ShardMap.set}.
   * @example
   * const owner = map.getOrInsert('lock', threadId, { ttl: 5000 });
   */
  getOrInsert(key: K, value: V, options: LifetimeOptions | undefined = undefined): V {
    storeOf(this, 'getOrInsert');
    if (isTimed()) return this.#time('getOrInsert', [key, value, options]) as V;
    const lifetime = readLifetime(options);
    const own = this.#ownKey(key);
    const found = this.#codec.passes(value)
      ? insertPrimitive(this, own, value, lifetime)
      : insertOnce(this.#slotOf, this.#codec, own, value, lifetime);
    if (found !== ABSENT) return this.#codec.decodeStored(found) as V;
    if (this.#computation !== undefined) notePut(this.#computation, own);
    return value;
  }

  /**
   * The value of `key`; where there is none, that of `callback(key)`, which is then set. The callback runs under no
   * lock and may use the map. If it sets `key` itself, its result overwrites that. If another thread sets `key`
   * meanwhile, that thread's value stays and is returned.
   *
   * @param options - How long the entry lives that is inserted, from then on.
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT where `callback` is no function; what `callback` throws; as {@link
   *   ShardMap.set}.
   * @example
   * const page = map.getOrInsertComputed(url, (url) => render(url));
   */
  getOrInsertComputed(key: K, callback: (key: K) => V, options: LifetimeOptions | undefined = undefined): V {
    storeOf(this, 'getOrInsertComputed');
    if (isTimed()) return this.#time('getOrInsertComputed', [key, callback, options]) as V;
    if (typeof callback !== 'function') throw createArgumentError('callback', 'a function', callback);
    const lifetime = readLifetime(options);
    const own = readKeyOnce(key);
    const found = find(this.#native.slot, own, ABSENT);
    if (found !== ABSENT) return this.#codec.decodeStored(found) as V;
    const computation = new Computation(own, this.#computation);
    this.#computation = computation;
    try {
      return this.#compute(computation, callback, lifetime);
    } finally {
      this.#computation = computation.outer;
    }
  }

  /**
   * Adds `by` to the value of `key`, and returns the sum; a key that is not there counts as 0. Atomic: however many threads
   * increment, each addition is counted.
   *
   * @param by - A number, fractions and negative ones too, or a bigint where the value is one. Default: 1.
   * @param options - How long the entry lives: see {@link LifetimeOptions}. Without `ttl` and `expiresAt` an entry that is
   *   there keeps the deadline that it has. With `keepTtl` as well, they are for the first increment alone: a count per
   *   window of time.
   * @throws ERR_SHARDMAP_VALUE_TYPE where the value is not of the type of `by`; ERR_SHARDMAP_OUT_OF_RANGE where the sum
   *   would be NaN, or beyond `Number.MAX_SAFE_INTEGER` either way, from where integers are exact no more, or a bigint of
   *   more than 512 bits; ERR_SHARDMAP_INVALID_ARGUMENT for a `by` that is neither. Nothing is changed then.
   * @example
   * const visits = map.increment('visits');
   * if (map.increment(user, 1, { ttl: 60_000, keepTtl: true }) > 100) refuse(user); // of one minute
   */
  increment(key: K, by?: number, options?: LifetimeOptions): number;
  increment(key: K, by: bigint, options?: LifetimeOptions): bigint;
  increment(key: K, by: number | bigint = 1, options: LifetimeOptions | undefined = undefined): number | bigint {
    storeOf(this, 'increment');
    if (isTimed()) return this.#time('increment', [key, by, options]) as number | bigint;
    const lifetime = readLifetime(options);
    const own = this.#ownKey(key);
    const sum = add(this.#native.slot, own, by, lifetime);
    if (this.#computation !== undefined) notePut(this.#computation, own);
    return sum;
  }

  /**
   * Sets the value of `key`, and returns the one that was there, or undefined. Atomic: no other write comes in between.
   *
   * @param options - How long the entry lives, as for {@link ShardMap.set}.
   * @throws As {@link ShardMap.set}.
   * @example
   * const drained = map.getAndSet('queue', []);
   */
  getAndSet(key: K, value: V, options: LifetimeOptions | undefined = undefined): V | undefined {
    storeOf(this, 'getAndSet');
    if (isTimed()) return this.#time('getAndSet', [key, value, options]) as V | undefined;
    const lifetime = readLifetime(options);
    const own = this.#ownKey(key);
    const previous = this.#codec.decodeStored(replace(this.#slotOf, this.#codec, own, value, undefined, lifetime));
    if (this.#computation !== undefined) notePut(this.#computation, own);
    return previous as V | undefined;
  }

  /**
   * Deletes the entry with `key`, and returns its value, or undefined. Atomic: of many threads, one gets it.
   *
   * @example
   * const job = map.getAndDelete('job 1');
   */
  getAndDelete(key: K): V | undefined {
    storeOf(this, 'getAndDelete');
    if (isTimed()) return this.#time('getAndDelete', [key]) as V | undefined;
    const own = this.#ownKey(key);
    const previous = this.#codec.decodeStored(take(this.#native.slot, own, undefined));
    if (this.#computation !== undefined) noteDelete(this.#computation, own);
    return previous as V | undefined;
  }

  /**
   * Sets the value of `key` if the one that is there is `expected`, and returns whether it was. Atomic.
   *
   * @param expected - Undefined means no entry, or a value that is undefined. Primitives are compared by SameValueZero;
   *   typed arrays, and what a user's codec encodes, by their bytes; other objects by content, as
   *   `util.isDeepStrictEqual` compares copies of them.
   * @param options - How long the entry lives, as for {@link ShardMap.set}.
   * @throws As {@link ShardMap.set}, for `expected` too.
   * @example
   * if (map.compareAndSet('leader', undefined, threadId)) lead();
   */
  compareAndSet(key: K, expected: V | undefined, value: V, options: LifetimeOptions | undefined = undefined): boolean {
    storeOf(this, 'compareAndSet');
    if (isTimed()) return this.#time('compareAndSet', [key, expected, value, options]) as boolean;
    const lifetime = readLifetime(options);
    const own = this.#ownKey(key);
    const isSet = setIfEqual(this.#slotOf, this.#codec, own, expected, true, value, lifetime);
    if (isSet && this.#computation !== undefined) notePut(this.#computation, own);
    return isSet;
  }

  /**
   * Deletes the entry with `key` if its value is `expected`, and returns whether it was. Atomic. Compares as {@link
   * ShardMap.compareAndSet}; where there is no entry, nothing is deleted.
   *
   * @throws `DataCloneError` for an `expected` that cannot be a value.
   * @example
   * map.compareAndDelete('leader', threadId); // steps down, if this thread leads
   */
  compareAndDelete(key: K, expected: V | undefined): boolean {
    storeOf(this, 'compareAndDelete');
    if (isTimed()) return this.#time('compareAndDelete', [key, expected]) as boolean;
    const own = this.#ownKey(key);
    const isDeleted = deleteIfEqual(this.#slotOf, this.#codec, own, expected);
    if (isDeleted && this.#computation !== undefined) noteDelete(this.#computation, own);
    return isDeleted;
  }

  /**
   * Replaces the value of `key` by what `callback(current, key)` returns, and returns that. `current` is undefined where
   * there is no entry; to return undefined deletes it. Atomic: it is set only if no thread has changed the entry since
   * `current` was read; else the callback runs again, with what is there then.
   *
   * The callback runs under no lock, and may use the map, take its time, or throw: then nothing is changed. Where other
   * threads write the key all the time, they wait for it after some attempts, at first for 1 ms, at last for 128 ms: so a
   * callback that takes no longer than that gets through. `clear` does not wait.
   *
   * @param options - How long the entry lives: see {@link LifetimeOptions}. Without `ttl` and `expiresAt` an entry that is
   *   there keeps the deadline that it has.
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT where `callback` is no function, returns a promise, or sets `key` itself each
   *   time; what `callback` throws; as {@link ShardMap.set}.
   * @example
   * map.update('cart', (items = []) => [...items, 'book']);
   */
  update(
    key: K,
    callback: (current: V | undefined, key: K) => V | undefined,
    options: LifetimeOptions | undefined = undefined,
  ): V | undefined {
    storeOf(this, 'update');
    if (isTimed()) return this.#time('update', [key, callback, options]) as V | undefined;
    if (typeof callback !== 'function') throw createArgumentError('callback', 'a function', callback);
    const lifetime = readLifetime(options);
    const own = canonicalizeKey(key);
    const decide = (current: unknown): unknown => {
      const value = callback(current === ABSENT ? undefined : (current as V), canonicalizeKey(own) as K);
      return value === undefined ? ABSENT : value;
    };
    const next = this.#update(own, decide, lifetime);
    return next === ABSENT ? undefined : (next as V);
  }

  /**
   * The entry of `key`, to be looked at and changed step by step. See {@link ShardMapEntry}.
   *
   * @example
   * map.entry('visits').andModify((n) => n + 1).orInsert(1);
   */
  entry(key: K): ShardMapEntry<K, V> {
    openStoreOf(this, 'entry');
    const own = canonicalizeKey(key) as K;
    return new ShardMapEntry<K, V>(canonicalizeKey(own) as K, {
      get: () => apply(ShardMap.prototype.get, this, [own]) as V | undefined,
      getAndDelete: () => apply(ShardMap.prototype.getAndDelete, this, [own]) as V | undefined,
      getOrInsert: (value, options) => apply(ShardMap.prototype.getOrInsert, this, [own, value, options]) as V,
      getOrInsertComputed: (callback, options) =>
        apply(ShardMap.prototype.getOrInsertComputed, this, [own, callback, options]) as V,
      update: (decide, options) => this.#update(own, decide, keeping(readLifetime(options))),
    });
  }

  #update(key: unknown, decide: (current: unknown) => unknown, lifetime: Lifetime | undefined): unknown {
    const computation = new Computation(key, this.#computation);
    this.#computation = computation;
    let next: unknown;
    try {
      next = updateEntry(this.#slotOf, this.#codec, computation, decide, lifetime);
    } finally {
      this.#computation = computation.outer;
    }
    if (next === ABSENT) noteDelete(computation.outer, key);
    else if (next !== KEEP) notePut(computation.outer, key);
    return next;
  }

  /** Encoding runs code of the user's, which may close the map: its store is looked up afterwards. */
  #setEncoded(key: unknown, value: unknown, lifetime: Lifetime | undefined): void {
    const encoded = this.#codec.encode(value);
    const { slot } = this.#native;
    lifetime?.begin();
    if (encoded === undefined) set(slot, key, value);
    else setEncoded(slot, key, encoded.kind, encoded.view, encoded.start, encoded.end);
  }

  #compute(computation: Computation, callback: (key: K) => V, lifetime: Lifetime | undefined): V {
    const key = computation.key as K;
    const value = callback(canonicalizeKey(key) as K);
    const encoded = this.#codec.encode(value);
    const { slot } = this.#native;
    lifetime?.begin();
    if (computation.isOwnEntry) {
      if (encoded === undefined) set(slot, key, value);
      else setEncoded(slot, key, encoded.kind, encoded.view, encoded.start, encoded.end);
    } else {
      const found =
        encoded === undefined
          ? insert(slot, key, value, ABSENT)
          : insertEncoded(slot, key, encoded.kind, encoded.view, encoded.start, encoded.end, ABSENT);
      if (found !== ABSENT) return this.#codec.decodeStored(found) as V;
    }
    notePut(computation.outer, key);
    return value;
  }

  /**
   * The values of many keys, in their order, undefined where there is none. Each is read by itself, as `get` reads it, but
   * in one call for 256 keys, which overlaps what they wait for: cheaper by far than as many gets of keys at random.
   *
   * @param keys - An array, or any iterable but a string.
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT where `keys` is none; ERR_SHARDMAP_INVALID_KEY, ERR_SHARDMAP_KEY_TOO_LONG with
   *   the place of the key.
   * @example
   * const [a, b] = map.getMany(['a', 'b']);
   */
  getMany(keys: Iterable<K>): (V | undefined)[] {
    storeOf(this, 'getMany');
    if (isTimed()) return this.#time('getMany', [keys]) as (V | undefined)[];
    return getAll(this.#slotOf, this.#codec, keys) as (V | undefined)[];
  }

  /**
   * Whether there is an entry, for each of many keys, in their order. As {@link ShardMap.getMany}.
   *
   * @example
   * map.hasMany(['a', 'b']); // [true, false]
   */
  hasMany(keys: Iterable<K>): boolean[] {
    storeOf(this, 'hasMany');
    if (isTimed()) return this.#time('hasMany', [keys]) as boolean[];
    return hasAll(this.#slotOf, keys);
  }

  /**
   * Sets many entries, as if by `set` one after the other: of two with one key the later wins. All are read and encoded
   * first; where one cannot be stored, nothing is set. Each entry is set atomically, the batch as a whole is not: other
   * threads may see some of it before the rest.
   *
   * @param entries - `[key, value]` pairs: an array, a `Map`, or any iterable of them.
   * @param options - How long each of the entries lives, as for {@link ShardMap.set}.
   * @throws As {@link ShardMap.set}; of a key or a value with the place of its entry. After ERR_SHARDMAP_OUT_OF_MEMORY entries from
   *   the first on may have been set.
   * @example
   * map.setMany([['a', 1], ['b', 2]]);
   */
  setMany(entries: Iterable<readonly [K, V]>, options: LifetimeOptions | undefined = undefined): this {
    storeOf(this, 'setMany');
    if (isTimed()) return this.#time('setMany', [entries, options]) as this;
    const lifetime = readLifetime(options);
    const noted: unknown[] | undefined = this.#computation === undefined ? undefined : [];
    setAll(this.#slotOf, this.#codec, entries, lifetime, noted);
    if (noted !== undefined) noteEach(notePut, this.#computation, noted);
    return this;
  }

  /**
   * Deletes many keys; returns how many of them there were. All are read first; where one is no key, nothing is deleted.
   * Each is deleted atomically, the batch as a whole is not.
   *
   * @throws As {@link ShardMap.getMany}.
   * @example
   * map.deleteMany(['a', 'b']); // 2
   */
  deleteMany(keys: Iterable<K>): number {
    storeOf(this, 'deleteMany');
    if (isTimed()) return this.#time('deleteMany', [keys]) as number;
    const noted: unknown[] | undefined = this.#computation === undefined ? undefined : [];
    const count = deleteAll(this.#slotOf, keys, noted);
    if (noted !== undefined) noteEach(noteDelete, this.#computation, noted);
    return count;
  }

  /**
   * Copies the elements of a stored typed array into `out`, without an object in between. Atomic: all of one value.
   *
   * @param out - A typed array of the class that was stored (a `Buffer` counts as `Uint8Array`), not over shared memory.
   * @param offset - The element of `out` to begin at. Default: 0.
   * @returns How many elements were copied; -1 where there is no entry.
   * @throws ERR_SHARDMAP_VALUE_TYPE where the value is no typed array, compressed, or of another class; ERR_SHARDMAP_OUT_OF_RANGE
   *   where `out` is too short, or `offset` outside of it; ERR_SHARDMAP_INVALID_ARGUMENT for an `out` that cannot be
   *   written to. `out` is then as it was.
   * @example
   * const row = new Float32Array(128);
   * if (map.getInto('user 1', row) < 0) row.fill(0);
   */
  getInto(key: K, out: VectorArray, offset = 0): number {
    storeOf(this, 'getInto');
    const own = readKeyOnce(key);
    return getInto(this.#slotOf, own, out, offset);
  }

  /**
   * Copies stored typed arrays into the rows of one matrix: the value of `keys[i]` becomes row `i` of `out`, which has as
   * many rows as there are keys. In one call for 256 keys, which overlaps what they wait for. Each row is read atomically,
   * the batch as a whole is not.
   *
   * @param keys - An array, or any iterable but a string.
   * @param out - As for {@link ShardMap.getInto}; its length is a multiple of the number of keys.
   * @param options - What the rows of missing keys are filled with.
   * @returns A mask: 1 for each key that was found, else 0.
   * @throws As {@link ShardMap.getInto}, with the key whose value does not fit: rows of at most 256 keys before it may have
   *   been written then, if there are more than so many. As {@link ShardMap.getMany} for `keys`.
   * @example
   * const matrix = new Float32Array(2 * 128);
   * const found = map.gather(['user 1', 'user 2'], matrix, { missing: NaN });
   */
  gather(keys: Iterable<K>, out: VectorArray, options: GatherOptions | undefined = undefined): Uint8Array {
    storeOf(this, 'gather');
    if (isTimed()) return this.#time('gather', [keys, out, options]) as Uint8Array;
    return gather(this.#slotOf, keys, out, options);
  }

  /**
   * A writer of this map, for a thread that sets one entry after the other: it collects them and sets many at once. See
   * {@link ShardMapWriter}.
   *
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT, ERR_SHARDMAP_OUT_OF_RANGE for bad options.
   * @example
   * const writer = map.writer({ maxEntries: 200, maxDelay: 5 });
   */
  writer(options: ShardMapWriterOptions | undefined = undefined): ShardMapWriter<K, V> {
    openStoreOf(this, 'writer');
    return new ShardMapWriter<K, V>(new WriterTarget(this, this.#slotOf, this.#codec, this.#slowMs), options);
  }

  /**
   * How many milliseconds the entry with `key` still lives, rounded up: more than 0; Infinity where it never expires,
   * undefined where there is none.
   *
   * @example
   * map.set('a', 1, { ttl: 1000 }).ttl('a'); // 1000, or less where time has passed
   */
  ttl(key: K): number | undefined {
    return timeLeft(storeOf(this, 'ttl').slot, key);
  }

  /**
   * Has the entry with `key` expire in so many milliseconds, or, with Infinity, never; returns whether there is one. Its
   * value stays. Atomic.
   *
   * @param ttl - As {@link LifetimeOptions}' `ttl`.
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT, ERR_SHARDMAP_OUT_OF_RANGE for a bad `ttl`.
   * @example
   * map.expire('session', 5000);
   */
  expire(key: K, ttl: number): boolean {
    storeOf(this, 'expire');
    const left = resolveTtl(ttl, 'ttl');
    return expire(this.#native.slot, key, left) !== NO_ENTRY;
  }

  /**
   * The same at a moment; one that has passed makes the entry expire at once.
   *
   * @param moment - As {@link LifetimeOptions}' `expiresAt`.
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT, ERR_SHARDMAP_OUT_OF_RANGE for a bad `moment`.
   * @example
   * map.expireAt('offer', new Date(2030, 0, 1));
   */
  expireAt(key: K, moment: Date | number): boolean {
    storeOf(this, 'expireAt');
    const at = resolveMoment(moment, 'moment');
    return expire(this.#native.slot, key, millisecondsUntil(at)) !== NO_ENTRY;
  }

  /**
   * Has the entry with `key` stay until it is deleted; returns whether there is one that would have expired. Atomic.
   *
   * @example
   * map.persist('session');
   */
  persist(key: K): boolean {
    return expire(storeOf(this, 'persist').slot, key, FOREVER) === HAD_DEADLINE;
  }

  /**
   * Renews an entry, as a read of its value does, in a map with the option `touch`: if its time to live is the map's own, it
   * begins again. Returns whether there is an entry with `key`, in any map.
   *
   * @example
   * map.touch('session');
   */
  touch(key: K): boolean {
    return renew(storeOf(this, 'touch').slot, key);
  }

  /**
   * Calls `listener(entries, info)` with entries that expired, after they did: `[key, value]` pairs, up to about a thousand
   * in a call. Each listener gets every entry that expires from now on, in whatever thread it was set, once. None comes for an
   * entry that was deleted, set again or given another deadline in time.
   *
   * Listeners are called in turns of this thread's event loop, in the order in which they were added, with one array for
   * all. Entries that wait for a slow one are bounded, and `info.dropped` says how many were too many. What a listener, or
   * the map's codec, throws goes to the listeners for `error`; where there is none, it is an uncaught exception.
   *
   * Listeners for `error` of a map that is kept in a directory are also called when its log has failed
   * (ERR_SHARDMAP_LOG_FAILED: writes are refused from then on, until `compact()`), and with the reason why it could not be
   * made short by itself; where there is none, nobody is told: writes and flushes throw all the same.
   *
   * Listening does not keep the thread alive, unless `options.keepAlive` is true. It keeps the map open, also where nothing
   * refers to it any more, until `off`, `close()` or the end of the thread.
   *
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT for another event, a listener that is no function, or bad options;
   *   ERR_SHARDMAP_OUT_OF_MEMORY.
   * @example
   * map.on('expire', (entries) => {
   *   for (const [token, session] of entries) console.log(`${token} of ${session.user} has expired`);
   * });
   */
  on(event: 'expire', listener: ExpireListener<K, V>, options?: ListenOptions): this;
  on(event: 'error', listener: ErrorListener): this;
  on(event: string, listener: unknown, options: unknown = undefined): this {
    const native = openStoreOf(this, 'on');
    this.#events ??= new MapEvents(this, native, this.#codec);
    this.#events.on(event, listener, options);
    return this;
  }

  /**
   * Removes a listener: from now on it is not called any more. Of one that was added several times, the latest.
   *
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT for another event, or a listener that is no function.
   * @example
   * map.off('expire', listener);
   */
  off(event: 'expire', listener: ExpireListener<K, V>): this;
  off(event: 'error', listener: ErrorListener): this;
  off(event: string, listener: unknown): this {
    const native = openStoreOf(this, 'off');
    this.#events ??= new MapEvents(this, native, this.#codec);
    this.#events.off(event, listener);
    return this;
  }

  /**
   * Calls `callback(value, key, map)` for each entry in insertion order, entries added meanwhile included.
   *
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT where `callback` is no function; what `callback` throws.
   * @example
   * map.forEach((value, key) => console.log(key, value));
   */
  forEach(callback: (value: V, key: K, map: ShardMap<K, V>) => void, thisArg: unknown = undefined): void {
    const native = storeOf(this, 'forEach');
    if (typeof callback !== 'function') throw createArgumentError('callback', 'a function', callback);
    const cursor = new Cursor(native, this.#codec);
    for (let store = native; cursor.advance(store); store = this.#native) {
      apply(callback, thisArg, [cursor.takeValue(), cursor.key, this]);
    }
  }

  /**
   * The keys in insertion order.
   *
   * @example
   * const first = map.keys().next().value;
   */
  keys(): MapIterator<K> {
    return iterate<K>(this, 'keys', 'key');
  }

  /**
   * The values in insertion order of their keys.
   *
   * @example
   * for (const value of map.values()) total += value;
   */
  values(): MapIterator<V> {
    return iterate<V>(this, 'values', 'value');
  }

  /**
   * `[key, value]` pairs in insertion order; what `for…of` over the map visits.
   *
   * @example
   * for (const [key, value] of map) console.log(key, value);
   */
  entries(): MapIterator<[K, V]> {
    return iterate<[K, V]>(this, 'entries', 'entry');
  }

  /** The same function as {@link ShardMap.entries}. */
  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }

  static {
    defineProperty(ShardMap.prototype, Symbol.iterator, {
      value: ShardMap.prototype.entries,
      writable: true,
      configurable: true,
    });
  }

  /**
   * What is in the store, what it takes, and what was done with it, by all threads. Takes each shard's lock for a moment, one
   * after the other: microseconds, and milliseconds with thousands of shards. What is counted costs who counts a store to
   * memory of its own.
   *
   * @param options - Whether each shard's figures are wanted.
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT for bad options.
   * @example
   * map.stats().bytesPerEntry;
   * map.stats({ perShard: true }).skew;
   */
  stats(options: StatsOptions | undefined = undefined): ShardMapStats {
    storeOf(this, 'stats');
    const perShard = readStatsOptions(options);
    const { slot } = storeOf(this, 'stats');
    this.#near.tellHits();
    this.#observe();
    return createStats(stats(slot, perShard), logStats(slot));
  }

  /**
   * Splits the store into more shards while all threads go on, so that more of them can write at once: resolves when there
   * are so many. Shards only become more. What is under way by another call, of whatever thread or map of the store, comes
   * to its end first.
   *
   * Each entry is copied once, by a thread of its own, a few at a time; for a moment at the end nobody writes, as with
   * `clear`. Until then the store takes all but long keys and values twice.
   *
   * @param shards - A power of two, at most 65,536. As many as there are: nothing is done.
   * @throws (the promise rejects) ERR_SHARDMAP_INVALID_ARGUMENT where `shards` is no number; ERR_SHARDMAP_OUT_OF_RANGE where
   *   it is no power of two within the bounds, or there are more by then; ERR_SHARDMAP_OUT_OF_MEMORY; ERR_SHARDMAP_CLOSED
   *   where the last map of the store was closed meanwhile; ERR_SHARDMAP_READONLY. There are as many as before then.
   * @example
   * await map.reshard(1024);
   */
  async reshard(shards: number): Promise<void> {
    await reshard(openStoreOf(this, 'reshard').slot, shards);
  }

  /**
   * Closes this map, and no other map of the same store. The store and its entries are freed with its last map. Closing
   * twice is no error. A map without a name is closed by garbage collection too, and every map when its thread ends.
   *
   * What its writers have pending is set before; where that fails, the error is thrown and the map stays open. Its listeners
   * are not called any more. A map that is kept in a directory flushes as `flushSync` does; where that fails the map is closed,
   * and the error is thrown: what was not on the medium by then may be lost when the store's last map is closed.
   *
   * @example
   * map.close();
   */
  close(): void {
    const { slot, isDurable } = storeOf(this, 'close');
    if (this.#native === CLOSED_STORE) return;
    if (isTimed()) return void this.#time('close', []);
    closeWriters(this);
    try {
      if (isDurable) flushSync(slot);
    } finally {
      this.#closeStore();
    }
  }

  /** The method itself, whatever is in its place by then. */
  #time(operation: TimedMethod, args: unknown[]): unknown {
    return time(this, this.#slowMs, operation, timedMethods[operation], args);
  }

  #timePromise(operation: string, start: () => Promise<void>): Promise<void> {
    return timePromise({ map: this, dir: undefined, operation, thresholdMs: this.#slowMs }, start);
  }

  /** Has what the store's threads tell come to this map, where somebody subscribes to that, or not any more. */
  #observe(): void {
    if (this.#events === undefined && !hasNewsSubscribers()) return;
    this.#events ??= new MapEvents(this, this.#native, this.#codec);
    this.#events.settle();
  }

  #closeStore(): void {
    const { slot } = this.#native;
    leave(this.#native);
    this.#events?.end();
    this.#native = CLOSED_STORE;
    this.#near = CLOSED_NEAR_CACHE;
    this.#codec.close();
    close(slot);
  }

  /**
   * Resolves when all that was written before this call, by any thread, is on the medium; at once where the map is kept in
   * no directory. Flushes that are asked for at the same time share one sync. What a writer has pending is not written
   * yet: flush that first.
   *
   * @throws (the promise rejects) ERR_SHARDMAP_LOG_FAILED, ERR_SHARDMAP_IO where it is not known to be there;
   *   ERR_SHARDMAP_DISK_FULL where there is no room for it, and none of it is lost: try again; ERR_SHARDMAP_CLOSED.
   * @example
   * map.set('order', order);
   * await map.flush(); // survives a loss of power from here on
   */
  async flush(): Promise<void> {
    const { slot, isDurable } = openStoreOf(this, 'flush');
    this.#observe();
    if (isDurable) await this.#timePromise('flush', () => this.#flushes.flush(slot));
  }

  /** The same, and blocks the thread until then: as long as a sync of the medium takes. */
  flushSync(): void {
    const { slot } = openStoreOf(this, 'flushSync');
    if (isTimed()) return void this.#time('flushSync', []);
    this.#observe();
    flushSync(slot);
  }

  /**
   * Replaces the log of a map that is kept in a directory by a snapshot of what is there, while all threads go on: resolves
   * when that is done. It happens by itself when the log has grown by as much as the last snapshot took, and by 64 MiB at
   * least. Resolves at once where the map is kept in no directory.
   *
   * It is the way back of a log that has failed, too: all that is in the map is written to new files, and writes are accepted
   * again.
   *
   * @throws (the promise rejects) as `flush`; the log is then as it was. ERR_SHARDMAP_CLOSED where the store was closed
   *   meanwhile; ERR_SHARDMAP_READONLY.
   */
  async compact(): Promise<void> {
    const { slot } = openStoreOf(this, 'compact');
    this.#observe();
    await this.#timePromise('compact', () => compact(slot));
  }

  /**
   * Copies a map that is kept in a directory to another one, while all threads go on: resolves when `path` is a directory
   * to be opened by {@link ShardMap.open}, with what the map was at one moment after the call. It takes as much room as the
   * map's own files.
   *
   * @param path - A directory, empty or missing; it is made, with what is missing above it.
   * @throws (the promise rejects) ERR_SHARDMAP_INVALID_ARGUMENT where the map is kept in no directory, or there are files in
   *   `path`; ERR_SHARDMAP_IO, ERR_SHARDMAP_DISK_FULL, ERR_SHARDMAP_IN_USE, ERR_SHARDMAP_LOG_FAILED,
   *   ERR_SHARDMAP_READONLY, ERR_SHARDMAP_CLOSED; what was copied is then removed, as far as that goes.
   * @example
   * await map.backup(`./backups/${Date.now()}`);
   */
  async backup(path: string): Promise<void> {
    const native = openStoreOf(this, 'backup');
    this.#observe();
    await this.#timePromise('backup', () => backUp(native, path));
  }

  /** `close()`, for `using map = new ShardMap()`. */
  [dispose](): void {
    storeOf(this, '[Symbol.dispose]');
    this.close();
  }

  /** `close()`, for `await using`; what has to be flushed is flushed before, without blocking the thread. */
  async [asyncDispose](): Promise<void> {
    const { slot, isDurable } = storeOf(this, '[Symbol.asyncDispose]');
    // What goes wrong `close` tells.
    if (isDurable) await this.#flushes.flush(slot).catch(ignore);
    this.close();
  }

  /** @internal What `console.log` shows. */
  [inspectCustom](depth: number, options: InspectOptions, format: typeof inspect): string {
    if (!isObject(this) || !(#native in this)) return '[ShardMap]';
    if (this.#native === CLOSED_STORE) return 'ShardMap { <closed> }';
    return depth < 0 ? '[ShardMap]' : inspectEntries(this, options, format);
  }
}

const TIMED_METHODS = [
  ...(['set', 'delete', 'clear', 'increment', 'update', 'getOrInsert', 'getOrInsertComputed'] as const),
  ...(['getAndSet', 'getAndDelete', 'compareAndSet', 'compareAndDelete'] as const),
  ...(['getMany', 'hasMany', 'setMany', 'deleteMany', 'gather', 'flushSync', 'close'] as const),
];
type TimedMethod = (typeof TIMED_METHODS)[number];
const timedMethods: { [Name in TimedMethod]?: unknown } = {};
for (const name of TIMED_METHODS) timedMethods[name] = ShardMap.prototype[name];

/** The same where the addon is not asked, and so cannot tell that the map is closed. */
function openStoreOf(receiver: unknown, method: string): NativeStore {
  const native = storeOf(receiver, method);
  if (native === CLOSED_STORE) throw createClosedError('This ShardMap is closed');
  return native;
}

// Both elements of a pair are read here and handed over, which is cheaper than to have the addon read them
// (docs/performance.md, crossings). Getters in their place may close the map: the store is looked up afterwards.

function getByObject(map: unknown, key: unknown): unknown {
  if (!isPair(key)) return get(storeOf(map, 'get').slot, key);
  const first = key[0];
  const second = key[1];
  return get(storeOf(map, 'get').slot, key, first, second);
}

function hasByObject(map: unknown, key: unknown): boolean {
  if (!isPair(key)) return has(storeOf(map, 'has').slot, key);
  const first = key[0];
  const second = key[1];
  return has(storeOf(map, 'has').slot, key, first, second);
}

function setPair(map: unknown, key: Pair, value: unknown, lifetime: Lifetime | undefined): void {
  const first = key[0];
  const second = key[1];
  const { slot } = storeOf(map, 'set');
  lifetime?.begin();
  set(slot, key, value, first, second);
}

function removePair(map: unknown, key: Pair): boolean {
  const first = key[0];
  const second = key[1];
  return remove(storeOf(map, 'delete').slot, key, first, second);
}

function insertPrimitive(map: unknown, key: unknown, value: unknown, lifetime: Lifetime | undefined): unknown {
  if (!isPair(key)) {
    const { slot } = storeOf(map, 'getOrInsert');
    lifetime?.begin();
    return insert(slot, key, value, ABSENT);
  }
  const first = key[0];
  const second = key[1];
  const { slot } = storeOf(map, 'getOrInsert');
  lifetime?.begin();
  return insert(slot, key, value, ABSENT, first, second);
}

function iterate<Item>(map: unknown, method: string, kind: IterationKind): MapIterator<Item> {
  const cursor = new Cursor(openStoreOf(map, method), codecOf(map));
  return createIterator<unknown, Item>({ owner: map, storeOf }, cursor, kind);
}
