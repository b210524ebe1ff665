// Tells all who listen to a store of the entries that expire: each of them once, by a queue of its own.
//
// Where nobody listens the store knows of no sink, and nothing is collected, copied or counted.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "core/expiry.h"
#include "engine/expiry_queue.h"

namespace shardmap {

// Thread-safe. The mutex is held while a slice's entries are copied, for which Add and Remove wait.
class ExpiryFeed final : public ExpirySink {
 public:
  // `store` is not used before Add is called.
  explicit ExpiryFeed(Store& store) : store_(store) {}

  // From now on the queue gets what expires. Throws std::bad_alloc.
  void Add(std::shared_ptr<ExpiryQueue> queue) SHARDMAP_EXCLUDES(mutex_);
  // From now on it gets nothing. Idempotent.
  void Remove(const ExpiryQueue* queue) SHARDMAP_EXCLUDES(mutex_);

  // Where memory runs out the entries are dropped.
  void Append(std::span<const ExpiredEntry> entries) override SHARDMAP_EXCLUDES(mutex_);

 private:
  // The entries that some queue has room for; nullptr where there are none, or is no memory for them.
  std::shared_ptr<const ExpiredBatch> CopyLocked(std::span<const ExpiredEntry> entries) const SHARDMAP_REQUIRES(mutex_);

  Store& store_;
  Mutex mutex_;
  std::vector<std::shared_ptr<ExpiryQueue>> queues_ SHARDMAP_GUARDED_BY(mutex_);
};

}  // namespace shardmap
