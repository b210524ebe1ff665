/** The addon: its whole surface, and the only place that loads it. */

import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { createError, createNativeError } from './errors.js';

/** Both elements of a key that is an array of two, or nothing. */
export type PairArguments = [] | [first: unknown, second: unknown];

/**
 * What the addon exports. All maps of a thread call the same functions, with the slot of their store first: so V8 sees
 * one call target however many maps there are. Slot 0 is never open: on it, as on any closed slot, everything but
 * `close` throws. All functions validate the key first; one that is an array is read by them, which runs getters that
 * take the place of elements; but an array of two elements may have these, already read, as `pair` behind all other
 * arguments. A value that was stored encoded comes back as an object, and no other value is one: see `AddonReply`.
 */
export interface Addon {
  /**
   * Before anything else. `fail` builds and throws the error; `collect` is `(...items) => items`. Returns where encoded
   * values are found that were returned: what was given first in this environment.
   */
  setup(hooks: AddonHooks): AddonReply;
  readonly limits: {
    readonly keyBytesMax: number;
    readonly keyPartsMax: number;
    readonly valueBytesMax: number;
    readonly shardsMax: number;
  };
  readonly valueKinds: ValueKinds;
  /**
   * A new store, or with a name the process's store of that name; `shards` 0 is the default, and below 0 the store adds
   * some by itself. `ttl` is that of entries
   * which are put without one, in milliseconds, 0 for none; where the store is open already, its own stays.
   */
  create(name: string | undefined, shards: number, ttl: number, touch: boolean): NativeStore;
  /**
   * The store of a directory; `fsync` is the place among always, interval, never, and `recovery` that among tail, strict,
   * salvage. `done` is called in this thread: with an error, or with the id of the store, which is open at least until it
   * returns. Returns what `progress` takes.
   */
  open(
    dir: string,
    name: string | undefined,
    shards: number,
    ttl: number,
    touch: boolean,
    fsync: number,
    flushInterval: number,
    recovery: number,
    isReadonly: boolean,
    done: (error: Error | undefined, id: string) => void,
  ): object;
  /** Bytes that were read so far, bytes there are, records that were read. */
  progress(opening: object): [bytes: number, bytesTotal: number, records: number];
  /** Until all that was written is on the medium. */
  flush(slot: number, done: Done): void;
  /** The same, and waits in this thread; at once where the store has no directory. */
  flushSync(slot: number): void;
  /** Until the store's log was made short. */
  compact(slot: number, done: Done): void;
  /** Until the directory `path` is a store as this one is. */
  backUp(slot: number, path: string, done: Done): void;
  /** Until the store has so many shards. */
  reshard(slot: number, shards: number, done: Done): void;
  /** Undefined where the store has no directory. */
  logStats(slot: number): NativeLogStats | undefined;
  /** From now on what the store's log does is kept for this slot, and `hooks.news` called in a turn of its own. */
  listenToLog(slot: number): void;
  /** Ends that. Idempotent. */
  unlistenToLog(slot: number): void;
  /** Of each piece of news in turn what `LOG_NEWS` says; they wait no more. */
  takeLogNews(slot: number): unknown[];
  /** The open store with this id, or undefined where there is none. */
  attach(id: string): NativeStore | undefined;
  /** The value of `key`, or undefined. */
  get(slot: number, key: unknown, ...pair: PairArguments): unknown;
  /** The same; tells in `control` what a value that was found is known to be current by. */
  getVersioned(slot: number, key: unknown): unknown;
  /** The value of `key`, or `absent`. */
  find(slot: number, key: unknown, absent: unknown): unknown;
  /** `NativeStore.versions` of the shards that there are now; `control[5]` is how many these are. */
  versions(slot: number): NativeStore['versions'];
  has(slot: number, key: unknown, ...pair: PairArguments): boolean;
  /** `value` is a primitive, but no symbol. */
  set(slot: number, key: unknown, value: unknown, ...pair: PairArguments): void;
  /** The value is of a kind of `valueKinds`, and its bytes are those of `view` from `start` to `end`, copied. */
  setEncoded(slot: number, key: unknown, kind: number, view: ArrayBufferView, start: number, end: number): void;
  delete(slot: number, key: unknown, ...pair: PairArguments): boolean;
  clear(slot: number): void;
  size(slot: number): number;
  /** In one atomic step: returns the value that was there, or inserts and returns `absent`. */
  insert(slot: number, key: unknown, value: unknown, absent: unknown, ...pair: PairArguments): unknown;
  insertEncoded(
    slot: number,
    key: unknown,
    kind: number,
    view: ArrayBufferView,
    start: number,
    end: number,
    absent: unknown,
  ): unknown;
  /** In one atomic step: sets the value, and returns the one that was there, or `absent`. */
  exchange(slot: number, key: unknown, value: unknown, absent: unknown): unknown;
  exchangeEncoded(
    slot: number,
    key: unknown,
    kind: number,
    view: ArrayBufferView,
    start: number,
    end: number,
    absent: unknown,
  ): unknown;
  /** Deletes the entry, and returns its value, or `absent`. */
  take(slot: number, key: unknown, absent: unknown): unknown;
  /**
   * Adds a number, or a bigint, and returns the sum; `by` where there is no entry. Undefined where the value is of another
   * type than `by`, or, if `reply[1]` is 1, the sum not within `SUM_MAX` or `SUM_BITS_MAX`: then nothing is changed.
   */
  increment(slot: number, key: unknown, by: number | bigint): number | bigint | undefined;
  /**
   * Sets a value if the one that is there is `expected`, a primitive, by SameValueZero; or, with `orAbsent`, where there
   * is none. Returns whether it was.
   */
  compareAndSet(slot: number, key: unknown, expected: unknown, orAbsent: boolean, value: unknown): boolean;
  compareAndSetEncoded(
    slot: number,
    key: unknown,
    expected: unknown,
    orAbsent: boolean,
    kind: number,
    view: ArrayBufferView,
    start: number,
    end: number,
  ): boolean;
  compareAndDelete(slot: number, key: unknown, expected: unknown): boolean;
  /**
   * Gives the entry a deadline so many milliseconds from now, as `LIFETIME` has them; not `DEFAULT_TTL`. Returns what it
   * had before: 0 where there is no entry, 1 none, 2 one.
   */
  expire(slot: number, key: unknown, ttl: number): number;
  /** Renews the store's time to live, where the entry has that and the store was made with `touch`. Whether it is there. */
  touch(slot: number, key: unknown): boolean;
  /** Milliseconds until the entry expires, rounded up; Infinity where it never does, undefined where there is none. */
  timeLeft(slot: number, key: unknown): number | undefined;
  /**
   * From now on entries that expire are kept for this slot, and `hooks.news` is called in a turn of its own when there
   * are some. At most so many entries wait, and so many bytes; what comes when they do is dropped.
   */
  listen(slot: number, entriesMax: number, bytesMax: number): void;
  /** Ends that, and drops what waits. Idempotent. */
  unlisten(slot: number): void;
  /**
   * `[bytes, key, kind, value, …]` of about `count` entries that expired, the earliest first, as a page's; they wait no more.
   * `reply[1]` is how many were dropped since the last call.
   */
  takeExpired(slot: number, count: number): unknown[];
  /** Whether waiting for news keeps this thread's event loop alive; at first it does not. To be told in turns. */
  keepAlive(does: boolean): void;
  /** The value of `key`, or `absent`; `reply[2]` and `reply[3]` are the stamp of what was found. */
  findStamped(slot: number, key: unknown, absent: unknown): unknown;
  /** These three change the entry if what is there has the stamp still; return whether it had. */
  setIf(slot: number, key: unknown, value: unknown, sequence: number, version: number): boolean;
  setEncodedIf(
    slot: number,
    key: unknown,
    kind: number,
    view: ArrayBufferView,
    start: number,
    end: number,
    sequence: number,
    version: number,
  ): boolean;
  deleteIf(slot: number, key: unknown, sequence: number, version: number): boolean;
  /**
   * Keeps all other threads' writes of `key` waiting until `release`, so many milliseconds at most. Waits itself while
   * another thread has a claim in the key's shard. Returns whether this thread has had the claim from before until now: then
   * no other has written the key since, but by `clear`.
   */
  claim(slot: number, key: unknown, milliseconds: number): boolean;
  release(slot: number, key: unknown): void;
  /**
   * `[bytes, sequence, key, kind, value, …]` of about `count` entries with a sequence above `after`, in insertion order;
   * fewer where they are large, and none at the end only. Where `kind` is not 0, the value is encoded: in the
   * ArrayBuffer `bytes`, at the offset `value`, are the number of its bytes, in four of them, the lowest first, and they.
   */
  page(slot: number, after: number, count: number): unknown[];
  /** A sequence that entries inserted before this call do not exceed, and entries inserted after the next call do. */
  lastSequence(slot: number): number;
  /** The value of `key` if that is still the entry with `sequence`, else `absent`. */
  recheck(slot: number, key: unknown, sequence: number, absent: unknown): unknown;
  stats(slot: number, perShard: boolean): NativeStats;
  /**
   * The values of keys, undefined where there is none, in the form that `reply[0]` tells of: see `REPLY_FORMS`. `first` is
   * the place of the first key, for errors. A call takes 256 keys at most.
   */
  getMany(slot: number, first: number, ...keys: unknown[]): unknown[] | undefined;
  /** Sets the bytes of `scratch` from `FOUND_AT` on to 1 where there is an entry, else to 0. */
  hasMany(slot: number, first: number, ...keys: unknown[]): void;
  /** Sets keys and primitive values in turn, 128 entries at most; nothing, where one of them is refused. */
  setEntries(slot: number, ...entries: unknown[]): void;
  /** How many of up to 256 keys there were; none is deleted where one is refused. */
  deleteKeys(slot: number, ...keys: unknown[]): number;
  /**
   * Copies the value of `key`, of `kind`, into the bytes of `out` from `start` on. Returns how many bytes; or -1 where
   * there is none, -2 where `out` has not the room, -3 where it is of another kind, and in `reply` of which.
   */
  getInto(slot: number, key: unknown, kind: number, out: ArrayBufferView, start: number): number;
  /**
   * Copies the values of keys, of `kind` and `rowBytes` each, into the bytes of `out` from `start` on, one behind the
   * other, and sets bytes of `mask` from `maskStart` on to 1 where there is one, else to 0. Returns how many were found; or
   * -2 where `out` or `mask` has not the room, or -3 less the place in `keys` of one whose value is another, with its kind
   * and bytes in `reply`: then nothing was copied.
   */
  gather(
    slot: number,
    kind: number,
    out: ArrayBufferView,
    start: number,
    rowBytes: number,
    mask: Uint8Array,
    maskStart: number,
    ...keys: unknown[]
  ): number;
  /** A new batch: keys and entries that are collected for `setMany` and `deleteMany`. To be closed. */
  openBatch(): number;
  closeBatch(batch: number): void;
  /**
   * These three add to a batch, all or nothing of what they are given. `entries` are keys and values in turn: primitives, or
   * all bytes of a `Uint8Array` as a value of the kind `plain`.
   */
  addKeys(batch: number, ...keys: unknown[]): void;
  addEntries(batch: number, ...entries: unknown[]): void;
  addEncoded(batch: number, key: unknown, kind: number, view: ArrayBufferView, start: number, end: number): void;
  /**
   * Sets the entries of a batch in order. Those that were set are in it no more; where memory runs out before all are,
   * `reply[0]` is how many were.
   */
  setMany(slot: number, batch: number): void;
  deleteMany(slot: number, batch: number): number;
  /** What `saveStructures` saved last, or undefined. */
  loadStructures(slot: number): string | undefined;
  /** Replaces the text if that is still `expected`; returns whether it was. */
  saveStructures(slot: number, expected: string | undefined, text: string): boolean;
  /** Idempotent. The slot's number may be another store's afterwards. */
  close(slot: number): void;
}

