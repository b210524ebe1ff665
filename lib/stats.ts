/** The figures of a store as users read them. */

import { createArgumentError } from './errors.js';
import type { NativeLogStats, NativeShardStats, NativeStats } from './native.js';
import { readOptions } from './options.js';

const { max } = Math;
const NANOS_PER_MILLI = 1e6;

/** What is asked of a store. Options that are not listed here are refused. */
export interface StatsOptions {
  /** Each shard's figures besides, and how unequal shards are. Default: false. */
  readonly perShard?: boolean | undefined;
}

/**
 * Figures of a store, all threads together. Shards are read one after the other without stopping writers: under writes
 * the figures are near each other in time, not of one instant.
 *
 * Bytes are exactly those that the store has allocated. What the allocator takes besides is not known here: 8 bytes for
 * each piece, and what is free between pieces, in memory that all stores of the process share.
 */
export interface ShardMapStats extends ShardMapShardStats {
  /** Shards the store is split into now: see {@link ShardMap.reshard}. */
  readonly shards: number;
  /**
   * All memory of the store, in bytes: the sum of `bytesEntries`, `bytesIndex`, `bytesBlobs`, `bytesTimers`, `bytesFree`,
   * `bytesShards` and `bytesRetired`.
   */
  readonly bytesTotal: number;
  /** Bytes for the shards themselves: locks, counters, headers. */
  readonly bytesShards: number;
  /** Bytes that hold nothing any more, but that a thread may still be reading; freed soon after. */
  readonly bytesRetired: number;
  /** `bytesTotal / entries`, all included; undefined while there are no entries. */
  readonly bytesPerEntry: number | undefined;
  /** What all threads did. */
  readonly operations: ShardMapOperations;
  /** With `perShard`, each shard's; else undefined. */
  readonly perShard: readonly ShardMapShardStats[] | undefined;
  /** With `perShard`, how unequal they are; else undefined. */
  readonly skew: ShardMapSkew | undefined;
  /** The log's; undefined where the map is kept in no directory. */
  readonly log: ShardMapLogStats | undefined;
}

/**
 * Figures of one shard, or of all together: of now, and, where they count what happened, since the store was made; of one
 * shard since it was made, by `reshard` perhaps.
 */
export interface ShardMapShardStats {
  /** Entries now; those that expired this moment may be among them. */
  readonly entries: number;
  /** Those of them that expire some time. */
  readonly timedEntries: number;
  /** Entries that have expired and were removed. */
  readonly expiredEntries: number;
  /** Bytes of the keys alone, as they are stored: a part of `bytesEntries` and `bytesBlobs`. */
  readonly bytesKeys: number;
  /** Bytes of the values alone, likewise. */
  readonly bytesValues: number;
  /** Bytes for entries: keys and values that are stored inline, with their headers. */
  readonly bytesEntries: number;
  /** Bytes for the index that finds an entry by its key. */
  readonly bytesIndex: number;
  /** Bytes for long keys and values, which are stored outside of the entries. */
  readonly bytesBlobs: number;
  /** Bytes for finding the entries that expire next; what each of these keeps of its deadline is in `bytesEntries`. */
  readonly bytesTimers: number;
  /** Bytes reserved and free, to be used by entries to come. */
  readonly bytesFree: number;
  /** How often a thread that wrote had to wait for another. */
  readonly lockWaits: number;
  /** How often a lookup met a change of the index and looked again. */
  readonly readRetries: number;
  /** Reads that took the lock, as what they read kept changing. */
  readonly readFallbacks: number;
  /** How often an index was moved to another table: as it grew, shrank, or was full of what deletions leave. */
  readonly rehashes: number;
  /** How often entries were moved together, as many between them had been deleted. */
  readonly compactions: number;
  /** The longest that either of these two has held a shard's lock, in milliseconds: who writes there waits so long. */
  readonly stallMaxMs: number;
}

