/** Stores that are kept in a directory: how they are opened, flushed and made short, and left when the thread ends. */

import { createArgumentError, createError, createRangeError, type ErrorCode, type ShardMapError } from './errors.js';
import { addon, type NativeStore } from './native.js';
import { type ResolvedOptions, readOptions, resolveOptions, type ShardMapOptions } from './options.js';

const { isFinite: isFiniteNumber } = Number;

const FSYNC = ['always', 'interval', 'never'] as const;
const FLUSH_INTERVAL_MS = 100;
/** An hour: who wants more wants `never`. */
const FLUSH_INTERVAL_MS_MAX = 3_600_000;

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
   * (`'tail'`), or to refuse to open (`'strict'`). Other damage is always refused. Default: `'tail'`.
   */
  readonly recovery?: 'tail' | 'strict' | undefined;
}

interface ResolvedOpenOptions extends ResolvedOptions {
  readonly dir: string;
  readonly fsync: number;
  readonly flushInterval: number;
  readonly isStrict: boolean;
}

const NAMES = ['dir', 'fsync', 'flushInterval', 'recovery', 'name', 'shards', 'ttl', 'touch', 'codec'] as const;

/** Validates what the user gave. */
export function resolveOpenOptions(options: unknown): ResolvedOpenOptions {
  const { dir, fsync, flushInterval, recovery, ...others } = readOptions(options, NAMES);
  return {
    ...resolveOptions(others),
    dir: resolveDir(dir),
    fsync: resolveFsync(fsync),
    flushInterval: resolveFlushInterval(flushInterval),
    isStrict: resolveRecovery(recovery),
  };
}

function resolveDir(dir: unknown): string {
  if (typeof dir !== 'string' || dir === '' || dir.includes('\0'))
    throw createArgumentError('options.dir', 'the path of a directory', dir);
  return dir;
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

function resolveRecovery(recovery: unknown): boolean {
  if (recovery === undefined || recovery === 'tail') return false;
  if (recovery !== 'strict') throw createArgumentError('options.recovery', "'tail' or 'strict'", recovery);
  return true;
}

/** Opens the store, in another thread: reading its files may take long. */
export function openDirectory(options: ResolvedOpenOptions): Promise<NativeStore> {
  const { dir, name, shards, ttl = Number.POSITIVE_INFINITY, touch = false, fsync, flushInterval, isStrict } = options;
  const ttlMs = ttl === Number.POSITIVE_INFINITY ? 0 : ttl;
  return new Promise((resolve, reject) => {
    addon.open(dir, name, shards, ttlMs, touch, fsync, flushInterval, isStrict, (code, message, id) => {
      // The store is open for as long as this runs.
      const native = code === undefined ? addon.attach(id) : undefined;
      if (native !== undefined) resolve(native);
      else reject(createError(code as ErrorCode, message as string));
    });
  });
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
    const flush = inPool((done) => addon.flush(slot, done));
    const over = (): void => {
      if (this.#underWay === flush) this.#underWay = undefined;
    };
    this.#underWay = flush;
    flush.then(over, over);
    return flush;
  }
}

export function compact(slot: number): Promise<void> {
  return inPool((done) => addon.compact(slot, done));
}

type Done = (code: string | undefined, message: string | undefined) => void;

function inPool(start: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((code, message) => {
      if (code === undefined) resolve();
      else reject(createError(code as ErrorCode, message as string));
    });
  });
}

function ignore(): void {}
