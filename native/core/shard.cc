#include "core/shard.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <thread>
#include <utility>

#include "core/arithmetic.h"

namespace shardmap {
namespace {

// Its slot included.
int64_t BytesOf(const Entry* entry) {
  return static_cast<int64_t>(entry->size() + entry->owned_bytes() + sizeof(uint64_t));
}

// Retires what a dead entry owns. The entry itself goes with its chunk.
void RetireOwned(const Entry* entry, RetiredList& retired) {
  if (Block* block = entry->key_block()) retired.Add(block);
  if (Block* block = entry->value_block()) retired.Add(block);
}

// Retires a list that nobody writes to any more, with all that its entries own.
void RetireEntries(const EntryChunks& entries, RetiredList& retired, Blocks blocks) {
  if (blocks == Blocks::kOwned) {
    entries.Scan(0, [&](Entry* entry) {
      RetireOwned(entry, retired);
      return true;
    });
  }
  entries.Retire(retired);
}

// Who waits for a claim looks again at once so often, which is enough for a short callback, and then now and then.
constexpr int kClaimYields = 64;
constexpr std::chrono::microseconds kClaimSleep{50};

// Takes the time of what it lives as long as, and keeps the longest.
class Stall {
 public:
  Stall(const Clock& clock, uint64_t* ns_max) : clock_(clock), ns_max_(ns_max), start_ns_(clock.NowNanos()) {}
  ~Stall() { *ns_max_ = std::max(*ns_max_, clock_.NowNanos() - start_ns_); }
  Stall(const Stall&) = delete;
  Stall& operator=(const Stall&) = delete;

 private:
  const Clock& clock_;
  uint64_t* const ns_max_;
  const uint64_t start_ns_;
};

}  // namespace

void Shard::FreeAll(Blocks blocks) {
  RetiredList retired;  // frees at once: nobody reads it any more, or ever did
  ChunkNumbers numbers;
  const MutexLock lock(mutex_);
  if (IsOverLocked()) return;
  RetireEntries(entries_.TakeAll(&numbers), retired, blocks);
  if (index_.allocated()) retired.Add(std::exchange(index_, Index()).block());
  if (old_index_.allocated()) retired.Add(std::exchange(old_index_, Index()).block());
  wheel_.reset();
}

void ShardContents::Retire(RetiredList& retired, Blocks blocks) const {
  RetireEntries(entries, retired, blocks);
  if (index.allocated()) retired.Add(index.block());
  if (old_index.allocated()) retired.Add(old_index.block());
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
    read_retries_.fetch_add(1, std::memory_order_relaxed);
  }
  const MutexLock lock(mutex_);
  ++read_fallbacks_;
  return FindLocked(key).entry;
}

bool Shard::Get(IndexView table, const HashedKey& key, ReadValue* out, EntryStamp* stamp) const {
  const Entry* entry = FindForRead(table, key);
  if (entry == nullptr) return false;
  uint32_t version = 0;
  Entry::ReadOutcome outcome = entry->Read(out, &version);
  if (outcome == Entry::ReadOutcome::kBusy) {
    const MutexLock lock(mutex_);
    ++read_fallbacks_;
    entry = FindLocked(key).entry;
    if (entry == nullptr) return false;
    outcome = entry->Read(out, &version);  // no writer can disturb it now
  }
  if (outcome != Entry::ReadOutcome::kRead || HasPassed(out->deadline())) return false;
  if (stamp != nullptr) *stamp = {entry->sequence(), version};
  return true;
}

bool Shard::Has(IndexView table, const HashedKey& key) const {
  const Entry* entry = FindForRead(table, key);
  return entry != nullptr && !entry->is_dead() && !HasPassed(entry->deadline());
}

bool Shard::GetDeadline(IndexView table, const HashedKey& key, Deadline* out) const {
  const Entry* entry = FindForRead(table, key);
  if (entry == nullptr || entry->is_dead()) return false;
  *out = entry->deadline();
  return !HasPassed(*out);
}

bool Shard::GetCandidate(const Entry* candidate, IndexView table, const HashedKey& key, ReadValue* out) const {
  if (candidate != nullptr && candidate->Matches(key.key)) {
    const Entry::ReadOutcome outcome = candidate->Read(out);
    if (outcome == Entry::ReadOutcome::kRead) return !HasPassed(out->deadline());
    if (outcome == Entry::ReadOutcome::kDead) return false;
  }
  return Get(table, key, out, nullptr);
}

