#include "core/shard.h"

#include <bit>
#include <utility>

namespace shardmap {
namespace {

uint64_t OwnedBytes(const Entry* entry) {
  const Block* key_block = entry->key_block();
  const Block* value_block = entry->value_block();
  return (key_block == nullptr ? 0 : key_block->total_bytes()) +
         (value_block == nullptr ? 0 : value_block->total_bytes());
}

// Retires what a dead entry owns. The entry itself goes with its chunk.
void RetireOwned(const Entry* entry, RetiredList& retired) {
  if (Block* block = entry->key_block()) retired.Add(block);
  if (Block* block = entry->value_block()) retired.Add(block);
}

}  // namespace

Shard::~Shard() {
  RetiredList retired;  // frees at once: nobody reads a store that is being destroyed
  MutexLock lock(mutex_);
  entries_.Scan(0, [&](Entry* entry) {
    RetireOwned(entry, retired);
    return true;
  });
  entries_.RetireAll(retired);
  if (index_.allocated()) retired.Add(index_.block());
  if (old_index_.allocated()) retired.Add(old_index_.block());
}

const Entry* Shard::FindAgain(const HashedKey& key) const {
  for (int attempt = 0; attempt < kFindAttempts; ++attempt) {
    const uint64_t version = layout_version_.load(std::memory_order_acquire);
    const IndexView current(current_->load(std::memory_order_acquire));
    if (const Entry* entry = current.Find(key.key, key.hash)) return entry;
    const uint64_t draining = draining_.load(std::memory_order_acquire);
    if (draining != 0) {
      if (const Entry* entry = IndexView(draining).Find(key.key, key.hash)) return entry;
    }
    const bool is_settled = (version & 1) == 0 && layout_version_.load(std::memory_order_relaxed) == version;
    if (is_settled) return nullptr;
  }
  MutexLock lock(mutex_);
  return FindLocked(key).entry;
}

bool Shard::Get(IndexView table, const HashedKey& key, ReadValue* out, uint64_t* sequence) const {
  const Entry* entry = FindForRead(table, key);
  if (entry == nullptr) return false;
  Entry::ReadOutcome outcome = entry->Read(out);
  if (outcome == Entry::ReadOutcome::kBusy) {
    MutexLock lock(mutex_);
    entry = FindLocked(key).entry;
    if (entry == nullptr) return false;
    outcome = entry->Read(out);  // no writer can disturb it now
  }
  if (sequence != nullptr) *sequence = entry->sequence();
  return outcome == Entry::ReadOutcome::kRead;
}

bool Shard::Has(IndexView table, const HashedKey& key) const {
  const Entry* entry = FindForRead(table, key);
  return entry != nullptr && !entry->is_dead();
}

Shard::Place Shard::FindLocked(const HashedKey& key) const {
  std::atomic<uint64_t>* slot = nullptr;
  if (Entry* entry = index_.view().Find(key.key, key.hash, &slot)) return {entry, slot, const_cast<Index*>(&index_)};
  if (!IsMovingLocked()) return {nullptr, nullptr, nullptr};
  Entry* entry = old_index_.view().Find(key.key, key.hash, &slot);
  return {entry, slot, const_cast<Index*>(&old_index_)};
}

PutOutcome Shard::Put(const WriteContext& context, const HashedKey& key, Block** key_block, Value& value, PutMode mode,
                      ReadValue* existing) {
  MutexLock lock(mutex_);
  MoveLinesLocked(context, kMoveLines);
  Entry* entry = FindLocked(key).entry;
  if (entry == nullptr) return InsertLocked(context, key, key_block, value);
  if (mode == PutMode::kOverwrite) return OverwriteLocked(context, entry, value);
  (void)entry->Read(existing);  // cannot fail: it is alive and no writer is inside
  return PutOutcome::kExisted;
}

PutOutcome Shard::InsertLocked(const WriteContext& context, const HashedKey& key, Block** key_block, Value& value) {
  void* memory = entries_.Reserve(Entry::SizeFor(key.key, value));
  if (memory == nullptr || !EnsureRoomLocked(context)) return PutOutcome::kOutOfMemory;
  const bool inline_value = value.size() <= kInlineValueBytesMax;
  Block* value_block = inline_value ? nullptr : value.TakeBlock();
  const uint64_t sequence = context.sequencer.Next(context.session.id(), context.session.last_sequence(),
                                                   last_sequence_.load(std::memory_order_relaxed));
  Entry* entry =
      Entry::Create(memory, key.key, key.hash, std::exchange(*key_block, nullptr), value, value_block, sequence);
  block_bytes_ += OwnedBytes(entry);
  const bool closed_a_chunk = entries_.Append(entry);
  index_.Insert(entry, key.hash);
  last_sequence_.store(sequence, std::memory_order_release);
  context.session.set_last_sequence(sequence);
  context.session.AddToSize(1);
  AppendToSinkLocked(context, key.key, value);
  if (closed_a_chunk) CompactLocked(context, sequence - 1);
  return PutOutcome::kInserted;
}

PutOutcome Shard::OverwriteLocked(const WriteContext& context, Entry* entry, Value& value) {
  Block* block = nullptr;
  if (!entry->FitsInline(value)) {
    block = value.TakeBlock();
    if (block == nullptr) return PutOutcome::kOutOfMemory;
    block_bytes_ += block->total_bytes();
  }
  Block* replaced = entry->value_block();
  entry->Overwrite(value, block);
  if (replaced != nullptr) {
    block_bytes_ -= replaced->total_bytes();
    context.session.retired().Add(replaced);
  }
  AppendToSinkLocked(context, entry->key(), value);
  return PutOutcome::kOverwritten;
}

void Shard::AppendToSinkLocked(const WriteContext& context, const Key& key, const Value& value) {
  if (context.sink == nullptr) return;
  context.sink->Append(context.shard, {Mutation::Kind::kPut, &key, &value});
}

bool Shard::Delete(const WriteContext& context, const HashedKey& key) {
  MutexLock lock(mutex_);
  MoveLinesLocked(context, kMoveLines);
  const Place place = FindLocked(key);
  if (place.entry == nullptr) return false;
  place.entry->MarkDead();
  place.index->Remove(place.slot);
  block_bytes_ -= OwnedBytes(place.entry);
  RetireOwned(place.entry, context.session.retired());
  entries_.NoteDead(place.entry);
  context.session.AddToSize(-1);
  if (context.sink != nullptr) context.sink->Append(context.shard, {Mutation::Kind::kDelete, &key.key, nullptr});
  CompactLocked(context, place.entry->sequence());
  ShrinkIfSparseLocked(context);
  return true;
}

uint64_t Shard::Clear(const WriteContext& context) {
  EntryList entries;
  Index index;
  Index old_index;
  uint64_t count = 0;
  {
    MutexLock lock(mutex_);
    count = index_.live() + old_index_.live();
    ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
      entries = std::exchange(entries_, EntryList());
      index = std::exchange(index_, Index());
      old_index = std::exchange(old_index_, Index());
    });
    block_bytes_ = 0;
    context.session.AddToSize(-static_cast<int64_t>(count));
    if (context.sink != nullptr) context.sink->Append(context.shard, {Mutation::Kind::kClearShard, nullptr, nullptr});
  }
  // Only readers see these now; walking and retiring them needs no lock.
  RetiredList& retired = context.session.retired();
  entries.Scan(0, [&](Entry* entry) {
    RetireOwned(entry, retired);
    return true;
  });
  entries.RetireAll(retired);
  if (index.allocated()) retired.Add(index.block());
  if (old_index.allocated()) retired.Add(old_index.block());
  return count;
}

