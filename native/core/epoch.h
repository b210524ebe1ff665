// Epoch-based reclamation: memory that a lock-free reader may be looking at is freed only when no reader can be.
//
// A reader publishes the epoch in which it began, in a record of its own; whoever unlinks memory retires it, and frees
// it once every record is idle or began later. (K. Fraser, "Practical lock-freedom", 2004; the reader's fence is made
// nearly free by base/asymmetric_fence.h.) Nobody ever waits for a reader: what cannot be freed yet stays retired.
//
// Pairs: EpochRecord::epoch_ release in Enter and Exit, acquire in MayHold: what a reader looked at before, it looked
// at before the free. EpochClock::epoch_ release in Advance, acquire in Now: a record of a later epoch holds nothing
// older.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/asymmetric_fence.h"
#include "core/block.h"

namespace shardmap {

// A chain of retired blocks.
class RetiredList {
 public:
  RetiredList() = default;
  RetiredList(const RetiredList&) = delete;
  RetiredList& operator=(const RetiredList&) = delete;
  ~RetiredList() { FreeAll(); }

  bool empty() const { return head_ == nullptr; }
  size_t bytes() const { return bytes_; }
  void Add(Block* block);
  void Swap(RetiredList& other) noexcept;
  void FreeAll();

 private:
  Block* head_ = nullptr;
  size_t bytes_ = 0;
};

// Counts epochs for the records of one store.
class EpochClock {
 public:
  EpochClock() { AsymmetricFenceInit(); }
  // Acquire: who sees an epoch sees what was unlinked before it began.
  uint64_t Now() const { return epoch_.load(std::memory_order_acquire); }
  // Ends the current epoch and returns it.
  uint64_t Advance() { return epoch_.fetch_add(1, std::memory_order_seq_cst); }

 private:
  alignas(64) std::atomic<uint64_t> epoch_{1};
};

// One thread's place in a store's reclamation. Enter and Exit do not nest.
class EpochRecord {
 public:
  void Enter(const EpochClock& clock) {
    epoch_.store(clock.Now(), std::memory_order_release);
    LightFence();
  }
  void Exit() { epoch_.store(kIdle, std::memory_order_release); }

  // Whether a reader may be inside that began in `epoch` or before.
  bool MayHold(uint64_t epoch) const {
    const uint64_t began = epoch_.load(std::memory_order_acquire);
    return began != kIdle && began <= epoch;
  }

 private:
  static constexpr uint64_t kIdle = 0;

  alignas(64) std::atomic<uint64_t> epoch_{kIdle};
};

}  // namespace shardmap
