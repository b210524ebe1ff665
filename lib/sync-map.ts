/**
 * The methods of Go's `sync.Map`, for code that was written for it: their names, their results and what they promise,
 * over the store of a ShardMap.
 */

import { deleteIfEqual, insertOnce, replace, setIfEqual } from './atomics.js';
import { isPrimitive } from './codec.js';
import { asyncDispose, dispose } from './dispose.js';
import { createArgumentError, createReceiverError } from './errors.js';
import type { ShardMapHandle } from './handle.js';
import { Cursor } from './iterator.js';
import { type Key, readKeyOnce } from './key.js';
import { ABSENT, addon } from './native.js';
import type { ShardMapOptions } from './options.js';
import { codecOf, ShardMap, storeOf } from './shard-map.js';

const { find, lastSequence, take } = addon;

/** What `from` hands to the constructor in place of options: a map that is open already. */
class Opened {
  readonly map: unknown;

  constructor(map: unknown) {
    this.map = map;
  }
}

/** The map of `receiver`; throws where that is no SyncMap. Defined where the private field is in sight. */
let mapOf: <K extends Key, V>(receiver: SyncMap<K, V>, method: string) => ShardMap<K, V>;

/**
 * A map with the methods of Go's `sync.Map`, and `count`: for code that is ported from there. It is a ShardMap under
 * other names, with its keys, its values, which are copies, and its atomicity: each method but `range` and `clear` is one
 * atomic step to all threads. `ShardMap.from(map.handle)` gives the same entries the methods of a `Map`.
 *
 * Results that are two in Go are an array of two. The second tells an entry with the value undefined from none.
 *
 * Any method throws `ERR_SHARDMAP_CLOSED` after `close()`, `ERR_SHARDMAP_INVALID_RECEIVER` on anything that is no
 * SyncMap, and for a key what a ShardMap throws.
 *
 * @example
 * const sessions = new SyncMap<string, Session>({ shards: 64 });
 * const [session, loaded] = sessions.loadOrStore(callId, { startedAt: Date.now() });
 */
export class SyncMap<K extends Key = string, V = unknown> {
  readonly #map: ShardMap<K, V>;
  readonly #slotOf = (): number => storeOf(this.#map, 'load').slot;