/** What the addon calls, and where it leaves encoded values: `reply` and `scratch` are its own from then on. */
export interface AddonHooks extends AddonReply {
  createError: typeof createNativeError;
  collect(...items: unknown[]): unknown[];
  /** Called in a turn of the event loop of its own when there is something to take for a slot that listens. */
  news(): void;
}

/** Called once, in a turn of the event loop of its own, which is kept alive for it: with the error, if there is one. */
export type Done = (error: Error | undefined) => void;

/**
 * Where an encoded value is found until the next call of the addon: its bytes in `scratch`, which is then what was
 * returned, or in an ArrayBuffer of its own, if they are too many; its kind in `reply[0]`, their number in `reply[1]`.
 * What some functions tell besides is in `reply` as well.
 */
export interface AddonReply {
  readonly scratch: Buffer;
  readonly reply: Float64Array;
}

/**
 * Where in `reply` a function that puts an entry finds its time to live, and takes it from when it begins, before it
 * reads its arguments: to be written in the same breath as the call.
 */
export const LIFETIME = {
  /**
   * Milliseconds, not necessarily whole, at most `TTL_MAX`; Infinity for none; 0 is the store's own; less than 0 is a deadline
   * that has passed: the entry expires as soon as it is there.
   */
  ttl: 4,
  /**
   * What becomes of the deadline of an entry that is there: 1, it gets the new one; 2, it keeps what it has. 0 is 2 for
   * `increment`, `setIf` and `setEncodedIf`, unless a ttl is given, and 1 for the others.
   */
  existing: 5,
} as const;

