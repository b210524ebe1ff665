#include "core/resharding.h"

#include <utility>

#include "core/all_shards_lock.h"

namespace shardmap {

Resharding::Resharding(Store& store, Session& session, size_t shards)
    : store_(store),
      session_(session),
      before_(store.Shards()),
      after_(std::make_unique<const ShardSet>(shards, store.clock())),
      splits_(before_.size(),
              {.shards = &(*after_)[0], .log2_shards = after_->log2_size(), .has_failed = &has_failed_}) {
  store.expiry_.Expect(shards);
  {
    MutexLock lock(store.sets_mutex_);
    store.sets_.reserve(store.sets_.size() + 1);
  }
  AllShardsLock lock(before_.all());
  lock.BeginSplits(splits_);
  store.coming_ = after_.get();
}

Resharding::~Resharding() {
  if (after_ == nullptr) return;
  {
    AllShardsLock lock(before_.all());
    lock.AbandonSplits();
    store_.coming_ = nullptr;
  }
  for (Shard& shard : after_->all()) shard.FreeAll(Blocks::kShared);
}

Result<bool> Resharding::Step() {
  if (HasFailed()) return Status::OutOfMemory();
  if (level_ == before_.size()) {
    if (Publish()) return true;
    level_ = 0;
    return false;
  }
  if (level_ == prepared_ && !Prepare(prepared_++)) return Status::OutOfMemory();
  Shard* full = nullptr;
  switch (before_[level_].CopySome(ContextOf(level_), &full)) {
    case SplitOutcome::kMore:
      break;
    case SplitOutcome::kLevel:
      ++level_;
      break;
    case SplitOutcome::kNeedsIndex:
      if (!full->MakeRoom(ContextOf(level_), 1)) return Status::OutOfMemory();
      break;
    case SplitOutcome::kOutOfMemory:
      return Status::OutOfMemory();
  }
  session_.ReclaimIfWorthwhile();
  return false;
}

bool Resharding::Prepare(size_t shard) {
  const size_t heirs = after_->size() / before_.size();
  const size_t entries = before_[shard].EntriesOfEach(heirs);
  for (size_t i = 0; i < heirs; ++i) {
    Shard& heir = (*after_)[shard * heirs + i];
    heir.BeginAbove(splits_[shard].first_stamp, before_[shard].last_sequence());
    if (entries != 0 && !heir.MakeRoom(ContextOf(shard), entries)) return false;
  }
  return true;
}

bool Resharding::Publish() {
  {
    MutexLock figures_lock(store_.sets_mutex_);
    {
      AllShardsLock lock(before_.all());
      if (HasFailed() || !lock.AreLevel()) return false;
      lock.EndShards();
      store_.coming_ = nullptr;
      store_.shards_.store(after_.get(), std::memory_order_release);
    }
    for (const Shard& shard : before_.all()) store_.ended_.Add(shard.Stats().OfPast());
    store_.sets_.push_back(std::move(after_));
  }
  store_.ScheduleExpiry(session_);
  RetireBefore();
  return true;
}

void Resharding::RetireBefore() {
  for (Shard& shard : before_.all()) {
    shard.RetireFrozen(session_.retired());
    session_.ReclaimIfWorthwhile();
  }
  session_.Reclaim();
}

}  // namespace shardmap