bool Shard::HasCandidate(const Entry* candidate, IndexView table, const HashedKey& key) const {
  if (candidate != nullptr && candidate->Matches(key.key)) {
    return !candidate->is_dead() && !HasPassed(candidate->deadline());
  }
  return Has(table, key);
}

Shard::Found Shard::FindLocked(const HashedKey& key) const {
  std::atomic<uint64_t>* slot = nullptr;
  Entry* entry = index_.view().FindOrFree(key.key, key.hash, &slot);
  if (entry != nullptr || !IsMovingLocked()) return {entry, slot, const_cast<Index*>(&index_)};
  std::atomic<uint64_t>* old_slot = nullptr;
  entry = old_index_.view().Find(key.key, key.hash, &old_slot);
  if (entry != nullptr) return {entry, old_slot, const_cast<Index*>(&old_index_)};
  return {nullptr, slot, const_cast<Index*>(&index_)};
}

PutOutcome Shard::Put(const WriteContext& context, const HashedKey& key, Block** key_block, Value& value,
                      const PutRequest& request) {
  SpareIndex spare;
  for (int turn = 0;; ++turn) {
    size_t needed = 0;
    PutOutcome outcome;
    uint64_t wake_up_ns = kForever;
    {
      const WriterLock lock(mutex_, &lock_waits_, context);
      outcome = PutLocked(context, key, key_block, value, request, spare.index);
      if (outcome == PutOutcome::kNeedsIndex) needed = GrownCapacityLocked();
      if (request.deadline.exists() && !request.restores()) wake_up_ns = TakeWakeUpLocked();
    }
    context.expiry.Schedule(context.shard, wake_up_ns);
    switch (outcome) {
      case PutOutcome::kNeedsIndex:
        if (!spare.Allocate(needed)) return PutOutcome::kOutOfMemory;
        break;
      case PutOutcome::kClaimed:
        AwaitClaim(turn);
        break;
      case PutOutcome::kExpired:
        Expire(context, key);
        break;
      default:
        return outcome;
    }
  }
}

PutOutcome Shard::PutMany(const WriteContext& context, std::span<const HashedKey> keys, BatchEntry* entries,
                          Block** key_blocks, const PutRequest& request, size_t* count) {
  SpareIndex spare;
  size_t& done = *count;
  done = 0;
  PutOutcome outcome = PutOutcome::kInserted;
  for (int turn = 0; done < keys.size(); ++turn) {
    size_t needed = 0;
    uint64_t wake_up_ns = kForever;
    {
      const WriterLock lock(mutex_, &lock_waits_, context);
      while (done < keys.size()) {
        outcome = PutLocked(context, keys[done], &key_blocks[done], entries[done].value, request, spare.index);
        if (outcome != PutOutcome::kInserted && outcome != PutOutcome::kOverwritten) break;
        context.session.counters().CountPut(outcome == PutOutcome::kInserted);
        ++done;
      }
      if (outcome == PutOutcome::kNeedsIndex) needed = GrownCapacityLocked();
      if (request.deadline.exists()) wake_up_ns = TakeWakeUpLocked();
    }
    context.expiry.Schedule(context.shard, wake_up_ns);
    if (outcome == PutOutcome::kOutOfMemory || outcome == PutOutcome::kSplit) break;
    if (outcome == PutOutcome::kNeedsIndex && !spare.Allocate(needed)) return PutOutcome::kOutOfMemory;
    if (outcome == PutOutcome::kClaimed) AwaitClaim(turn);
    if (outcome == PutOutcome::kExpired) Expire(context, keys[done]);
  }
  return outcome;
}

