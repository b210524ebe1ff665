// The hash index of a shard: an open-addressing table of 8-byte slots in lines of 8, one cache line each.
//
// A slot is empty, a tombstone, or an entry's address with a tag, the lowest 19 bits of its hash, all in one atomic
// word, so a lock-free reader sees whole slots. A key's probe begins at its home line; inside a line at its home slot,
// wrapping; and goes on to the next line only while lines are full. Hence the rule that everything rests on:
//
//   a slot becomes empty only if its line already has an empty slot, and otherwise a tombstone; so a line that was ever
//   full stays without empty slots, and a line with an empty slot was never passed over.
//
// Entries keep their slot while they live, so a reader that scans while others insert and delete finds every key that
// is present throughout. Moving to a table of another size is the shard's business (see shard.h).
#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "base/prefetch.h"
#include "core/block.h"
#include "core/entry.h"

namespace shardmap {

class Slot {
 public:
  static constexpr uint64_t kEmpty = 0;
  static constexpr uint64_t kTombstone = 1;
  static constexpr unsigned kTagBits = 19;

  static uint64_t Word(const Entry* entry, uint64_t hash) {
    return (hash << kAddressBits) | (static_cast<uint64_t>(reinterpret_cast<uintptr_t>(entry)) >> kAlignmentBits);
  }
  static bool IsEntry(uint64_t word) { return word > kTombstone; }
  static bool MayMatch(uint64_t word, uint64_t hash) {
    return ((word ^ (hash << kAddressBits)) >> kAddressBits) == 0 && IsEntry(word);
  }
  static Entry* EntryOf(uint64_t word) {
    return reinterpret_cast<Entry*>(static_cast<uintptr_t>((word << kTagBits) >> (kTagBits - kAlignmentBits)));
  }
  // The lowest bits of the entry's hash.
  static uint64_t Tag(uint64_t word) { return word >> kAddressBits; }

 private:
  static constexpr unsigned kAddressBits = 64 - kTagBits;
  static constexpr unsigned kAlignmentBits = 3;  // 48-bit user-space addresses, less the zeros of 8-byte alignment
};

// A view of one table: where its slots are and how many, packed into a word that readers load at once.
class IndexView {
 public:
  static constexpr size_t kLineSlots = 8;

  explicit IndexView(uint64_t packed) : packed_(packed) {}
  IndexView(std::atomic<uint64_t>* slots, unsigned log2_capacity)
      : packed_(static_cast<uint64_t>(reinterpret_cast<uintptr_t>(slots)) | log2_capacity) {}

  uint64_t packed() const { return packed_; }
  size_t capacity() const { return size_t{1} << (packed_ & kLog2Mask); }
  std::atomic<uint64_t>* slots() const {
    return reinterpret_cast<std::atomic<uint64_t>*>(static_cast<uintptr_t>(packed_ & ~kLog2Mask));
  }

  // The entry with this key, or nullptr. Also sets `*found` to its slot if `found` is given. Lock-free inside an epoch.
  Entry* Find(const Key& key, uint64_t hash, std::atomic<uint64_t>** found = nullptr) const {
    return FindIf(
        hash, found, [&key](const Entry* entry) { return entry->Matches(key); }, PassBy);
  }

  // The same for a writer: where there is no entry, `*found` is the slot that one would take, or nullptr where the
  // table is full.
  Entry* FindOrFree(const Key& key, uint64_t hash, std::atomic<uint64_t>** found) const {
    std::atomic<uint64_t>* free = nullptr;
    Entry* const entry = FindIf(
        hash, found, [&key](const Entry* candidate) { return candidate->Matches(key); },
        [&free](std::atomic<uint64_t>& slot, uint64_t word) {
          free = free == nullptr && !Slot::IsEntry(word) ? &slot : free;
        });
    if (entry == nullptr) *found = free;
    return entry;
  }

  // The slot that holds exactly this entry, or nullptr.
  std::atomic<uint64_t>* FindSlotOf(const Entry* entry, uint64_t hash) const {
    std::atomic<uint64_t>* slot = nullptr;
    FindIf(
        hash, &slot, [entry](const Entry* candidate) { return candidate == entry; }, PassBy);
    return slot;
  }

  // Starts loading the line where a probe for this hash begins.
  void Prefetch(uint64_t hash) const { shardmap::Prefetch(slots() + HomeLine(hash)); }

  // The entry that a probe for this hash would look at first if there is one in its home line: nearly always the one
  // with the key, but to be compared, as only its tag is known. Lock-free inside an epoch.
  const Entry* Candidate(uint64_t hash) const {
    const std::atomic<uint64_t>* const line = slots() + HomeLine(hash);
    for (size_t i = 0; i < kLineSlots; ++i) {
      const uint64_t word = line[(hash + i) & (kLineSlots - 1)].load(std::memory_order_acquire);
      if (Slot::MayMatch(word, hash)) return Slot::EntryOf(word);
    }
    return nullptr;
  }

