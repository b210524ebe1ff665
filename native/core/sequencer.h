// Gives every inserted entry its place in the insertion order of the whole store.
//
// Promise: if one insertion returned before another began, in any threads, its number is the smaller; one session's
// numbers and one shard's numbers strictly increase. While a single session inserts, the next number is its last plus
// one. From the moment a second one does, a number is the machine's monotonic clock: unlike a shared counter, that is
// no cache line for all threads to fight for (figures in docs/performance.md). Two sessions may then draw the same
// number at the same time, in different shards.
//
// Where a log learns of changes, those that insert nothing take numbers as well, their stamps (mutation_sink.h): one
// more than the last of the session and of the shard, so that these two rise with every change. The clock stays ahead
// all the same, as two changes of which one follows the other are further apart than a tick.
//
// What a log restores brings numbers of its own, which several threads may give faster than the clock would. All of
// that is a base, set once before anybody asks for a number: what is said above then holds above the base, from which
// the clock's ticks are counted.
//
// A tick is 32 ns, so a number stays below 2^53, and so exact in a JavaScript number, for nine years of uptime.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace shardmap {

class Sequencer {
 public:
  explicit Sequencer(const Clock& clock) : clock_(clock), start_ns_(clock.NowNanos()) {}

  const Clock& clock() const { return clock_; }

  // Numbers are above this one from now on. Before the first call of Next, and before other threads know of this.
  void BeginAbove(uint64_t base) { base_ = base; }

  // The number for an insertion by the session numbered `session` (from 1), whose own last number is `session_last`,
  // into a shard whose last number, or stamp, is `shard_last`. Called under that shard's lock, so that a shard's order
  // is exact.
  uint64_t Next(uint32_t session, uint64_t session_last, uint64_t shard_last) {
    const uint64_t after = std::max({base_, session_last, shard_last}) + 1;
    if (IsSoleInserter(session)) return after;
    return std::max(after, base_ + Ticks());
  }

 private:
  static constexpr uint32_t kNobody = 0;
  static constexpr uint32_t kMany = UINT32_MAX;
  static constexpr unsigned kTickShift = 5;

  uint64_t Ticks() const { return (clock_.NowNanos() - start_ns_) >> kTickShift; }

  bool IsSoleInserter(uint32_t session) {
    uint32_t inserter = inserter_.load(std::memory_order_acquire);
    if (inserter == session) return true;
    if (inserter == kNobody && inserter_.compare_exchange_strong(inserter, session)) return true;
    if (inserter != kMany) inserter_.store(kMany, std::memory_order_release);
    return false;
  }

  const Clock& clock_;
  const uint64_t start_ns_;
  uint64_t base_ = 0;  // constant once anybody inserts
  // Written at most twice in a store's life, so reading it is always a hit in the cache.
  alignas(64) std::atomic<uint32_t> inserter_{kNobody};
};

}  // namespace shardmap