/** The longest finite time to live, in milliseconds: 2^62 nanoseconds, 146 years. */
export const TTL_MAX = 4_611_686_018_427;

/** How `getMany` replies. */
export const REPLY_FORMS = {
  /** An array of values, none of which is encoded. */
  values: 0,
  /** A list as a page's, but of kinds and values alone; its bytes may be `scratch`. */
  withKinds: 1,
  /**
   * Nothing was returned: all values are numbers, as doubles from the beginning of `scratch` on. There are `reply[1]` of
   * them, and where that is fewer than were asked for, bytes from `FOUND_AT` on tell which, as `hasMany` has it.
   */
  numbers: 2,
} as const;

/** The items of a piece of news of a log. */
export const LOG_NEWS = {
  items: 5,
  /** What it is: see `LOG_NEWS_KINDS`. */
  kind: 0,
  /** If there is one. */
  error: 1,
  /** Of a compaction: bytes of the log before it; then, of one that has ended, milliseconds, and bytes of the snapshot. */
  logBytes: 2,
  durationMs: 3,
  snapshotBytes: 4,
} as const;

/** What nobody waits for has failed; a compaction begins; one has ended. */
export const LOG_NEWS_KINDS = { failure: 0, compactionBegins: 1, compactionEnds: 2 } as const;

