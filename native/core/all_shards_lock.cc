#include "core/all_shards_lock.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace shardmap {

AllShardsLock::AllShardsLock(std::span<Shard> shards) SHARDMAP_NO_THREAD_SAFETY_ANALYSIS : shards_(shards) {
  for (Shard& shard : shards_) shard.mutex_.Lock();
}

AllShardsLock::~AllShardsLock() SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
  for (Shard& shard : shards_) shard.mutex_.Unlock();
}

void AllShardsLock::AppendClear(Session& session) SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
  MutationStage* const stage = session.stage();
  if (stage == nullptr) return;
  uint64_t last = 0;
  for (const Shard& shard : shards_) last = std::max(last, shard.LastStampLocked());
  const uint64_t stamp = session.NextStamp(last);
  for (Shard& shard : shards_) shard.last_stamp_ = stamp;
  stage->Append({Mutation::Kind::kClear, nullptr, nullptr, {}, stamp});
}

void AllShardsLock::TakeAll(Session& session, std::span<ShardContents> contents) SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
  for (size_t i = 0; i < shards_.size(); ++i) shards_[i].TakeAllLocked(session, &contents[i]);
}

}  // namespace shardmap