/**
 * Operations on single keys since the store was made, or opened; each key of a batch is one. Each thread counts for itself,
 * and what its maps answered from what they had read before is counted in steps of 1,024, or when it asks for figures.
 */
export interface ShardMapOperations {
  /** Reads of a value, by whatever operation reads one, that found an entry. */
  readonly readHits: number;
  /** Those that found none. */
  readonly readMisses: number;
  /** Keys that `has` or `hasMany` found. */
  readonly hasHits: number;
  /** Those that they did not. */
  readonly hasMisses: number;
  /** Entries that were set where there was none. */
  readonly inserts: number;
  /** Entries that were set where there was one. */
  readonly overwrites: number;
  /** Entries that were deleted one by one. */
  readonly deletes: number;
  /** Deletions of what was not there, or not as it was expected. */
  readonly deleteMisses: number;
  /** Calls of `clear`. */
  readonly clears: number;
}

/** The largest shard over the mean of all: 1 where all are alike. */
export interface ShardMapSkew {
  /** By entries; undefined where there are none. */
  readonly entries: number | undefined;
  /** By how often threads waited for it; undefined where none did. */
  readonly lockWaits: number | undefined;
}

/** Figures of the log of a map that is kept in a directory. */
export interface ShardMapLogStats {
  /**
   * `'running'`; `'refusing'` writes, as the disk is full or memory is out, until what was written before is in the log;
   * `'failed'`, until `compact()`; `'readonly'`.
   */
  readonly state: 'running' | 'refusing' | 'failed' | 'readonly';
  /** Why it refuses writes, or has failed. */
  readonly reason: string | undefined;
  /**
   * Bytes of memory in which changes wait until they are handed to the operating system: what is kept for those to come is
   * counted too, 64 KiB for each thread that writes. 64 MiB at most.
   */
  readonly bytesStaged: number;
  /** Bytes written to the log since the store was opened. */
  readonly bytesWritten: number;
  /** Bytes of the log since the last snapshot: what an opening reads besides that. */
  readonly bytesSegments: number;
  /** Bytes of the last snapshot. */
  readonly bytesSnapshot: number;
  /** Segments, the files of the log, that an opening would read. */
  readonly segments: number;
  /**
   * For how many milliseconds the oldest change has waited that is with the operating system, and not known to be on the
   * medium; 0 where there is none. What is only staged follows within milliseconds.
   */
  readonly lagMs: number;
  /** Syncs of the medium since the store was opened, but for those of snapshots. */
  readonly syncs: number;
  /** How many milliseconds the last of them took. */
  readonly syncLastMs: number;
  /** How many the longest took. */
  readonly syncMaxMs: number;
  /** How often the log could not be written or synced since the store was opened: a disk that is full is tried again. */
  readonly failures: number;
  /** Milliseconds since the last snapshot was written; undefined where this process has written none. */
  readonly snapshotAgeMs: number | undefined;
  /** How often the log was made short since the store was opened. */
  readonly compactions: number;
  /** How many milliseconds the last time took. */
  readonly compactionMs: number;
  /** What became of the files when the store was opened. */
  readonly recovery: ShardMapRecovery;
}

/** What an opening of a directory found. */
export interface ShardMapRecovery {
  /** How long it took, in milliseconds. */
  readonly timeMs: number;
  /** Bytes that were read. */
  readonly bytes: number;
  /** Changes that were read. */
  readonly records: number;
  /** Bytes of an unfinished end, which a crash leaves behind, that were cut off. */
  readonly bytesTail: number;
  /** With `recovery: 'salvage'`, what could not be read. */
  readonly losses: readonly ShardMapLoss[];
}

/** Something that is gone. */
export interface ShardMapLoss {
  /** Its name in the directory. */
  readonly file: string;
  /** The place in the file, in bytes. */
  readonly offset: number;
  /** How many bytes from there were passed over; 0 where it is not known what is missing. */
  readonly bytes: number;
  /** What is wrong there. */
  readonly reason: string;
}

