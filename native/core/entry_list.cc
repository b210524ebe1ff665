#include "core/entry_list.h"

#include <algorithm>
#include <cassert>
#include <new>

namespace shardmap {

size_t EntryList::ChunkBytes(size_t entry_bytes) const {
  const size_t share = (live_bytes_ / 64) & ~size_t{15};
  return std::max(entry_bytes, std::clamp(share, kChunkBytesMin, kChunkBytesMax));
}

bool EntryList::MakeRoom(size_t bytes) {
  DropUnusedChunk();
  return OpenChunk(ChunkBytes(bytes));
}

bool EntryList::OpenChunk(size_t bytes) {
  try {
    if (chunks_.size() == chunks_.capacity()) chunks_.reserve(2 * chunks_.capacity() + 1);
  } catch (const std::bad_alloc&) {
    return false;
  }
  Block* block = Block::Allocate(bytes);
  if (block == nullptr) return false;
  if (!chunks_.empty()) chunks_.back().used = static_cast<size_t>(end_ - chunks_.back().block->payload());
  chunks_.push_back({UINT64_MAX, block, 0, 0});
  allocated_bytes_ += block->total_bytes();
  end_ = block->payload();
  room_ = block->bytes;
  open_chunk_is_empty_ = true;
  return true;
}

void EntryList::DropUnusedChunk() {
  if (!open_chunk_is_empty_) return;
  allocated_bytes_ -= chunks_.back().block->total_bytes();
  Block::Free(chunks_.back().block);
  chunks_.pop_back();
  open_chunk_is_empty_ = false;
  room_ = 0;
  if (!chunks_.empty()) end_ = chunks_.back().block->payload() + chunks_.back().used;
}

bool EntryList::Append(const Entry* entry) {
  assert(reinterpret_cast<const uint8_t*>(entry) == end_);
  const bool begins_chunk = open_chunk_is_empty_;
  if (begins_chunk) chunks_.back().first_sequence = entry->sequence();
  open_chunk_is_empty_ = false;
  const size_t bytes = entry->size();
  end_ += bytes;
  room_ -= bytes;
  live_bytes_ += bytes;
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

size_t EntryList::CompactionSpan(size_t* first) const {
  const size_t index = *first;
  const size_t merged_max = ChunkBytes(0) / 2;
  if (!IsOpen(index + 1) && chunks_[index].live() + chunks_[index + 1].live() <= merged_max) return 2;
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
  *this = EntryList();
}

}  // namespace shardmap