  static {
    mapOf = (receiver, method) => {
      if (typeof receiver === 'object' && receiver !== null && #map in receiver) return receiver.#map;
      throw createReceiverError(method, 'SyncMap', receiver);
    };
  }

  /**
   * An empty map, or with `options.name` one over the process's store of that name.
   *
   * @param options - As for a ShardMap: see {@link ShardMapOptions}.
   * @throws As the constructor of ShardMap.
   * @example
   * const sessions = new SyncMap({ shards: 256 });
   */
  constructor(options: ShardMapOptions | undefined = undefined) {
    this.#map = (options instanceof Opened ? options.map : new ShardMap(undefined, options)) as ShardMap<K, V>;
  }

  /**
   * Attaches to the open store that a handle names, in any thread of the process: that of a SyncMap or of a ShardMap.
   *
   * @throws As {@link ShardMap.from}.
   * @example
   * const sessions = SyncMap.from<string, Session>(workerData.sessions);
   */
  static from<K extends Key = string, V = unknown>(
    handle: ShardMapHandle,
    options: Pick<ShardMapOptions, 'codec' | 'compress'> | undefined = undefined,
  ): SyncMap<K, V> {
    return new SyncMap<K, V>(new Opened(ShardMap.from<K, V>(handle, options)) as ShardMapOptions);
  }

  /**
   * What another thread attaches to this map with. See {@link ShardMap.handle}.
   *
   * @example
   * const worker = new Worker('./worker.js', { workerData: { sessions: sessions.handle } });
   */
  get handle(): ShardMapHandle {
    return mapOf(this, 'handle').handle;
  }

  /**
   * The value of `key`, and whether there is one.
   *
   * @example
   * const [session, ok] = sessions.load(callId);
   */
  load(key: K): [value: V, ok: true] | [value: undefined, ok: false] {
    const map = mapOf(this, 'load');
    const own = readKeyOnce(key);
    const value = map.get(own);
    if (value !== undefined) return [value, true];
    // Absence is told from undefined by a read of its own, whose answer alone counts.
    return this.#loaded(find(this.#slotOf(), own, ABSENT));
  }

  /**
   * Sets the value of `key`.
   *
   * @throws As {@link ShardMap.set}.
   * @example
   * sessions.store(callId, session);
   */
  store(key: K, value: V): void {
    mapOf(this, 'store').set(key, value);
  }

  /**
   * The value of `key`, if there is one: `loaded` is true then. Else sets `value`, and returns that with false. Of many
   * threads, one stores and all get its value.
   *
   * @throws As {@link ShardMap.set}.
   * @example
   * const [session, loaded] = sessions.loadOrStore(callId, fresh);
   */
  loadOrStore(key: K, value: V): [actual: V, loaded: boolean] {
    const map = mapOf(this, 'loadOrStore');
    const found = insertOnce(this.#slotOf, codecOf(map), key, value);
    return found === ABSENT ? [value, false] : [codecOf(map).decodeStored(found) as V, true];
  }

  /**
   * Deletes the entry with `key`; returns the value it had, and whether there was one. Of many threads, one gets it.
   *
   * @example
   * const [session, loaded] = sessions.loadAndDelete(callId);
   */
  loadAndDelete(key: K): [value: V, loaded: true] | [value: undefined, loaded: false] {
    mapOf(this, 'loadAndDelete');
    return this.#loaded(take(this.#slotOf(), key, ABSENT));
  }

  /**
   * Deletes the entry with `key`, if there is one.
   *
   * @example
   * sessions.delete(callId);
   */
  delete(key: K): void {
    mapOf(this, 'delete').delete(key);
  }

  /**
   * Sets the value of `key`; returns the one it had, and whether there was one.
   *
   * @throws As {@link ShardMap.set}.
   * @example
   * const [previous, loaded] = sessions.swap(callId, session);
   */
  swap(key: K, value: V): [previous: V, loaded: true] | [previous: undefined, loaded: false] {
    const map = mapOf(this, 'swap');
    return this.#loaded(replace(this.#slotOf, codecOf(map), key, value, ABSENT));
  }

  /**
   * Sets the value of `key` to `next` if it is `old`; returns whether it was. False where there is no entry, also for an
   * `old` of undefined.
   *
   * @param old - A primitive, compared by SameValueZero: unlike in Go, NaN equals itself. Objects cannot be compared, as
   *   the map has copies of them: `ShardMap.from(map.handle).compareAndSet` compares what is in them.
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT for an `old` that is no primitive; as {@link ShardMap.set} for `next`.
   * @example
   * if (states.compareAndSwap(callId, 'ringing', 'answered')) start(callId);
   */
  compareAndSwap(key: K, old: V, next: V): boolean {
    const map = mapOf(this, 'compareAndSwap');
    checkComparable(old);
    return setIfEqual(this.#slotOf, codecOf(map), key, old, false, next);
  }

  /**
   * Deletes the entry with `key` if its value is `old`; returns whether it was. False where there is no entry.
   *
   * @param old - As for {@link SyncMap.compareAndSwap}.
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT for an `old` that is no primitive.
   * @example
   * states.compareAndDelete(callId, 'ended');
   */
  compareAndDelete(key: K, old: V): boolean {
    const map = mapOf(this, 'compareAndDelete');
    checkComparable(old);
    return deleteIfEqual(this.#slotOf, codecOf(map), key, old);
  }

  /**
   * Calls `callback(key, value)` for one entry after the other, in insertion order, until it returns false.
   *
   * Each key is visited at most once, and one that is there from the beginning to the end exactly once. What is stored or
   * deleted meanwhile, by other threads or by the callback, may be seen or not. Nobody waits for it: the callback runs
   * under no lock, and may use the map.
   *
   * @throws ERR_SHARDMAP_INVALID_ARGUMENT where `callback` is no function; what `callback` throws.
   * @example
   * sessions.range((callId, session) => {
   *   console.log(callId, session);
   *   return true;
   * });
   */
  range(callback: (key: K, value: V) => boolean): void {
    const map = mapOf(this, 'range');
    if (typeof callback !== 'function') throw createArgumentError('callback', 'a function', callback);
    const last = lastSequence(this.#slotOf());
    const cursor = new Cursor(storeOf(map, 'range'), codecOf(map));
    // A key that is stored again after its visit comes behind the last entry that there is now.
    while (cursor.advance(storeOf(map, 'range')) && cursor.sequence <= last) {
      const value = cursor.takeValue() as V;
      if (callback(cursor.key as K, value) === false) return;
    }
  }

  /**
   * Deletes all entries. Atomic to whatever writes: entries stored before it, by any thread, are gone, and those stored
   * after it stay. Other threads' reads do not wait for it, and for some microseconds may find one entry gone and another
   * still there.
   *
   * @throws ERR_SHARDMAP_OUT_OF_MEMORY; then nothing is deleted.
   *
   * @example
   * sessions.clear();
   * sessions.count(); // 0
   */
  clear(): void {
    mapOf(this, 'clear').clear();
  }

  /**
   * How many entries there are: exact while no other thread writes. Takes no lock.
   *
   * @example
   * sessions.count();
   */
  count(): number {
    return mapOf(this, 'count').size;
  }

  /**
   * Closes this map, and no other map of the same store. See {@link ShardMap.close}.
   *
   * @example
   * sessions.close();
   */
  close(): void {
    mapOf(this, 'close').close();
  }

  /** `close()`, for `using sessions = new SyncMap()`. */
  [dispose](): void {
    mapOf(this, '[Symbol.dispose]');
    this.close();
  }

  /** `close()`, for `await using`. */
  async [asyncDispose](): Promise<void> {
    mapOf(this, '[Symbol.asyncDispose]');
    this.close();
  }

  /** What the addon has just returned, and whether that is a value. */
  #loaded(stored: unknown): [value: V, loaded: true] | [value: undefined, loaded: false] {
    return stored === ABSENT ? [undefined, false] : [codecOf(this.#map).decodeStored(stored) as V, true];
  }
}

function checkComparable(old: unknown): void {
  if (isPrimitive(old)) return;
  throw createArgumentError('old', 'a primitive, as copies of objects have no identity to compare', old);
}
