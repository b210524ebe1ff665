// A shard's entries in insertion order: dense, in chunks of contiguous memory, the last of which is appended to.
//
// Entries never change places among each other. A chunk half of whose bytes are dead is rewritten without them, merged
// with a neighbour where both are small, so dead bytes stay below live ones (the open chunk apart), at O(1) amortised
// per deletion and never more than two chunks under one hold of the lock.
//
// Whoever walks through the list needs no lock: it takes a view of the chunks as they are at one moment, and whatever
// happens to the list later, entries in the view stay where they are until the walker's epoch ends. An entry that was
// moved meanwhile shows the value that it had then.
//
// Timers lead to each other by places of 32 bits, as half of the memory of a timer would be pointers otherwise: a place
// is the number of a chunk, which chunks get when the first timer in them starts, and an offset in words.
//
// An entry has room for a deadline, and for a timer, or has not, as it was inserted. One that needs a timer later gets
// it together with all entries of its chunk that have as much room as it had, as the chunk is rewritten for that, and
// from then on so does each that is inserted into this list and needs as much: who changes deadlines of entries that
// are there will do it again.
//
// All members but TryView and PrefetchEnd are called under the shard's lock.
//
// Pairs: version_, chunks_, count_ and end_ release in ChangeLocked and Append, acquire in TryView; what a chunk says
// of itself is written before. A view is believed only between two equal even versions.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/prefetch.h"
#include "core/block.h"
#include "core/entry.h"
#include "core/epoch.h"
#include "core/timer_wheel.h"

namespace shardmap {

// A piece of a list. Its record stays where it is while a view may lead to it.
struct EntryChunk {
  std::atomic<uint64_t> first_sequence;  // UINT64_MAX while empty
  Block* block;
  std::atomic<uint32_t> used;  // once it is closed; the open chunk ends where its list does
  // Writers only.
  uint32_t dead = 0;
  uint32_t number = 0;     // 0: none
  bool is_in_run = false;  // whether an entry has joined the shard's run here

  EntryChunk(Block* memory, size_t used_bytes, uint64_t first)
      : first_sequence(first), block(memory), used(static_cast<uint32_t>(used_bytes)) {}
  EntryChunk(const EntryChunk& other)
      : first_sequence(other.first()),
        block(other.block),
        used(other.used.load(std::memory_order_relaxed)),
        dead(other.dead),
        number(other.number),
        is_in_run(other.is_in_run) {}

  uint64_t first() const { return first_sequence.load(std::memory_order_relaxed); }
  size_t used_bytes() const { return used.load(std::memory_order_relaxed); }
  size_t live() const { return used_bytes() - dead; }
};

// The chunks of a list as they were at one moment. Valid inside an epoch, or under the lock.
class EntryChunks {
 public:
  EntryChunks() = default;
  EntryChunks(EntryChunk* chunks, size_t count, uint8_t* end) : chunks_(chunks), count_(count), end_(end) {}

  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  EntryChunk& operator[](size_t index) const { return chunks_[index]; }
  bool IsOpen(size_t index) const { return index + 1 == count_; }
  uint8_t* EndOf(size_t index) const {
    return IsOpen(index) ? end_ : chunks_[index].block->payload() + chunks_[index].used_bytes();
  }

  // The chunk that an entry of this number is in, if there is one: the last that begins at or before the number.
  size_t ChunkOf(uint64_t sequence) const;

  // Visits live entries in order, those with a number above `after`, until `visit(Entry*)` returns false.
  template <typename Visit>
  void Scan(uint64_t after, Visit visit) const {
    if (empty()) return;
    for (size_t i = ChunkOf(after); i < count_; ++i) {
      if (!VisitLive(i, after, visit)) return;
    }
  }
  template <typename Visit>
  bool VisitLive(size_t index, uint64_t after, Visit visit) const {
    uint8_t* place = chunks_[index].block->payload();
    const uint8_t* const end = EndOf(index);
    while (place < end) {
      Entry* entry = reinterpret_cast<Entry*>(place);
      place += entry->size();
      if (entry->sequence() <= after || entry->is_dead()) continue;
      if (!visit(entry)) return false;
    }
    return true;
  }

  // Retires the chunks and their records. What the entries own is the caller's affair.
  void Retire(RetiredList& retired) const;

