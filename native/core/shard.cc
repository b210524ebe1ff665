#include "core/shard.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <thread>
#include <utility>

#include "core/arithmetic.h"

namespace shardmap {
namespace {

uint64_t OwnedBytes(const Entry* entry) {
  const Block* key_block = entry->key_block();
  const Block* value_block = entry->value_block();
  return (key_block == nullptr ? 0 : key_block->total_bytes()) +
         (value_block == nullptr ? 0 : value_block->total_bytes());
}

// Its slot included.
int64_t BytesOf(const Entry* entry) {
  return static_cast<int64_t>(entry->size() + OwnedBytes(entry) + sizeof(uint64_t));
}

// Retires what a dead entry owns. The entry itself goes with its chunk.
void RetireOwned(const Entry* entry, RetiredList& retired) {
  if (Block* block = entry->key_block()) retired.Add(block);
  if (Block* block = entry->value_block()) retired.Add(block);
}

// Retires a list that nobody writes to any more, with all that its entries own.
void RetireEntries(const EntryChunks& entries, RetiredList& retired) {
  entries.Scan(0, [&](Entry* entry) {
    RetireOwned(entry, retired);
    return true;
  });
  entries.Retire(retired);
}

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

// Who waits for a claim looks again at once so often, which is enough for a short callback, and then now and then.
constexpr int kClaimYields = 64;
constexpr std::chrono::microseconds kClaimSleep{50};

constexpr size_t kCapacityMin = size_t{1} << Index::kLog2CapacityMin;

}  // namespace

void Shard::FreeAll() {
  RetiredList retired;  // frees at once: nobody reads a store that is being destroyed
  MutexLock lock(mutex_);
  RetireEntries(entries_.TakeAll(), retired);
  if (index_.allocated()) retired.Add(std::exchange(index_, Index()).block());
  if (old_index_.allocated()) retired.Add(std::exchange(old_index_, Index()).block());
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

bool Shard::Get(IndexView table, const HashedKey& key, ReadValue* out, EntryStamp* stamp) const {
  const Entry* entry = FindForRead(table, key);
  if (entry == nullptr) return false;
  uint32_t version = 0;
  Entry::ReadOutcome outcome = entry->Read(out, &version);
  if (outcome == Entry::ReadOutcome::kBusy) {
    MutexLock lock(mutex_);
    entry = FindLocked(key).entry;
    if (entry == nullptr) return false;
    outcome = entry->Read(out, &version);  // no writer can disturb it now
  }
  if (outcome != Entry::ReadOutcome::kRead) return false;
  if (stamp != nullptr) *stamp = {entry->sequence(), version};
  return true;
}

bool Shard::Has(IndexView table, const HashedKey& key) const {
  const Entry* entry = FindForRead(table, key);
  return entry != nullptr && !entry->is_dead();
}

bool Shard::GetCandidate(const Entry* candidate, IndexView table, const HashedKey& key, ReadValue* out) const {
  if (candidate != nullptr && candidate->Matches(key.key)) {
    const Entry::ReadOutcome outcome = candidate->Read(out);
    if (outcome != Entry::ReadOutcome::kBusy) return outcome == Entry::ReadOutcome::kRead;
  }
  return Get(table, key, out, nullptr);
}

bool Shard::HasCandidate(const Entry* candidate, IndexView table, const HashedKey& key) const {
  if (candidate != nullptr && candidate->Matches(key.key)) return !candidate->is_dead();
  return Has(table, key);
}

Shard::Place Shard::FindLocked(const HashedKey& key) const {
  std::atomic<uint64_t>* slot = nullptr;
  if (Entry* entry = index_.view().Find(key.key, key.hash, &slot)) return {entry, slot, const_cast<Index*>(&index_)};
  if (!IsMovingLocked()) return {nullptr, nullptr, nullptr};
  Entry* entry = old_index_.view().Find(key.key, key.hash, &slot);
  return {entry, slot, const_cast<Index*>(&old_index_)};
}

PutOutcome Shard::Put(const WriteContext& context, const HashedKey& key, Block** key_block, Value& value,
                      const PutRequest& request) {
  SpareIndex spare;
  for (int turn = 0;; ++turn) {
    size_t needed = 0;
    {
      MutexLock lock(mutex_);
      const PutOutcome outcome = PutLocked(context, key, key_block, value, request, spare.index);
      if (outcome == PutOutcome::kNeedsIndex) {
        needed = GrownCapacityLocked();
      } else if (outcome != PutOutcome::kClaimed) {
        return outcome;
      }
    }
    if (needed == 0) {
      AwaitClaim(turn);
    } else if (!spare.Allocate(needed)) {
      return PutOutcome::kOutOfMemory;
    }
  }
}

size_t Shard::PutMany(const WriteContext& context, std::span<const HashedKey> keys, BatchEntry* entries,
                      Block** key_blocks) {
  SpareIndex spare;
  size_t done = 0;
  for (int turn = 0; done < keys.size(); ++turn) {
    size_t needed = 0;
    {
      MutexLock lock(mutex_);
      PutOutcome outcome = PutOutcome::kInserted;
      while (done < keys.size()) {
        outcome = PutLocked(context, keys[done], &key_blocks[done], entries[done].value, {}, spare.index);
        if (outcome != PutOutcome::kInserted && outcome != PutOutcome::kOverwritten) break;
        ++done;
      }
      if (done == keys.size() || outcome == PutOutcome::kOutOfMemory) return done;
      if (outcome == PutOutcome::kNeedsIndex) needed = GrownCapacityLocked();
    }
    if (needed == 0) {
      AwaitClaim(turn);
    } else if (!spare.Allocate(needed)) {
      return done;
    }
  }
  return done;
}

PutOutcome Shard::PutLocked(const WriteContext& context, const HashedKey& key, Block** key_block, Value& value,
                            const PutRequest& request, Index& spare) {
  if (IsClaimedLocked(context, key.hash)) return PutOutcome::kClaimed;
  MoveLinesLocked(context, kMoveLines);
  Entry* entry = FindLocked(key).entry;
  const bool was_absent = request.mode != PutMode::kIfUnchanged || request.stamp == EntryStamp{};
  if (entry == nullptr) {
    return was_absent ? InsertLocked(context, key, key_block, value, spare) : PutOutcome::kChanged;
  }
  switch (request.mode) {
    case PutMode::kIfUnchanged:
      if (entry->stamp() != request.stamp) return PutOutcome::kChanged;
      break;
    case PutMode::kAdd:
      return AddLocked(context, entry, value, request.existing);
    default:
      // Cannot fail: it is alive and no writer is inside.
      if (request.existing != nullptr) (void)entry->Read(request.existing);
      if (request.mode == PutMode::kIfAbsent) return PutOutcome::kExisted;
  }
  return OverwriteLocked(context, entry, value);
}

PutOutcome Shard::AddLocked(const WriteContext& context, Entry* entry, const Value& value, ReadValue* sum) {
  (void)entry->Read(sum);
  Sum total;
  switch (Add(*sum, value, &total)) {
    case AddOutcome::kOtherType:
      return PutOutcome::kOtherType;
    case AddOutcome::kOutOfRange:
      return PutOutcome::kOutOfRange;
    case AddOutcome::kAdded:
      break;
  }
  Value result = total.value();
  const PutOutcome outcome = OverwriteLocked(context, entry, result);
  (void)entry->Read(sum);
  return outcome;
}

PutOutcome Shard::InsertLocked(const WriteContext& context, const HashedKey& key, Block** key_block, Value& value,
                               Index& spare) {
  if (!EnsureRoomLocked(context, spare)) return PutOutcome::kNeedsIndex;
  void* memory = entries_.Reserve(Entry::SizeFor(key.key, value), context.session.retired());
  if (memory == nullptr) return PutOutcome::kOutOfMemory;
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
  context.session.AddToBytes(BytesOf(entry));
  if (context.sink != nullptr) context.sink->Append(context.shard, {Mutation::Kind::kPut, &key.key, &value});
  if (closed_a_chunk) CompactLocked(context, sequence - 1);
  return PutOutcome::kInserted;
}

PutOutcome Shard::OverwriteLocked(const WriteContext& context, Entry* entry, Value& value) {
  Block* block = nullptr;
  if (!entry->FitsInline(value)) {
    block = value.TakeBlock();
    if (block == nullptr) return PutOutcome::kOutOfMemory;
    block_bytes_ += block->total_bytes();
    context.session.AddToBytes(static_cast<int64_t>(block->total_bytes()));
  }
  Block* replaced = entry->value_block();
  ChangeValueLocked([&] { entry->Overwrite(value, block); });
  if (replaced != nullptr) {
    block_bytes_ -= replaced->total_bytes();
    context.session.AddToBytes(-static_cast<int64_t>(replaced->total_bytes()));
    context.session.retired().Add(replaced);
  }
  if (context.sink != nullptr) {
    const Key key = entry->key();
    context.sink->Append(context.shard, {Mutation::Kind::kPut, &key, &value});
  }
  return PutOutcome::kOverwritten;
}

DeleteOutcome Shard::Delete(const WriteContext& context, const HashedKey& key, const DeleteRequest& request) {
  for (int turn = 0;; ++turn) {
    size_t shrunk = 0;
    DeleteOutcome outcome;
    {
      MutexLock lock(mutex_);
      outcome = DeleteLocked(context, key, request);
      if (outcome == DeleteOutcome::kDeleted) shrunk = ShrunkCapacityLocked();
    }
    if (shrunk != 0) Shrink(context, shrunk);
    if (outcome != DeleteOutcome::kClaimed) return outcome;
    AwaitClaim(turn);
  }
}

size_t Shard::DeleteMany(const WriteContext& context, std::span<const HashedKey> keys) {
  size_t deleted = 0;
  size_t done = 0;
  for (int turn = 0;; ++turn) {
    size_t shrunk = 0;
    {
      MutexLock lock(mutex_);
      for (; done < keys.size(); ++done) {
        const DeleteOutcome outcome = DeleteLocked(context, keys[done], {});
        if (outcome == DeleteOutcome::kClaimed) break;
        deleted += outcome == DeleteOutcome::kDeleted ? 1 : 0;
      }
      if (deleted != 0) shrunk = ShrunkCapacityLocked();
    }
    if (shrunk != 0) Shrink(context, shrunk);
    if (done == keys.size()) return deleted;
    AwaitClaim(turn);
  }
}

DeleteOutcome Shard::DeleteLocked(const WriteContext& context, const HashedKey& key, const DeleteRequest& request) {
  if (IsClaimedLocked(context, key.hash)) return DeleteOutcome::kClaimed;
  MoveLinesLocked(context, kMoveLines);
  const Place place = FindLocked(key);
  if (place.entry == nullptr) return DeleteOutcome::kAbsent;
  if (request.stamp != nullptr && place.entry->stamp() != *request.stamp) return DeleteOutcome::kChanged;
  if (request.existing != nullptr) (void)place.entry->Read(request.existing);
  ChangeValueLocked([&] {
    place.entry->MarkDead();
    place.index->Remove(place.slot);
  });
  block_bytes_ -= OwnedBytes(place.entry);
  RetireOwned(place.entry, context.session.retired());
  entries_.NoteDead(place.entry);
  context.session.AddToSize(-1);
  context.session.AddToBytes(-BytesOf(place.entry));
  if (context.sink != nullptr) context.sink->Append(context.shard, {Mutation::Kind::kDelete, &key.key, nullptr});
  CompactLocked(context, place.entry->sequence());
  return DeleteOutcome::kDeleted;
}

bool Shard::Claim(const WriteContext& context, const HashedKey& key, uint64_t nanos) {
  for (int turn = 0;; ++turn) {
    {
      MutexLock lock(mutex_);
      if (!HasOtherClaimLocked(context)) {
        const uint64_t now_ns = context.sequencer.clock().NowNanos();
        const bool is_same = claim_.session == context.session.id() && claim_.hash == key.hash;
        const bool had_it = is_same && now_ns < claim_.deadline_ns;
        claim_ = {key.hash, now_ns + nanos, context.session.id()};
        return had_it;
      }
    }
    AwaitClaim(turn);
  }
}

void Shard::Release(const WriteContext& context) {
  MutexLock lock(mutex_);
  if (claim_.session == context.session.id()) claim_ = {};
}

bool Shard::HasOtherClaimLocked(const WriteContext& context) {
  if (claim_.session == 0 || claim_.session == context.session.id()) return false;
  if (context.sequencer.clock().NowNanos() < claim_.deadline_ns) return true;
  claim_ = {};
  return false;
}

void Shard::AwaitClaim(int turn) {
  if (turn < kClaimYields) {
    std::this_thread::yield();
  } else {
    std::this_thread::sleep_for(kClaimSleep);
  }
}

uint64_t Shard::Clear(const WriteContext& context) {
  EntryChunks entries;
  Index index;
  Index old_index;
  uint64_t count = 0;
  {
    MutexLock lock(mutex_);
    count = index_.live() + old_index_.live();
    const uint64_t bytes = entries_.live_bytes() + block_bytes_ + count * sizeof(uint64_t);
    ChangeValueLocked([&]() SHARDMAP_REQUIRES(mutex_) {
      ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
        entries = entries_.TakeAll();
        index = std::exchange(index_, Index());
        old_index = std::exchange(old_index_, Index());
      });
    });
    block_bytes_ = 0;
    context.session.AddToSize(-static_cast<int64_t>(count));
    context.session.AddToBytes(-static_cast<int64_t>(bytes));
    if (context.sink != nullptr) context.sink->Append(context.shard, {Mutation::Kind::kClearShard, nullptr, nullptr});
  }
  // Only readers see these now; walking and retiring them needs no lock.
  RetiredList& retired = context.session.retired();
  RetireEntries(entries, retired);
  if (index.allocated()) retired.Add(index.block());
  if (old_index.allocated()) retired.Add(old_index.block());
  return count;
}

