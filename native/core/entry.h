// One key with its value, in a variable number of 64-bit words: state, identity, value words, key bytes.
//
//   state     version:32 | value kind:8 | value bytes:8 | flags:8 | key bytes:8     atomic
//   identity  sequence:55 | key kind:4 | room for a deadline:2 | value words - 1:3  constant
//   deadline  if it has room for one (lifetime.h)                                   atomic
//   links     of the wheel, if it has room for a timer (timer_wheel.h)              by the lock
//   value     1..8 words: the value's bytes, or the address of its Block            atomic
//   key       its bytes, padded to words; or the address of its Block and its hash  constant
//
// The key is constant from publication to reclamation, so readers compare it with plain loads. The value may be
// overwritten in place while readers copy it: a writer, who holds the shard's lock, marks the state, stores the words
// with release and then a state of a new version; a reader loads state and words with acquire and believes the copy
// only if the state is the same afterwards (H. Boehm, "Can seqlocks get along with programming language memory
// models?", 2012). Pairs: every store in Overwrite with every load in Read. A deadline alone is replaced in one store.
//
// An entry that was moved by compaction stays as it was in its old place, so a reader who still looks there sees a
// value that was current when it found the entry.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "base/prefetch.h"
#include "core/block.h"
#include "core/key.h"
#include "core/lifetime.h"
#include "core/timer_wheel.h"
#include "core/value.h"

namespace shardmap {

// What was found under a key: no entry, or one with a number and a version that every overwrite changes. While the
// stamp stays the same, so does the value; but for an entry that is overwritten 2^32 times between two looks.
struct EntryStamp {
  uint64_t sequence = 0;  // 0: there was none
  uint32_t version = 0;

  bool operator==(const EntryStamp&) const = default;
};

// What room an entry has for a deadline, in words.
enum class DeadlineRoom : uint8_t {
  kNone = 0,
  kDeadline = 1,  // for the deadline alone: as long as that is one, the entry is in its shard's run (timer_run.h)
  kTimer = 2,     // also to be in the wheel
};

class Entry {
 public:
  // Longest key kept inside the entry.
  static constexpr size_t kInlineKeyBytesMax = 255;

  // Bytes that an entry for `key` and `value` takes.
  static size_t SizeFor(const Key& key, const Value& value, DeadlineRoom room = DeadlineRoom::kNone) {
    return kHeaderBytes + BytesOf(room) + 8 * ValueWordsFor(value) + KeyAreaBytes(key.size);
  }
  static constexpr size_t kBytesMax = 16 + sizeof(Timer) + kInlineValueBytesMax + kInlineKeyBytesMax + 1;

  // Writes an entry at `memory`, which has room for SizeFor(key, value, room). `key_block` holds a key too long to
  // be inline and is adopted, as is `value_block`, which holds a value too long to be inline. Not yet visible to
  // anyone.
  static Entry* Create(void* memory, const Key& key, uint64_t hash, Block* key_block, const Value& value,
                       Block* value_block, uint64_t sequence, DeadlineRoom room = DeadlineRoom::kNone,
                       Deadline deadline = {});

  // Copies a live entry to `memory`, for compaction, with as much room for a deadline as it had, and at least `room`.
  Entry* CopyTo(void* memory, DeadlineRoom room = DeadlineRoom::kNone) const;

  size_t size() const { return SizeWith(DeadlineRoom::kNone); }
  // Of such a copy.
  size_t SizeWith(DeadlineRoom room) const {
    return kHeaderBytes + BytesOf(std::max(this->room(), room)) + 8 * value_words() + KeyAreaBytesStored();
  }
  uint64_t sequence() const { return identity_ >> kSequenceShift; }
  bool is_dead() const { return (state_.load(std::memory_order_acquire) & kDead) != 0; }
  DeadlineRoom room() const { return static_cast<DeadlineRoom>((identity_ >> kRoomShift) & 3); }
  bool has_timer() const { return room() == DeadlineRoom::kTimer; }
  Deadline deadline() const {
    if (room() == DeadlineRoom::kNone) return {};
    return Deadline::FromWord(deadline_word().load(std::memory_order_acquire));
  }
  // Whether that is the one that it was inserted with.
  bool has_first_deadline() const { return (state_.load(std::memory_order_relaxed) & kHasOtherDeadline) == 0; }

