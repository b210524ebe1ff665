/**
 * What this thread read of late, kept in its own heap and never out of date: a near cache. Each value is kept with the
 * version that its shard had before it was read, and is shown again only while the shard's version, loaded from the
 * store's memory, is still that one. So a hit is as linearizable as any read, and costs a lookup in a `Map` and one
 * load in place of a call into the addon.
 *
 * It is for keys that are read again and again. Where reads do not come back, writes keep changing what they read, or it
 * expires, so that it is never kept, this costs more than it saves, notices, and rests. (Bench: hot keys and small maps of bench/suites/get.mjs;
 * docs/performance.md, near cache.)
 */

import { Codec } from './codec.js';
import { addon, CLOSED_STORE, type NativeStore } from './native.js';

const { get, getVersioned, versions: versionsOf } = addon;
const { min } = Math;
const { isNaN: isNoVersion } = Number;
const { parse, stringify } = JSON;

/** Records kept at most, those that came first. All of them take about a megabyte. */
const RECORDS_MAX = 8192;
/** Longest key and value kept, in characters. */
const CHARS_MAX = 64;
/** Every so many hits are paid back as credit, and the next read asks the store. */
const REVIEW_HITS = 1024;
/** Misses that hits have not paid for, until the cache comes to rest: enough to fill it. */
const CREDIT_MAX = 2 * RECORDS_MAX;
/** Reads that a rest lasts; twice as many after each try that failed. */
const REST_READS_MIN = 1 << 16;
const REST_READS_MAX = 1 << 20;

/** A value, and where to find out whether it is current. */
class NearRecord {
  value: unknown;
  versionIndex: number;
  version: number;

  constructor(value: unknown, control: NativeStore['control']) {
    this.value = value;
    this.version = control[1] as number;
    this.versionIndex = control[2] as number;
  }
}

/** A `Map` with methods of its own, which nobody replaces. */
class Records extends Map<unknown, NearRecord> {
  // biome-ignore lint/complexity/noUselessConstructor: the one that a class has by default runs Array.prototype[Symbol.iterator] on Node 20
  constructor() {
    super();
  }
}
for (const method of ['get', 'set', 'clear', 'delete'] as const) {
  Object.defineProperty(Records.prototype, method, { value: Map.prototype[method] });
}

/** The near cache of one map. */
export class NearCache {
  readonly #codec: Codec;
  readonly #control: NativeStore['control'];
  #versions: NativeStore['versions'];
  /** Of how many shards these are: when there are more, nothing here is current any more. */
  #versionShards: number;
  readonly #records = new Records();
  #recordsKept = 0;
  #hits = 0;
  #hasHits = 0;
  /** Those of `#hits` that the store knows of. */
  #toldHits = 0;
  #credit = CREDIT_MAX;
  #restReads = 0;
  #nextRestReads = REST_READS_MIN;

  constructor({ control, versions, versionShards }: NativeStore, codec: Codec) {
    this.#codec = codec;
    this.#control = control;
    this.#versions = versions;
    this.#versionShards = versionShards;
  }

  /** The value of `key`, from here or from the store in `slot`. Throws as the addon's `get`. */
  get(slot: number, key: unknown): unknown {
    if (this.#restReads > 0) {
      this.#restReads--;
      return this.#codec.decodeStored(get(slot, key));
    }
    const record = this.#records.get(key);
    if (record === undefined || !this.#isCurrent(record)) return this.#miss(slot, key, record);
    if ((++this.#hits & (REVIEW_HITS - 1)) === 0) return this.#review(slot, key, record);
    return record.value;
  }

  /** Whether a current record tells that the store has `key`. */
  has(key: unknown): boolean {
    if (this.#restReads > 0) return false;
    const record = this.#records.get(key);
    if (record === undefined || !this.#isCurrent(record)) return false;
    this.#hasHits++;
    return true;
  }

  /** Has the store count the hits of which it does not know; the addon's `stats` or `getVersioned` is to be called next. */
  tellHits(): void {
    const control = this.#control;
    control[3] = (control[3] as number) + this.#hits - this.#toldHits;
    control[4] = (control[4] as number) + this.#hasHits;
    this.#toldHits = this.#hits;
    this.#hasHits = 0;
  }

  #isCurrent(record: NearRecord): boolean {
    return this.#versions[record.versionIndex] === record.version;
  }

  /**
   * A plain load that finds nothing new might be spared by a compiler; so, whatever it does, now and then a read is
   * none.
   */
  #review(slot: number, key: unknown, record: NearRecord): unknown {
    this.#credit = min(this.#credit + REVIEW_HITS, CREDIT_MAX);
    this.#nextRestReads = REST_READS_MIN;
    this.#toldHits++; // the store counts this one itself
    this.tellHits();
    return this.#read(slot, key, record);
  }

  #miss(slot: number, key: unknown, record: NearRecord | undefined): unknown {
    if (--this.#credit < 0) this.#rest();
    return this.#read(slot, key, record);
  }

  #read(slot: number, key: unknown, record: NearRecord | undefined): unknown {
    const stored = getVersioned(slot, key);
    if (!isKept(stored) || !isKept(key)) return this.#codec.decodeStored(stored);
    if (this.#control[5] !== this.#versionShards) return this.#renew(slot, stored);
    // Of a value that expires it is NaN, which is no version there is: it would be gone without a change of the shard's.
    const version = this.#control[1] as number;
    if (record !== undefined) {
      record.value = stored;
      record.version = version;
    } else if (!isNoVersion(version) && this.#recordsKept < RECORDS_MAX) {
      this.#records.set(copyOf(key), new NearRecord(stored, this.#control));
      this.#recordsKept++;
    }
    return stored;
  }

  /** Begins anew with the versions of the shards that there are now. */
  #renew(slot: number, stored: unknown): unknown {
    this.#forget();
    this.#versions = versionsOf(slot);
    this.#versionShards = this.#control[5] as number;
    return stored;
  }

  #forget(): void {
    this.#records.clear();
    this.#recordsKept = 0;
  }

  #rest(): void {
    this.#forget();
    this.#credit = CREDIT_MAX;
    this.#restReads = this.#nextRestReads;
    if (this.#nextRestReads < REST_READS_MAX) this.#nextRestReads *= 2;
  }
}

/** Primitives, and small ones: objects are fresh copies at each read, and keys that are objects may change. */
function isKept(value: unknown): boolean {
  const type = typeof value;
  return type === 'string' ? (value as string).length <= CHARS_MAX : type === 'number' || type === 'boolean';
}

/** A key to keep. A string is copied: it may be a piece of a large one, which it would keep alive. */
function copyOf(key: unknown): unknown {
  return typeof key === 'string' ? parse(stringify(key)) : key;
}

/** That of a map that is closed: knows nothing. */
export const CLOSED_NEAR_CACHE = new NearCache(
  CLOSED_STORE,
  new Codec(CLOSED_STORE, { codec: undefined, compressor: undefined }),
);
