// Danger: a store adds shards where they are of no use, or without end, or never.
#include "core/contention.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "core/session.h"
#include "core/store.h"
#include "fixtures.h"

namespace shardmap {
namespace {

class RecordingShardScheduler final : public ShardScheduler {
 public:
  void Grow(Store&, size_t shards) override { asked.push_back(shards); }
  std::vector<size_t> asked;
};

class ContentionTest : public testing::Test {
 protected:
  static constexpr size_t kShardsMax = 512;

  ContentionTest() { contention_.GrowBy(scheduler_, kShardsMax); }
  ~ContentionTest() override { sessions_.Close(session_); }

  // Enough waits for a judgement, and so many writes for each.
  void Wait(uint64_t writes_per_wait) {
    for (uint64_t wait = 0; wait < Contention::kWaitsOfWindow; ++wait) {
      session_->counters().overwrites.Add(writes_per_wait);
      contention_.BeginWait(*session_);
      EXPECT_TRUE(contention_.IsAnybodyWaiting());
      contention_.EndWait();
    }
    EXPECT_FALSE(contention_.IsAnybodyWaiting());
  }
  // A window begins anew where there are other shards than when it began.
  void Reshard(size_t shards) {
    const OpenedSession session(store_);
    ASSERT_TRUE(store_.Reshard(*session, shards, is_cancelled_).ok());
    Wait(1000);
    scheduler_.asked.clear();
  }

  Store store_{OptionsFor(16)};
  const std::atomic<bool> is_cancelled_{false};
  RecordingShardScheduler scheduler_;
  SessionList sessions_;
  Session* const session_ = sessions_.Open();
  Contention contention_{store_, sessions_};
};

TEST_F(ContentionTest, AsksForFourTimesAsManyWhereWritersWaitTooOften) {
  Wait(Contention::kWritesPerWaitMin / 2);  // the first window only begins
  Wait(Contention::kWritesPerWaitMin / 2);
  ASSERT_FALSE(scheduler_.asked.empty());
  for (size_t shards : scheduler_.asked) EXPECT_EQ(shards, 64u);
}

TEST_F(ContentionTest, AsksForNothingWhereWaitsAreRare) {
  for (int i = 0; i < 10; ++i) Wait(Contention::kWritesPerWaitMin + 10);
  EXPECT_EQ(scheduler_.asked, std::vector<size_t>());
}

TEST_F(ContentionTest, AsksForNoMoreThanThereMayBe) {
  Reshard(256);
  for (int i = 0; i < 2; ++i) Wait(10);
  ASSERT_FALSE(scheduler_.asked.empty());
  EXPECT_EQ(scheduler_.asked.back(), kShardsMax);
  Reshard(kShardsMax);
  for (int i = 0; i < 10; ++i) Wait(1);
  EXPECT_EQ(scheduler_.asked, std::vector<size_t>());
}

TEST_F(ContentionTest, AsksForNoMoreWhereThoseThatWereAddedHaveNotHelpedUntilItWasCalm) {
  Wait(20);
  Wait(20);
  ASSERT_FALSE(scheduler_.asked.empty());
  const OpenedSession session(store_);
  ASSERT_TRUE(store_.Reshard(*session, 64, is_cancelled_).ok());
  scheduler_.asked.clear();
  for (int i = 0; i < 10; ++i) Wait(25);
  EXPECT_EQ(scheduler_.asked, std::vector<size_t>());
  Wait(Contention::kWritesPerWaitMin);
  Wait(25);
  ASSERT_FALSE(scheduler_.asked.empty());
  EXPECT_EQ(scheduler_.asked.back(), 256u);
}

TEST_F(ContentionTest, GoesOnWhereTheyHaveHelped) {
  Wait(20);
  Wait(20);
  const OpenedSession session(store_);
  ASSERT_TRUE(store_.Reshard(*session, 64, is_cancelled_).ok());
  scheduler_.asked.clear();
  for (int i = 0; i < 3; ++i) Wait(60);
  ASSERT_FALSE(scheduler_.asked.empty());
  EXPECT_EQ(scheduler_.asked.back(), 256u);
}

}  // namespace
}  // namespace shardmap
