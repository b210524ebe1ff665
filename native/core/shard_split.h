// How a shard becomes several, while its readers and writers go on.
//
// The shards that are to take its place are built beside it, and nobody reads them. They are those of its part of the
// order of hashes, so they are its alone, and entries of one number stay in the order of their shards. A thread copies
// the entries, in order, a few under each hold of the shard's lock. Who changes an entry meanwhile has the copy follow,
// under the same lock; where there is none yet, the copying comes to the entry later. Once all are copied the shard is
// level: from then on entries that are inserted are copied at once.
//
// When all shards of a store are level, their locks are taken, all of them at one time. Then the new shards are
// published, and the old ones are over: they never change again. Writers find that out under the lock, and begin anew.
// Readers who began before go on with what there was at that moment (docs/concurrency.md, why a store may be
// resharded).
//
// Copies share the blocks of long keys and values. These are the old shards' until that moment, and the new ones' from
// then on; where it never comes, as there is no memory or the store is closed, they stay where they are.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/hash.h"

namespace shardmap {

class Shard;

// What a step of a split came to.
enum class SplitOutcome : uint8_t {
  kMore,   // there are more entries to copy
  kLevel,  // there are none
  kNeedsIndex,
  kOutOfMemory,
};

// Guarded by the mutex of the shard that is being split.
struct ShardSplit {
  Shard* shards = nullptr;  // of the store, all that are to come
  unsigned log2_shards = 0;
  std::atomic<bool>* has_failed = nullptr;  // set where there was no memory for what has to follow
  uint64_t first_stamp = 0;                 // the shard's last when the split began; constant from then on
  uint64_t copied_to = 0;                   // a number: up to this, entries are copied
  bool is_level = false;

  // That of a shard that was split.
  static ShardSplit over;

  Shard& ShardOf(uint64_t hash) const;
};

}  // namespace shardmap
