#include "core/entry_list.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

namespace shardmap {
namespace {

Block* BlockOf(EntryChunk* records) { return reinterpret_cast<Block*>(records) - 1; }
EntryChunk* RecordsIn(Block* block) { return reinterpret_cast<EntryChunk*>(block->payload()); }
size_t CapacityOf(EntryChunk* records) { return records == nullptr ? 0 : BlockOf(records)->bytes / sizeof(EntryChunk); }

EntryChunk* CopyRecords(const EntryChunks& from, size_t first, size_t last, EntryChunk* to) {
  for (size_t i = first; i < last; ++i) new (to++) EntryChunk(from[i]);
  return to;
}

}  // namespace

size_t EntryChunks::ChunkOf(uint64_t sequence) const {
  // An empty open chunk begins at infinity.
  const EntryChunk* after =
      std::upper_bound(chunks_, chunks_ + count_, sequence,
                       [](uint64_t number, const EntryChunk& chunk) { return number < chunk.first(); });
  return after == chunks_ ? 0 : static_cast<size_t>(after - chunks_) - 1;
}

void EntryChunks::Retire(RetiredList& retired) const {
  for (size_t i = 0; i < count_; ++i) retired.Add(chunks_[i].block);
  if (chunks_ != nullptr) retired.Add(BlockOf(chunks_));
}

uint32_t ChunkNumbers::Add(uint8_t* chunk) {
  uint32_t number = free_;
  if (number != 0) {
    free_ = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(chunks_[number]));
  } else {
    if (count_ >= capacity_) {
      const uint32_t capacity = 2 * capacity_ + 16;
      if (count_ >> kBits != 0) return 0;
      void* const chunks = std::realloc(chunks_, capacity * sizeof *chunks_);
      if (chunks == nullptr) return 0;
      chunks_ = static_cast<uint8_t**>(chunks);
      capacity_ = capacity;
    }
    number = count_++;
  }
  chunks_[number] = chunk;
  return number;
}

void ChunkNumbers::Remove(uint32_t number) {
  if (number == 0) return;
  chunks_[number] = reinterpret_cast<uint8_t*>(static_cast<uintptr_t>(free_));
  free_ = number;
}

void ChunkNumbers::Swap(ChunkNumbers& other) noexcept {
  std::swap(chunks_, other.chunks_);
  std::swap(count_, other.count_);
  std::swap(capacity_, other.capacity_);
  std::swap(free_, other.free_);
}

void EntryList::Change(EntryChunk* chunks, size_t count, uint8_t* end) {
  const uint64_t version = version_.load(std::memory_order_relaxed);
  version_.store(version + 1, std::memory_order_relaxed);
  chunks_.store(chunks, std::memory_order_release);
  count_.store(static_cast<uint32_t>(count), std::memory_order_release);
  end_.store(end, std::memory_order_release);
  version_.store(version + 2, std::memory_order_release);
}

size_t EntryList::ChunkBytes(size_t entry_bytes) const {
  const size_t share = (live_bytes_ / 64) & ~size_t{15};
  const size_t bytes = std::clamp(share, kChunkBytesMin, kChunkBytesMax);
  // Entries of one size fill it.
  return entry_bytes == 0 ? bytes : std::max(entry_bytes, bytes - bytes % entry_bytes);
}

bool EntryList::EnsureRecord(RetiredList& retired) {
  const EntryChunks chunks = view();
  EntryChunk* const records = chunks_.load(std::memory_order_relaxed);
  if (chunks.size() < CapacityOf(records)) return true;
  Block* block = Block::Allocate((2 * chunks.size() + 1) * sizeof(EntryChunk));
  if (block == nullptr) return false;
  CopyRecords(chunks, 0, chunks.size(), RecordsIn(block));
  Change(RecordsIn(block), chunks.size(), end_.load(std::memory_order_relaxed));
  if (records != nullptr) retired.Add(BlockOf(records));
  return true;
}

bool EntryList::OpenChunk(size_t bytes) {
  assert(!open_chunk_is_empty_);
  Block* block = Block::Allocate(bytes);
  if (block == nullptr) return false;
  EntryChunk* const records = chunks_.load(std::memory_order_relaxed);
  const size_t count = count_.load(std::memory_order_relaxed);
  if (count != 0) {
    EntryChunk& last = records[count - 1];
    const uint8_t* end = end_.load(std::memory_order_relaxed);
    last.used.store(static_cast<uint32_t>(end - last.block->payload()), std::memory_order_relaxed);
  }
  new (records + count) EntryChunk(block, 0, UINT64_MAX);
  Change(records, count + 1, block->payload());
  allocated_bytes_ += block->total_bytes();
  room_ = block->bytes;
  open_chunk_is_empty_ = true;
  open_chunk_has_number_ = false;
  open_chunk_is_in_run_ = false;
  return true;
}

