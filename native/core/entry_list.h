// A shard's entries in insertion order: dense, in chunks of contiguous memory, the last of which is appended to.
//
// Entries never change places among each other. A chunk half of whose bytes are dead is rewritten without them, merged
// with a neighbour where both are small, so dead bytes stay below live ones (the open chunk apart), at O(1) amortised
// per deletion and never more than two chunks under one hold of the lock. All members are called under the shard's
// lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/block.h"
#include "core/entry.h"
#include "core/epoch.h"

namespace shardmap {

class EntryList {
 public:
  EntryList() = default;
  EntryList(EntryList&&) noexcept = default;
  EntryList& operator=(EntryList&&) noexcept = default;
  EntryList(const EntryList&) = delete;

  // Room for an entry of `bytes` at the end, or nullptr when there is no memory. Nothing is taken until Append.
  void* Reserve(size_t bytes) { return bytes <= room_ || MakeRoom(bytes) ? end_ : nullptr; }
  // Takes the entry that was created in the room reserved last. Returns whether it is the first of its chunk, so that
  // the chunk before it was closed and may be worth compacting.
  bool Append(const Entry* entry);
  // Counts the entry as dead.
  void NoteDead(const Entry* entry);

  // Rewrites the chunk where an entry of this number is or was, if that is worth while. `moved(from, to)` is called for
  // each entry with its old and its new place. Replaced chunks are retired. Does nothing when there is no memory.
  template <typename Moved>
  void CompactAround(uint64_t sequence, RetiredList& retired, Moved moved);

  // Visits live entries in order, those with a number above `after`, until `visit(Entry*)` returns false.
  template <typename Visit>
  void Scan(uint64_t after, Visit visit) const;

  // Retires every chunk. What the entries own is the caller's affair.
  void RetireAll(RetiredList& retired);

  size_t allocated_bytes() const { return allocated_bytes_; }
  size_t live_bytes() const { return live_bytes_; }

 private:
  struct Chunk {
    uint64_t first_sequence;  // UINT64_MAX while empty
    Block* block;
    size_t used;  // not kept for the open chunk: see end_
    size_t dead;

    size_t live() const { return used - dead; }
  };

  static constexpr size_t kChunkBytesMin = 512 - sizeof(Block);
  static constexpr size_t kChunkBytesMax = 16 * 1024 - sizeof(Block);

  // Chunks grow with the list: few of them, and little room unused at the end.
  size_t ChunkBytes(size_t entry_bytes) const;
  bool MakeRoom(size_t bytes);
  // Begins a new open chunk. False when there is no memory.
  bool OpenChunk(size_t bytes);
  // Frees the open chunk if a failed insertion left it empty; nobody has seen it.
  void DropUnusedChunk();
  // The chunk that an entry of this number is in; there is one.
  size_t ChunkOf(uint64_t sequence) const;
  bool IsOpen(size_t index) const { return index + 1 == chunks_.size(); }
  bool IsSparse(size_t index) const { return !IsOpen(index) && chunks_[index].dead * 2 >= chunks_[index].used; }
  // How many chunks from `*first` are to be rewritten into one: 1, or 2 with a small neighbour.
  size_t CompactionSpan(size_t* first) const;
  void ReplaceChunks(size_t first, size_t count, Block* block, size_t used, RetiredList& retired);

  template <typename Visit>
  bool VisitLive(size_t index, uint64_t after, Visit visit) const {
    uint8_t* place = chunks_[index].block->payload();
    const uint8_t* const end = IsOpen(index) ? end_ : place + chunks_[index].used;
    while (place < end) {
      Entry* entry = reinterpret_cast<Entry*>(place);
      place += entry->size();
      if (entry->sequence() <= after || entry->is_dead()) continue;
      if (!visit(entry)) return false;
    }
    return true;
  }

  // What an insertion needs, together: of the open chunk, where it ends, what room there is, whether it is empty.
  uint8_t* end_ = nullptr;
  size_t room_ = 0;
  size_t live_bytes_ = 0;
  bool open_chunk_is_empty_ = false;

  std::vector<Chunk> chunks_;  // the last one is the open chunk
  size_t allocated_bytes_ = 0;
};

template <typename Moved>
void EntryList::CompactAround(uint64_t sequence, RetiredList& retired, Moved moved) {
  size_t first = ChunkOf(sequence);
  if (!IsSparse(first)) return;
  const size_t count = CompactionSpan(&first);
  size_t live = 0;
  for (size_t i = first; i < first + count; ++i) live += chunks_[i].live();
  Block* block = nullptr;
  if (live != 0) {
    block = Block::Allocate(live);
    if (block == nullptr) return;
    uint8_t* place = block->payload();
    for (size_t i = first; i < first + count; ++i) {
      VisitLive(i, 0, [&](Entry* entry) {
        moved(entry, entry->CopyTo(place));
        place += entry->size();
        return true;
      });
    }
  }
  ReplaceChunks(first, count, block, live, retired);
}

template <typename Visit>
void EntryList::Scan(uint64_t after, Visit visit) const {
  if (chunks_.empty()) return;
  for (size_t i = ChunkOf(after); i < chunks_.size(); ++i) {
    if (!VisitLive(i, after, visit)) return;
  }
}

}  // namespace shardmap
