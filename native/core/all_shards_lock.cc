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

uint64_t AllShardsLock::AppendClear(Session& session) SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
  MutationStage* const stage = session.stage();
  if (stage == nullptr) return 0;
  uint64_t last = 0;
  for (const Shard& shard : shards_) last = std::max(last, shard.LastStampLocked());
  const uint64_t stamp = session.NextStamp(last);
  RaiseStamps(stamp);
  stage->Append({Mutation::Kind::kClear, nullptr, nullptr, {}, stamp});
  return stamp;
}

void AllShardsLock::RaiseStamps(uint64_t stamp) SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
  for (Shard& shard : shards_) shard.last_stamp_ = std::max(shard.last_stamp_, stamp);
}

void AllShardsLock::TakeAll(std::span<ShardContents> contents) SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
  for (size_t i = 0; i < shards_.size(); ++i) shards_[i].TakeAllLocked(&contents[i]);
}

void AllShardsLock::BeginSplits(std::span<ShardSplit> splits) SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
  for (size_t i = 0; i < shards_.size(); ++i) {
    splits[i].first_stamp = shards_[i].LastStampLocked();
    shards_[i].split_ = &splits[i];
  }
}

void AllShardsLock::AbandonSplits() SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
  for (Shard& shard : shards_) shard.split_ = nullptr;
}

bool AllShardsLock::AreLevel() const SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
  return std::all_of(shards_.begin(), shards_.end(),
                     [](const Shard& shard) SHARDMAP_NO_THREAD_SAFETY_ANALYSIS { return shard.split_->is_level; });
}

void AllShardsLock::EndShards() SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
  for (Shard& shard : shards_) shard.EndLocked();
}

bool AllShardsLock::HaveEnded() const SHARDMAP_NO_THREAD_SAFETY_ANALYSIS { return shards_[0].IsOverLocked(); }

}  // namespace shardmap
