// Danger: memory is freed while a reader is looking at it, or never.
#include "core/epoch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <thread>
#include <utility>

#include "allocation_probe.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

TEST(RetiredListTest, CountsWhatItHolds) {
  RetiredList list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.bytes(), 0u);
  list.Add(Block::Allocate(100));
  list.Add(Block::Allocate(0));
  EXPECT_FALSE(list.empty());
  EXPECT_EQ(list.bytes(), 100 + 2 * sizeof(Block));
  list.FreeAll();
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.bytes(), 0u);
}

TEST(RetiredListTest, SwapsWithAnother) {
  RetiredList a;
  RetiredList b;
  a.Add(Block::Allocate(10));
  a.Swap(b);
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(a.bytes(), 0u);
  EXPECT_EQ(b.bytes(), 10 + sizeof(Block));
}

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)
TEST(RetiredListTest, FreesEveryBlock) {
  const AllocationCount allocated;
  {
    RetiredList list;
    for (size_t i = 0; i < 10; ++i) list.Add(Block::Allocate(i));
    list.FreeAll();
    ASSERT_EQ(allocated.pieces(), 0);
    list.Add(Block::Allocate(1));  // freed with the list
  }
  EXPECT_EQ(allocated.pieces(), 0);
}
#endif

TEST(EpochRecordTest, HoldsWhatWasUnlinkedAfterItsReaderBegan) {
  EpochClock clock;
  EpochRecord record;
  const uint64_t before = clock.Advance();
  EXPECT_FALSE(record.MayHold(before));
  record.Enter(clock);
  EXPECT_FALSE(record.MayHold(before));  // unlinked before the reader began
  const uint64_t during = clock.Advance();
  EXPECT_TRUE(record.MayHold(during));
  EXPECT_TRUE(record.MayHold(clock.Advance()));
  record.Exit();
  EXPECT_FALSE(record.MayHold(during));
}

TEST(EpochRecordTest, EachReadCountsAnew) {
  EpochClock clock;
  EpochRecord record;
  record.Enter(clock);
  const uint64_t first = clock.Advance();
  record.Exit();
  record.Enter(clock);
  EXPECT_FALSE(record.MayHold(first));
  EXPECT_TRUE(record.MayHold(clock.Advance()));
  record.Exit();
}

TEST(EpochClockTest, EpochsRise) {
  EpochClock clock;
  for (int i = 0; i < 100; ++i) {
    const uint64_t now = clock.Now();
    EXPECT_GT(now, 0u);  // 0 means idle
    EXPECT_EQ(clock.Advance(), now);
    EXPECT_EQ(clock.Now(), now + 1);
  }
}

// A value that one thread replaces and frees while others look at it.
struct Published {
  static constexpr size_t kBytes = 64;
  static constexpr uint8_t kAlive = 0x11;
  static constexpr uint8_t kFreed = 0xee;

  static Block* New() {
    Block* block = Block::Allocate(kBytes);
    std::memset(block->payload(), kAlive, kBytes);
    return block;
  }
  static bool IsAlive(const Block* block) {
    for (size_t i = 0; i < kBytes; ++i) {
      if (block->payload()[i] != kAlive) return false;
    }
    return true;
  }
};

void ReadOn(const EpochClock& clock, const std::atomic<Block*>& current, EpochRecord& record,
            const std::atomic<bool>& done, std::atomic<size_t>& seen_freed) {
  while (!done.load(std::memory_order_relaxed)) {
    record.Enter(clock);
    if (!Published::IsAlive(current.load(std::memory_order_acquire))) ++seen_freed;
    record.Exit();
  }
}

TEST(EpochThreadTest, NothingIsFreedUnderAReader) {
  EpochClock clock;
  EpochRecord records[2];
  std::atomic<Block*> current{Published::New()};
  std::atomic<bool> done{false};
  std::atomic<size_t> seen_freed{0};
  std::thread one([&] { ReadOn(clock, current, records[0], done, seen_freed); });
  std::thread two([&] { ReadOn(clock, current, records[1], done, seen_freed); });
  std::deque<std::pair<Block*, uint64_t>> unlinked;  // with the epoch in which it was
  size_t freed = 0;
  for (size_t i = 0; i < Scaled(100000); ++i) {
    Block* old = current.exchange(Published::New(), std::memory_order_acq_rel);
    unlinked.emplace_back(old, clock.Advance());
    HeavyFence();
    while (!unlinked.empty()) {
      const auto [block, epoch] = unlinked.front();
      if (records[0].MayHold(epoch) || records[1].MayHold(epoch)) break;
      std::memset(block->payload(), Published::kFreed, Published::kBytes);
      Block::Free(block);
      unlinked.pop_front();
      ++freed;
    }
  }
  done = true;
  one.join();
  two.join();
  for (const auto& [block, epoch] : unlinked) Block::Free(block);
  Block::Free(current.load());
  EXPECT_EQ(seen_freed, 0u);
  EXPECT_GT(freed, 0u);
}

}  // namespace
}  // namespace shardmap
