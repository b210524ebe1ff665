/** The options of a new map, and of a writer: their types, defaults and bounds. */

import type { ShardMapCodec, ValueOptions } from './codec.js';
import {
  ALGORITHMS,
  type AlgorithmName,
  type CompressOptions,
  Compressor,
  MIN_BYTES_MIN,
  needsZstd,
} from './compression.js';
import { createArgumentError, createError, createRangeError } from './errors.js';
import { addon, type NativeStore, TTL_MAX } from './native.js';
import { resolveShards } from './shards.js';

const { keys } = Object;
const { apply } = Reflect;
const { includes } = Array.prototype;
const { isInteger, EPSILON } = Number;
const { abs, max, min } = Math;
const FOREVER = Number.POSITIVE_INFINITY;
/** The nanosecond that stores count by. */
const TTL_MIN = 1e-6;

/** Longest name of a store, in UTF-16 code units. */
const NAME_CHARS_MAX = 256;

const OWN_NAMES = ['codec', 'compress', 'slowMs'] as const;
const STORE_NAMES = ['name', 'shards', 'ttl', 'touch', ...OWN_NAMES] as const;

const COMPRESS_NAMES = ['algorithm', 'level', 'minBytes'] as const;
// Why these: docs/performance.md, compression.
const COMPRESS_ALGORITHM = 'deflate';
const COMPRESS_LEVEL = 1;
const COMPRESS_BYTES = 1024;

/** As much as a frame of a server's event loop may be held up without anybody's noticing. */
const SLOW_MS = 10;

const WRITER_ENTRIES = 50;
const WRITER_ENTRIES_MAX = 65_536;
const WRITER_DELAY_MS = 10;
/** The longest that Node's timers can wait. */
const WRITER_DELAY_MS_MAX = 2 ** 31 - 1;

/** How a map is made. Options that are not listed here are refused, so that a misspelt one is noticed. */
export interface ShardMapOptions {
  /**
   * Finds or creates the process's store of this name: 1 to 256 characters. Maps of one name share one store, in
   * whatever thread they are, and their other options must not contradict. Without a name the store is new, and other
   * threads reach it by the map's `handle`.
   */
  readonly name?: string | undefined;
  /**
   * How many shards the store is split into: a power of two. More of them let more threads write at once and cost some
   * memory each; {@link ShardMap.reshard} adds some later. With `'auto'` there are 16 at first, and the store adds more by
   * itself, up to 4,096, where its writers wait for one another too often. Default: from the number of cores.
   */
  readonly shards?: number | 'auto' | undefined;
  /**
   * How many milliseconds an entry lives that is set without `ttl` or `expiresAt` of its own, by any map of the store: see
   * {@link LifetimeOptions}. Default: for ever, as with `Infinity`; or, where the store is open already, what it has.
   */
  readonly ttl?: number | undefined;
  /**
   * Sliding expiry, for a map with a `ttl`: each read of the value of an entry that has this `ttl`, and each
   * `touch(key)`, makes it live for that time again. Reads are `get`, `getMany`, `getInto`, `gather`, `getOrInsert` and
   * `getOrInsertComputed`, in whatever thread; `has` and iteration are none. Entries with a `ttl` or `expiresAt` of their
   * own are never renewed. Default: false; or, where the store is open already, what it has.
   */
  readonly touch?: boolean | undefined;
  /**
   * How this map turns values into bytes and back, in place of its own ways: all values but primitives, typed arrays,
   * `ArrayBuffer`, `DataView` and `Buffer`. The bytes are copied. What other maps of the store encoded by their own ways
   * stays readable; what a codec encoded is readable only with one. What its functions throw, the operation throws, and
   * the store is unchanged; they may use the map.
   */
  readonly codec?: ShardMapCodec | undefined;
  /**
   * Whether this map compresses large values, or how: `true` is `{}`. Those are strings, objects, typed arrays and all else
   * that takes `minBytes` when it is encoded, also by a codec; what would not take less is stored as it is. It is the
   * map's own, and no conflict with other maps of the store: each reads what any of them has stored. The thread that sets or
   * gets a value compresses and decompresses it before it returns: tens of microseconds for some kilobytes. `getInto` and
   * `gather` refuse a compressed value. Default: false.
   */
  readonly compress?: boolean | CompressOptions | undefined;
  /**
   * An operation of this map that takes so many milliseconds or more is told to the subscribers of the diagnostic channel
   * `shardmap:slow`: a number from 0 on. Nothing is measured while there are none. Default: 10.
   */
  readonly slowMs?: number | undefined;
}