PutOutcome Shard::PutLocked(const WriteContext& context, const HashedKey& key, Block** key_block, Value& value,
                            const PutRequest& request, Index& spare) {
  if (IsOverLocked()) return PutOutcome::kSplit;
  if (IsClaimedLocked(context, key.hash)) return PutOutcome::kClaimed;
  if (request.deadline.exists() && wheel_ != nullptr && !JoinsRunLocked(request)) {
    wheel_->Prefetch(request.deadline, request.now_ns);
  }
  MoveLinesLocked(context, kMoveLines);
  const Found found = FindLocked(key);
  Entry* entry = found.entry;
  const bool was_absent = request.mode != PutMode::kIfUnchanged || request.stamp == EntryStamp{};
  if (entry == nullptr) {
    return was_absent ? InsertLocked(context, key, key_block, value, request, spare, found.slot) : PutOutcome::kChanged;
  }
  if (HasPassedFor(request, entry->deadline()) && !request.restores()) return PutOutcome::kExpired;
  switch (request.mode) {
    case PutMode::kRestoreLast:
      RemoveLocked(context, found);
      return InsertLocked(context, key, key_block, value, request, spare, nullptr);
    case PutMode::kIfUnchanged:
      if (entry->stamp() != request.stamp) return PutOutcome::kChanged;
      break;
    case PutMode::kAdd:
      return AddLocked(context, key, entry, value, request);
    default:
      // Cannot fail: it is alive and no writer is inside.
      if (request.existing != nullptr) (void)entry->Read(request.existing);
      if (request.mode == PutMode::kIfAbsent) return PutOutcome::kExisted;
  }
  return OverwriteLocked(context, key, &entry, value, request);
}

PutOutcome Shard::AddLocked(const WriteContext& context, const HashedKey& key, Entry* entry, const Value& value,
                            const PutRequest& request) {
  ReadValue* const sum = request.existing;
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
  const PutOutcome outcome = OverwriteLocked(context, key, &entry, result, request);
  (void)entry->Read(sum);
  return outcome;
}

PutOutcome Shard::InsertLocked(const WriteContext& context, const HashedKey& key, Block** key_block, Value& value,
                               const PutRequest& request, Index& spare, std::atomic<uint64_t>* slot) {
  const Deadline deadline = request.deadline;
  if (index_.IsFull()) {
    if (!MakeRoomLocked(context, spare)) return PutOutcome::kNeedsIndex;
    slot = nullptr;
  }
  const bool joins_run = JoinsRunLocked(request);
  const DeadlineRoom room = entries_.RoomFor(!deadline.exists() ? DeadlineRoom::kNone
                                             : joins_run        ? DeadlineRoom::kDeadline
                                                                : DeadlineRoom::kTimer);
  void* memory = entries_.Reserve(Entry::SizeFor(key.key, value, room), context.session.retired());
  if (memory == nullptr) return PutOutcome::kOutOfMemory;
  Place place = 0;
  if (joins_run) {
    if (!EnsureWalkLocked()) return PutOutcome::kOutOfMemory;
  } else if (deadline.exists()) {
    place = EnsureWheelLocked() ? entries_.PlaceOfNext() : 0;
    if (place == 0) return PutOutcome::kOutOfMemory;
  }
  const size_t value_bytes = value.size();
  const bool inline_value = value_bytes <= kInlineValueBytesMax;
  Block* value_block = inline_value ? nullptr : value.TakeBlock();
  const uint64_t sequence =
      request.restores()
          ? request.sequence
          : context.sequencer.Next(context.session.id(), context.session.last_sequence(), LastStampLocked());
  Entry* entry = Entry::Create(memory, key.key, key.hash, std::exchange(*key_block, nullptr), value, value_block,
                               sequence, room, deadline);
  if (MutationStage* const stage = context.session.stage()) {
    stage->Append({Mutation::Kind::kInsert, &key.key, &value, deadline, sequence, PlaceOf(key.hash)});
  }
  block_bytes_ += entry->owned_bytes();
  key_bytes_ += key.key.size;
  value_bytes_ += value_bytes;
  const bool closed_a_chunk = entries_.Append(entry);
  if (slot == nullptr) {
    index_.Insert(entry, key.hash);
  } else {
    index_.InsertAt(slot, entry, key.hash);
  }
  if (joins_run) {
    JoinRunLocked(entry, request.ttl_ns());
  } else if (place != 0) {
    AddTimerLocked(place, request.now_ns);
  }
  last_sequence_.store(sequence, std::memory_order_release);
  context.session.set_last_sequence(sequence);
  context.session.AddToSize(1);
  context.session.AddToBytes(BytesOf(entry));
  if (split_ != nullptr) FollowInsertionLocked(context, *entry, key.hash);
  if (closed_a_chunk) CompactLocked(context, sequence - 1);
  return PutOutcome::kInserted;
}