bool EntryList::Append(const Entry* entry) {
  assert(reinterpret_cast<const uint8_t*>(entry) == end_.load(std::memory_order_relaxed));
  const bool begins_chunk = open_chunk_is_empty_;
  if (begins_chunk) {
    const size_t open = count_.load(std::memory_order_relaxed) - 1;
    chunks_.load(std::memory_order_relaxed)[open].first_sequence.store(entry->sequence(), std::memory_order_relaxed);
  }
  open_chunk_is_empty_ = false;
  const size_t bytes = entry->size();
  end_.store(end_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
  room_ -= bytes;
  live_bytes_ += bytes;
  return begins_chunk;
}

void EntryList::NoteDead(const Entry* entry) {
  const EntryChunks chunks = view();
  chunks[chunks.ChunkOf(entry->sequence())].dead += static_cast<uint32_t>(entry->size());
  live_bytes_ -= entry->size();
}

bool EntryList::EnsureNumber(EntryChunk& chunk) {
  if (chunk.number == 0) chunk.number = numbers_.Add(chunk.block->payload());
  return chunk.number != 0;
}

Place EntryList::PlaceOf(const Entry* entry) {
  const EntryChunks chunks = view();
  EntryChunk& chunk = chunks[chunks.ChunkOf(entry->sequence())];
  return EnsureNumber(chunk) ? PlaceIn(chunk, entry) : 0;
}

bool EntryList::EnsureOpenNumber() {
  open_chunk_has_number_ = EnsureNumber(view()[view().size() - 1]);
  return open_chunk_has_number_;
}

Place EntryList::PlaceOfNext() {
  if (!open_chunk_has_number_ && !EnsureOpenNumber()) return 0;
  return PlaceIn(view()[view().size() - 1], end_.load(std::memory_order_relaxed));
}

void EntryList::NoteOpenInRun() {
  view()[view().size() - 1].is_in_run = true;
  open_chunk_is_in_run_ = true;
}

size_t EntryList::CompactionSpan(const EntryChunks& chunks, size_t* first) const {
  const size_t index = *first;
  const size_t merged_max = ChunkBytes(0) / 2;
  if (!chunks.IsOpen(index + 1) && chunks[index].live() + chunks[index + 1].live() <= merged_max) return 2;
  if (index > 0 && chunks[index - 1].live() + chunks[index].live() <= merged_max) {
    *first = index - 1;
    return 2;
  }
  return 1;
}

void EntryList::ReplaceChunks(size_t first, size_t count, const EntryChunk& chunk, Block* records,
                              RetiredList& retired) {
  const EntryChunks chunks = view();
  for (size_t i = first; i < first + count; ++i) {
    numbers_.Remove(chunks[i].number);
    allocated_bytes_ -= chunks[i].block->total_bytes();
    retired.Add(chunks[i].block);
  }
  EntryChunk* next = CopyRecords(chunks, 0, first, RecordsIn(records));
  if (chunk.block != nullptr) {
    allocated_bytes_ += chunk.block->total_bytes();
    new (next) EntryChunk(chunk);
    const auto* const first_entry = reinterpret_cast<const Entry*>(chunk.block->payload());
    next++->first_sequence.store(first_entry->sequence(), std::memory_order_relaxed);
  }
  next = CopyRecords(chunks, first + count, chunks.size(), next);
  retired.Add(BlockOf(chunks_.load(std::memory_order_relaxed)));
  Change(RecordsIn(records), static_cast<size_t>(next - RecordsIn(records)), end_.load(std::memory_order_relaxed));
}

EntryChunks EntryList::TakeAll(ChunkNumbers* numbers) {
  const EntryChunks taken = view();
  Change(nullptr, 0, nullptr);
  room_ = 0;
  live_bytes_ = 0;
  allocated_bytes_ = 0;
  open_chunk_is_empty_ = false;
  open_chunk_has_number_ = false;
  open_chunk_is_in_run_ = false;
  numbers_.Swap(*numbers);
  return taken;
}

}  // namespace shardmap
