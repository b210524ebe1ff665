// Danger: while a store's shards are split, an entry is lost, comes back, is out of its place, or has an older value;
// what is freed is still another's, or is never freed; a resharding that comes to nothing leaves something behind.
#include "core/resharding.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "allocation_probe.h"
#include "core/recording_sink.h"
#include "core/store.h"
#include "core/store_fixtures.h"
#include "core/store_model.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

Value Text(std::string_view text) { return BorrowedValue(ValueKind::kOneByteString, text); }

// --- The model -------------------------------------------------------------------------------------------------------

// Every operation in turn, and between any two of them a step of a resharding, or none.
class ReshardingModelTest : public ModelledStoreTest {
 protected:
  static constexpr size_t kShardsMax = 1024;

  void Step() override {
    const size_t draw = use_.random().Below(100);
    clock_.Advance(HandTurnedClock::kSequencerTickNs * 100);
    if (draw < 40) {
      SetOne(use_.AnyKey(), use_.AnyKind(), use_.AnyBytes());
    } else if (draw < 60) {
      DeleteOne();
    } else if (draw < 68) {
      InsertOne();
    } else if (draw < 76) {
      ReplaceOne();
    } else if (draw < 80) {
      SetMany();
    } else if (draw < 84) {
      DeleteMany();
    } else {
      Look();
    }
    if (use_.random().OneIn(3000)) {
      ASSERT_TRUE(store_.Clear(*session_).ok());
      model_.Clear();
    }
    Reshard();
  }
  void TearDown() override { resharding_.reset(); }

  void Reshard() {
    Random& random = use_.random();
    if (resharding_ == nullptr) {
      if (store_.shards() >= kShardsMax || !random.OneIn(300)) return;
      resharding_ = std::make_unique<Resharding>(store_, *sessions_[0], store_.shards() << (1 + random.Below(2)));
    } else if (random.OneIn(500)) {
      resharding_.reset();
      ++abandoned_;
    } else if (random.OneIn(2) && resharding_->Step().value()) {
      resharding_.reset();
      ++done_;
    }
  }
  void InsertOne() {
    const OwnedKey key = use_.AnyKey();
    const ValueKind kind = use_.AnyKind();
    const std::string bytes = use_.AnyBytes();
    const ReadGuard guard(*session_);
    ReadValue existing;
    const StoreModel::Placed* const placed = model_.Find(key);
    ASSERT_EQ(store_.Insert(guard, *session_, key.key(), use_.AsValue(kind, bytes), &existing).value(),
              placed == nullptr);
    if (placed == nullptr) {
      model_.Set(key, kind, bytes);
    } else {
      ASSERT_EQ(BytesOf(existing), placed->value);
    }
  }
  // By the stamp of a read that came before another step of the resharding.
  void ReplaceOne() {
    const OwnedKey key = use_.AnyKey();
    const ValueKind kind = use_.AnyKind();
    const std::string bytes = use_.AnyBytes();
    EntryStamp stamp;
    {
      const ReadGuard guard(*session_);
      ReadValue value;
      ASSERT_EQ(store_.GetStamped(guard, key.key(), &value, &stamp), model_.Find(key) != nullptr);
    }
    Reshard();
    ASSERT_TRUE(store_.SetIf(*session_, key.key(), use_.AsValue(kind, bytes), stamp).value());
    ASSERT_FALSE(store_.SetIf(*session_, key.key(), Text("late"), stamp).value());
    model_.Set(key, kind, bytes);
  }
  void SetMany() {
    std::vector<OwnedKey> keys(1 + use_.random().Below(80));
    std::vector<std::string> values;
    std::vector<BatchEntry> entries;
    for (OwnedKey& key : keys) {
      key = use_.AnyKey();
      values.push_back(use_.AnyBytes());
    }
    for (size_t i = 0; i < keys.size(); ++i) entries.push_back({keys[i].key(), Text(values[i])});
    size_t failed = 0;
    ASSERT_TRUE(store_.SetMany(*session_, entries, &failed).ok());
    for (size_t i = 0; i < keys.size(); ++i) model_.Set(keys[i], ValueKind::kOneByteString, values[i]);
  }
  void DeleteMany() {
    std::vector<OwnedKey> keys(1 + use_.random().Below(80));
    std::vector<Key> views;
    size_t expected = 0;
    for (OwnedKey& key : keys) {
      key = use_.AnyKey();
      expected += model_.Delete(key) ? 1 : 0;
    }
    for (const OwnedKey& key : keys) views.push_back(key.key());
    size_t deleted = 0;
    ASSERT_TRUE(store_.DeleteMany(*session_, views, &deleted).ok());
    ASSERT_EQ(deleted, expected);
  }
  void Look() {
    const OwnedKey key = use_.AnyKey();
    const StoreModel::Placed* const placed = model_.Find(key);
    const ReadGuard guard(*session_);
    ReadValue value;
    ASSERT_EQ(store_.Get(guard, key.key(), &value), placed != nullptr);
    if (placed == nullptr) return;
    ASSERT_EQ(value.kind(), placed->kind);
    ASSERT_EQ(BytesOf(value), placed->value);
  }

