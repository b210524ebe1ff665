#include "core/shard_split.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/shard.h"

namespace shardmap {

constinit ShardSplit ShardSplit::over;

Shard& ShardSplit::ShardOf(uint64_t hash) const { return shards[PlaceOf(hash) >> (kPlaceBits - log2_shards)]; }

// --- Of a shard that is being split ----------------------------------------------------------------------------------

SplitOutcome Shard::CopySome(const WriteContext& context, Shard** full) {
  const MutexLock lock(mutex_);
  ShardSplit& split = *split_;
  if (split.is_level) return SplitOutcome::kLevel;
  SplitOutcome outcome = SplitOutcome::kLevel;
  size_t left = kCopyAtOnce;
  entries_.view().Scan(split.copied_to, [&](const Entry* entry) SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
    if (left == 0) {
      outcome = SplitOutcome::kMore;
      return false;
    }
    const uint64_t hash = entry->HashWith(context.seed);
    const SplitOutcome copied = split.ShardOf(hash).CopyIn(context, *entry, hash);
    if (copied != SplitOutcome::kMore) {
      *full = &split.ShardOf(hash);
      outcome = copied;
      return false;
    }
    split.copied_to = entry->sequence();
    --left;
    return true;
  });
  split.is_level = outcome == SplitOutcome::kLevel;
  return outcome;
}

size_t Shard::EntriesOfEach(size_t shards) const {
  const MutexLock lock(mutex_);
  return (index_.live() + old_index_.live()) / shards;
}

void Shard::FollowInsertionLocked(const WriteContext& context, const Entry& entry, uint64_t hash) {
  ShardSplit& split = *split_;
  if (!split.is_level) return;  // it will be copied with the others
  switch (split.ShardOf(hash).CopyIn(context, entry, hash)) {
    case SplitOutcome::kNeedsIndex:
      split.is_level = false;  // who copies makes room, without this lock
      break;
    case SplitOutcome::kOutOfMemory:
      split.has_failed->store(true, std::memory_order_relaxed);
      break;
    default:
      split.copied_to = entry.sequence();
  }
}

void Shard::FollowChangeLocked(const WriteContext& context, const Entry& entry, uint64_t hash) {
  if (split_->ShardOf(hash).Follow(context, entry, hash, LastStampLocked())) return;
  split_->has_failed->store(true, std::memory_order_relaxed);
}

void Shard::FollowRemovalLocked(const WriteContext& context, const Entry& entry) {
  const uint64_t hash = entry.HashWith(context.seed);
  split_->ShardOf(hash).Drop(context, entry, hash, LastStampLocked());
}

void Shard::EndLocked() {
  if (claim_.session != 0) {
    Shard& heir = split_->ShardOf(claim_.hash);
    const MutexLock lock(heir.mutex_);
    heir.claim_ = {claim_.hash, claim_.deadline_ns, claim_.session};
  }
  // Odd for good: no near cache believes what it has of here.
  value_version_.fetch_add(1, std::memory_order_release);
  split_ = &ShardSplit::over;
}

void Shard::RetireFrozen(RetiredList& retired) {
  ShardContents contents;
  {
    const MutexLock lock(mutex_);
    contents.entries = entries_.view();
    contents.index = index_;
    contents.old_index = old_index_;
    contents.wheel = std::move(wheel_);
    entries_.TakeNumbers(&contents.numbers);
  }
  contents.Retire(retired, Blocks::kShared);
}

// --- Of one that is filled -------------------------------------------------------------------------------------------

