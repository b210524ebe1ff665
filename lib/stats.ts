/** The figures of a store as users read them. */

import type { NativeStats } from './native.js';

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
}

/** Public figures from native ones. */
export function createStats(native: NativeStats): ShardMapStats {
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
  };
}
