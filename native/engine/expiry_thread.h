// The thread that removes what expires, one for all stores of the process. It sleeps until the earliest deadline, and
// is woken where an earlier one comes; it takes no processor time while nothing is due.
//
// Removing is done in slices: one call of Store::ExpireSome, for one shard. Where several stores have something due
// they take turns, slice by slice, and so do the shards of a store: a store with millions of entries to remove makes
// another's late by no more than a slice at each turn.
//
// The thread keeps no store alive. Whoever destroys a store takes it away from here first, and waits for the slice that
// may be under way. (Were it to hold a store for a moment, it might come to destroy it, which may take seconds.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/condition.h"
#include "base/mutex.h"
#include "core/expiry.h"
#include "core/store.h"
#include "engine/due_queue.h"

namespace shardmap {

class ExpiryThread final : public ExpiryScheduler {
 public:
  // By the steady clock. Never destroyed, as the process may end while it runs.
  static ExpiryThread& OfProcess();

  // `clock` is that of its stores.
  explicit ExpiryThread(const Clock& clock) : clock_(clock) {}
  // All stores have been removed.
  ~ExpiryThread() override;
  ExpiryThread(const ExpiryThread&) = delete;
  ExpiryThread& operator=(const ExpiryThread&) = delete;

  // From now on, until Remove, it serves the store. Throws std::bad_alloc.
  void Add(Store& store) SHARDMAP_EXCLUDES(mutex_);
  // Ends that. Returns when it does not use the store any more: after the length of a slice at most.
  void Remove(Store& store) SHARDMAP_EXCLUDES(mutex_);

  // Starts the thread where it does not run. If that is impossible, it is tried again next time.
  void Schedule(Store& store, size_t shard, uint64_t due_ns) override SHARDMAP_EXCLUDES(mutex_);

  // What is scheduled may be of so many shards from now on. Throws std::bad_alloc.
  void Expect(Store& store, size_t shards) override SHARDMAP_EXCLUDES(mutex_);

  // For a clock that is turned by hand: looks at it again.
  void LookAgain() SHARDMAP_EXCLUDES(mutex_);

 private:
  // What it keeps of a store.
  struct Served {
    explicit Served(Store& served_store);
    ~Served();
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;

    Store& store;
    Session* const session;
    DueQueue shards;
    size_t number = 0;
    bool is_leaving = false;
  };

  void StartLocked() SHARDMAP_REQUIRES(mutex_);
  void Run() SHARDMAP_EXCLUDES(mutex_);
  // Lets go of the mutex for a slice.
  void ServeLocked(Served& served) SHARDMAP_REQUIRES(mutex_);
  void SleepLocked(uint64_t until_ns, uint64_t now_ns) SHARDMAP_REQUIRES(mutex_);
  void AddNumbersLocked() SHARDMAP_REQUIRES(mutex_);

  const Clock& clock_;
  std::thread thread_;  // set under the mutex, once

  Mutex mutex_;
  Condition wake_;       // of the thread: something earlier is due
  Condition slice_end_;  // for Remove
  std::unordered_map<const Store*, std::unique_ptr<Served>> stores_ SHARDMAP_GUARDED_BY(mutex_);
  std::vector<Served*> by_number_ SHARDMAP_GUARDED_BY(mutex_);
  std::vector<size_t> free_numbers_ SHARDMAP_GUARDED_BY(mutex_);
  DueQueue queue_ SHARDMAP_GUARDED_BY(mutex_);                   // of stores, by number
  const Served* serving_ SHARDMAP_GUARDED_BY(mutex_) = nullptr;  // whose slice is under way
  uint64_t sleeps_until_ns_ SHARDMAP_GUARDED_BY(mutex_) = 0;     // 0 while awake
  bool is_started_ SHARDMAP_GUARDED_BY(mutex_) = false;
  bool is_stopping_ SHARDMAP_GUARDED_BY(mutex_) = false;
};

}  // namespace shardmap
