// The seams of expiry: core removes what has expired when it is called, and neither has a thread to be called from nor
// knows who wants to hear of it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/key.h"
#include "core/lifetime.h"
#include "core/value.h"

namespace shardmap {

class Store;

// Calls Store::ExpireSome when it is time. Called from any thread, with no lock of the store held; must not throw.
class ExpiryScheduler {
 public:
  virtual ~ExpiryScheduler() = default;
  // Asks for a call for this shard at `due_ns` of the store's clock, or earlier; what was asked for before stays.
  virtual void Schedule(Store& store, size_t shard, uint64_t due_ns) = 0;
  // Shards will have numbers up to the one before `shards`. Throws std::bad_alloc.
  virtual void Expect(Store&, size_t /*shards*/) {}
};

// An entry that has expired and was removed.
struct ExpiredEntry {
  Key key;
  ReadValue value;
};

// Learns of each entry that expires, once. Called by whatever thread removes it, with no lock of the store held.
class ExpirySink {
 public:
  virtual ~ExpirySink() = default;
  // What the entries refer to lives until this returns. Must not throw, nor call the store.
  virtual void Append(std::span<const ExpiredEntry> entries) = 0;
};

// Of one slice, or of one key.
struct ExpiredEntries {
  static constexpr size_t kMax = 32;

  size_t count = 0;
  std::array<ExpiredEntry, kMax> entries;
};

// Where a store's shards tell of expiry.
class ExpiryPort {
 public:
  ExpiryPort(Store& store, ExpiryScheduler* scheduler) : store_(store), scheduler_(scheduler) {}

  // Nothing where `due_ns` is kForever.
  void Schedule(size_t shard, uint64_t due_ns) {
    if (scheduler_ != nullptr && due_ns != kForever) scheduler_->Schedule(store_, shard, due_ns);
  }
  void Expect(size_t shards) {
    if (scheduler_ != nullptr) scheduler_->Expect(store_, shards);
  }
  ExpirySink* sink() const { return sink_.load(std::memory_order_acquire); }
  void set_sink(ExpirySink* sink) { sink_.store(sink, std::memory_order_release); }

 private:
  Store& store_;
  ExpiryScheduler* const scheduler_;
  std::atomic<ExpirySink*> sink_{nullptr};
};

}  // namespace shardmap