PutOutcome Shard::OverwriteLocked(const WriteContext& context, const HashedKey& key, Entry** overwritten, Value& value,
                                  const PutRequest& request) {
  const Deadline before = (*overwritten)->deadline();
  const Deadline deadline = request.keeps_deadline ? before : request.deadline;
  Place place = 0;
  if (NeedsTimer(before, deadline)) {
    place = PrepareTimerLocked(context, overwritten);
    if (place == 0) return PutOutcome::kOutOfMemory;
  }
  Entry* const entry = *overwritten;
  const size_t value_bytes = value.size();
  Block* block = nullptr;
  if (!entry->FitsInline(value)) {
    block = value.TakeBlock();
    if (block == nullptr) return PutOutcome::kOutOfMemory;
    block_bytes_ += block->total_bytes();
    context.session.AddToBytes(static_cast<int64_t>(block->total_bytes()));
  }
  Block* replaced = entry->value_block();
  value_bytes_ += value_bytes - entry->value_bytes();
  AppendLocked(context, Mutation::Kind::kOverwrite, key, &value, deadline);
  ChangeValueLocked([&] { entry->Overwrite(value, block, deadline); });
  if (before.exists() || deadline.exists()) FollowDeadlineLocked(entry, before, place, request.now_ns);
  if (split_ != nullptr) FollowChangeLocked(context, *entry, key.hash);
  if (replaced != nullptr) {
    block_bytes_ -= replaced->total_bytes();
    context.session.AddToBytes(-static_cast<int64_t>(replaced->total_bytes()));
    context.session.retired().Add(replaced);
  }
  return PutOutcome::kOverwritten;
}

DeleteOutcome Shard::Delete(const WriteContext& context, const HashedKey& key, const DeleteRequest& request) {
  for (int turn = 0;; ++turn) {
    size_t shrunk = 0;
    DeleteOutcome outcome;
    {
      const WriterLock lock(mutex_, &lock_waits_, context);
      outcome = DeleteLocked(context, key, request);
      if (outcome == DeleteOutcome::kDeleted) shrunk = ShrunkCapacityLocked();
    }
    if (shrunk != 0) Shrink(context, shrunk);
    switch (outcome) {
      case DeleteOutcome::kClaimed:
        AwaitClaim(turn);
        break;
      case DeleteOutcome::kExpired:
        Expire(context, key);
        break;
      default:
        return outcome;
    }
  }
}

DeletedCount Shard::DeleteMany(const WriteContext& context, std::span<const HashedKey> keys) {
  DeletedCount count;
  size_t& done = count.done;
  for (int turn = 0;; ++turn) {
    size_t shrunk = 0;
    DeleteOutcome outcome = DeleteOutcome::kAbsent;
    {
      const WriterLock lock(mutex_, &lock_waits_, context);
      for (; done < keys.size(); ++done) {
        outcome = DeleteLocked(context, keys[done], {});
        if (outcome >= DeleteOutcome::kClaimed) break;
        count.deleted += outcome == DeleteOutcome::kDeleted ? 1 : 0;
      }
      if (count.deleted != 0) shrunk = ShrunkCapacityLocked();
    }
    if (shrunk != 0) Shrink(context, shrunk);
    if (done == keys.size() || outcome == DeleteOutcome::kSplit) return count;
    if (outcome == DeleteOutcome::kExpired) {
      Expire(context, keys[done]);
    } else {
      AwaitClaim(turn);
    }
  }
}

DeleteOutcome Shard::DeleteLocked(const WriteContext& context, const HashedKey& key, const DeleteRequest& request) {
  if (IsOverLocked()) return DeleteOutcome::kSplit;
  if (IsClaimedLocked(context, key.hash)) return DeleteOutcome::kClaimed;
  MoveLinesLocked(context, kMoveLines);
  const Found found = FindLocked(key);
  if (found.entry == nullptr) return DeleteOutcome::kAbsent;
  if (HasPassed(found.entry->deadline())) return DeleteOutcome::kExpired;
  if (request.stamp != nullptr && found.entry->stamp() != *request.stamp) return DeleteOutcome::kChanged;
  if (request.existing != nullptr) (void)found.entry->Read(request.existing);
  AppendLocked(context, Mutation::Kind::kDelete, key, nullptr, {});
  RemoveLocked(context, found);
  return DeleteOutcome::kDeleted;
}

void Shard::AppendLocked(const WriteContext& context, Mutation::Kind kind, const HashedKey& key, const Value* value,
                         Deadline deadline) {
  MutationStage* const stage = context.session.stage();
  if (stage == nullptr) return;
  last_stamp_ = context.session.NextStamp(LastStampLocked());
  stage->Append({kind, &key.key, value, deadline, last_stamp_, PlaceOf(key.hash)});
}