/** How a writer waits. Options that are not listed here are refused. */
export interface ShardMapWriterOptions {
  /** With so many entries pending they are set: an integer from 1 to 65,536. Default: 50. */
  readonly maxEntries?: number | undefined;
  /**
   * So many milliseconds after the first pending entry, all are set, if the thread's event loop gets to run then: 0 to
   * 2,147,483,647, where 0 is the next turn of its timers. Default: 10.
   */
  readonly maxDelay?: number | undefined;
  /**
   * Gets the errors that nobody can catch: those of a flush after `maxDelay`, or at the exit of the thread. Without it
   * these are thrown there, which is an `uncaughtException`.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** The same after validation. */
export interface ResolvedWriterOptions {
  readonly maxEntries: number;
  readonly maxDelay: number;
  readonly onError: ((error: unknown) => void) | undefined;
}

/**
 * Options after validation. `shards` are as the addon has them; `ttl` is Infinity for entries that live for ever, and undefined, as
 * `touch`, where nothing was said.
 */
export interface ResolvedOptions {
  readonly name: string | undefined;
  readonly shards: number;
  readonly ttl: number | undefined;
  readonly touch: boolean | undefined;
  readonly own: OwnOptions;
}

/** What each map of a store has of its own. */
export interface OwnOptions extends ValueOptions {
  readonly slowMs: number;
}

/** A store, for one map of it. */
export interface StoreAccess {
  readonly native: NativeStore;
  readonly own: OwnOptions;
}

/**
 * What `ShardMap.from` hands to the constructor in place of options: a store that is open already, for one map to take.
 */
export class Attachment {
  readonly #access: StoreAccess;
  #isTaken = false;

