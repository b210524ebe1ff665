// Where mutations wait for the log: memory that sessions fill under their shards' locks, without waiting for anybody,
// and that one thread, the flusher, empties cut by cut.
//
// A cut is what the log takes at once, and must be a prefix of what happened: with a mutation it has all that happened
// before that. So every mutation is marked with the number of the cut that is being filled, which it reads before its
// effect can be seen. Whoever sees the effect, and then does something, reads the number later, and so the same or a
// higher one: of two mutations, one of which happened before the other, the later has no lower mark. The flusher begins
// a cut by raising the number, and takes all that has a mark below. A mutation that is marked and not yet committed
// then comes with the next cut: nobody can have seen it under a mark below.
//
// In a cut mutations come in the order of their stamps (mutation_sink.h), and those of one stamp in that of their
// shards: a merge of the stages, each of which is in order.
//
// Pairs: Chunk::committed releases what was appended; the flusher acquires it. Who has seen a mutation passes
// LightFence before it loads cut_ in Append; the flusher passes HeavyFence after it has raised cut_ and before it loads
// committed: so either the new number is seen, or the flusher sees what was seen. Stage::is_reserved_ and is_asleep_
// likewise, in Reserve and FallAsleep, and is_reserved_ and is_refusing_, in Reserve and AwaitReservations.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/condition.h"
#include "base/mutex.h"
#include "base/status.h"
#include "core/mutation_sink.h"

namespace shardmap {

class Staging;

// Memory for mutations of one session, in their order.
struct StagedChunk {
  std::atomic<StagedChunk*> next{nullptr};  // set once nothing is appended here any more
  std::atomic<size_t> committed{0};         // bytes appended
  size_t capacity;

  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
};

// Where a mutation comes in its cut.
struct StagedPlace {
  uint64_t stamp;
  uint32_t hash_place;  // Mutation::place

  auto operator<=>(const StagedPlace&) const = default;
};

struct StagedRecord {
  StagedPlace place;
  // The low half of the cut's number: what is staged is from some of the last cuts. (A quarter would not do: a thread
  // that is held up between two instructions, for less than a second, would come from the future.)
  uint32_t cut;
  uint32_t bytes;  // of the record, as the log has it, which follow
};

class Stage final : public MutationStage {
 public:
  explicit Stage(Staging& staging) : staging_(staging) {}
  ~Stage() override;

  Status Reserve(const Key* key, const Value* value, size_t value_bytes_max) override;
  void Append(const Mutation& mutation) override;
  void Release() override { is_reserved_.store(false, std::memory_order_release); }

 private:
  friend class Staging;

  // Makes room for a mutation of so many bytes, in a chunk behind the one there is.
  Status AddChunk(size_t bytes);

  // For the flusher: the next record, or nullptr; and only of a cut up to this.
  const StagedRecord* Peek();
  const StagedRecord* Peek(uint64_t cut) {
    const StagedRecord* const record = Peek();
    return record != nullptr && IsUpTo(record->cut, cut) ? record : nullptr;
  }
  static bool IsUpTo(uint32_t mark, uint64_t cut) {
    return static_cast<int32_t>(static_cast<uint32_t>(cut) - mark) >= 0;
  }
  void Take(const StagedRecord* record);
  bool IsIdle() { return !is_reserved_.load(std::memory_order_acquire) && Peek() == nullptr; }
  // The same of a stage whose session has closed, and that was peeked at.
  bool WasEmptied() const {
    if (read_chunk_ == nullptr) return first_chunk_.load(std::memory_order_acquire) == nullptr;
    return read_ == read_chunk_->committed.load(std::memory_order_acquire) &&
           read_chunk_->next.load(std::memory_order_acquire) == nullptr;
  }

  Staging& staging_;

  // Of the session's thread.
  StagedChunk* chunk_ = nullptr;
  StagedChunk* spare_ = nullptr;    // follows chunk_, which was made for one large mutation, once that is appended
  uint8_t* encoded_end_ = nullptr;  // of what is encoded of the record
  bool has_value_ = false;

