// Danger: what a log gives back to a store gets another place, deadline or value than it had; or somebody hears that
// entries expired which did so long ago.
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "allocation_probe.h"
#include "core/store.h"
#include "core/store_fixtures.h"
#include "fixtures.h"

namespace shardmap {
namespace {

class CountingExpirySink final : public ExpirySink {
 public:
  void Append(std::span<const ExpiredEntry> entries) override { count += entries.size(); }
  size_t count = 0;
};

class RecordingScheduler final : public ExpiryScheduler {
 public:
  void Schedule(Store&, size_t, uint64_t due_ns) override { due.push_back(due_ns); }
  std::vector<uint64_t> due;
};

class StoreRestoreTest : public testing::Test {
 protected:
  StoreRestoreTest() { store_.SetExpirySink(&sink_); }

  Deadline In(uint64_t ns) const { return Deadline::At(clock_.NowNanos() + ns, false); }
  void Restore(std::string_view key, std::string_view value, RestoreMode mode, Deadline deadline = {}) {
    const Status status = store_.Restore(*session_, store_.Hashed(OwnedKey(key).key()),
                                         BorrowedValue(ValueKind::kClone, value), {mode, deadline, ++last_sequence_});
    ASSERT_TRUE(status.ok());
  }
  void RestoreDeadline(std::string_view key, Deadline deadline) {
    ASSERT_TRUE(store_.RestoreDeadline(*session_, store_.Hashed(OwnedKey(key).key()), deadline).ok());
  }
  std::string Get(std::string_view key) {
    const ReadGuard guard(*session_);
    ReadValue value;
    return store_.Get(guard, OwnedKey(key).key(), &value) ? std::string(BytesOf(value)) : "(absent)";
  }
  uint64_t TimeLeft(std::string_view key) {
    const ReadGuard guard(*session_);
    return store_.TimeLeft(guard, OwnedKey(key).key());
  }
  // Those that have not expired.
  std::vector<std::string> Keys() {
    std::vector<std::string> keys;
    const ReadGuard guard(*session_);
    ForEachEntry(store_, guard, [&](const ScannedEntry& scanned) {
      ReadValue value;
      if (store_.ReadScanned(guard, scanned, &value)) keys.push_back(OwnedKey::Of(scanned.entry->key()).bytes);
    });
    return keys;
  }