  constructor(access: StoreAccess) {
    this.#access = access;
  }

  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** The store in `options` if these are an attachment that no map has taken. */
  static take(options: unknown): StoreAccess | undefined {
    if (typeof options !== 'object' || options === null || !(#access in options) || options.#isTaken) return undefined;
    options.#isTaken = true;
    return options.#access;
  }
}

/** Validates what the user gave. */
export function resolveOptions(options: unknown): ResolvedOptions {
  const { name, shards, ttl, touch, ...own } = readOptions(options, STORE_NAMES);
  const ownTtl = ttl === undefined ? undefined : resolveTtl(ttl, 'options.ttl');
  return {
    name: resolveName(name),
    shards: resolveShards(shards),
    ttl: ownTtl,
    touch: resolveTouch(touch, ownTtl),
    own: resolveOwnOptions(own),
  };
}

/** The options of `ShardMap.from`. */
export function resolveOwnOptions(options: unknown): OwnOptions {
  const { codec, compress, slowMs } = readOptions(options, OWN_NAMES);
  return { codec: resolveCodec(codec), compressor: resolveCompress(compress), slowMs: resolveSlowMs(slowMs) };
}

/** The options of `map.writer()`. */
export function resolveWriterOptions(options: unknown): ResolvedWriterOptions {
  const { maxEntries, maxDelay, onError } = readOptions(options, ['maxEntries', 'maxDelay', 'onError']);
  return {
    maxEntries: resolveInteger(maxEntries, 'options.maxEntries', WRITER_ENTRIES, 1, WRITER_ENTRIES_MAX),
    maxDelay: resolveMaxDelay(maxDelay),
    onError: resolveOnError(onError),
  };
}

/** An options object, in which there is nothing but `names`. */
export function readOptions<Name extends string>(
  options: unknown,
  names: readonly Name[],
): { readonly [_ in Name]?: unknown } {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null) throw createArgumentError('options', 'an object', options);
  refuseUnknown(options, names);
  return options;
}

/** Opens the store that the options ask for. */
export function openStore(options: unknown): StoreAccess {
  const attached = Attachment.take(options);
  if (attached !== undefined) return attached;
  const resolved = resolveOptions(options);
  const { name, shards, ttl = FOREVER, touch = false, own } = resolved;
  const native = addon.create(name, shards, ttl === FOREVER ? 0 : ttl, touch);
  const conflict = findConflict(native, resolved);
  if (conflict === undefined) return { native, own };
  addon.close(native.slot);
  throw createError('ERR_SHARDMAP_OPTIONS_CONFLICT', `the store '${name}' is open ${conflict}`);
}

/**
 * In words, what a store has and what was asked for; undefined where it has what was asked for. The addon looks at shards:
 * there may be more by now.
 */
function findConflict(native: NativeStore, { ttl, touch }: ResolvedOptions): string | undefined {
  if (ttl !== undefined && !isSameTtl(native.ttl === 0 ? FOREVER : native.ttl, ttl))
    return `with ${native.ttl === 0 ? 'no ttl' : `a ttl of ${native.ttl} ms`} and cannot be opened with one of ${ttl} ms`;
  if (touch !== undefined && native.touch !== touch)
    return `with touch ${native.touch} and cannot be opened with touch ${touch}`;
  return undefined;
}

/** The store counts nanoseconds: it gives back what it was made with no more exactly than that. */
function isSameTtl(one: number, other: number): boolean {
  return one === other || abs(one - other) <= max(TTL_MIN, min(one, other) * 4 * EPSILON);
}

function refuseUnknown(options: object, names: readonly string[]): void {
  const given = keys(options);
  for (let index = 0; index < given.length; index++) {
    const option = given[index] as string;
    if (!apply(includes, names, [option])) throw createArgumentError('an option', oneOf(names), option);
  }
}

function oneOf(names: readonly string[]): string {
  let text = '';
  for (let index = 0; index < names.length; index++) {
    const joint = index === 0 ? '' : index === names.length - 1 ? ' or ' : ', ';
    text += `${joint}'${names[index]}'`;
  }
  return text;
}

function resolveCodec(codec: unknown): ShardMapCodec | undefined {
  if (codec === undefined) return undefined;
  if (typeof codec !== 'object' || codec === null) throw createArgumentError('options.codec', 'an object', codec);
  const { encode, decode } = codec as { encode?: unknown; decode?: unknown };
  if (typeof encode !== 'function') throw createArgumentError('options.codec.encode', 'a function', encode);
  if (typeof decode !== 'function') throw createArgumentError('options.codec.decode', 'a function', decode);
  return codec as ShardMapCodec;
}

function resolveCompress(compress: unknown): Compressor | undefined {
  if (compress === undefined || compress === false) return undefined;
  if (compress !== true && (typeof compress !== 'object' || compress === null))
    throw createArgumentError('options.compress', 'a boolean or an object', compress);
  const { algorithm, level, minBytes } = readOptions(compress === true ? {} : compress, COMPRESS_NAMES);
  const name = resolveAlgorithm(algorithm);
  const { levelMax } = ALGORITHMS[name];
  return new Compressor(
    name,
    resolveInteger(level, 'options.compress.level', COMPRESS_LEVEL, 1, levelMax),
    resolveInteger(minBytes, 'options.compress.minBytes', COMPRESS_BYTES, MIN_BYTES_MIN, addon.limits.valueBytesMax),
  );
}

function resolveAlgorithm(algorithm: unknown): AlgorithmName {
  if (algorithm === undefined) return COMPRESS_ALGORITHM;
  if (algorithm !== 'deflate' && algorithm !== 'brotli' && algorithm !== 'zstd')
    throw createArgumentError('options.compress.algorithm', "'deflate', 'brotli' or 'zstd'", algorithm);
  if (ALGORITHMS[algorithm].compress !== undefined) return algorithm;
  throw createError('ERR_SHARDMAP_INVALID_ARGUMENT', `options.compress.algorithm: what ${needsZstd('set')}`);
}

function resolveInteger(value: unknown, what: string, preset: number, least: number, most: number): number {
  if (value === undefined) return preset;
  if (typeof value !== 'number') throw createArgumentError(what, 'a number', value);
  if (isInteger(value) && value >= least && value <= most) return value;
  throw createRangeError(what, `an integer from ${least} to ${most}`, value);
}

function resolveName(name: unknown): string | undefined {
  if (name === undefined) return undefined;
  if (typeof name !== 'string') throw createArgumentError('options.name', 'a string', name);
  if (name.length > 0 && name.length <= NAME_CHARS_MAX) return name;
  throw createRangeError('options.name', `of 1 to ${NAME_CHARS_MAX} characters`, name);
}

/** A time to live in milliseconds. */
export function resolveTtl(ttl: unknown, what: string): number {
  if (typeof ttl !== 'number') throw createArgumentError(what, 'a number of milliseconds', ttl);
  if (ttl > 0 && (ttl <= TTL_MAX || ttl === FOREVER)) return max(ttl, TTL_MIN);
  throw createRangeError(what, `a number of milliseconds above 0, at most ${TTL_MAX}, or Infinity`, ttl);
}

function resolveTouch(touch: unknown, ttl: number | undefined): boolean | undefined {
  if (touch === undefined) return undefined;
  if (typeof touch !== 'boolean') throw createArgumentError('options.touch', 'a boolean', touch);
  if (!touch || (ttl !== undefined && ttl !== FOREVER)) return touch;
  throw createError('ERR_SHARDMAP_INVALID_ARGUMENT', 'options.touch renews options.ttl, which must be given with it');
}

function resolveSlowMs(slowMs: unknown): number {
  if (slowMs === undefined) return SLOW_MS;
  if (typeof slowMs !== 'number') throw createArgumentError('options.slowMs', 'a number of milliseconds', slowMs);
  if (slowMs >= 0) return slowMs;
  throw createRangeError('options.slowMs', 'a number of milliseconds from 0 on', slowMs);
}

function resolveMaxDelay(delayMs: unknown): number {
  if (delayMs === undefined) return WRITER_DELAY_MS;
  if (typeof delayMs !== 'number') throw createArgumentError('options.maxDelay', 'a number', delayMs);
  if (delayMs >= 0 && delayMs <= WRITER_DELAY_MS_MAX) return delayMs;
  throw createRangeError('options.maxDelay', `a number of milliseconds from 0 to ${WRITER_DELAY_MS_MAX}`, delayMs);
}

function resolveOnError(onError: unknown): ResolvedWriterOptions['onError'] {
  if (onError === undefined || typeof onError === 'function') return onError as ResolvedWriterOptions['onError'];
  throw createArgumentError('options.onError', 'a function', onError);
}
