#include "core/index.h"

#include <cstring>

namespace shardmap {
namespace {

constexpr size_t kLineBytes = IndexView::kLineSlots * sizeof(uint64_t);

}  // namespace

alignas(64) std::atomic<uint64_t> Index::no_slots_[IndexView::kLineSlots];

Index Index::Allocate(unsigned log2_capacity) {
  Index index;
  // Room to begin the slots at a line, with the block's address before them; zeroed memory is a table of empty slots.
  Block* block = Block::AllocateZeroed((sizeof(uint64_t) << log2_capacity) + sizeof(Block*) + kLineBytes);
  if (block == nullptr) return index;
  const uintptr_t address = reinterpret_cast<uintptr_t>(block->payload()) + sizeof(Block*);
  const uintptr_t aligned = (address + kLineBytes - 1) & ~(kLineBytes - 1);
  std::memcpy(reinterpret_cast<void*>(aligned - sizeof(Block*)), &block, sizeof block);
  index.view_ = IndexView(reinterpret_cast<std::atomic<uint64_t>*>(aligned), log2_capacity);
  return index;
}

Block* Index::block() const {
  Block* block;
  std::memcpy(&block, view_.slots() - 1, sizeof block);
  return block;
}

bool Index::HasEmpty(const std::atomic<uint64_t>* line) {
  for (size_t i = 0; i < IndexView::kLineSlots; ++i) {
    if (line[i].load(std::memory_order_relaxed) == Slot::kEmpty) return true;
  }
  return false;
}

void Index::Insert(Entry* entry, uint64_t hash) {
  std::atomic<uint64_t>* const base = view_.slots();
  for (size_t line = view_.HomeLine(hash);; line = (line + IndexView::kLineSlots) & view_.mask()) {
    for (size_t i = 0; i < IndexView::kLineSlots; ++i) {
      std::atomic<uint64_t>& slot = base[line + ((hash + i) & (IndexView::kLineSlots - 1))];
      if (Slot::IsEntry(slot.load(std::memory_order_relaxed))) continue;
      InsertAt(&slot, entry, hash);
      return;
    }
  }
}

void Index::MoveLines(size_t first, size_t count, const HashSeed& seed, Index& target) {
  const bool tag_is_enough = target.capacity() <= size_t{1} << IndexView::kPositionBitsInTag;
  std::atomic<uint64_t>* const slots = view_.slots();
  for (size_t i = first * IndexView::kLineSlots; i < (first + count) * IndexView::kLineSlots; ++i) {
    const uint64_t word = slots[i].load(std::memory_order_relaxed);
    if (!Slot::IsEntry(word)) continue;
    Entry* entry = Slot::EntryOf(word);
    target.Insert(entry, tag_is_enough ? Slot::Tag(word) : entry->HashWith(seed));
    slots[i].store(Slot::kTombstone, std::memory_order_release);
    --live_;
  }
}

void Index::Remove(std::atomic<uint64_t>* slot) {
  const size_t position = static_cast<size_t>(slot - view_.slots());
  const std::atomic<uint64_t>* line = view_.slots() + (position & ~(IndexView::kLineSlots - 1));
  const bool line_was_never_full = HasEmpty(line);
  slot->store(line_was_never_full ? Slot::kEmpty : Slot::kTombstone, std::memory_order_release);
  if (!line_was_never_full) ++tombstones_;
  --live_;
}

}  // namespace shardmap