/** Whether each shard's figures are wanted. Throws for bad options. */
export function readStatsOptions(options: unknown): boolean {
  const { perShard = false } = readOptions(options, ['perShard']);
  if (typeof perShard !== 'boolean') throw createArgumentError('options.perShard', 'a boolean', perShard);
  return perShard;
}

/** Public figures from native ones. */
export function createStats(native: NativeStats, nativeLog: NativeLogStats | undefined): ShardMapStats {
  const { shards, bytesTotal, bytesShards, bytesRetired } = native;
  const { readHits, readMisses, hasHits, hasMisses, inserts, overwrites, deletes, deleteMisses, clears } = native;
  return {
    ...createShardStats(native),
    shards,
    bytesTotal,
    bytesShards,
    bytesRetired,
    bytesPerEntry: native.entries === 0 ? undefined : bytesTotal / native.entries,
    operations: { readHits, readMisses, hasHits, hasMisses, inserts, overwrites, deletes, deleteMisses, clears },
    perShard: native.perShard === undefined ? undefined : createEach(native.perShard),
    skew: native.perShard === undefined ? undefined : createSkew(native, native.perShard),
    log: nativeLog === undefined ? undefined : createLogStats(nativeLog),
  };
}

function createShardStats(native: NativeShardStats): ShardMapShardStats {
  const { entries, timedEntries, expiredEntries, bytesKeys, bytesValues, bytesEntries, bytesIndex, bytesBlobs } =
    native;
  const { bytesTimers, bytesFree, lockWaits, readRetries, readFallbacks, rehashes, compactions, stallMaxNs } = native;
  return {
    entries,
    timedEntries,
    expiredEntries,
    bytesKeys,
    bytesValues,
    bytesEntries,
    bytesIndex,
    bytesBlobs,
    bytesTimers,
    bytesFree,
    lockWaits,
    readRetries,
    readFallbacks,
    rehashes,
    compactions,
    stallMaxMs: stallMaxNs / NANOS_PER_MILLI,
  };
}

function createEach(native: readonly NativeShardStats[]): ShardMapShardStats[] {
  const each: ShardMapShardStats[] = [];
  for (let shard = 0; shard < native.length; shard++) each[shard] = createShardStats(native[shard] as NativeShardStats);
  return each;
}

function createSkew(all: NativeShardStats, each: readonly NativeShardStats[]): ShardMapSkew {
  let entries = 0;
  let lockWaits = 0;
  for (let shard = 0; shard < each.length; shard++) {
    entries = max(entries, (each[shard] as NativeShardStats).entries);
    lockWaits = max(lockWaits, (each[shard] as NativeShardStats).lockWaits);
  }
  return {
    entries: all.entries === 0 ? undefined : (entries * each.length) / all.entries,
    lockWaits: all.lockWaits === 0 ? undefined : (lockWaits * each.length) / all.lockWaits,
  };
}

function createLogStats(native: NativeLogStats): ShardMapLogStats {
  const { refusal, bytesStaged, bytesWritten, bytesSegments, bytesSnapshot, segments, lagMs, failures } = native;
  const { syncs, syncLastMs, syncMaxMs, snapshotAgeMs, compactions, compactionMs } = native;
  return {
    state: stateOf(native),
    reason: refusal,
    bytesStaged,
    bytesWritten,
    bytesSegments,
    bytesSnapshot,
    segments,
    lagMs,
    syncs,
    syncLastMs,
    syncMaxMs,
    failures,
    snapshotAgeMs,
    compactions,
    compactionMs,
    recovery: {
      timeMs: native.recoveryMs,
      bytes: native.recoveredBytes,
      records: native.recoveredRecords,
      bytesTail: native.tailBytes,
      losses: native.losses,
    },
  };
}

function stateOf({ isReadonly, hasFailed, refusal }: NativeLogStats): ShardMapLogStats['state'] {
  if (isReadonly) return 'readonly';
  if (hasFailed) return 'failed';
  return refusal === undefined ? 'running' : 'refusing';
}