 private:
  EntryChunk* chunks_ = nullptr;
  size_t count_ = 0;
  uint8_t* end_ = nullptr;
};

// Where the chunks are that have numbers.
class ChunkNumbers {
 public:
  static constexpr unsigned kBits = 19;

  ChunkNumbers() = default;
  ~ChunkNumbers() { std::free(chunks_); }
  ChunkNumbers(const ChunkNumbers&) = delete;
  ChunkNumbers& operator=(const ChunkNumbers&) = delete;

  // A number for the memory of a chunk, or 0 when there is none, or no memory.
  uint32_t Add(uint8_t* chunk);
  void Remove(uint32_t number);
  uint8_t* operator[](uint32_t number) const { return chunks_[number]; }
  size_t bytes() const { return capacity_ * sizeof *chunks_; }
  void Swap(ChunkNumbers& other) noexcept;

 private:
  uint8_t** chunks_ = nullptr;  // by number; of a free one, the next that is free
  uint32_t count_ = 1;
  uint32_t capacity_ = 0;
  uint32_t free_ = 0;
};

class EntryList {
 public:
  EntryList() = default;
  EntryList(const EntryList&) = delete;
  EntryList& operator=(const EntryList&) = delete;

  // Room for an entry of `bytes` at the end, or nullptr when there is no memory. Append follows: a chunk may have been
  // opened for it, and none stays empty.
  void* Reserve(size_t bytes, RetiredList& retired) {
    return bytes <= room_ || MakeRoom(bytes, retired) ? end_.load(std::memory_order_relaxed) : nullptr;
  }
  // Takes the entry that was created in the room reserved last. Returns whether it is the first of its chunk, so that
  // the chunk before it was closed and may be worth compacting.
  bool Append(const Entry* entry);
  // Counts the entry as dead.
  void NoteDead(const Entry* entry);

  // Rewrites the chunk where an entry of this number is or was, if that is worth while, as IsSparseAround says.
  // `moved(from, to, place)` is called for each entry, with its place where the chunk has a number and 0 otherwise.
  // Replaced chunks are retired. Does nothing when there is no memory.
  bool IsSparseAround(uint64_t sequence) const {
    const EntryChunks chunks = view();
    return IsSparse(chunks, chunks.ChunkOf(sequence));
  }
  template <typename Moved>
  void CompactAround(uint64_t sequence, RetiredList& retired, Moved moved);

  // Rewrites the chunk where this live entry is so that it has a timer, and so have all in there with as much room as
  // it had. `moved` as above. False when there is no memory; then nothing is changed.
  template <typename Moved>
  bool GiveTimers(const Entry* entry, RetiredList& retired, Moved moved);
  // What room a new entry gets that needs so much.
  DeadlineRoom RoomFor(DeadlineRoom needed) const { return needed < timers_from_ ? needed : DeadlineRoom::kTimer; }
  // Tells that the last entry is in the shard's run, as chunks have it for EntryWalk.
  void NoteInRun() {
    if (!open_chunk_is_in_run_) NoteOpenInRun();
  }

  // The place of an entry, or of the next one; 0 when there is no memory.
  Place PlaceOf(const Entry* entry);
  Place PlaceOfNext();
  Entry* EntryAt(Place place) const {
    return reinterpret_cast<Entry*>(numbers_[place >> kOffsetBits] + (place & (kChunkWordsMax - 1)) * 8);
  }

  // Lock-free, inside an epoch. False when the list was changing; appending is no change.
  bool TryView(EntryChunks* view) const {
    const uint64_t version = version_.load(std::memory_order_acquire);
    EntryChunk* const chunks = chunks_.load(std::memory_order_acquire);
    const size_t count = count_.load(std::memory_order_acquire);
    uint8_t* const end = end_.load(std::memory_order_acquire);
    if ((version & 1) != 0 || version_.load(std::memory_order_relaxed) != version) return false;
    *view = EntryChunks(chunks, count, end);
    return true;
  }
  // Starts loading the place of the next entry. Lock-free.
  void PrefetchEnd() const {
    const auto end = reinterpret_cast<uintptr_t>(end_.load(std::memory_order_relaxed));
    Prefetch(reinterpret_cast<const void*>(end));
    Prefetch(reinterpret_cast<const void*>(end + 64));
  }
  // Another one after each change, of which appending is none.
  uint64_t version() const { return version_.load(std::memory_order_relaxed); }
  EntryChunks view() const {
    return EntryChunks(chunks_.load(std::memory_order_relaxed), count_.load(std::memory_order_relaxed),
                       end_.load(std::memory_order_relaxed));
  }