SplitOutcome Shard::CopyIn(const WriteContext& context, const Entry& entry, uint64_t hash) {
  const MutexLock lock(mutex_);
  MoveLinesLocked(context, kMoveLines);
  if (index_.IsFull()) return SplitOutcome::kNeedsIndex;
  const Deadline deadline = entry.deadline();
  const DeadlineRoom room = entries_.RoomFor(deadline.exists() ? DeadlineRoom::kTimer : DeadlineRoom::kNone);
  void* const memory = entries_.Reserve(entry.SizeWith(room), context.session.retired());
  if (memory == nullptr) return SplitOutcome::kOutOfMemory;
  Place place = 0;
  if (deadline.exists()) {
    place = EnsureWheelLocked() ? entries_.PlaceOfNext() : 0;
    if (place == 0) return SplitOutcome::kOutOfMemory;
  }
  Entry* const copy = entry.CopyTo(memory, room);
  block_bytes_ += copy->owned_bytes();
  key_bytes_ += copy->key().size;
  value_bytes_ += copy->value_bytes();
  const bool closed_a_chunk = entries_.Append(copy);
  index_.Insert(copy, hash);
  if (place != 0) AddTimerLocked(place, clock_->NowNanos());
  RaiseLocked(0, copy->sequence());
  if (closed_a_chunk) CompactLocked(context, copy->sequence() - 1);
  return SplitOutcome::kMore;
}

bool Shard::Follow(const WriteContext& context, const Entry& entry, uint64_t hash, uint64_t stamp) {
  const MutexLock lock(mutex_);
  RaiseLocked(stamp, 0);
  Entry* copy = FindLocked({entry.key(), hash}).entry;
  if (copy == nullptr) return true;
  const Deadline before = copy->deadline();
  Place place = 0;
  if (NeedsTimer(before, entry.deadline())) {
    const size_t live_bytes = entries_.live_bytes();
    place = PrepareTimerLocked(context, &copy);
    context.session.AddToBytes(static_cast<int64_t>(live_bytes - entries_.live_bytes()));  // they are no new ones
    if (place == 0) return false;
  }
  block_bytes_ += entry.owned_bytes() - copy->owned_bytes();
  value_bytes_ += entry.value_bytes() - copy->value_bytes();
  copy->Follow(entry);
  if (before.exists() || place != 0) FollowDeadlineLocked(copy, before, place, clock_->NowNanos());
  return true;
}

void Shard::Drop(const WriteContext& context, const Entry& entry, uint64_t hash, uint64_t stamp) {
  const MutexLock lock(mutex_);
  RaiseLocked(stamp, entry.sequence());
  const Found found = FindLocked({entry.key(), hash});
  if (found.entry == nullptr) return;
  found.entry->MarkDead();
  found.index->Remove(found.slot);
  ForgetLocked(context, found.entry);
}

void Shard::BeginAbove(uint64_t stamp, uint64_t sequence) {
  const MutexLock lock(mutex_);
  RaiseLocked(stamp, sequence);
}

void Shard::RaiseLocked(uint64_t stamp, uint64_t sequence) {
  last_stamp_ = std::max(last_stamp_, stamp);
  last_sequence_.store(std::max(last_sequence(), sequence), std::memory_order_release);
}

bool Shard::MakeRoom(const WriteContext& context, size_t entries) {
  const auto capacity_locked = [&]() SHARDMAP_REQUIRES(mutex_) {
    // Not more than half full, so that it does not grow again at once.
    const size_t live = index_.live() + old_index_.live();
    const size_t capacity = std::max(std::bit_ceil(2 * (live + entries)), Index::kCapacityMin);
    return capacity > index_.capacity() || index_.IsFull() ? std::max(capacity, index_.capacity()) : size_t{0};
  };
  size_t capacity = 0;
  {
    const MutexLock lock(mutex_);
    capacity = capacity_locked();
  }
  SpareIndex spare;
  if (capacity == 0) return true;
  if (!spare.Allocate(capacity)) return false;
  const MutexLock lock(mutex_);
  if (capacity_locked() == 0) return true;
  MoveLinesLocked(context, SIZE_MAX);
  BeginMoveLocked(context, std::exchange(spare.index, Index()));
  return true;
}

}  // namespace shardmap
