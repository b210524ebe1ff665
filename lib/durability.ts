/** Stores that are kept in a directory: how they are opened, flushed and made short, and left when the thread ends. */

import timers from 'node:timers';
import { createArgumentError, createError, createRangeError, type ShardMapError } from './errors.js';
import { addon, type Done, type NativeStore } from './native.js';
import { type ResolvedOptions, readOptions, resolveOptions, type ShardMapOptions } from './options.js';

const { isFinite: isFiniteNumber } = Number;

const FSYNC = ['always', 'interval', 'never'] as const;
const RECOVERY = ['tail', 'strict', 'salvage'] as const;
const FLUSH_INTERVAL_MS = 100;
/** An hour: who wants more wants `never`. */
const FLUSH_INTERVAL_MS_MAX = 3_600_000;
const PROGRESS_MS = 100;
const FOREVER = Number.POSITIVE_INFINITY;

/** How a store is opened that is kept in a directory. Options that are not listed here are refused. */
export interface ShardMapOpenOptions extends ShardMapOptions {
  /**
   * The directory of the store's files; made where it is missing, with what is missing above it. One process at a time uses
   * it; maps of any of its threads that open the same directory share one store.
   */
  readonly dir: string;
  /**
   * When what was written is synced to the medium: at once (`'always'`), `flushInterval` after it was written at the
   * latest (`'interval'`), or by `flush`, `flushSync` and the last `close` only (`'never'`). Operations never wait for it;
   * `flush` does. Whatever it is, what was written is handed to the operating system within some milliseconds. Default:
   * `'interval'`.
   */
  readonly fsync?: 'always' | 'interval' | 'never' | undefined;
  /** Milliseconds, above 0 and at most 3,600,000. Default: 100. */
  readonly flushInterval?: number | undefined;
  /**
   * What to do with the unfinished end of the log that a crash leaves behind: to cut it off, and keep it in a file beside
   * (`'tail'`), or to refuse to open (`'strict'`). Other damage is refused by both. `'salvage'` takes what can be read,
   * whatever is damaged or missing, and writes it to new files; damaged ones are kept under names that end in `.damaged`, and
   * `stats().log.recovery.losses` tells what is gone. Entries whose changes are lost have older values, or are not there.
   * Default: `'tail'`.
   */
  readonly recovery?: 'tail' | 'strict' | 'salvage' | undefined;
  /**
   * Whether the map is only read: nothing in the directory is changed, which must be there, and many processes may have it
   * open so at once, but none that writes it. What changes the map throws ERR_SHARDMAP_READONLY; entries expire all the
   * same. Default: false.
   */
  readonly readonly?: boolean | undefined;
  /**
   * Called while the files are read, about ten times in a second, and when they were. What it throws is an uncaught
   * exception.
   */
  readonly onProgress?: ((progress: OpenProgress) => void) | undefined;
}

/** How far a store is that is being opened. */
export interface OpenProgress {
  /** Bytes of the files that were read. */
  readonly bytes: number;
  /** Of so many; 0 as long as that is not known. */
  readonly bytesTotal: number;
  /** Changes that were read from them. */
  readonly records: number;
}

interface ResolvedOpenOptions extends ResolvedOptions {
  readonly dir: string;
  readonly fsync: number;
  readonly flushInterval: number;
  readonly recovery: number;
  readonly isReadonly: boolean;
  readonly onProgress: ShardMapOpenOptions['onProgress'];
}

const OWN_NAMES = ['dir', 'fsync', 'flushInterval', 'recovery', 'readonly', 'onProgress'] as const;
const NAMES = [...OWN_NAMES, 'name', 'shards', 'ttl', 'touch', 'codec', 'compress', 'slowMs'] as const;

/** Validates what the user gave. */
export function resolveOpenOptions(options: unknown): ResolvedOpenOptions {
  const { dir, fsync, flushInterval, recovery, readonly, onProgress, ...others } = readOptions(options, NAMES);
  return {
    ...resolveOptions(others),
    dir: resolvePath('options.dir', dir),
    fsync: resolveFsync(fsync),
    flushInterval: resolveFlushInterval(flushInterval),
    recovery: resolveRecovery(recovery),
    isReadonly: resolveReadonly(readonly),
    onProgress: resolveOnProgress(onProgress),
  };
}

function resolvePath(what: string, path: unknown): string {
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    throw createArgumentError(what, 'the path of a directory', path);
  return path;
}

/** As the addon has it. */
function resolveFsync(fsync: unknown): number {
  const index = fsync === undefined ? FSYNC.indexOf('interval') : (FSYNC as readonly unknown[]).indexOf(fsync);
  if (index < 0) throw createArgumentError('options.fsync', "'always', 'interval' or 'never'", fsync);
  return index;
}