bool Shard::Scan(uint64_t after, size_t count, std::vector<ScannedEntry>* out) const {
  if (last_sequence_.load(std::memory_order_acquire) <= after) return false;
  MutexLock lock(mutex_);
  size_t left = count;
  entries_.Scan(after, [&](const Entry* entry) {
    if (left == 0) return false;
    out->push_back({entry->sequence(), entry});
    return --left != 0;
  });
  return left == 0;
}

ShardStats Shard::Stats() const {
  MutexLock lock(mutex_);
  return {index_.live() + old_index_.live(), entries_.live_bytes(), entries_.allocated_bytes(),
          index_.bytes() + old_index_.bytes(), block_bytes_};
}

void Shard::CompactLocked(const WriteContext& context, uint64_t sequence) {
  const IndexView index = index_.view();
  const IndexView old_index = old_index_.view();
  entries_.CompactAround(sequence, context.session.retired(), [&](const Entry* from, Entry* to) {
    const uint64_t hash = from->HashWith(context.seed);
    std::atomic<uint64_t>* slot = index.FindSlotOf(from, hash);
    if (slot == nullptr) slot = old_index.FindSlotOf(from, hash);
    slot->store(Slot::Word(to, hash), std::memory_order_release);
  });
}

bool Shard::EnsureRoomLocked(const WriteContext& context) {
  if (!index_.IsFull()) return true;
  MoveLinesLocked(context, SIZE_MAX);
  // Twice the slots where entries fill it, the same number where tombstones do.
  const size_t capacity = index_.capacity();
  const bool crowded = index_.live() * 8 >= capacity * 5;
  return BeginMoveLocked(context, crowded || capacity == 0 ? capacity * 2 : capacity);
}

void Shard::ShrinkIfSparseLocked(const WriteContext& context) {
  const size_t capacity = index_.capacity();
  if (IsMovingLocked() || capacity <= kMoveAtOnceSlots || index_.live() * 16 > capacity) return;
  (void)BeginMoveLocked(context, capacity / 4);  // if there is no memory, it stays as it is
}

bool Shard::BeginMoveLocked(const WriteContext& context, size_t capacity) {
  const size_t capacity_min = size_t{1} << Index::kLog2CapacityMin;
  const auto log2_capacity = static_cast<unsigned>(std::countr_zero(capacity < capacity_min ? capacity_min : capacity));
  Index grown = Index::Allocate(log2_capacity);
  if (!grown.allocated()) return false;
  if (!index_.allocated()) {
    ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) { index_ = grown; });
    return true;
  }
  ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
    old_index_ = std::exchange(index_, grown);
    next_line_to_move_ = 0;
  });
  if (old_index_.capacity() <= kMoveAtOnceSlots) MoveLinesLocked(context, SIZE_MAX);
  return true;
}

void Shard::MoveLinesLocked(const WriteContext& context, size_t lines) {
  if (!IsMovingLocked()) return;
  ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
    const size_t left = old_index_.lines() - next_line_to_move_;
    const size_t count = lines < left ? lines : left;
    old_index_.MoveLines(next_line_to_move_, count, context.seed, index_);
    next_line_to_move_ += count;
    if (next_line_to_move_ < old_index_.lines()) return;
    context.session.retired().Add(old_index_.block());
    old_index_ = Index();
  });
}

template <typename Change>
void Shard::ChangeLayoutLocked(Change change) {
  const uint64_t version = layout_version_.load(std::memory_order_relaxed);
  layout_version_.store(version + 1, std::memory_order_relaxed);
  change();
  current_->store(index_.view().packed(), std::memory_order_release);
  draining_.store(old_index_.allocated() ? old_index_.view().packed() : 0, std::memory_order_release);
  layout_version_.store(version + 2, std::memory_order_release);
}

}  // namespace shardmap
