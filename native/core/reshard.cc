// Store::Reshard: what shard_split.h tells of, for all shards of a store.

#include <chrono>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/all_shards_lock.h"
#include "core/store.h"

namespace shardmap {
namespace {

// Who copies takes a shard's lock again and again, and would let nobody else have it who has to be woken first.
constexpr std::chrono::microseconds kGiveWay{50};

}  // namespace

Status Store::Reshard(Session& session, size_t shards, const std::atomic<bool>& is_cancelled) {
  const ShardSet& before = Shards();
  if (shards == before.size()) return Status();
  if (shards < before.size()) {
    return Status(Code::kOutOfRange, "The store has " + std::to_string(before.size()) + " shards, and cannot have " +
                                         std::to_string(shards) + ": they only become more");
  }
  std::unique_ptr<const ShardSet> after;
  std::vector<ShardSplit> splits;
  std::atomic<bool> has_failed{false};
  try {
    after = std::make_unique<const ShardSet>(shards, clock());
    splits.assign(before.size(), {.shards = &(*after)[0], .log2_shards = after->log2_size(), .has_failed = &has_failed});
    expiry_.Expect(shards);
    MutexLock lock(sets_mutex_);
    sets_.reserve(sets_.size() + 1);
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  }
  {
    AllShardsLock lock(before.all());
    lock.BeginSplits(splits);
    coming_ = after.get();
  }
  Status status;
  for (size_t i = 0; status.ok() && i < before.size(); ++i) {
    status = PrepareHeirs(before[i], ContextFor(session, i), splits[i]);
  }
  do {
    if (status.ok()) status = FillShards(session, before, splits, is_cancelled);
  } while (status.ok() && !Publish(before, &after, has_failed));
  if (!status.ok()) {
    {
      AllShardsLock lock(before.all());
      lock.AbandonSplits();
      coming_ = nullptr;
    }
    for (Shard& shard : after->all()) shard.FreeAll(Blocks::kShared);
    return status;
  }
  ScheduleExpiry(session);
  for (Shard& shard : before.all()) {
    shard.RetireFrozen(session.retired());
    session.ReclaimIfWorthwhile();
  }
  session.Reclaim();
  return Status();
}

Status Store::PrepareHeirs(const Shard& shard, const WriteContext& context, const ShardSplit& split) {
  const size_t heirs = (size_t{1} << split.log2_shards) / shards();
  const size_t entries = shard.EntriesOfEach(heirs);
  for (size_t i = 0; i < heirs; ++i) {
    Shard& heir = split.shards[context.shard * heirs + i];
    heir.RaiseStamp(split.first_stamp);
    if (!heir.MakeRoom(context, entries)) return Status::OutOfMemory();
  }
  return Status();
}

Status Store::FillShards(Session& session, const ShardSet& before, std::span<const ShardSplit> splits,
                         const std::atomic<bool>& is_cancelled) {
  for (size_t i = 0; i < before.size(); ++i) {
    Status status = FillFrom(before[i], ContextFor(session, i), splits[i], is_cancelled);
    if (!status.ok()) return status;
    session.ReclaimIfWorthwhile();
  }
  return Status();
}

Status Store::FillFrom(Shard& shard, const WriteContext& context, const ShardSplit& split,
                       const std::atomic<bool>& is_cancelled) {
  for (;;) {
    if (is_cancelled.load(std::memory_order_relaxed)) return Status(Code::kClosed, "The store is being closed");
    Shard* full = nullptr;
    const SplitOutcome outcome = shard.CopySome(context, &full);
    const bool has_room = outcome != SplitOutcome::kNeedsIndex || full->MakeRoom(context, 1);
    if (!has_room || outcome == SplitOutcome::kOutOfMemory || split.has_failed->load(std::memory_order_relaxed)) {
      return Status::OutOfMemory();
    }
    if (outcome == SplitOutcome::kLevel) return Status();
    if (contention_.IsAnybodyWaiting()) std::this_thread::sleep_for(kGiveWay);
  }
}

bool Store::Publish(const ShardSet& before, std::unique_ptr<const ShardSet>* after,
                    const std::atomic<bool>& has_failed) {
  MutexLock figures_lock(sets_mutex_);
  {
    AllShardsLock lock(before.all());
    if (has_failed.load(std::memory_order_relaxed) || !lock.AreLevel()) return false;
    lock.EndShards();
    coming_ = nullptr;
    shards_.store(after->get(), std::memory_order_release);
  }
  for (const Shard& shard : before.all()) ended_.Add(shard.Stats().OfPast());
  sets_.push_back(std::move(*after));
  return true;
}

}  // namespace shardmap