  // Of the session's thread, read by the flusher.
  alignas(64) std::atomic<bool> is_reserved_{false};
  std::atomic<StagedChunk*> first_chunk_{nullptr};

  // Of the flusher.
  alignas(64) StagedChunk* read_chunk_ = nullptr;
  size_t read_ = 0;  // bytes of it that were taken
};

class Staging {
 public:
  // Chunks of this size, but for a mutation that is larger.
  static constexpr size_t kChunkBytes = size_t{64} << 10;
  static constexpr size_t kChunkCapacity = kChunkBytes - sizeof(StagedChunk);
  // Kept of chunks that were emptied: memory that is given back and asked for again is touched anew each time.
  static constexpr size_t kSpareChunksMax = 32;
  static constexpr uint64_t kWaitNanosMax = 10'000'000'000;

  // `wake` wakes the flusher; called without any lock. A writer waits for room so long at most.
  Staging(size_t bytes_max, std::function<void()> wake, uint64_t wait_ns_max = kWaitNanosMax)
      : bytes_max_(bytes_max), wait_ns_max_(wait_ns_max), wake_(std::move(wake)) {
    spare_chunks_.reserve(kSpareChunksMax);
  }
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  // Throws std::bad_alloc.
  Stage* Open() SHARDMAP_EXCLUDES(mutex_);
  void Close(Stage* stage) SHARDMAP_EXCLUDES(mutex_);

  // From now on nothing is reserved: who tries gets this status. Until Accept, or for good with kClosed.
  void Refuse(Code code, std::string message) SHARDMAP_EXCLUDES(mutex_);
  void Accept() SHARDMAP_EXCLUDES(mutex_);
  // Why it refuses, or ok.
  Status Refusal() const SHARDMAP_EXCLUDES(mutex_);

  // For the flusher.
  // Begins a cut: TakeCut then gives all mutations that had returned when this was called, and some more.
  void BeginCut();
  // `consume` gets the records of the cut, in order. Throws what that throws; records that it did not get come next
  // time.
  void TakeCut(const std::function<void(std::span<const uint8_t> record)>& consume) SHARDMAP_EXCLUDES(mutex_);
  // Waits until each session has appended, or given back, what it reserved before writes were refused: some
  // milliseconds at most. Throws std::bad_alloc.
  void AwaitReservations() SHARDMAP_EXCLUDES(mutex_);
  // Returns false where there is something to take, or soon will be, or memory is out. Else `wake` is called before
  // something is.
  bool FallAsleep() SHARDMAP_EXCLUDES(mutex_);
  void Awake() { is_asleep_.store(false, std::memory_order_relaxed); }

  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  friend class Stage;

  struct Slot {
    std::unique_ptr<Stage> stage;
    bool is_open = true;
    bool is_free = false;  // closed, and all of it was taken: another order of stamps may begin in it
  };

  // A chunk for a mutation of so many bytes. Waits where too much is staged.
  Status AllocateChunk(size_t bytes, StagedChunk** chunk) SHARDMAP_EXCLUDES(mutex_);
  void FreeChunk(StagedChunk* chunk) SHARDMAP_EXCLUDES(mutex_);
  void FreeStages() SHARDMAP_EXCLUDES(mutex_);
  std::vector<Stage*> Stages() SHARDMAP_EXCLUDES(mutex_);

  const size_t bytes_max_;
  const uint64_t wait_ns_max_;
  const std::function<void()> wake_;

  alignas(64) std::atomic<uint64_t> cut_{1};  // being filled
  std::atomic<bool> is_asleep_{false};
  std::atomic<bool> is_refusing_{false};

  alignas(64) std::atomic<size_t> bytes_{0};  // of chunks
  mutable Mutex mutex_;
  Condition room_;
  std::vector<StagedChunk*> spare_chunks_ SHARDMAP_GUARDED_BY(mutex_);
  std::vector<Slot> stages_ SHARDMAP_GUARDED_BY(mutex_);
  Code refusal_ SHARDMAP_GUARDED_BY(mutex_) = Code::kOk;
  std::string refusal_message_ SHARDMAP_GUARDED_BY(mutex_);
};

}  // namespace shardmap
