// Makes a store of what a log tells, payload by payload: of a large one in several threads, each of which applies what
// is of its part of the shards (replay_part.h).
//
// Payloads are copied into batches, which wait in a queue for the threads. Each thread walks through all batches, one
// after the other, and none waits for another; a batch that all have walked through goes. The first bytes are applied
// in the thread that gives them: for a small log it would not pay to start others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "base/condition.h"
#include "base/mutex.h"
#include "base/status.h"
#include "core/store.h"
#include "log/replay_part.h"

namespace shardmap {

struct ReplayOptions {
  // Beside the one that gives the payloads; 0: that one applies them.
  size_t threads_max = DefaultThreads();
  // Of payloads that are applied before there are threads.
  uint64_t bytes_before_threads = uint64_t{1} << 20;

  // By the number of cores.
  static size_t DefaultThreads();
};

class Replay {
 public:
  // Of a store that has no sink yet and that nobody else uses. `clock_offset_ns` is that of its clock: nanoseconds
  // since 1970 at its zero. Throws std::bad_alloc.
  Replay(Store& store, uint64_t clock_offset_ns, const ReplayOptions& options = {});
  // Ends the threads, wherever they are.
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // Applies the records of a frame's payload, which is whole (CheckRecords) and need not stay; or queues them, for
  // which it waits where too much is queued. Where a thread cannot be started, it does with fewer. Error: kOutOfMemory,
  // also of a payload that was queued before. Throws std::bad_alloc.
  Status Apply(std::span<const uint8_t> payload);
  // Waits until all that was given has been applied. Errors as Apply.
  Status Await() SHARDMAP_EXCLUDES(mutex_);
  // After Await, once: removes what has expired, and has the store number its entries above those restored.
  void Finish();

 private:
  // Enough that threads take one in some tenths of a millisecond, and seldom wait for each other's lock.
  static constexpr size_t kBatchBytes = size_t{256} << 10;
  // A larger batch waits alone.
  static constexpr size_t kQueuedBytesMax = size_t{16} << 20;

  // Payloads, one behind the other.
  struct Batch {
    std::vector<uint8_t> bytes;
    std::vector<size_t> ends;
    size_t threads_left = 0;  // that have yet to walk through it
  };
  struct Thread {
    Thread(Store& store, uint64_t clock_offset_ns) : part(store, clock_offset_ns) {}

    ReplayPart part;  // of the thread's, once the first batch is queued
    std::thread thread;
  };

  void StartThreads();
  Status Queue() SHARDMAP_EXCLUDES(mutex_);
  void Run(ReplayPart& part) SHARDMAP_EXCLUDES(mutex_);
  // The batch of this number, from 0, when it is there; nullptr where there is to be no other.
  const Batch* Take(uint64_t number) SHARDMAP_EXCLUDES(mutex_);
  void GiveBack(uint64_t number, Status status) SHARDMAP_EXCLUDES(mutex_);

  Store& store_;
  const uint64_t clock_offset_ns_;
  const ReplayOptions options_;
  // Of the thread that gives the payloads.
  ReplayPart whole_;
  bool has_started_ = false;
  uint64_t bytes_ = 0;  // of payloads
  Batch batch_;         // that is being filled
  std::vector<std::unique_ptr<Thread>> threads_;

  Mutex mutex_;
  Condition is_more_;  // to walk through, or nothing ever
  Condition is_less_;  // queued, or something has failed
  std::deque<Batch> queue_ SHARDMAP_GUARDED_BY(mutex_);
  uint64_t first_number_ SHARDMAP_GUARDED_BY(mutex_) = 0;  // of the queue's first batch
  size_t queued_bytes_ SHARDMAP_GUARDED_BY(mutex_) = 0;
  bool is_ending_ SHARDMAP_GUARDED_BY(mutex_) = false;
  Status failure_ SHARDMAP_GUARDED_BY(mutex_);  // of a thread; the first
};

}  // namespace shardmap