  HandTurnedClock clock_;
  CountingExpirySink sink_;
  RecordingScheduler scheduler_;
  // Its own time to live is for those that are set.
  Store store_{StoreOptions{.shards = 4, .clock = &clock_, .ttl_ns = 5, .scheduler = &scheduler_}};
  OpenedSession session_{store_};
  uint64_t last_sequence_ = 0;  // given
};

using Names = std::vector<std::string>;

TEST_F(StoreRestoreTest, WhatIsInsertedComesLastAlsoWhereThereIsAnEntry) {
  for (const char* key : {"a", "b", "c"}) Restore(key, "old", RestoreMode::kInsert);
  Restore("a", std::string(500, 'n'), RestoreMode::kInsert);
  EXPECT_EQ(Keys(), (Names{"b", "c", "a"}));
  EXPECT_EQ(Get("a"), std::string(500, 'n'));
  EXPECT_EQ(store_.Size(), 3u);
}

TEST_F(StoreRestoreTest, WhatIsOverwrittenKeepsItsPlaceAndIsInsertedWhereThereIsNone) {
  for (const char* key : {"a", "b"}) Restore(key, "old", RestoreMode::kInsert);
  Restore("a", std::string(500, 'n'), RestoreMode::kOverwrite);
  Restore("c", "new", RestoreMode::kOverwrite);
  EXPECT_EQ(Keys(), (Names{"a", "b", "c"}));
  EXPECT_EQ(Get("a"), std::string(500, 'n'));
}

TEST_F(StoreRestoreTest, WhoeverInsertsLaterComesBehindWhatWasRestored) {
  const OpenedSession other(store_);
  last_sequence_ = 1'000'000;  // more than the clock has ticks
  for (const char* key : {"a", "b"}) Restore(key, "old", RestoreMode::kInsert);
  store_.EndRestore(last_sequence_);
  EXPECT_GE(store_.LastSequence(), last_sequence_);
  for (const char* key : {"c", "d", "e", "f"}) {
    clock_.Advance(HandTurnedClock::kSequencerTickNs);
    Session& session = *key % 2 == 0 ? *other : *session_;
    ASSERT_TRUE(store_.Set(session, OwnedKey(key).key(), Value(ValueKind::kTrue), Lifetime::Forever()).ok());
  }
  EXPECT_EQ(Keys(), (Names{"a", "b", "c", "d", "e", "f"}));
}

// In two sessions, each for its shards.
TEST_F(StoreRestoreTest, ShardsAreRestoredAndClearedApart) {
  const OpenedSession other(store_);
  const size_t half = store_.shards() / 2;
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) names.push_back("key " + std::to_string(i));
  for (const bool is_second : {true, false}) {
    Session& session = is_second ? *other : *session_;
    for (size_t i = 0; i < names.size(); ++i) {
      const OwnedKey key(names[i]);
      const HashedKey hashed = store_.Hashed(key.key());
      if ((store_.ShardOf(hashed) >= half) != is_second) continue;
      ASSERT_TRUE(
          store_.Restore(session, hashed, Value(ValueKind::kTrue), {RestoreMode::kInsert, Deadline(), i + 1}).ok());
    }
  }
  EXPECT_EQ(Keys(), names);
  store_.RestoreClear(*other, half, store_.shards());
  EXPECT_EQ(store_.Size(), Keys().size());
  EXPECT_GT(store_.Size(), 0u);
  for (const std::string& name : Keys()) EXPECT_LT(store_.ShardOf(store_.Hashed(OwnedKey(name).key())), half);
  store_.RestoreClear(*session_, 0, half);
  EXPECT_EQ(store_.Size(), 0u);
  EXPECT_EQ(Keys(), Names{});
}

TEST_F(StoreRestoreTest, DeadlinesAreThoseGiven) {
  Restore("none", "", RestoreMode::kInsert);
  Restore("some", "", RestoreMode::kInsert, In(1000));
  Restore("given later", "", RestoreMode::kInsert);
  Restore("given later", "", RestoreMode::kOverwrite, In(2000));
  Restore("passed", "", RestoreMode::kInsert, Deadline::At(1, false));
  EXPECT_EQ(TimeLeft("none"), kForever);
  EXPECT_EQ(TimeLeft("some"), 1000u);
  EXPECT_EQ(TimeLeft("given later"), 2000u);
  EXPECT_EQ(Get("passed"), "(absent)");
  clock_.Advance(1000);
  EXPECT_EQ(Get("some"), "(absent)");
}

TEST_F(StoreRestoreTest, WhatHasExpiredKeepsItsPlaceForWhatOverwritesIt) {
  Restore("a", "old", RestoreMode::kInsert, In(10));
  Restore("b", "old", RestoreMode::kInsert, In(10));
  Restore("c", "old", RestoreMode::kInsert, In(10));
  Restore("d", "old", RestoreMode::kInsert);
  clock_.Advance(uint64_t{1} << 40);
  Restore("a", "new", RestoreMode::kOverwrite);
  Restore("b", "new", RestoreMode::kInsert);
  RestoreDeadline("c", In(100));
  EXPECT_EQ(Keys(), (Names{"a", "c", "d", "b"}));
  EXPECT_EQ(Get("a"), "new");
  EXPECT_EQ(Get("c"), "old");
  EXPECT_EQ(TimeLeft("c"), 100u);
  EXPECT_EQ(TimeLeft("a"), kForever);
}

TEST_F(StoreRestoreTest, ADeadlineAloneIsGivenOrTaken) {
  Restore("a", "value", RestoreMode::kInsert);
  RestoreDeadline("a", In(100));
  EXPECT_EQ(TimeLeft("a"), 100u);
  RestoreDeadline("a", Deadline());
  EXPECT_EQ(TimeLeft("a"), kForever);
  RestoreDeadline("b", In(100));
  EXPECT_EQ(Keys(), Names{"a"});
}

TEST_F(StoreRestoreTest, NobodyHearsOfWhatExpiredBefore) {
  Restore("a", "old", RestoreMode::kInsert, In(10));
  Restore("b", "old", RestoreMode::kInsert, In(10));
  clock_.Advance(uint64_t{1} << 40);
  Restore("a", "new", RestoreMode::kInsert);
  Restore("b", "new", RestoreMode::kOverwrite);
  EXPECT_EQ(sink_.count, 0u);
  EXPECT_EQ(store_.Stats().expired_entries, 0u);
}

TEST_F(StoreRestoreTest, NothingExpiresByItselfBeforeItIsScheduled) {
  Restore("a", "value", RestoreMode::kInsert, In(10));
  Restore("b", "value", RestoreMode::kInsert);
  RestoreDeadline("b", In(10));
  EXPECT_TRUE(scheduler_.due.empty());
  store_.ScheduleExpiry(*session_);
  EXPECT_FALSE(scheduler_.due.empty());
  clock_.Advance(uint64_t{1} << 40);
  for (size_t shard = 0; shard < store_.shards(); ++shard) store_.ExpireSome(*session_, shard);
  EXPECT_EQ(store_.Size(), 0u);
  EXPECT_EQ(sink_.count, 2u);
}

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)

TEST_F(StoreRestoreTest, TellsWhereThereIsNoMemory) {
  const OwnedKey key("key");
  const std::string bytes(500, 'v');
  for (const RestoreMode mode : {RestoreMode::kInsert, RestoreMode::kOverwrite}) {
    const AllocationRefusal refusal(0);
    Value value = BorrowedValue(ValueKind::kClone, bytes);
    EXPECT_EQ(store_.Restore(*session_, store_.Hashed(key.key()), std::move(value), {mode, In(10), 1}).code(),
              Code::kOutOfMemory);
  }
  Restore("key", "value", RestoreMode::kInsert);
  {
    const AllocationRefusal refusal(0);
    EXPECT_EQ(store_.RestoreDeadline(*session_, store_.Hashed(key.key()), In(10)).code(), Code::kOutOfMemory);
  }
  EXPECT_EQ(Get("key"), "value");
}

#endif

}  // namespace
}  // namespace shardmap