  // The key; its bytes live as long as the entry.
  Key key() const;
  bool Matches(const Key& key) const;
  uint64_t HashWith(const HashSeed& seed) const;

  // Starts loading an entry, of which nothing is known but how long its key should be.
  void PrefetchWithKey(size_t key_bytes) const {
    const size_t inline_key_bytes = key_bytes < kInlineKeyBytesMax ? key_bytes : kInlineKeyBytesMax;
    Prefetch(this);
    Prefetch(reinterpret_cast<const uint8_t*>(this) + kHeaderBytes + sizeof(uint64_t) + inline_key_bytes);
  }

  enum class ReadOutcome : uint8_t { kRead, kDead, kBusy };
  // Copies the value without a lock, inside an epoch. kBusy: writers kept changing it. `version`, if given, receives
  // that of the value.
  ReadOutcome Read(ReadValue* out, uint32_t* version = nullptr) const;

  // Under the shard's lock.
  EntryStamp stamp() const { return {sequence(), VersionOf(state_.load(std::memory_order_relaxed))}; }
  // Where the value does not fit inside the entry, `block` must hold it and is adopted.
  bool FitsInline(const Value& value) const { return value.size() <= 8 * value_words(); }
  // A deadline needs room.
  void Overwrite(const Value& value, Block* block, Deadline deadline = {});
  // Takes over the state, value and deadline of the same entry in another shard, where nobody reads this one yet.
  void Follow(const Entry& other);
  // Only of an entry that has room for one.
  void SetDeadline(Deadline deadline) {
    deadline_word().store(deadline.word(), std::memory_order_release);
    if (has_first_deadline()) StoreState(state_.load(std::memory_order_relaxed) | kHasOtherDeadline);
  }
  void MarkDead() { StoreState(NextVersion(state_.load(std::memory_order_relaxed)) | kDead); }
  // Only of an entry that has one.
  Timer& timer() { return *reinterpret_cast<Timer*>(this + 1); }
  const Timer& timer() const { return *reinterpret_cast<const Timer*>(this + 1); }
  // The blocks that the entry owns, or nullptr.
  Block* value_block() const;
  size_t value_bytes() const {
    const Block* const block = value_block();
    return block == nullptr ? (state_.load(std::memory_order_relaxed) >> 16) & 255 : block->bytes;
  }
  Block* key_block() const;
  // What these take.
  size_t owned_bytes() const;

 private:
  static constexpr size_t kHeaderBytes = 16;
  static constexpr size_t kKeyBlockAreaBytes = 16;  // address and hash
  static constexpr uint64_t kWriting = uint64_t{1} << 8;
  static constexpr uint64_t kDead = uint64_t{1} << 9;
  static constexpr uint64_t kHasValueBlock = uint64_t{1} << 10;
  static constexpr uint64_t kHasKeyBlock = uint64_t{1} << 11;
  static constexpr uint64_t kHasOtherDeadline = uint64_t{1} << 12;
  // In identity_.
  static constexpr unsigned kRoomShift = 3;
  static constexpr unsigned kKeyKindShift = 5;
  static constexpr unsigned kSequenceShift = 9;
  static constexpr int kReadAttempts = 64;

  static size_t BytesOf(DeadlineRoom room) { return 8 * static_cast<size_t>(room); }

