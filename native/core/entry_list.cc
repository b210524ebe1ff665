#include "core/entry_list.h"

#include <algorithm>
#include <cassert>

namespace shardmap {

size_t EntryList::ChunkBytes(size_t entry_bytes) const {
  const size_t share = (live_bytes_ / 64) & ~size_t{15};
  return std::max(entry_bytes, std::clamp(share, kChunkBytesMin, kChunkBytesMax));
}

bool EntryList::OpenChunk(size_t bytes) {
  chunks_.reserve(chunks_.size() + 1 > chunks_.capacity() ? 2 * chunks_.capacity() + 1 : chunks_.capacity());
  Block* block = Block::Allocate(bytes);
  if (block == nullptr) return false;
  chunks_.push_back({UINT64_MAX, block, 0, 0});
  allocated_bytes_ += block->total_bytes();
  return true;
}

void* EntryList::Reserve(size_t bytes) {
  const bool fits = !chunks_.empty() && chunks_.back().block->bytes - chunks_.back().used >= bytes;
  if (!fits) {
    DropUnusedChunk();
    if (!OpenChunk(ChunkBytes(bytes))) return nullptr;
  }
  return chunks_.back().end();
}

void EntryList::DropUnusedChunk() {
  if (chunks_.empty() || chunks_.back().used != 0) return;
  allocated_bytes_ -= chunks_.back().block->total_bytes();
  Block::Free(chunks_.back().block);
  chunks_.pop_back();
}

bool EntryList::Append(const Entry* entry) {
  Chunk& chunk = chunks_.back();
  assert(reinterpret_cast<const uint8_t*>(entry) == chunk.end());
  const bool begins_chunk = chunk.used == 0;
  if (begins_chunk) chunk.first_sequence = entry->sequence();
  chunk.used += entry->size();
  live_bytes_ += entry->size();
  return begins_chunk;
}

void EntryList::NoteDead(const Entry* entry) {
  chunks_[ChunkOf(entry->sequence())].dead += entry->size();
  live_bytes_ -= entry->size();
}

size_t EntryList::ChunkOf(uint64_t sequence) const {
  // The last chunk that begins at or before `sequence`; an empty open chunk begins at infinity.
  auto after = std::upper_bound(chunks_.begin(), chunks_.end(), sequence,
                                [](uint64_t number, const Chunk& chunk) { return number < chunk.first_sequence; });
  return after == chunks_.begin() ? 0 : static_cast<size_t>(after - chunks_.begin()) - 1;
}

bool EntryList::IsSparse(size_t index) const {
  const bool is_open = index + 1 == chunks_.size();
  return !is_open && chunks_[index].dead * 2 >= chunks_[index].used;
}

size_t EntryList::CompactionSpan(size_t* first) const {
  const size_t index = *first;
  const size_t merged_max = ChunkBytes(0) / 2;
  const bool next_is_closed = index + 2 < chunks_.size();
  if (next_is_closed && chunks_[index].live() + chunks_[index + 1].live() <= merged_max) return 2;
  if (index > 0 && chunks_[index - 1].live() + chunks_[index].live() <= merged_max) {
    *first = index - 1;
    return 2;
  }
  return 1;
}

void EntryList::ReplaceChunks(size_t first, size_t count, Block* block, size_t used, RetiredList& retired) {
  for (size_t i = first; i < first + count; ++i) {
    allocated_bytes_ -= chunks_[i].block->total_bytes();
    retired.Add(chunks_[i].block);
  }
  size_t kept = first;
  if (block != nullptr) {
    allocated_bytes_ += block->total_bytes();
    chunks_[kept++] = {reinterpret_cast<Entry*>(block->payload())->sequence(), block, used, 0};
  }
  const auto begin = chunks_.begin();
  chunks_.erase(begin + static_cast<std::ptrdiff_t>(kept), begin + static_cast<std::ptrdiff_t>(first + count));
}

void EntryList::RetireAll(RetiredList& retired) {
  for (const Chunk& chunk : chunks_) retired.Add(chunk.block);
  chunks_.clear();
  allocated_bytes_ = 0;
  live_bytes_ = 0;
}

}  // namespace shardmap
