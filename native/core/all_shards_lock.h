// Holds the locks of all shards of a store, for a change that is one step for all of them. Nothing else holds two, but
// for a shard that is being split and one of those that it is split into, in this order.
//
// They are locked in the order of their numbers, so that two who do it at once cannot wait for each other. Clang's
// analysis knows no locks of which it cannot tell how many there are: here alone it is switched off.
#pragma once

#include <cstdint>
#include <span>

#include "base/mutex.h"
#include "core/session.h"
#include "core/shard.h"

namespace shardmap {

class AllShardsLock {
 public:
  explicit AllShardsLock(std::span<Shard> shards);
  ~AllShardsLock();
  AllShardsLock(const AllShardsLock&) = delete;
  AllShardsLock& operator=(const AllShardsLock&) = delete;

  // Tells the session's stage, if it has one, that all entries go: under a stamp that is above all that any shard has
  // given, and below all that it will give. Returns that stamp, or 0.
  uint64_t AppendClear(Session& session);
  void RaiseStamps(uint64_t stamp);
  // Takes everything out of each shard: that of `shards[i]` into `contents[i]`.
  void TakeAll(std::span<ShardContents> contents);

  // Of splits (shard_split.h): that of `shards[i]` is `splits[i]` from now on.
  void BeginSplits(std::span<ShardSplit> splits);
  // Ends them, as if there had been none.
  void AbandonSplits();
  bool AreLevel() const;
  // Ends the shards. Claims go to those that take their place, and what near caches have of them is read again.
  void EndShards();
  bool HaveEnded() const;

 private:
  const std::span<Shard> shards_;
};

}  // namespace shardmap