 private:
  friend class Index;
  static constexpr uint64_t kLog2Mask = 63;

  // Positions in small tables are taken from the tag, so that entries move between them without being touched: each
  // would be a cache miss (docs/performance.md, fill). Larger ones leave the tag bits enough to tell entries apart.
  static constexpr unsigned kPositionBitsInTag = 12;

  static uint64_t Position(uint64_t hash) {
    constexpr uint64_t kLow = (uint64_t{1} << kPositionBitsInTag) - 1;
    return (hash & kLow) | ((hash >> Slot::kTagBits) << kPositionBitsInTag);
  }

  static void PassBy(const std::atomic<uint64_t>&, uint64_t) {}

  size_t mask() const { return capacity() - 1; }
  size_t HomeLine(uint64_t hash) const { return Position(hash) & mask() & ~(kLineSlots - 1); }

  // Calls `visit` with each slot that it passes, and what that held.
  template <typename Predicate, typename Visit>
  Entry* FindIf(uint64_t hash, std::atomic<uint64_t>** found, Predicate matches, Visit visit) const {
    std::atomic<uint64_t>* const base = slots();
    const size_t home_line = HomeLine(hash);
    size_t line = home_line;
    do {
      bool has_empty = false;
      for (size_t i = 0; i < kLineSlots; ++i) {
        std::atomic<uint64_t>& slot = base[line + ((hash + i) & (kLineSlots - 1))];
        const uint64_t word = slot.load(std::memory_order_acquire);
        if (Slot::MayMatch(word, hash)) {
          Entry* entry = Slot::EntryOf(word);
          if (matches(entry)) {
            if (found != nullptr) *found = &slot;
            return entry;
          }
        }
        has_empty |= word == Slot::kEmpty;
        visit(slot, word);
      }
      if (has_empty) return nullptr;
      line = (line + kLineSlots) & mask();
    } while (line != home_line);
    return nullptr;
  }

  uint64_t packed_;
};

// The writer's side of one table. All members are called under the shard's lock.
class Index {
 public:
  static constexpr unsigned kLog2CapacityMin = 3;
  static constexpr size_t kCapacityMin = size_t{1} << kLog2CapacityMin;

  // An empty index without memory of its own, which must grow before the first insertion.
  Index() = default;
  // Capacity 2^log2_capacity slots. An index without memory is returned when there is none.
  static Index Allocate(unsigned log2_capacity);

  bool allocated() const { return view_.packed() != NoSlots().packed(); }
  IndexView view() const { return view_; }
  // The memory of an allocated index. Its address lies before the slots: an index is a quarter of a line of its shard.
  Block* block() const;
  size_t bytes() const { return allocated() ? block()->total_bytes() : 0; }
  size_t capacity() const { return allocated() ? view_.capacity() : 0; }
  size_t live() const { return live_; }
  // Slots that an insertion may still take before probes grow long.
  bool IsFull() const { return live_ + tombstones_ >= capacity() - capacity() / 8; }

  // The key must be absent and the index not full.
  void Insert(Entry* entry, uint64_t hash);
  // The same where the slot is known, by FindOrFree.
  void InsertAt(std::atomic<uint64_t>* slot, Entry* entry, uint64_t hash) {
    const uint64_t word = slot->load(std::memory_order_relaxed);
    assert(!Slot::IsEntry(word));
    if (word == Slot::kTombstone) --tombstones_;
    ++live_;
    slot->store(Slot::Word(entry, hash), std::memory_order_release);
  }
  // Takes the entry out of its slot.
  void Remove(std::atomic<uint64_t>* slot);
  // Moves the entries of the lines [first, first + count) to `target`.
  void MoveLines(size_t first, size_t count, const HashSeed& seed, Index& target);
  size_t lines() const { return capacity() / IndexView::kLineSlots; }

 private:
  static bool HasEmpty(const std::atomic<uint64_t>* line);

  // What readers of an index without memory look at; never written.
  alignas(64) static std::atomic<uint64_t> no_slots_[IndexView::kLineSlots];
  static IndexView NoSlots() { return IndexView(no_slots_, kLog2CapacityMin); }

  IndexView view_ = NoSlots();
  uint32_t live_ = 0;
  uint32_t tombstones_ = 0;
};

static_assert(sizeof(Index) == 16);

// A table that nobody knows yet; freed if it is not used.
struct SpareIndex {
  Index index;

  SpareIndex() = default;
  SpareIndex(const SpareIndex&) = delete;
  SpareIndex& operator=(const SpareIndex&) = delete;
  ~SpareIndex() { Free(); }

  // False when there is no memory.
  bool Allocate(size_t capacity) {
    Free();
    index = Index::Allocate(static_cast<unsigned>(std::countr_zero(capacity)));
    return index.allocated();
  }
  void Free() {
    if (index.allocated()) Block::Free(index.block());
    index = Index();
  }
};

}  // namespace shardmap
