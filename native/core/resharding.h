// One change of a store's number of shards, step by step: splits all of them at once, as shard_split.h tells.
//
// Used by one thread, and there is one for a store at a time. Between steps nothing is locked, and all others go on.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/status.h"
#include "core/session.h"
#include "core/shard_set.h"
#include "core/shard_split.h"
#include "core/store.h"

namespace shardmap {

class Resharding {
 public:
  // To more shards than there are; their number satisfies Store::IsShardCount. Throws std::bad_alloc.
  Resharding(Store& store, Session& session, size_t shards);
  // Abandons what has not come to its end: the store has as many shards as before.
  ~Resharding();
  Resharding(const Resharding&) = delete;
  Resharding& operator=(const Resharding&) = delete;

  // Copies a few entries; or, where all are copied, puts the new shards in the place of the old. Returns whether it
  // has. Error: kOutOfMemory.
  Result<bool> Step();

 private:
  WriteContext ContextOf(size_t shard) { return store_.ContextFor(session_, shard); }
  // The shards that one is split into get room. False when there is no memory.
  bool Prepare(size_t shard);
  bool HasFailed() const { return has_failed_.load(std::memory_order_relaxed); }
  // False where some shards are not level any more, or a copy could not follow.
  bool Publish();
  void RetireBefore();

  Store& store_;
  Session& session_;
  const ShardSet& before_;
  std::unique_ptr<const ShardSet> after_;  // until it is published
  std::vector<ShardSplit> splits_;         // of the shards before
  std::atomic<bool> has_failed_{false};
  size_t prepared_ = 0;  // shards that are
  size_t level_ = 0;     // shards that are, or were a moment ago
};

}  // namespace shardmap
