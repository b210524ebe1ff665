#include "core/contention.h"

#include <algorithm>

#include "core/store.h"

namespace shardmap {

void Contention::Review() {
  if (is_reviewing_.exchange(true, std::memory_order_acquire)) return;
  const uint64_t waits = sessions_.TotalLockWaits();
  if (waits - waits_ >= kWaitsOfWindow) {
    const OperationCounts counts = sessions_.TotalOperations();
    const uint64_t writes = counts.inserts + counts.overwrites + counts.deletes + counts.delete_misses;
    const uint64_t operations_per_wait = (writes - writes_) / (waits - waits_);
    const size_t shards = store_.shards();
    // Where the last growth has not made waits rarer by half, more shards are of no use: all write the same keys, say.
    const bool has_helped = shards == grown_from_ || operations_per_wait >= 2 * operations_per_wait_;
    const bool is_due = operations_per_wait < kOperationsPerWaitMax && shards < shards_max_ && has_helped;
    waits_ = waits;
    writes_ = writes;
    if (is_due) {
      grown_from_ = shards;
      operations_per_wait_ = operations_per_wait;
      scheduler_->Grow(store_, std::min(shards * kGrowth, shards_max_));
    }
  }
  is_reviewing_.store(false, std::memory_order_release);
}

}  // namespace shardmap
