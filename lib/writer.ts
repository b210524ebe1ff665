/**
 * Sets that wait a little and are then made at once: the writers of this thread, which collect them.
 *
 * A writer holds a batch, a timer and a place among the thread's waiting writers for as long as it has entries pending,
 * and nothing otherwise: so one that was dropped is not lost before they are set, and costs nothing after.
 */

import process from 'node:process';
import timers from 'node:timers';
import { EntryBatch } from './batch.js';
import type { Codec } from './codec.js';
import { isTimed, time } from './diagnostics.js';
import { dispose } from './dispose.js';
import { createArgumentError, createClosedError, createReceiverError } from './errors.js';
import { type Key, readKeyOnce } from './key.js';
import { CLOSED_STORE } from './native.js';
import { type ResolvedWriterOptions, resolveWriterOptions, type ShardMapWriterOptions } from './options.js';

const { max } = Math;
const { apply } = Reflect;

/** A flush that failed is not tried again by itself before. */
const RETRY_MS_MIN = 100;
/** A batch that was larger is not kept for the next writer. */
const SPARE_ENTRIES_MAX = 1024;

/** The map of a writer. */
export class WriterTarget {
  readonly map: object;
  readonly slotOf: () => number;
  readonly codec: Codec;
  readonly slowMs: number;

  constructor(map: object, slotOf: () => number, codec: Codec, slowMs: number) {
    this.map = map;
    this.slotOf = slotOf;
    this.codec = codec;
    this.slowMs = slowMs;
  }
}

/** Those of this thread with entries pending. */
const waiting: ShardMapWriter<Key>[] = [];
let spareBatch: EntryBatch | undefined;
let listensForExit = false;
/** No timer will run any more. */
let isExiting = false;

/** `receiver`, if it is a writer. These are defined where private fields are in sight. */
let writerOf: <Writer>(receiver: Writer, method: string) => Writer;
let isOf: (writer: ShardMapWriter<Key>, map: object) => boolean;
let flushUncaught: (writer: ShardMapWriter<Key>) => void;

/**
 * Collects entries of one map and sets them many at a time, as if by `setMany`: when `maxEntries` are pending,
 * `maxDelay` after the first of them, by `flush`, by `close` of the writer or the map, and when the thread ends, by
 * itself or by `process.exit()`. `map.writer()` makes one.
 *
 * Entries are set in the order in which they were given; nobody sees them before, this thread's `get` included. Each is
 * set atomically, all together are not. To a callback of `getOrInsertComputed` they are another thread's.
 *
 * Only what ends a thread or the process from outside loses what is pending, at most `maxEntries`:
 * `worker.terminate()`, which the end of the main thread is for all workers, and signals.
 *
 * Each lives as long as the map's `ttl` says, from when it is set. Entries with a time to live of their own go in by
 * `map.set` or `map.setMany`.
 *
 * The timer does not keep the process alive. A flush that failed, as it may where memory runs out, leaves what was not
 * set pending, for the next flush or until it is tried again, after `maxDelay` but 100 ms at least.
 *
 * @example
 * const writer = map.writer({ maxEntries: 100, maxDelay: 5 });
 * for await (const { id, vector } of updates) writer.set(id, vector);
 * writer.close();
 */
export class ShardMapWriter<K extends Key = string, V = unknown> {
  readonly #target: WriterTarget;
  readonly #options: ResolvedWriterOptions;
  #isClosed = false;
  // While entries are pending:
  #batch: EntryBatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #place = 0;