  // Empties the list and hands out what was in it, for the caller to retire. `numbers` is new, and receives memory that
  // no reader looks at.
  EntryChunks TakeAll(ChunkNumbers* numbers);
  // Hands out the numbers alone, of a list to which nobody writes any more.
  void TakeNumbers(ChunkNumbers* numbers) { numbers_.Swap(*numbers); }

  size_t allocated_bytes() const { return allocated_bytes_; }
  size_t live_bytes() const { return live_bytes_; }
  size_t number_bytes() const { return numbers_.bytes(); }

 private:
  static constexpr size_t kChunkBytesMin = 512 - sizeof(Block);
  static constexpr size_t kChunkBytesMax = 16 * 1024 - sizeof(Block);
  // A chunk may get larger by the timers of all of its entries, the least of which take 32 bytes without.
  static constexpr unsigned kOffsetBits = 12;
  static constexpr size_t kChunkWordsMax = size_t{1} << kOffsetBits;
  static_assert(kOffsetBits + ChunkNumbers::kBits < 32);
  static_assert(Entry::kBytesMax <= kChunkBytesMin);
  static_assert(kChunkBytesMax / 8 * (32 + sizeof(Timer)) / 32 <= kChunkWordsMax);

  // Chunks grow with the list: few of them, and little room unused at the end.
  size_t ChunkBytes(size_t entry_bytes) const;
  bool MakeRoom(size_t bytes, RetiredList& retired) { return EnsureRecord(retired) && OpenChunk(ChunkBytes(bytes)); }
  // Begins a new open chunk. False when there is no memory.
  bool OpenChunk(size_t bytes);
  // Makes place for one more record. False when there is no memory.
  bool EnsureRecord(RetiredList& retired);
  // A closed chunk half of which is dead.
  static bool IsSparse(const EntryChunks& chunks, size_t index) {
    return !chunks.IsOpen(index) && chunks[index].dead * 2 >= chunks[index].used_bytes();
  }
  // How many chunks from `*first` are to be rewritten into one: 1, or 2 with a small neighbour.
  size_t CompactionSpan(const EntryChunks& chunks, size_t* first) const;
  // Copies the live entries of `count` chunks, which are closed, into one chunk; those with this room get timers. False
  // when there is no memory.
  template <typename Moved>
  bool Rewrite(size_t first, size_t count, DeadlineRoom timers_from, RetiredList& retired, Moved moved);
  // Puts `chunk`, or nothing, in the place of `count` chunks. `records` is memory for the new records.
  void ReplaceChunks(size_t first, size_t count, const EntryChunk& chunk, Block* records, RetiredList& retired);
  // Gives the chunk a number unless it has one. False when there is no memory.
  bool EnsureNumber(EntryChunk& chunk);
  bool EnsureOpenNumber();
  void NoteOpenInRun();
  static Place PlaceIn(const EntryChunk& chunk, const void* at) {
    const auto offset = static_cast<size_t>(static_cast<const uint8_t*>(at) - chunk.block->payload());
    return chunk.number << kOffsetBits | static_cast<Place>(offset / 8);
  }

  // Sets what views are made of.
  void Change(EntryChunk* chunks, size_t count, uint8_t* end);

  // What an insertion needs, together: where the open chunk ends, what room there is, whether it is empty.
  std::atomic<uint8_t*> end_{nullptr};
  size_t room_ = 0;
  size_t live_bytes_ = 0;
  bool open_chunk_is_empty_ = false;
  bool open_chunk_has_number_ = false;  // may be false where it has one
  bool open_chunk_is_in_run_ = false;   // likewise
  DeadlineRoom timers_from_ = DeadlineRoom::kTimer;

  std::atomic<uint32_t> count_{0};
  std::atomic<uint64_t> version_{0};
  std::atomic<EntryChunk*> chunks_{nullptr};  // in a block of their own
  size_t allocated_bytes_ = 0;                // of chunks
  ChunkNumbers numbers_;
};

// A walk by its writers through what of a list has ever been in the shard's run. They may change the list between any
// two steps.
class EntryWalk {
 public:
  EntryWalk() = default;
  // Begins behind this number.
  explicit EntryWalk(uint64_t after) : after_(after) {}

