// What a shard does about deadlines: has its run and its wheel follow them, and removes what has expired.
#include <algorithm>
#include <memory>
#include <new>

#include "core/shard.h"

namespace shardmap {

bool Shard::MakeWheelLocked() {
  wheel_.reset(new (std::nothrow) TimerWheel(clock_->NowNanos()));
  return wheel_ != nullptr;
}

bool Shard::EnsureWalkLocked() {
  if (walk_ == nullptr) walk_.reset(new (std::nothrow) EntryWalk());
  return walk_ != nullptr;
}

Place Shard::PrepareTimerLocked(const WriteContext& context, Entry** entry) {
  if (!EnsureWheelLocked()) return 0;
  const Entry* const before = *entry;
  if (before->has_timer()) {
    const bool is_in_wheel = before->deadline().exists() && !TimerRun::Has(*before);
    return is_in_wheel ? wheel_->PlaceOf(before->timer(), TimersLocked()) : entries_.PlaceOf(before);
  }
  const size_t live_bytes = entries_.live_bytes();
  // The analysis does not see that this is called at once, under the lock; nor below, in CompactLocked.
  const auto note_moved = [&](const Entry* from, Entry* to, Place place) SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
    NoteMovedLocked(context, from, to, place);
    if (from == before) *entry = to;
  };
  if (!entries_.GiveTimers(before, context.session.retired(), note_moved)) return 0;
  context.session.AddToBytes(static_cast<int64_t>(entries_.live_bytes() - live_bytes));
  return entries_.PlaceOf(*entry);
}

void Shard::FollowDeadlineLocked(Entry* entry, Deadline before, Place place, uint64_t now_ns) {
  const Deadline deadline = entry->deadline();
  const bool needs_timer = NeedsTimer(before, deadline);
  if (before.exists() && (needs_timer || !deadline.exists())) StopTimerLocked(entry);
  if (needs_timer) AddTimerLocked(place, now_ns);
}

void Shard::StopTimerLocked(Entry* entry) {
  if (TimerRun::Has(*entry)) {
    run_.Leave(entry);
  } else {
    wheel_->Remove(entry->timer(), TimersLocked());
  }
}

bool Shard::AddAgainLocked(const WriteContext& context, Entry* entry, uint64_t now_ns) {
  const Place place = PrepareTimerLocked(context, &entry);
  if (place == 0) return false;
  StopTimerLocked(entry);
  wheel_->Add(place, now_ns, TimersLocked());
  return true;
}

bool Shard::FindDueLocked(uint64_t now_ns, Entry** entry) {
  if (run_.NextNanos() <= now_ns) {
    *entry = run_.FirstDue(entries_, now_ns, walk_.get());
    return true;
  }
  const Place place = wheel_ == nullptr ? 0 : wheel_->FirstDue(now_ns);
  if (place != 0) *entry = entries_.EntryAt(place);
  return place != 0;
}

DeadlineOutcome Shard::SetDeadline(const WriteContext& context, const HashedKey& key, Deadline deadline,
                                   IfExpired if_expired) {
  DeadlineOutcome outcome;
  uint64_t wake_up_ns = kForever;
  {
    const WriterLock lock(mutex_, &lock_waits_, context);
    if (IsOverLocked()) return DeadlineOutcome::kSplit;
    Entry* entry = FindLocked(key).entry;
    if (entry == nullptr) return DeadlineOutcome::kAbsent;
    const Deadline before = entry->deadline();
    if (if_expired == IfExpired::kAbsent && HasPassed(before)) return DeadlineOutcome::kAbsent;
    outcome = before.exists() ? DeadlineOutcome::kLater : DeadlineOutcome::kNever;
    Place place = 0;
    if (NeedsTimer(before, deadline)) {
      place = PrepareTimerLocked(context, &entry);
      if (place == 0) return DeadlineOutcome::kOutOfMemory;
    }
    AppendLocked(context, Mutation::Kind::kDeadline, key, nullptr, deadline);
    // Values without a deadline are shown without asking again.
    if (deadline != before) ChangeValueLocked([&] { entry->SetDeadline(deadline); });
    FollowDeadlineLocked(entry, before, place, clock_->NowNanos());
    if (split_ != nullptr) FollowChangeLocked(context, *entry, key.hash);
    if (if_expired == IfExpired::kAbsent) wake_up_ns = TakeWakeUpLocked();
  }
  context.expiry.Schedule(context.shard, wake_up_ns);
  return outcome;
}