  static {
    writerOf = (receiver, method) => {
      if (typeof receiver === 'object' && receiver !== null && #target in receiver) return receiver;
      throw createReceiverError(method, 'ShardMapWriter', receiver);
    };
    isOf = (writer, map) => writer.#target.map === map;
    flushUncaught = (writer) => writer.#flushUncaught();
  }

  /** @internal */
  constructor(target: WriterTarget, options: ShardMapWriterOptions | undefined) {
    if (!(target instanceof WriterTarget)) throw createArgumentError('a writer', 'made by map.writer()', target);
    this.#target = target;
    this.#options = resolveWriterOptions(options);
  }

  /** How many entries wait to be set. */
  get pending(): number {
    return writerOf(this, 'pending').#batch?.size ?? 0;
  }

  /**
   * Takes an entry: key and value are copied now, and set with others later, or now if they make `maxEntries`.
   *
   * @throws As {@link ShardMap.set}, and ERR_SHARDMAP_CLOSED where the writer or its map is closed: then this entry was
   *   not taken, and those that are pending stay. Where the flush of `maxEntries` fails, it is tried again by the timer
   *   and before the next entry, which is refused if it fails again.
   * @example
   * writer.set('a', 1).set('b', { nested: 2 });
   */
  set(key: K, value: V): this {
    writerOf(this, 'set');
    const own = readKeyOnce(key);
    const encoded = this.#target.codec.encode(value);
    // Code of the user's has run, which may have closed the writer or set entries: only now is it looked at.
    this.#makeRoom();
    const batch = this.#batch ?? takeBatch();
    try {
      if (encoded === undefined) batch.add(own, value);
      else batch.addEncoded(own, encoded);
    } finally {
      if (batch !== this.#batch) this.#begin(batch);
    }
    if (batch.size >= this.#options.maxEntries || isExiting) this.#flushFull();
    return this;
  }

  /**
   * Sets all pending entries before it returns. Does nothing where there are none.
   *
   * @throws ERR_SHARDMAP_OUT_OF_MEMORY: entries that were not set are still pending. ERR_SHARDMAP_CLOSED where the map
   *   was closed because its construction failed: they are lost.
   * @example
   * writer.set('a', 1).flush();
   */
  flush(): void {
    writerOf(this, 'flush').#flush();
  }

  /**
   * Sets all pending entries and takes no more. Closing twice is no error.
   *
   * @throws As {@link ShardMapWriter.flush}; the writer is open then.
   * @example
   * writer.close();
   */
  close(): void {
    writerOf(this, 'close').#flush();
    this.#isClosed = true;
  }

  /** `close()`, for `using writer = map.writer()`. */
  [dispose](): void {
    writerOf(this, '[Symbol.dispose]').close();
  }

  #makeRoom(): void {
    if (this.#isClosed) throw createClosedError('This writer is closed');
    if (this.#target.slotOf() === CLOSED_STORE.slot) throw createClosedError('The ShardMap of this writer is closed');
    const batch = this.#batch;
    if (batch !== undefined && batch.size >= this.#options.maxEntries) this.#flush();
  }

  /** `batch` has the first pending entry, if that could be added. */
  #begin(batch: EntryBatch): void {
    if (batch.size === 0) {
      giveBack(batch, 0);
      return;
    }
    this.#batch = batch;
    this.#place = waiting.length;
    waiting[waiting.length] = this as unknown as ShardMapWriter<Key>;
    listenForExit();
    this.#startTimer(this.#options.maxDelay);
  }

  #end(batch: EntryBatch, entriesMax: number): void {
    this.#batch = undefined;
    timers.clearTimeout(this.#timer);
    this.#timer = undefined;
    const last = waiting[waiting.length - 1] as ShardMapWriter<Key>;
    waiting[this.#place] = last;
    last.#place = this.#place;
    waiting.length--;
    giveBack(batch, entriesMax);
  }

  #flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    const { size } = batch;
    const slot = this.#target.slotOf();
    try {
      if (isTimed()) time(this.#target.map, this.#target.slowMs, 'writer.flush', () => batch.set(slot), []);
      else batch.set(slot);
    } catch (error) {
      if (slot === CLOSED_STORE.slot) this.#end(batch, size);
      throw error;
    }
    this.#end(batch, size);
  }

  /** The last entry was taken, so its caller is not to hear of an error, unless nobody else will. */
  #flushFull(): void {
    try {
      this.#flush();
    } catch (error) {
      if (isExiting) throw error;
    }
  }

  #startTimer(delayMs: number): void {
    this.#timer = timers.setTimeout(() => {
      this.#timer = undefined;
      this.#flushUncaught();
    }, delayMs);
    this.#timer.unref();
  }

  #flushUncaught(): void {
    try {
      this.#flush();
    } catch (error) {
      const { maxDelay, onError } = this.#options;
      if (this.#batch !== undefined && this.#timer === undefined) this.#startTimer(max(maxDelay, RETRY_MS_MIN));
      if (onError === undefined) throw error;
      apply(onError, undefined, [error]);
    }
  }
}

/** Closes the writers of `map` that have entries pending; others find out that it is closed. */
export function closeWriters(map: object): void {
  // From the end: one that has nothing pending any more gives its place to the last.
  for (let index = waiting.length - 1; index >= 0; index--) {
    const writer = waiting[index] as ShardMapWriter<Key>;
    if (isOf(writer, map)) apply(close, writer, []);
  }
}

const { close } = ShardMapWriter.prototype;

function listenForExit(): void {
  if (listensForExit) return;
  listensForExit = true;
  process.on('exit', flushAtExit);
}

/** All of them, also where one fails; the first error is thrown then. */
function flushAtExit(): void {
  isExiting = true;
  const errors: unknown[] = [];
  for (let index = waiting.length - 1; index >= 0; index--) {
    const writer = waiting[index];
    try {
      // Code of the user's may have closed it, for another one's error.
      if (writer !== undefined) flushUncaught(writer);
    } catch (error) {
      errors[errors.length] = error;
    }
  }
  if (errors.length === 0) return;
  process.exitCode ||= 1; // which an error thrown here does not do by itself
  throw errors[0];
}

function takeBatch(): EntryBatch {
  const batch = spareBatch ?? new EntryBatch();
  spareBatch = undefined;
  return batch;
}

/** `entriesMax` is how many it had. */
function giveBack(batch: EntryBatch, entriesMax: number): void {
  if (spareBatch === undefined && batch.size === 0 && entriesMax <= SPARE_ENTRIES_MAX) spareBatch = batch;
  else batch.close();
}