bool Shard::Scan(uint64_t after, size_t count, std::vector<ScannedEntry>* out) const {
  if (last_sequence_.load(std::memory_order_acquire) <= after) return false;
  size_t left = count;
  ViewEntries().Scan(after, [&](const Entry* entry) {
    out->push_back({entry->sequence(), entry});
    return --left != 0;
  });
  return left == 0;
}

EntryChunks Shard::ViewEntries() const {
  EntryChunks view;
  for (int attempt = 0; attempt < kViewAttempts; ++attempt) {
    if (UnlockedEntries().TryView(&view)) return view;
  }
  MutexLock lock(mutex_);
  return entries_.view();
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

bool Shard::EnsureRoomLocked(const WriteContext& context, Index& spare) {
  if (!index_.IsFull()) return true;
  MoveLinesLocked(context, SIZE_MAX);
  if (spare.capacity() != GrownCapacityLocked()) return false;
  BeginMoveLocked(context, std::exchange(spare, Index()));
  return true;
}

size_t Shard::GrownCapacityLocked() const {
  // Twice the slots where entries fill it, the same number where tombstones do.
  const size_t capacity = index_.capacity();
  const bool crowded = index_.live() * 8 >= capacity * 5;
  return std::max(crowded ? capacity * 2 : capacity, kCapacityMin);
}

size_t Shard::ShrunkCapacityLocked() const {
  const size_t capacity = index_.capacity();
  return IsMovingLocked() || capacity <= kMoveAtOnceSlots || index_.live() * 16 > capacity ? 0 : capacity / 4;
}

void Shard::Shrink(const WriteContext& context, size_t capacity) {
  SpareIndex spare;
  if (!spare.Allocate(capacity)) return;  // it stays as it is
  MutexLock lock(mutex_);
  if (ShrunkCapacityLocked() == capacity) BeginMoveLocked(context, std::exchange(spare.index, Index()));
}

void Shard::BeginMoveLocked(const WriteContext& context, Index target) {
  ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
    old_index_ = std::exchange(index_, target);
    next_line_to_move_ = 0;
  });
  if (old_index_.capacity() <= kMoveAtOnceSlots) MoveLinesLocked(context, SIZE_MAX);
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

template <typename Change>
void Shard::ChangeValueLocked(Change change) {
  const uint64_t version = value_version_.load(std::memory_order_relaxed);
  value_version_.store(version + 1, std::memory_order_relaxed);
  change();
  value_version_.store(version + 2, std::memory_order_release);
}

}  // namespace shardmap
