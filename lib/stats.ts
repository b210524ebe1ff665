/** The figures of a store as users read them. */

import type { NativeLogStats, NativeStats } from './native.js';

/**
 * Figures of a store, all threads together. Shards are read one after the other without stopping writers: under writes
 * the figures are near each other in time, not of one instant.
 *
 * Bytes are exactly those that the store has allocated. What the allocator takes besides is not known here: 8 bytes for
 * each piece, and what is free between pieces, in memory that all stores of the process share.
 */
export interface ShardMapStats {
  /** Entries now; those that expired this moment may be among them. */
  readonly entries: number;
  /** Those of them that expire some time. */
  readonly timedEntries: number;
  /** Entries that have expired and were removed, since the store was made. */
  readonly expiredEntries: number;
  /** Shards the store is split into. */
  readonly shards: number;
  /** All memory of the store, in bytes: the sum of the `bytes…` figures below. */
  readonly bytesTotal: number;
  /** Bytes for entries: keys and values that are stored inline, with their headers. */
  readonly bytesEntries: number;
  /** Bytes for the index that finds an entry by its key. */
  readonly bytesIndex: number;
  /** Bytes for long keys and values, which are stored outside of the entries. */
  readonly bytesBlobs: number;
  /** Bytes for finding the entries that expire next; what each of these keeps of its deadline is in `bytesEntries`. */
  readonly bytesTimers: number;
  /** Bytes for the shards themselves: locks, counters, headers. */
  readonly bytesShards: number;
  /** Bytes reserved and free, to be used by entries to come. */
  readonly bytesFree: number;
  /** Bytes that hold nothing any more, but that a thread may still be reading; freed soon after. */
  readonly bytesRetired: number;
  /** `bytesTotal / entries`, all included; undefined while there are no entries. */
  readonly bytesPerEntry: number | undefined;
  /** The log's; undefined where the map is kept in no directory. */
  readonly log: ShardMapLogStats | undefined;
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
  /** Bytes of memory for changes that were not handed to the operating system yet; 64 MiB at most. */
  readonly bytesStaged: number;
  /** Bytes written to the log since the store was opened. */
  readonly bytesWritten: number;
  /** Bytes of the log since the last snapshot: what an opening reads besides that. */
  readonly bytesSegments: number;
  /** Bytes of the last snapshot. */
  readonly bytesSnapshot: number;
  /** Syncs of the medium since the store was opened, but for those of snapshots. */
  readonly syncs: number;
  /** How often the log was made short since the store was opened, and how many milliseconds the last time took. */
  readonly compactions: number;
  readonly compactionTime: number;
  /** What became of the files when the store was opened. */
  readonly recovery: ShardMapRecovery;
}

/** What an opening of a directory found. */
export interface ShardMapRecovery {
  /** Milliseconds. */
  readonly time: number;
  /** Bytes and changes that were read. */
  readonly bytes: number;
  readonly records: number;
  /** Bytes of an unfinished end, which a crash leaves behind, that were cut off. */
  readonly bytesTail: number;
  /** With `recovery: 'salvage'`, what could not be read. */
  readonly losses: readonly ShardMapLoss[];
}

/** Something that is gone. */
export interface ShardMapLoss {
  readonly file: string;
  /** The place in the file, and how many bytes from there were passed over; 0 where it is not known what is missing. */
  readonly offset: number;
  readonly bytes: number;
  readonly reason: string;
}

/** Public figures from native ones. */
export function createStats(native: NativeStats, nativeLog: NativeLogStats | undefined): ShardMapStats {
  const { entries, timedEntries, expiredEntries, shards, bytesTotal, bytesEntries, bytesIndex, bytesBlobs } = native;
  const { bytesTimers, bytesShards, bytesFree, bytesRetired } = native;
  const bytesPerEntry = entries === 0 ? undefined : bytesTotal / entries;
  return {
    entries,
    timedEntries,
    expiredEntries,
    shards,
    bytesTotal,
    bytesEntries,
    bytesIndex,
    bytesBlobs,
    bytesTimers,
    bytesShards,
    bytesFree,
    bytesRetired,
    bytesPerEntry,
    log: nativeLog === undefined ? undefined : createLogStats(nativeLog),
  };
}

function createLogStats(native: NativeLogStats): ShardMapLogStats {
  const { refusal, bytesStaged, bytesWritten, bytesSegments, bytesSnapshot, syncs, compactions, compactionMs } = native;
  return {
    state: stateOf(native),
    reason: refusal,
    bytesStaged,
    bytesWritten,
    bytesSegments,
    bytesSnapshot,
    syncs,
    compactions,
    compactionTime: compactionMs,
    recovery: {
      time: native.recoveryMs,
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