  // The next live entry that is `wanted`, which stays so until it is dead or not wanted any more. nullptr at the end of
  // each chunk that it looked at.
  template <typename Wanted>
  Entry* Next(const EntryList& list, Wanted wanted) {
    const EntryChunks chunks = list.view();
    if (list.version() != version_) {
      version_ = list.version();
      chunk_ = chunks.ChunkOf(after_);
      place_ = chunks[chunk_].block->payload();
    }
    for (const uint8_t* const end = chunks.EndOf(chunk_); place_ < end;) {
      Entry* const entry = reinterpret_cast<Entry*>(place_);
      if (entry->sequence() > after_) {
        if (!entry->is_dead() && wanted(*entry)) return entry;
        after_ = entry->sequence();
      }
      place_ += entry->size();
    }
    size_t next = chunk_ + 1;
    while (next < chunks.size() && !chunks[next].is_in_run) ++next;
    if (next < chunks.size()) {
      chunk_ = next;
      place_ = chunks[next].block->payload();
    }
    return nullptr;
  }

 private:
  uint64_t after_ = 0;    // entries up to this number are done
  uint64_t version_ = 1;  // of the list that the following is of; none has an odd one for long
  size_t chunk_ = 0;
  uint8_t* place_ = nullptr;
};

// The timers of places, as a wheel looks for them.
struct EntryTimers {
  const EntryList& entries;

  Timer& operator()(Place place) const { return entries.EntryAt(place)->timer(); }
};

template <typename Moved>
void EntryList::CompactAround(uint64_t sequence, RetiredList& retired, Moved moved) {
  const EntryChunks chunks = view();
  size_t first = chunks.ChunkOf(sequence);
  if (!IsSparse(chunks, first)) return;
  const size_t count = CompactionSpan(chunks, &first);
  (void)Rewrite(first, count, DeadlineRoom::kTimer, retired, moved);
}

template <typename Moved>
bool EntryList::GiveTimers(const Entry* entry, RetiredList& retired, Moved moved) {
  const size_t chunk = view().ChunkOf(entry->sequence());
  const DeadlineRoom before = entry->room();
  if (view().IsOpen(chunk) && !MakeRoom(kChunkBytesMin, retired)) return false;
  if (!Rewrite(chunk, 1, before, retired, moved)) return false;
  timers_from_ = std::min(timers_from_, before);
  return true;
}

template <typename Moved>
bool EntryList::Rewrite(size_t first, size_t count, DeadlineRoom timers_from, RetiredList& retired, Moved moved) {
  const auto room_for = [=](const Entry& entry) {
    return entry.room() < timers_from ? entry.room() : DeadlineRoom::kTimer;
  };
  const EntryChunks chunks = view();
  size_t live = 0;
  bool has_number = false;
  bool is_in_run = false;
  for (size_t i = first; i < first + count; ++i) {
    has_number |= chunks[i].number != 0;
    is_in_run |= chunks[i].is_in_run;
    chunks.VisitLive(i, 0, [&](const Entry* entry) {
      live += entry->SizeWith(room_for(*entry));
      return true;
    });
  }
  Block* const records = Block::Allocate(chunks.size() * sizeof(EntryChunk));
  EntryChunk chunk(live == 0 ? nullptr : Block::Allocate(live), live, 0);
  chunk.is_in_run = is_in_run;
  if (records == nullptr || (live != 0 && (chunk.block == nullptr || (has_number && !EnsureNumber(chunk))))) {
    if (records != nullptr) Block::Free(records);
    if (chunk.block != nullptr) Block::Free(chunk.block);
    return false;
  }
  uint8_t* place = live == 0 ? nullptr : chunk.block->payload();
  for (size_t i = first; i < first + count; ++i) {
    chunks.VisitLive(i, 0, [&](Entry* entry) {
      Entry* const copy = entry->CopyTo(place, room_for(*entry));
      live_bytes_ += copy->size() - entry->size();
      moved(entry, copy, has_number ? PlaceIn(chunk, place) : Place{0});
      place += copy->size();
      return true;
    });
  }
  ReplaceChunks(first, count, chunk, records, retired);
  return true;
}

}  // namespace shardmap