void Shard::RemoveLocked(const WriteContext& context, const Found& found) {
  Entry* const entry = found.entry;
  ChangeValueLocked([&] {
    entry->MarkDead();
    found.index->Remove(found.slot);
  });
  if (split_ != nullptr) FollowRemovalLocked(context, *entry);
  RetireOwned(entry, context.session.retired());
  context.session.AddToSize(-1);
  context.session.AddToBytes(-BytesOf(entry));
  ForgetLocked(context, entry);
}

void Shard::ForgetLocked(const WriteContext& context, Entry* entry) {
  if (entry->deadline().exists()) StopTimerLocked(entry);
  block_bytes_ -= entry->owned_bytes();
  key_bytes_ -= entry->key().size;
  value_bytes_ -= entry->value_bytes();
  entries_.NoteDead(entry);
  CompactLocked(context, entry->sequence());
  DropEmptyIndexLocked(context);
}

void Shard::DropEmptyIndexLocked(const WriteContext& context) {
  if (index_.live() + old_index_.live() != 0 || index_.capacity() + old_index_.capacity() <= kMoveAtOnceSlots) return;
  ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
    context.session.retired().Add(index_.block());
    if (old_index_.allocated()) context.session.retired().Add(old_index_.block());
    index_ = Index();
    old_index_ = Index();
  });
}

ClaimOutcome Shard::Claim(const WriteContext& context, const HashedKey& key, uint64_t nanos) {
  for (int turn = 0;; ++turn) {
    {
      const WriterLock lock(mutex_, &lock_waits_, context);
      if (IsOverLocked()) return ClaimOutcome::kSplit;
      if (!HasOtherClaimLocked(context)) {
        const uint64_t now_ns = context.sequencer.clock().NowNanos();
        const bool is_same = claim_.session == context.session.id() && claim_.hash == key.hash;
        const bool had_it = is_same && now_ns < claim_.deadline_ns;
        claim_ = {key.hash, now_ns + nanos, context.session.id()};
        return had_it ? ClaimOutcome::kKept : ClaimOutcome::kTaken;
      }
    }
    AwaitClaim(turn);
  }
}

ClaimOutcome Shard::Release(const WriteContext& context) {
  const WriterLock lock(mutex_, &lock_waits_, context);
  if (IsOverLocked()) return ClaimOutcome::kSplit;
  if (claim_.session == context.session.id()) claim_ = {};
  return ClaimOutcome::kNone;
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

void Shard::TakeAllLocked(ShardContents* contents) {
  contents->wheel = std::move(wheel_);
  run_ = TimerRun();
  wake_up_ns_ = kForever;
  contents->count = index_.live() + old_index_.live();
  contents->bytes = entries_.live_bytes() + block_bytes_ + contents->count * sizeof(uint64_t);
  ChangeValueLocked([&]() SHARDMAP_REQUIRES(mutex_) {
    ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
      contents->entries = entries_.TakeAll(&contents->numbers);
      contents->index = std::exchange(index_, Index());
      contents->old_index = std::exchange(old_index_, Index());
    });
  });
  block_bytes_ = 0;
  key_bytes_ = 0;
  value_bytes_ = 0;
}

bool Shard::Scan(uint32_t shard, uint64_t after, size_t count, std::vector<ScannedEntry>* out) const {
  if (last_sequence_.load(std::memory_order_acquire) <= after) return false;
  size_t left = count;
  ViewEntries().Scan(after, [&](const Entry* entry) {
    out->push_back({entry->sequence(), entry, shard});
    return --left != 0;
  });
  return left == 0;
}

EntryChunks Shard::ViewEntries() const {
  EntryChunks view;
  for (int attempt = 0; attempt < kViewAttempts; ++attempt) {
    if (UnlockedEntries().TryView(&view)) return view;
  }
  const MutexLock lock(mutex_);
  ++read_fallbacks_;
  return entries_.view();
}

void ShardStats::Add(const ShardStats& other) {
  entries += other.entries;
  timed_entries += other.timed_entries;
  entry_bytes += other.entry_bytes;
  free_bytes += other.free_bytes;
  index_bytes += other.index_bytes;
  block_bytes += other.block_bytes;
  timer_bytes += other.timer_bytes;
  key_bytes += other.key_bytes;
  value_bytes += other.value_bytes;
  expired_entries += other.expired_entries;
  lock_waits += other.lock_waits;
  read_retries += other.read_retries;
  read_fallbacks += other.read_fallbacks;
  rehashes += other.rehashes;
  compactions += other.compactions;
  stall_ns_max = std::max(stall_ns_max, other.stall_ns_max);
}

