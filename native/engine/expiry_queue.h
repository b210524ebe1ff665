// Entries that have expired, on their way to one listener.
//
// A queue is bounded, by the number of entries and by the bytes of their keys and values: nobody waits for a listener
// that does not keep up. An entry for which there is no room when it comes is dropped and counted; what waits already
// stays. Entries come in batches, copied once for all listeners.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "core/expiry.h"
#include "core/key.h"
#include "core/value.h"
#include "engine/wake_up.h"

namespace shardmap {

// Copies of entries that expired together; constant, and shared by those who listen.
class ExpiredBatch {
 public:
  struct Entry {
    Key key;
    ValueKind kind;
    const uint8_t* value;  // aligned as any type that a value may have
    size_t value_bytes;

    size_t bytes() const { return key.size + value_bytes; }
  };

  // Copies those of the entries that are wanted; the others have a place and nothing in it. Throws std::bad_alloc.
  ExpiredBatch(std::span<const ExpiredEntry> entries, std::vector<bool> wanted);
  ExpiredBatch(const ExpiredBatch&) = delete;
  ExpiredBatch& operator=(const ExpiredBatch&) = delete;

  bool has(size_t i) const { return has_[i]; }
  const Entry& operator[](size_t i) const { return entries_[i]; }

 private:
  const std::vector<bool> has_;
  std::vector<Entry> entries_;
  std::unique_ptr<uint8_t[]> bytes_;
};

// Some entries of a batch: from `first` up to `end`.
struct ExpiredRun {
  std::shared_ptr<const ExpiredBatch> batch;
  size_t first;
  size_t end;
};

// Thread-safe.
class ExpiryQueue {
 public:
  struct Limits {
    size_t entries_max;
    size_t bytes_max;
  };

  // `wake_up` is asked for whenever something comes, be it dropped.
  ExpiryQueue(const Limits& limits, std::shared_ptr<WakeUp> wake_up) : limits_(limits), wake_up_(std::move(wake_up)) {}

  // What the feed does with entries that come, one batch at a time. Marks those for which there is room; ...
  void MarkWanted(std::span<const ExpiredEntry> entries, std::vector<bool>* wanted) const SHARDMAP_EXCLUDES(mutex_);
  // ... then takes them, of the copies that were made, and drops the others. Does not throw.
  void Append(const std::shared_ptr<const ExpiredBatch>& batch, size_t count) SHARDMAP_EXCLUDES(mutex_);
  // Or drops them all.
  void Drop(size_t count) SHARDMAP_EXCLUDES(mutex_);

  // What the listener does: takes the entries that have waited longest, so many at most, and fewer where they are
  // large: no more after these bytes. Throws std::bad_alloc.
  std::vector<ExpiredRun> Take(size_t entries_max, size_t bytes_max) SHARDMAP_EXCLUDES(mutex_);
  // How many were dropped since the last call.
  uint64_t TakeDropped() SHARDMAP_EXCLUDES(mutex_);

 private:
  // What waits.
  struct Load {
    size_t entries = 0;
    size_t bytes = 0;
  };

  bool HasRoom(const Load& load, size_t bytes) const {
    return load.entries < limits_.entries_max && bytes <= limits_.bytes_max - load.bytes;
  }
  void AppendOneLocked(const std::shared_ptr<const ExpiredBatch>& batch, size_t i) SHARDMAP_REQUIRES(mutex_);

  const Limits limits_;
  const std::shared_ptr<WakeUp> wake_up_;

  mutable Mutex mutex_;
  std::deque<ExpiredRun> runs_ SHARDMAP_GUARDED_BY(mutex_);
  Load load_ SHARDMAP_GUARDED_BY(mutex_);
  uint64_t dropped_ SHARDMAP_GUARDED_BY(mutex_) = 0;
};

}  // namespace shardmap
