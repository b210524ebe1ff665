// Danger: two insertions one after the other get numbers in the wrong order, and iteration shows them so, or passes
// over the second because its number lies behind the cursor.
#include "core/sequencer.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

constexpr uint64_t kTick = HandTurnedClock::kSequencerTickNs;

TEST(SequencerTest, SoleInserterCountsByOneWhateverTheTime) {
  HandTurnedClock clock;
  Sequencer sequencer(clock);
  uint64_t last = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t next = sequencer.Next(7, last, 0);
    ASSERT_EQ(next, last + 1);
    last = next;
    clock.Advance(static_cast<uint64_t>(i));
  }
}

TEST(SequencerTest, SecondInserterTakesTheTimeAndSoDoAllFromThenOn) {
  HandTurnedClock clock;
  Sequencer sequencer(clock);
  EXPECT_EQ(sequencer.Next(1, 0, 0), 1u);
  clock.Advance(1000 * kTick);
  EXPECT_EQ(sequencer.Next(2, 0, 0), 1000u);
  clock.Advance(kTick);
  EXPECT_EQ(sequencer.Next(1, 1, 0), 1001u);
  clock.Advance(kTick);
  EXPECT_EQ(sequencer.Next(3, 0, 0), 1002u);
}

TEST(SequencerTest, NumbersOfASessionAndOfAShardRiseEvenIfTimeStandsStill) {
  HandTurnedClock clock;
  Sequencer sequencer(clock);
  EXPECT_EQ(sequencer.Next(1, 0, 0), 1u);
  EXPECT_GT(sequencer.Next(2, 0, 40), 40u);
  EXPECT_GT(sequencer.Next(2, 50, 40), 50u);
  EXPECT_GT(sequencer.Next(1, 1, 60), 60u);
  EXPECT_EQ(sequencer.Next(1, 99, 60), 100u);
}

TEST(SequencerTest, SoleInserterContinuesAfterItsShardsLastNumber) {
  HandTurnedClock clock;
  Sequencer sequencer(clock);
  EXPECT_EQ(sequencer.Next(1, 3, 9), 10u);
}

TEST(SequencerTest, AboveABaseItGoesOnAsFromZero) {
  constexpr uint64_t kBase = 1'000'000;
  HandTurnedClock clock;
  Sequencer sequencer(clock);
  sequencer.BeginAbove(kBase);
  EXPECT_EQ(sequencer.Next(1, 0, 7), kBase + 1);
  EXPECT_EQ(sequencer.Next(1, kBase + 1, 7), kBase + 2);
  clock.Advance(1000 * kTick);
  EXPECT_EQ(sequencer.Next(2, 0, kBase), kBase + 1000);
  EXPECT_EQ(sequencer.Next(2, kBase + 1000, 0), kBase + 1001);
}

TEST(SequencerTest, NeverGivesZero) {
  HandTurnedClock clock;
  Sequencer sequencer(clock);
  EXPECT_GT(sequencer.Next(1, 0, 0), 0u);
  EXPECT_GT(sequencer.Next(2, 0, 0), 0u);
}

TEST(SequencerTest, StaysExactInAJavaScriptNumberForNineYears) {
  HandTurnedClock clock;
  Sequencer sequencer(clock);
  (void)sequencer.Next(1, 0, 0);
  constexpr uint64_t kNineYearsNs = uint64_t{9} * 365 * 24 * 3600 * 1'000'000'000;
  clock.Advance(kNineYearsNs);
  const uint64_t number = sequencer.Next(2, 0, 0);
  EXPECT_LT(number, uint64_t{1} << 53);
  EXPECT_EQ(number, kNineYearsNs / kTick);
}

// Any sessions, any shards, one insertion after the other, each at least a tick long.
TEST(SequencerTest, OneInsertionAfterAnotherHasTheGreaterNumber) {
  Random random;
  for (int round = 0; round < 50; ++round) {
    HandTurnedClock clock;
    Sequencer sequencer(clock);
    uint64_t session_last[5] = {};
    uint64_t shard_last[8] = {};
    uint64_t last = 0;
    const size_t alone = random.Below(300);  // insertions before the other sessions begin
    for (size_t i = 0; i < 1000; ++i) {
      clock.Advance(kTick + random.Below(kTick));
      const size_t session = i < alone ? 0 : random.Below(5);
      const size_t shard = random.Below(8);
      const uint64_t number =
          sequencer.Next(static_cast<uint32_t>(session + 1), session_last[session], shard_last[shard]);
      ASSERT_GT(number, last) << "insertion " << i;
      last = session_last[session] = shard_last[shard] = number;
    }
  }
}

TEST(SequencerThreadTest, OnlyOneOfThreadsThatBeginTogetherCountsByOne) {
  for (size_t round = 0; round < Scaled(2000); ++round) {
    HandTurnedClock clock;
    Sequencer sequencer(clock);
    clock.Advance(1000000 * kTick);  // so that numbers from the clock are large
    std::atomic<int> ready{0};
    std::atomic<int> counted{0};
    const auto insert = [&](uint32_t session) {
      ++ready;
      while (ready != 2) std::this_thread::yield();
      if (sequencer.Next(session, 0, 0) < 1000000) ++counted;
    };
    std::thread other(insert, 1);
    insert(2);
    other.join();
    ASSERT_EQ(counted, 1);
    // Both have inserted: the clock from now on, for either.
    ASSERT_GE(sequencer.Next(1, 0, 0), 1000000u);
    ASSERT_GE(sequencer.Next(2, 0, 0), 1000000u);
  }
}

}  // namespace
}  // namespace shardmap