ShardStats ShardStats::OfPast() const {
  ShardStats past;
  past.expired_entries = expired_entries;
  past.lock_waits = lock_waits;
  past.read_retries = read_retries;
  past.read_fallbacks = read_fallbacks;
  past.rehashes = rehashes;
  past.compactions = compactions;
  past.stall_ns_max = stall_ns_max;
  return past;
}

ShardStats Shard::Stats() const {
  const MutexLock lock(mutex_);
  ShardStats stats;
  stats.entries = index_.live() + old_index_.live();
  stats.timed_entries = run_.size() + (wheel_ == nullptr ? 0 : wheel_->size());
  stats.entry_bytes = entries_.live_bytes();
  stats.free_bytes = entries_.allocated_bytes() - entries_.live_bytes();
  stats.index_bytes = index_.bytes() + old_index_.bytes();
  stats.block_bytes = block_bytes_;
  stats.timer_bytes =
      entries_.number_bytes() + (wheel_ == nullptr ? 0 : sizeof *wheel_) + (walk_ == nullptr ? 0 : sizeof *walk_);
  stats.key_bytes = key_bytes_;
  stats.value_bytes = value_bytes_;
  stats.expired_entries = expired_;
  stats.lock_waits = lock_waits_;
  stats.read_retries = read_retries_.load(std::memory_order_relaxed);
  stats.read_fallbacks = read_fallbacks_;
  stats.rehashes = rehashes_;
  stats.compactions = compactions_;
  stats.stall_ns_max = stall_ns_max_;
  return stats;
}

void Shard::CompactLocked(const WriteContext& context, uint64_t sequence) {
  if (!entries_.IsSparseAround(sequence)) return;
  const Stall stall(*clock_, &stall_ns_max_);
  ++compactions_;
  entries_.CompactAround(sequence, context.session.retired(),
                         [&](const Entry* from, Entry* to, Place place)
                             SHARDMAP_NO_THREAD_SAFETY_ANALYSIS { NoteMovedLocked(context, from, to, place); });
}

void Shard::NoteMovedLocked(const WriteContext& context, const Entry* from, Entry* to, Place place) {
  const uint64_t hash = from->HashWith(context.seed);
  std::atomic<uint64_t>* slot = index_.view().FindSlotOf(from, hash);
  if (slot == nullptr) slot = old_index_.view().FindSlotOf(from, hash);
  slot->store(Slot::Word(to, hash), std::memory_order_release);
  if (to->deadline().exists() && !TimerRun::Has(*to)) wheel_->NoteMoved(place, TimersLocked());
}

bool Shard::MakeRoomLocked(const WriteContext& context, Index& spare) {
  const Stall stall(*clock_, &stall_ns_max_);
  MoveLinesLocked(context, SIZE_MAX);
  if (spare.capacity() != GrownCapacityLocked()) return false;
  BeginMoveLocked(context, std::exchange(spare, Index()));
  return true;
}

size_t Shard::GrownCapacityLocked() const {
  // Twice the slots where entries fill it, the same number where tombstones do.
  const size_t capacity = index_.capacity();
  const bool crowded = index_.live() * 8 >= capacity * 5;
  return std::max(crowded ? capacity * 2 : capacity, Index::kCapacityMin);
}

size_t Shard::ShrunkCapacityLocked() const {
  const size_t capacity = index_.capacity();
  return IsMovingLocked() || capacity <= kMoveAtOnceSlots || index_.live() * 16 > capacity ? 0 : capacity / 4;
}

void Shard::Shrink(const WriteContext& context, size_t capacity) {
  SpareIndex spare;
  if (!spare.Allocate(capacity)) return;  // it stays as it is
  const WriterLock lock(mutex_, &lock_waits_, context);
  if (IsOverLocked()) return;
  if (ShrunkCapacityLocked() == capacity) BeginMoveLocked(context, std::exchange(spare.index, Index()));
}

void Shard::BeginMoveLocked(const WriteContext& context, Index target) {
  ++rehashes_;
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
    next_line_to_move_ += static_cast<uint32_t>(count);
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