/** Where in `scratch` the addon says which of many keys were found. */
export const FOUND_AT = 2048;

/** The largest magnitude of a sum of numbers. */
export const SUM_MAX = Number.MAX_SAFE_INTEGER;
/** The most bits that the magnitude of a sum of bigints has. */
export const SUM_BITS_MAX = 512;

/** Numbers of the kinds of values that are bytes. A number is never given to another kind: bytes of `clone` have some in them. */
export interface ValueKinds {
  /** Of characters: a primitive, encoded only to be compressed. */
  readonly oneByteString: number;
  readonly twoByteString: number;
  /** MessagePack with the store's structures. */
  readonly plain: number;
  /** V8's serialisation format. */
  readonly clone: number;
  /** Of a user's codec. */
  readonly custom: number;
  /** Bytes of another kind, compressed: see compression.ts. */
  readonly compressed: number;
  readonly ArrayBuffer: number;
  readonly DataView: number;
  readonly Buffer: number;
  readonly Int8Array: number;
  readonly Uint8Array: number;
  readonly Uint8ClampedArray: number;
  readonly Int16Array: number;
  readonly Uint16Array: number;
  readonly Int32Array: number;
  readonly Uint32Array: number;
  readonly Float16Array: number;
  readonly Float32Array: number;
  readonly Float64Array: number;
  readonly BigInt64Array: number;
  readonly BigUint64Array: number;
}

/**
 * One handle on a store: each `ShardMap` has its own, and must keep this object, whose garbage collection closes it.
 */
