// How often writers of a store wait for one another, and who adds shards where that is too often.
//
// Asked only by who has to wait anyway: a writer who finds a shard's mutex free knows nothing of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/session.h"

namespace shardmap {

class Store;

// Adds shards to a store, in a thread of its own. Called from any thread, with no lock of the store held; must not
// throw.
class ShardScheduler {
 public:
  virtual ~ShardScheduler() = default;
  virtual void Grow(Store& store, size_t shards) = 0;
};

class Contention {
 public:
  // More shards are worth while where of fewer writes than this one waits, over so many waits (docs/performance.md,
  // shards by themselves).
  static constexpr uint64_t kWritesPerWaitMin = 200;
  static constexpr uint64_t kWaitsOfWindow = 1024;

  Contention(Store& store, const SessionList& sessions) : store_(store), sessions_(sessions) {}

  // From now on it asks for more shards. Before others know of the store.
  void GrowBy(ShardScheduler& scheduler, size_t shards_max) {
    scheduler_ = &scheduler;
    shards_max_ = shards_max;
  }

  // Around a wait for a shard's mutex, with no lock held.
  void BeginWait(Session& session) {
    waiting_.fetch_add(1, std::memory_order_relaxed);
    session.CountLockWait();
    if (scheduler_ != nullptr && session.lock_waits() % kWaitsOfReview == 0) Review();
  }
  void EndWait() { waiting_.fetch_sub(1, std::memory_order_relaxed); }
  bool IsAnybodyWaiting() const { return waiting_.load(std::memory_order_relaxed) != 0; }

 private:
  static constexpr uint64_t kWaitsOfReview = 64;
  static constexpr size_t kGrowth = 4;

  void Review();
  // Asks, where writers wait too often, and it is of use.
  void Judge(size_t shards, uint64_t writes_per_wait);

  Store& store_;
  const SessionList& sessions_;
  ShardScheduler* scheduler_ = nullptr;  // constant once the store is in use
  size_t shards_max_ = 0;
  alignas(64) std::atomic<uint32_t> waiting_{0};  // hints only: who copies entries gives way
  std::atomic<bool> is_reviewing_{false};         // acquire and release around what follows
  // When the window began.
  uint64_t waits_ = 0;
  uint64_t writes_ = 0;
  size_t shards_ = 0;
  // When it asked last, until it was calm since; 0: it was.
  size_t asked_shards_ = 0;
  uint64_t asked_writes_per_wait_ = 0;
};

}  // namespace shardmap