  std::unique_ptr<Resharding> resharding_;
  size_t done_ = 0;
  size_t abandoned_ = 0;
};

TEST_P(ReshardingModelTest, IsTheSameAsAMapWhateverHappensBetweenItsSteps) {
  ASSERT_NO_FATAL_FAILURE(Run(Scaled(60'000), 2000));
  EXPECT_GT(done_, 0u) << "seed " << TestSeed();
  EXPECT_GT(store_.shards(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Shards, ReshardingModelTest, testing::Values(1, 4, 64));

// --- One thing at a time ---------------------------------------------------------------------------------------------

class ReshardingTest : public testing::Test {
 protected:
  explicit ReshardingTest(size_t shards = 4) : store_(StoreOptions{.shards = shards, .clock = &clock_}) {}

  void Fill(uint64_t count) {
    for (uint64_t number = 0; number < count; ++number) Set(number, "value " + std::to_string(number));
  }
  void Set(uint64_t number, const std::string& value) {
    ASSERT_TRUE(store_.Set(*session_, NumberedKey("", number).key(), Text(value)).ok());
  }
  std::string Get(uint64_t number) {
    const ReadGuard guard(*session_);
    ReadValue value;
    return store_.Get(guard, NumberedKey("", number).key(), &value) ? std::string(BytesOf(value)) : "(absent)";
  }
  void Finish(Resharding& resharding) {
    while (!resharding.Step().value()) continue;
  }
  Status Reshard(size_t shards) { return store_.Reshard(*other_, shards, is_cancelled_); }
  void ExpectFilled(uint64_t count) {
    for (uint64_t number = 0; number < count; ++number) ASSERT_EQ(Get(number), "value " + std::to_string(number));
    uint64_t next = 0;
    ForEachEntry(store_, ReadGuard(*session_), [&](const ScannedEntry& scanned) {
      ASSERT_EQ(OwnedKey::Of(scanned.entry->key()), NumberedKey("", next++));
    });
    EXPECT_EQ(next, count);
    EXPECT_EQ(store_.Size(), count);
  }

  HandTurnedClock clock_;
  std::atomic<bool> is_cancelled_{false};
  Store store_;
  OpenedSession session_{store_};
  OpenedSession other_{store_};
};

TEST_F(ReshardingTest, GoesFromFourShardsToTheMostThereMayBe) {
  Fill(3000);
  for (size_t shards = 8; shards <= Store::kShardsMax; shards *= 4) {
    ASSERT_TRUE(Reshard(shards).ok());
    ASSERT_EQ(store_.shards(), shards);
    ASSERT_NO_FATAL_FAILURE(ExpectFilled(3000));
  }
  ASSERT_TRUE(Reshard(Store::kShardsMax).ok());
  ExpectFilled(3000);
}

TEST_F(ReshardingTest, ToFewerIsRefusedAndToAsManyIsNothing) {
  Fill(10);
  const Status status = Reshard(2);
  EXPECT_EQ(status.code(), Code::kOutOfRange);
  EXPECT_NE(status.message().find("4 shards"), std::string::npos) << status.message();
  EXPECT_TRUE(Reshard(4).ok());
  ExpectFilled(10);
}

TEST_F(ReshardingTest, OneThatIsCancelledLeavesAllAsItWas) {
  Fill(1000);
  const StoreStats before = store_.Stats();
  is_cancelled_ = true;
  EXPECT_EQ(Reshard(64).code(), Code::kClosed);
  for (size_t steps = 1; steps < 30; ++steps) {
    Resharding resharding(store_, *other_, 64);
    for (size_t i = 0; i < steps; ++i) {
      if (resharding.Step().value()) GTEST_FAIL() << "over after " << i << " steps";
    }
  }
  other_->Reclaim();
  const StoreStats after = store_.Stats();
  EXPECT_EQ(after.shards, 4u);
  EXPECT_EQ(after.total_bytes(), before.total_bytes());
  ExpectFilled(1000);
}

TEST_F(ReshardingTest, FiguresOfThePastStayAndThoseOfNowAreExact) {
  Fill(2000);
  for (uint64_t number = 0; number < 1000; ++number) {
    ASSERT_TRUE(store_.Delete(*session_, NumberedKey("", number).key()).value());
  }
  const StoreStats before = store_.Stats();
  ASSERT_GT(before.compactions, 0u);
  ASSERT_TRUE(Reshard(16).ok());
  const StoreStats after = store_.Stats();
  EXPECT_EQ(after.entries, before.entries);
  EXPECT_EQ(after.entry_bytes, before.entry_bytes);
  EXPECT_EQ(after.key_bytes, before.key_bytes);
  EXPECT_EQ(after.value_bytes, before.value_bytes);
  EXPECT_GE(after.rehashes, before.rehashes);
  EXPECT_GE(after.compactions, before.compactions);
  EXPECT_EQ(after.operations.inserts, before.operations.inserts);
  EXPECT_EQ(after.retired_bytes, 0u);
}

// A reader who is under way may look at the old shards for as long as its guard lives.
TEST_F(ReshardingTest, WhatAPageLeadsToStaysUntilItsGuardEnds) {
  Fill(500);
  const ReadGuard guard(*session_);
  std::vector<ScannedEntry> page;
  store_.Scan(guard, 0, 1000, &page);
  ASSERT_TRUE(Reshard(64).ok());
  for (uint64_t number = 0; number < 500; number += 2) {
    ASSERT_TRUE(store_.Set(*other_, NumberedKey("", number).key(), Text("new")).ok());
  }
  for (uint64_t number = 0; number < 500; ++number) {
    ReadValue value;
    ASSERT_TRUE(store_.ReadScanned(guard, page.at(number), &value));
    ASSERT_EQ(BytesOf(value), "value " + std::to_string(number));
  }
  EXPECT_GT(store_.Stats().retired_bytes, 0u);
}

TEST_F(ReshardingTest, APageGoesOnWhereOneOfTheOldShardsEnded) {
  Fill(2000);
  Resharding resharding(store_, *other_, 32);
  bool is_over = false;
  uint64_t next = 0;
  std::vector<ScannedEntry> page;
  for (uint64_t after = 0;; after = page.back().sequence) {
    const ReadGuard guard(*session_);
    store_.Scan(guard, after, 20, &page);
    if (page.empty()) break;
    for (const ScannedEntry& scanned : page) {
      ASSERT_EQ(OwnedKey::Of(scanned.entry->key()), NumberedKey("", next++));
    }
    is_over = is_over || resharding.Step().value();
  }
  EXPECT_EQ(next, 2000u);
  EXPECT_TRUE(is_over);
}

// Insertions fill the table of a copy, for which only who copies makes room.
TEST_F(ReshardingTest, AShardThatIsNotLevelAnyMoreIsCopiedToItsEnd) {
  for (uint64_t round = 0; round < 6; ++round) {
    ASSERT_TRUE(store_.Clear(*session_).ok());
    Resharding resharding(store_, *other_, store_.shards() * 2);
    for (size_t level = 0; level < store_.shards(); ++level) ASSERT_FALSE(resharding.Step().value());
    Fill(2000 + round);
    Finish(resharding);
    ASSERT_NO_FATAL_FAILURE(ExpectFilled(2000 + round));
  }
}

TEST_F(ReshardingTest, WhatNearCachesHaveIsReadAgain) {
  Fill(100);
  const ValueVersions versions = store_.value_versions();
  ValueVersion before{};
  {
    const ReadGuard guard(*session_);
    ReadValue value;
    ASSERT_TRUE(store_.GetVersioned(guard, NumberedKey("", 7).key(), &value, &before));
    EXPECT_EQ(before.shards, 4u);
  }
  const auto version_now = [&] {
    const auto* first = reinterpret_cast<const uint8_t*>(versions.first);
    return reinterpret_cast<const std::atomic<uint64_t>*>(first + before.shard * versions.stride_bytes)->load();
  };
  EXPECT_EQ(version_now(), before.version);
  ASSERT_TRUE(Reshard(16).ok());
  EXPECT_EQ(version_now() % 2, 1u);
  const ReadGuard guard(*session_);
  ReadValue value;
  ValueVersion after{};
  ASSERT_TRUE(store_.GetVersioned(guard, NumberedKey("", 7).key(), &value, &after));
  EXPECT_EQ(after.shards, 16u);
  EXPECT_EQ(after.shard / 4, before.shard);
  EXPECT_EQ(after.version % 2, 0u);
}

TEST_F(ReshardingTest, AClaimGoesToTheNewShard) {
  Fill(10);
  const OwnedKey key = NumberedKey("", 3);
  EXPECT_FALSE(store_.Claim(*session_, key.key(), 1'000'000));
  ASSERT_TRUE(Reshard(64).ok());
  std::atomic<bool> is_set{false};
  std::thread writer([&] {
    EXPECT_TRUE(store_.Set(*other_, key.key(), Text("theirs")).ok());
    is_set = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(is_set);
  EXPECT_TRUE(store_.Claim(*session_, key.key(), 1'000'000)) << "it is still the session's";
  store_.Release(*session_, key.key());
  writer.join();
  EXPECT_EQ(Get(3), "theirs");
}

TEST_F(ReshardingTest, TheLastNumberStaysAlsoOfAnEntryThatIsGone) {
  Fill(200);
  for (uint64_t number : {199, 198}) ASSERT_TRUE(store_.Delete(*session_, NumberedKey("", number).key()).value());
  const uint64_t last = store_.LastSequence();
  Resharding resharding(store_, *other_, 16);
  Set(500, "inserted and deleted before it was copied");
  ASSERT_TRUE(store_.Delete(*session_, NumberedKey("", 500).key()).value());
  const uint64_t later = store_.LastSequence();
  EXPECT_GT(later, last);
  Finish(resharding);
  EXPECT_EQ(store_.LastSequence(), later);
}

// Of a key that is deleted, stamps go on from there in whichever shard it is inserted again.
TEST(ReshardingLogTest, StampsOfAKeyRiseAcrossIt) {
  HandTurnedClock clock;
  RecordingSink sink;
  LoggedStore store(StoreOptions{.shards = 1, .clock = &clock}, sink);
  const OpenedSession inserting(store);
  const OpenedSession deleting(store);
  const OpenedSession resharding_session(store);
  const OwnedKey key("key");
  uint64_t last = 0;
  const auto expect_risen = [&] {
    uint64_t newest = 0;
    for (const RecordedMutation& record : sink.RecordsByStamp()) newest = std::max(newest, record.stamp);
    EXPECT_GT(newest, last);
    last = newest;
  };
  for (size_t shards = 2; shards <= 64; shards *= 2) {
    ASSERT_TRUE(store.Set(*inserting, key.key(), Text("value")).ok());
    expect_risen();
    // The deleting session's stamps run ahead of the numbers of the one that inserts.
    for (int i = 0; i < 5; ++i) {
      const bool overwrites = store.Set(*deleting, key.key(), Text("other")).ok();
      ASSERT_TRUE(overwrites);
    }
    Resharding resharding(store, *resharding_session, shards);
    if (shards % 8 == 0) {
      ASSERT_FALSE(resharding.Step().value());
    }
    if (shards % 16 == 0) {
      ASSERT_TRUE(store.Clear(*deleting).ok());
    } else {
      ASSERT_TRUE(store.Delete(*deleting, key.key()).value());
    }
    expect_risen();
    while (!resharding.Step().value()) continue;
  }
  ASSERT_TRUE(store.Set(*inserting, key.key(), Text("value")).ok());
  expect_risen();
}

// --- Without memory --------------------------------------------------------------------------------------------------

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)

class ReshardingMemoryTest : public ReshardingTest {
 protected:
  ReshardingMemoryTest() : ReshardingTest(2) {}
};

TEST_F(ReshardingMemoryTest, WhereThereIsNoneAllStaysAsItWas) {
  Fill(600);
  for (uint64_t number = 0; number < 600; number += 3) {
    (void)store_.SetLifetime(*session_, NumberedKey("", number).key(), Lifetime::For(1'000'000'000)).value();
  }
  size_t failures = 0;
  for (uint64_t granted = 0; store_.shards() == 2; ++granted) {
    Code code;
    {
      const AllocationRefusal refusal(granted);
      code = Reshard(8).code();
    }
    ASSERT_EQ(code, store_.shards() == 8 ? Code::kOk : Code::kOutOfMemory);
    failures += code == Code::kOk ? 0 : 1;
    if (granted % 16 == 0) {
      ASSERT_NO_FATAL_FAILURE(ExpectFilled(600));
    }
  }
  EXPECT_GT(failures, 20u);
  ExpectFilled(600);
}

// The writer has its entry, and the resharding is given up.
TEST_F(ReshardingMemoryTest, WhereAWriteCannotBeFollowedTheWriteIsMade) {
  Fill(600);
  size_t given_up = 0;
  for (uint64_t round = 0; round < 300; ++round) {
    Resharding resharding(store_, *other_, 8);
    for (size_t i = 0; i < round % 18; ++i) ASSERT_FALSE(resharding.Step().value());
    const std::string value = "round " + std::to_string(round);
    Status status;
    {
      const AllocationRefusal refusal(round % 3);
      status = store_.Set(*session_, NumberedKey("new ", round).key(), Text(value), Lifetime::For(1'000'000'000));
    }
    const ReadGuard guard(*session_);
    ReadValue read;
    ASSERT_EQ(store_.Get(guard, NumberedKey("new ", round).key(), &read), status.ok());
    given_up += resharding.Step().ok() ? 0 : 1;
  }
  EXPECT_GT(given_up, 0u);
  for (uint64_t number = 0; number < 600; ++number) ASSERT_EQ(Get(number), "value " + std::to_string(number));
}

TEST(ReshardingLeakTest, WhatItTookIsGivenBack) {
  const AllocationCount count;
  {
    Store store(OptionsFor(1));
    const OpenedSession session(store);
    for (uint64_t number = 0; number < 500; ++number) {
      const std::string value(number % 10 == 0 ? 300 : 5, 'v');
      const Lifetime lifetime = number % 2 == 0 ? Lifetime::Forever() : Lifetime::For(1'000'000'000'000);
      ASSERT_TRUE(store.Set(*session, NumberedKey("", number).key(), Text(value), lifetime).ok());
    }
    const std::atomic<bool> is_cancelled{false};
    for (size_t shards = 2; shards <= 64; shards *= 2) {
      { const Resharding abandoned(store, *session, shards); }
      Resharding half(store, *session, shards);
      for (int i = 0; i < 5; ++i) (void)half.Step();
      ASSERT_TRUE(store.Set(*session, NumberedKey("", 0).key(), Text(std::string(shards + 100, 'w'))).ok());
      if (shards == 32) {
        ASSERT_TRUE(store.Clear(*session).ok());
      }
      for (bool is_over = store.shards() == shards; !is_over;) is_over = half.Step().value();
    }
  }
  EXPECT_EQ(count.pieces(), 0);
}

#endif

}  // namespace
}  // namespace shardmap