  static size_t ValueWordsFor(const Value& value) {
    return value.size() == 0 || value.size() > kInlineValueBytesMax ? 1 : (value.size() + 7) / 8;
  }
  static size_t KeyAreaBytes(size_t key_bytes) {
    return key_bytes > kInlineKeyBytesMax ? kKeyBlockAreaBytes : (key_bytes + 7) & ~size_t{7};
  }
  static uint32_t VersionOf(uint64_t state) { return static_cast<uint32_t>(state >> 32); }
  static uint64_t NextVersion(uint64_t state) { return state + (uint64_t{1} << 32); }
  static uint64_t ValueState(ValueKind kind, size_t inline_bytes) {
    return (static_cast<uint64_t>(kind) << 24) | (static_cast<uint64_t>(inline_bytes) << 16);
  }

  size_t value_words() const { return (identity_ & 7) + 1; }
  KeyKind key_kind() const { return static_cast<KeyKind>((identity_ >> kKeyKindShift) & 15); }
  bool HasKeyBlock() const { return (state_.load(std::memory_order_relaxed) & kHasKeyBlock) != 0; }
  size_t InlineKeyBytes() const { return state_.load(std::memory_order_relaxed) & 255; }
  size_t KeyAreaBytesStored() const { return HasKeyBlock() ? kKeyBlockAreaBytes : KeyAreaBytes(InlineKeyBytes()); }
  void StoreState(uint64_t state) { state_.store(state, std::memory_order_release); }

  std::atomic<uint64_t>* words() { return const_cast<std::atomic<uint64_t>*>(std::as_const(*this).words()); }
  const std::atomic<uint64_t>* words() const {
    return reinterpret_cast<const std::atomic<uint64_t>*>(this + 1) + static_cast<size_t>(room());
  }
  std::atomic<uint64_t>& deadline_word() { return *reinterpret_cast<std::atomic<uint64_t>*>(this + 1); }
  const std::atomic<uint64_t>& deadline_word() const {
    return *reinterpret_cast<const std::atomic<uint64_t>*>(this + 1);
  }
  uint8_t* key_area() { return reinterpret_cast<uint8_t*>(words() + value_words()); }
  const uint8_t* key_area() const { return reinterpret_cast<const uint8_t*>(words() + value_words()); }

  // Calls `store(i, word)` for each word that the value takes, or its block's address. Returns what the state says of
  // it.
  template <typename Store>
  static uint64_t SplitValue(const Value& value, const Block* block, Store store);

  std::atomic<uint64_t> state_;
  uint64_t identity_;
};

static_assert(sizeof(Timer) == 16 && offsetof(Timer, deadline) == 0);
static_assert(sizeof(Entry) == 16 && sizeof(std::atomic<uint64_t>) == 8 && std::atomic<uint64_t>::is_always_lock_free);

inline bool Entry::Matches(const Key& key) const {
  if (key_kind() != key.kind) return false;
  if (!HasKeyBlock()) return InlineKeyBytes() == key.size && SameBytes(key_area(), key.bytes, key.size);
  const Block* block = key_block();
  return block->bytes == key.size && SameBytes(block->payload(), key.bytes, key.size);
}

inline Entry::ReadOutcome Entry::Read(ReadValue* out, uint32_t* version) const {
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    const uint64_t state = state_.load(std::memory_order_acquire);
    if ((state & kDead) != 0) return ReadOutcome::kDead;
    if ((state & kWriting) != 0) continue;
    const size_t bytes = (state >> 16) & 255;
    const std::atomic<uint64_t>* const word = words();
    out->words_[0] = word[0].load(std::memory_order_acquire);
    for (size_t i = 1; i < (bytes + 7) / 8; ++i) out->words_[i] = word[i].load(std::memory_order_acquire);
    out->deadline_ = deadline();
    if (state_.load(std::memory_order_relaxed) != state) continue;
    out->kind_ = static_cast<ValueKind>((state >> 24) & 255);
    out->size_ = bytes;
    out->block_ = (state & kHasValueBlock) != 0 ? reinterpret_cast<const Block*>(static_cast<uintptr_t>(out->words_[0]))
                                                : nullptr;
    if (version != nullptr) *version = VersionOf(state);
    return ReadOutcome::kRead;
  }
  return ReadOutcome::kBusy;
}

}  // namespace shardmap