void Shard::ScheduleExpiry(const WriteContext& context) {
  uint64_t wake_up_ns = kForever;
  {
    const WriterLock lock(mutex_, &lock_waits_, context);
    wake_up_ns = TakeWakeUpLocked();
  }
  context.expiry.Schedule(context.shard, wake_up_ns);
}

DeadlineOutcome Shard::PutOff(const WriteContext& context, const HashedKey& key, Deadline deadline) {
  const WriterLock lock(mutex_, &lock_waits_, context);
  if (IsOverLocked()) return DeadlineOutcome::kSplit;
  Entry* const entry = FindLocked(key).entry;
  if (entry == nullptr || HasPassed(entry->deadline())) return DeadlineOutcome::kAbsent;
  const Deadline before = entry->deadline();
  if (before.slides() && before.ns() < deadline.ns()) {
    entry->SetDeadline(deadline);
    if (split_ != nullptr) FollowChangeLocked(context, *entry, key.hash);
  }
  return DeadlineOutcome::kLater;
}

void Shard::ExpireLocked(const WriteContext& context, const Found& found, ExpiredEntries* expired) {
  if (expired != nullptr) {
    ExpiredEntry& entry = expired->entries[expired->count++];
    entry.key = found.entry->key();
    (void)found.entry->Read(&entry.value);
  }
  ++expired_;
  RemoveLocked(context, found);
}

uint64_t Shard::ExpireSome(const WriteContext& context) {
  const ReadGuard guard(context.session);  // keeps what is reported
  ExpirySink* sink = nullptr;
  ExpiredEntries expired;
  uint64_t next_ns = kForever;
  uint64_t not_before_ns = 0;
  size_t shrunk = 0;
  {
    const WriterLock lock(mutex_, &lock_waits_, context);
    if (IsOverLocked()) return 0;
    const uint64_t now_ns = clock_->NowNanos();
    sink = context.expiry.sink();  // in this order: who listens hears of all that passes from then on
    for (size_t i = 0; i < kExpireAtOnce; ++i) {
      Entry* entry = nullptr;
      if (!FindDueLocked(now_ns, &entry)) break;
      if (entry == nullptr) continue;
      MoveLinesLocked(context, kMoveLines);
      if (entry->deadline().HasPassed(now_ns)) {
        const uint64_t hash = entry->HashWith(context.seed);
        Found found{entry, index_.view().FindSlotOf(entry, hash), &index_};
        if (found.slot == nullptr) found = {entry, old_index_.view().FindSlotOf(entry, hash), &old_index_};
        ExpireLocked(context, found, sink == nullptr ? nullptr : &expired);
      } else {
        const bool has_timer = entry->has_timer();
        if (!AddAgainLocked(context, entry, now_ns)) {
          not_before_ns = now_ns + kNoMemoryNanos;
          break;
        }
        if (!has_timer) break;  // a chunk was rewritten for it, which is enough under one hold of the lock
      }
    }
    next_ns = std::max(NextDueNanosLocked(), not_before_ns);
    wake_up_ns_ = next_ns;
    shrunk = ShrunkCapacityLocked();
  }
  if (shrunk != 0) Shrink(context, shrunk);
  if (expired.count != 0) sink->Append({expired.entries.data(), expired.count});
  return next_ns;
}

void Shard::Expire(const WriteContext& context, const HashedKey& key) {
  const ReadGuard guard(context.session);
  ExpirySink* sink = nullptr;
  ExpiredEntries expired;
  {
    const WriterLock lock(mutex_, &lock_waits_, context);
    if (IsOverLocked()) return;
    const Found found = FindLocked(key);
    if (found.entry == nullptr || !HasPassed(found.entry->deadline())) return;
    sink = context.expiry.sink();
    ExpireLocked(context, found, sink == nullptr ? nullptr : &expired);
  }
  if (expired.count != 0) sink->Append({expired.entries.data(), expired.count});
}

}  // namespace shardmap