function resolveFlushInterval(interval: unknown): number {
  if (interval === undefined) return FLUSH_INTERVAL_MS;
  if (typeof interval !== 'number') throw createArgumentError('options.flushInterval', 'a number', interval);
  if (!isFiniteNumber(interval) || interval <= 0 || interval > FLUSH_INTERVAL_MS_MAX)
    throw createRangeError('options.flushInterval', `above 0 and at most ${FLUSH_INTERVAL_MS_MAX} ms`, interval);
  return interval;
}

function resolveRecovery(recovery: unknown): number {
  const index = recovery === undefined ? RECOVERY.indexOf('tail') : (RECOVERY as readonly unknown[]).indexOf(recovery);
  if (index < 0) throw createArgumentError('options.recovery', "'tail', 'strict' or 'salvage'", recovery);
  return index;
}

function resolveReadonly(readonly: unknown): boolean {
  if (readonly === undefined || typeof readonly === 'boolean') return readonly ?? false;
  throw createArgumentError('options.readonly', 'a boolean', readonly);
}

function resolveOnProgress(onProgress: unknown): ShardMapOpenOptions['onProgress'] {
  if (onProgress === undefined || typeof onProgress === 'function') return onProgress as () => void;
  throw createArgumentError('options.onProgress', 'a function', onProgress);
}

/** Opens the store, in another thread: reading its files may take long. */
export function openDirectory(options: ResolvedOpenOptions): Promise<NativeStore> {
  const { dir, name, shards, ttl = FOREVER, touch = false, fsync, flushInterval, recovery, isReadonly } = options;
  const ttlMs = ttl === FOREVER ? 0 : ttl;
  return new Promise((resolve, reject) => {
    const done = (error: Error | undefined, id: string): void => {
      stopReporting();
      // The store is open for as long as this runs.
      const native = error === undefined ? addon.attach(id) : undefined;
      if (native !== undefined) resolve(native);
      else reject(error);
    };
    const opening = addon.open(dir, name, shards, ttlMs, touch, fsync, flushInterval, recovery, isReadonly, done);
    const stopReporting = reportProgress(opening, options.onProgress);
  });
}

/** Returns what ends it, with a last report. */
function reportProgress(opening: object, onProgress: ShardMapOpenOptions['onProgress']): () => void {
  if (onProgress === undefined) return ignore;
  const report = (): void => {
    const [bytes, bytesTotal, records] = addon.progress(opening);
    onProgress({ bytes, bytesTotal, records });
  };
  const timer = timers.setInterval(report, PROGRESS_MS);
  return () => {
    timers.clearInterval(timer);
    // In a turn of its own, as the others: what it throws is not the opening's.
    timers.setImmediate(report);
  };
}

/** The slots of this thread's maps that are kept in directories. */
const slots = new Set<number>();

/** What the map writes is handed over when the thread ends, also by `process.exit()`. */
export function keepUntilExit({ slot, isDurable }: NativeStore): void {
  if (!isDurable) return;
  if (slots.size === 0) process.on('exit', flushAll);
  slots.add(slot);
}

/** The map closes it. */
export function leave({ slot, isDurable }: NativeStore): void {
  if (isDurable && slots.delete(slot) && slots.size === 0) process.off('exit', flushAll);
}

/** Nobody is left to be told of what fails but who started the process. */
function flushAll(): void {
  for (const slot of slots) {
    try {
      addon.flushSync(slot);
    } catch (error) {
      // A map that was dropped is closed by garbage collection.
      if ((error as ShardMapError).code !== 'ERR_SHARDMAP_CLOSED') process.exitCode ||= 1;
    }
  }
}

/** Makes flushes of one map share their work: one that is asked for while one is under way joins the next. */
export class Flushes {
  #underWay: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  flush(slot: number): Promise<void> {
    if (this.#underWay === undefined) return this.#begin(slot);
    this.#next ??= this.#underWay.then(ignore, ignore).then(() => this.#begin(slot));
    return this.#next;
  }

  #begin(slot: number): Promise<void> {
    this.#next = undefined;
    const flush = whenDone((done) => addon.flush(slot, done));
    const over = (): void => {
      if (this.#underWay === flush) this.#underWay = undefined;
    };
    this.#underWay = flush;
    flush.then(over, over);
    return flush;
  }
}

export function compact(slot: number): Promise<void> {
  return whenDone((done) => addon.compact(slot, done));
}

export function backUp({ slot, isDurable }: NativeStore, path: unknown): Promise<void> {
  const directory = resolvePath('path', path);
  if (!isDurable)
    throw createError(
      'ERR_SHARDMAP_INVALID_ARGUMENT',
      'only a map that ShardMap.open keeps in a directory has a backup',
    );
  return whenDone((done) => addon.backUp(slot, directory, done));
}

/** What `start` is told of by the function that it gets. */
export function whenDone(start: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

export function ignore(): void {}
