#include "core/contention.h"

#include <algorithm>

#include "core/store.h"

namespace shardmap {

void Contention::Review() {
  if (is_reviewing_.exchange(true, std::memory_order_acquire)) return;
  const uint64_t waits = sessions_.TotalLockWaits() - waits_;
  const size_t shards = store_.shards();
  if (waits >= kWaitsOfWindow || shards != shards_) {
    const OperationCounts counts = sessions_.TotalOperations();
    const uint64_t writes = counts.inserts + counts.overwrites + counts.deletes + counts.delete_misses - writes_;
    // One in which shards were added tells nothing.
    if (shards == shards_) Judge(shards, writes / waits);
    waits_ += waits;
    writes_ += writes;
    shards_ = shards;
  }
  is_reviewing_.store(false, std::memory_order_release);
}

void Contention::Judge(size_t shards, uint64_t writes_per_wait) {
  if (writes_per_wait >= kWritesPerWaitMin) {
    asked_shards_ = 0;
    return;
  }
  // Where those that were added last have not made waits rarer by half, more are of no use: all write the same keys,
  // say.
  const bool has_helped =
      asked_shards_ == 0 || shards == asked_shards_ || writes_per_wait >= 2 * asked_writes_per_wait_;
  if (!has_helped || shards >= shards_max_) return;
  asked_shards_ = shards;
  asked_writes_per_wait_ = writes_per_wait;
  scheduler_->Grow(store_, std::min(shards * kGrowth, shards_max_));
}

}  // namespace shardmap