export interface NativeStore {
  readonly slot: number;
  /** 32 lower-case hexadecimal digits, random. */
  readonly id: string;
  readonly name: string | undefined;
  /** Milliseconds that entries live by default, or 0 for ever; and whether reads renew that. */
  readonly ttl: number;
  readonly touch: boolean;
  /** Whether it is kept in a directory. */
  readonly isDurable: boolean;
  /**
   * `[0]` counts this environment's own mutations of the store. The value that `getVersioned` found last is current for
   * as long as `versions[control[2]] === control[1]`, in the versions of `control[5]` shards. What a near cache adds to `[3]`, reads of values, and to `[4]`, those of
   * `has`, the next call of `getVersioned` or `stats` counts.
   */
  readonly control: { [index: number]: number };
  /**
   * Memory of the store that other threads write: empty where the engine refuses such arrays. It stays readable when the
   * store is closed.
   */
  readonly versions: { readonly [index: number]: number };
  /** Of how many shards these are. */
  readonly versionShards: number;
}

/** Figures of one store; bytes are those reserved from the system unless said. */
export interface NativeShardStats {
  readonly entries: number;
  readonly timedEntries: number;
  readonly expiredEntries: number;
  readonly bytesKeys: number;
  readonly bytesValues: number;
  readonly bytesEntries: number;
  readonly bytesIndex: number;
  readonly bytesBlobs: number;
  readonly bytesTimers: number;
  readonly bytesFree: number;
  readonly lockWaits: number;
  readonly readRetries: number;
  readonly readFallbacks: number;
  readonly rehashes: number;
  readonly compactions: number;
  readonly stallMaxNs: number;
}

/** Those of a store: of all its shards, and of what they share. */
export interface NativeStats extends NativeShardStats {
  readonly shards: number;
  readonly bytesTotal: number;
  readonly bytesShards: number;
  readonly bytesRetired: number;
  readonly readHits: number;
  readonly readMisses: number;
  readonly hasHits: number;
  readonly hasMisses: number;
  readonly inserts: number;
  readonly overwrites: number;
  readonly deletes: number;
  readonly deleteMisses: number;
  readonly clears: number;
  readonly perShard?: readonly NativeShardStats[];
}

/** Figures of a store's log; times in milliseconds. */
export interface NativeLogStats {
  readonly isReadonly: boolean;
  readonly hasFailed: boolean;
  /** Why writes are refused. */
  readonly refusal?: string;
  readonly bytesStaged: number;
  readonly bytesWritten: number;
  readonly bytesSegments: number;
  readonly bytesSnapshot: number;
  readonly segments: number;
  readonly lagMs: number;
  readonly syncs: number;
  readonly syncLastMs: number;
  readonly syncMaxMs: number;
  readonly failures: number;
  /** Missing before the first snapshot of this process. */
  readonly snapshotAgeMs?: number;
  readonly compactions: number;
  readonly compactionMs: number;
  readonly recoveredBytes: number;
  readonly recoveredRecords: number;
  readonly recoveryMs: number;
  readonly tailBytes: number;
  readonly losses: {
    readonly file: string;
    readonly offset: number;
    readonly bytes: number;
    readonly reason: string;
  }[];
}

/** What the addon returns in place of a value where there is none: no stored value is a symbol. */
export const ABSENT: unique symbol = Symbol('absent');

/** Longest encoded value that costs no ArrayBuffer of its own when it is read. */
const SCRATCH_BYTES = 1 << 16;

/** What `AddonHooks.news` does: whoever listens puts it here, as the addon is given its hooks before that is loaded. */
export const newsHook = { news(): void {} };

function load(): Addon & AddonReply {
  const packageRoot = fileURLToPath(new URL('..', import.meta.url));
  try {
    const loadBinary = createRequire(import.meta.url)('node-gyp-build') as (root: string) => Addon;
    const addon = loadBinary(packageRoot);
    const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    const hooks: AddonHooks = {
      createError: createNativeError,
      collect: (...items) => items,
      news: () => newsHook.news(),
      scratch,
      reply: new Float64Array(6),
    };
    return { ...addon, ...addon.setup(hooks) };
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
  ttl: 0,
  touch: false,
  isDurable: false,
  control: new Float64Array(6),
  versions: Object.freeze([]),
  versionShards: 0,
});
