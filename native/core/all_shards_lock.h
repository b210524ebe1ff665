// Holds the locks of all shards of a store, for a change that is one step for all of them. Nothing else holds two.
//
// They are locked in the order of their numbers, so that two who do it at once cannot wait for each other. Clang's
// analysis knows no locks of which it cannot tell how many there are: here alone it is switched off.
#pragma once

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
  // given, and below all that it will give.
  void AppendClear(Session& session);
  // Takes everything out of each shard: that of `shards[i]` into `contents[i]`.
  void TakeAll(Session& session, std::span<ShardContents> contents);

 private:
  const std::span<Shard> shards_;
};

}  // namespace shardmap
