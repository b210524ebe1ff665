// Danger: a key is not found, or found twice, while a shard's table grows or shrinks under its users; a table or chunk
// of entries never gets smaller again.
//
// A shard is used as the store uses it: through a store of one shard.
#include "core/shard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <string>
#include <thread>
#include <vector>

#include "allocation_probe.h"
#include "core/store.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

// Of a table, besides its slots.
uint64_t TableOverhead() {
  const Index index = Index::Allocate(Index::kLog2CapacityMin);
  const uint64_t bytes = index.bytes() - index.capacity() * 8;
  Block::Free(index.block());
  return bytes;
}

// One shard with entries "0", "1", ...; the value of each is its number.
class ShardTest : public testing::Test {
 protected:
  static StoreOptions OneShard() {
    StoreOptions options;
    options.shards = 1;
    return options;
  }

  void Set(uint64_t number) {
    const OwnedKey key = NumberedKey("", number);
    ASSERT_TRUE(store_.Set(*session_, key.key(), Value(ValueKind::kNumber, &number, sizeof number)).ok());
    if (number >= present_.size()) present_.resize(number + 1);
    live_ += !present_[number];
    present_[number] = true;
  }
  void Delete(uint64_t number) {
    ASSERT_EQ(store_.Delete(*session_, NumberedKey("", number).key()).value(), present_[number]) << number;
    live_ -= present_[number];
    present_[number] = false;
  }
  void ExpectRight(uint64_t number) {
    const ReadGuard guard(*session_);
    const OwnedKey key = NumberedKey("", number);
    ReadValue value;
    const bool expected = number < present_.size() && present_[number];
    ASSERT_EQ(store_.Get(guard, key.key(), &value), expected) << number;
    ASSERT_EQ(store_.Has(guard, key.key()), expected) << number;
    if (expected) {
      ASSERT_EQ(value.first_word(), number);
    }
  }
  // Checks all, keys that were never there, and the order from the first to the last.
  void ExpectAllRight() {
    for (uint64_t number = 0; number < present_.size() + 1000; ++number) {
      ASSERT_NO_FATAL_FAILURE(ExpectRight(number));
    }
    EXPECT_EQ(store_.Size(), live_);
    EXPECT_EQ(store_.Stats().entries, live_);
    ExpectScanned();
  }
  void ExpectScanned() {
    const ReadGuard guard(*session_);
    std::vector<ScannedEntry> page;
    size_t met = 0;
    for (uint64_t after = 0;; after = page.back().sequence) {
      store_.Scan(guard, after, 1000, &page);
      if (page.empty()) break;
      met += page.size();
      for (const ScannedEntry& scanned : page) {
        ReadValue value;
        ASSERT_TRUE(store_.ReadScanned(guard, scanned, &value));
        ASSERT_TRUE(present_[value.first_word()]);
        ASSERT_EQ(OwnedKey::Of(scanned.entry->key()), NumberedKey("", value.first_word()));
      }
    }
    EXPECT_EQ(met, live_);
  }
  void ExpectSomeRight(size_t count) {
    for (size_t i = 0; i < count; ++i) ExpectRight(random_.Below(present_.size() + present_.size() / 8));
  }
  // Slots of the table, or of both tables while entries move from one to the other.
  uint64_t Slots() const {
    const uint64_t bytes = store_.Stats().index_bytes;
    if (bytes == 0) return 0;
    const uint64_t one_table = bytes - table_overhead_;
    return std::has_single_bit(one_table) ? one_table / 8 : (one_table - table_overhead_) / 8;
  }
  bool IsMoving() const { return Slots() != 0 && !std::has_single_bit(Slots()); }

  Store store_{OneShard()};
  OpenedSession session_{store_};
  Random random_;
  const uint64_t table_overhead_ = TableOverhead();
  std::vector<bool> present_;
  size_t live_ = 0;
};

TEST_F(ShardTest, FindsEverythingAtEverySizeOfASmallTable) {
  for (uint64_t number = 0; number < 1500; ++number) {
    Set(number);
    for (uint64_t other = number > 60 ? number - 60 : 0; other < number + 20; ++other) {
      ASSERT_NO_FATAL_FAILURE(ExpectRight(other));
    }
  }
  ExpectAllRight();
  for (uint64_t number = 0; number < 1500; ++number) {
    Delete(number);
    ASSERT_NO_FATAL_FAILURE(ExpectSomeRight(30));
  }
  ExpectAllRight();
}

// While the table moves, each write moves a part of it, and anything may happen to entries on either side.
TEST_F(ShardTest, FindsEverythingWhileItsTableGrows) {
  const uint64_t target = std::max(size_t{20000}, Scaled(150000));
  size_t writes_watched = 0;
  for (uint64_t number = 0; number < target; ++number) {
    Set(number);
    if (!IsMoving()) continue;
    ++writes_watched;
    ASSERT_NO_FATAL_FAILURE(ExpectSomeRight(8));
    const uint64_t other = random_.Below(number);
    present_[other] ? Delete(other) : Set(other);
    ASSERT_NO_FATAL_FAILURE(ExpectSomeRight(8));
    Set(random_.Below(number));
  }
  EXPECT_GT(writes_watched, target / 100);
  ExpectAllRight();
}

TEST_F(ShardTest, FindsEverythingAtEachStageOfOneMove) {
  uint64_t number = 0;
  while (Slots() < 4096 + 8192) Set(number++);
  size_t stages = 0;
  while (IsMoving()) {
    ASSERT_NO_FATAL_FAILURE(ExpectAllRight());
    for (int i = 0; i < 32; ++i) Set(random_.Below(number));  // overwriting moves it on, too
    ++stages;
  }
  EXPECT_GE(stages, 4u);
  EXPECT_EQ(Slots(), 8192u);
  ExpectAllRight();
}

TEST_F(ShardTest, ShrinksAndFindsEverythingMeanwhile) {
  const uint64_t count = std::max(size_t{20000}, Scaled(120000));
  for (uint64_t number = 0; number < count; ++number) Set(number);
  const uint64_t slots = Slots();
  for (uint64_t left = count; left != 0; --left) {
    // Any of those left, in a random order that needs no table.
    const uint64_t number = (left * 7919) % count;
    if (!present_[number]) continue;
    Delete(number);
    if (left % 16 == 0) ExpectSomeRight(16);
    if (left == count / 2 || left == count / 40) ExpectAllRight();
    if (HasFailure()) return;
  }
  for (uint64_t number = 0; number < count; ++number) {
    if (present_[number]) Delete(number);
  }
  EXPECT_EQ(store_.Size(), 0u);
  EXPECT_LT(Slots(), slots / 2);
  for (uint64_t i = 0; i < slots && Slots() > 512; ++i) {  // each write moves it on
    Set(0);
    Delete(0);
  }
  EXPECT_LE(Slots(), 512u);
  ExpectAllRight();
}

TEST_F(ShardTest, TableDoesNotGrowWhenEntriesComeAndGo) {
  for (uint64_t number = 0; number < 5000; ++number) Set(number);
  for (uint64_t number = 5000; number < 5000 + Scaled(300000); ++number) {
    Set(number);
    Delete(number - 5000);
  }
  EXPECT_LE(Slots(), 2 * 16384u);  // for 5,000 entries, and perhaps on the move
  ExpectAllRight();
}

TEST_F(ShardTest, DeletingEveryOtherEntryMovesTheRestAndLosesNone) {
  for (uint64_t number = 0; number < 30000; ++number) Set(number);
  for (uint64_t number = 0; number < 30000; number += 2) Delete(number);
  ExpectAllRight();
  for (uint64_t number = 1; number < 30000; number += 4) Delete(number);
  ExpectAllRight();
  const StoreStats stats = store_.Stats();
  EXPECT_LE(stats.free_bytes, stats.entry_bytes + 64 * 1024);
}

TEST_F(ShardTest, ClearsInTheMiddleOfAMove) {
  for (int round = 0; round < 3; ++round) {
    uint64_t number = 0;
    while (Slots() < 8192 + 16384) Set(number++);
    ASSERT_TRUE(store_.Clear(*session_).ok());
    present_.assign(present_.size(), false);
    live_ = 0;
    EXPECT_EQ(Slots(), 0u);
    ExpectAllRight();
  }
}

// The moment in which a reader could miss it is that between a look at the new table and one at the old: few keys, read
// in a tight loop, and many moves are what meets it.
TEST_F(ShardTest, WhatStaysIsFoundAtEveryMomentOfAMove) {
  constexpr uint64_t kStayers = 3;
  constexpr uint64_t kOthers =
      2500;  // from the smallest table that moves in parts to one four times as large, and back
  for (uint64_t number = 0; number < kStayers; ++number) Set(number);
  std::atomic<bool> done{false};
  std::atomic<size_t> missed{0};
  const auto read_on = [&](uint64_t number) {
    const OpenedSession session(store_);
    const OwnedKey key = NumberedKey("", number);
    while (!done.load(std::memory_order_relaxed)) {
      const ReadGuard guard(*session);
      if (!store_.Has(guard, key.key())) ++missed;
    }
  };
  std::thread one(read_on, 0);
  std::thread two(read_on, 2);
  for (size_t wave = 0; wave < Scaled(400) && missed == 0; ++wave) {
    for (uint64_t i = 0; i < kOthers; ++i) Set(kStayers + i);
    for (uint64_t i = 0; i < kOthers; ++i) Delete(kStayers + i);
  }
  done = true;
  one.join();
  two.join();
  EXPECT_EQ(missed, 0u);
}

TEST_F(ShardTest, ScanTakesUpAtAnyCursorWhileTheTableAndTheEntriesMove) {
  for (uint64_t number = 0; number < 3000; ++number) Set(number);
  const ReadGuard guard(*session_);
  std::vector<ScannedEntry> page;
  uint64_t after = 0;
  uint64_t last_number = 0;
  size_t met = 0;
  for (uint64_t round = 0;; ++round) {
    store_.Scan(guard, after, 10, &page);
    if (page.empty()) break;
    after = page.back().sequence;
    for (const ScannedEntry& scanned : page) {
      const uint64_t number = std::stoull(OwnedKey::Of(scanned.entry->key()).bytes);
      ASSERT_TRUE(met == 0 || number > last_number);
      last_number = number;
      ++met;
    }
    // Deletes behind the cursor, and ahead of it those that end in 7; adds at the end for a while.
    Delete(last_number);
    const uint64_t ahead = last_number - last_number % 10 + 27;
    if (ahead < 3000 && present_[ahead]) Delete(ahead);
    if (round < 100) Set(3000 + round);
  }
  EXPECT_EQ(last_number, 3099u);
  EXPECT_GT(met, 2700u);
}

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)

// A table is allocated without the lock, so others may change meanwhile what table is needed, if one still is.
class ShardSpareTableTest : public ShardTest {
 protected:
  void SetRange(uint64_t begin, uint64_t end) {
    for (uint64_t number = begin; number < end; ++number) Set(number);
  }
  void DeleteRange(uint64_t begin, uint64_t end) {
    for (uint64_t number = begin; number < end; ++number) Delete(number);
  }
  template <typename Operation, typename Meanwhile>
  void Interrupt(Operation operation, Meanwhile meanwhile) {
    const AllocationInterruption interruption(meanwhile);
    operation();
    ASSERT_TRUE(interruption.happened());
  }
  // Entries 0 to 64 in a table of 1,024 slots; one less, and it shrinks to 256.
  void MakeAlmostSparse() {
    SetRange(0, 500);
    DeleteRange(65, 500);
    ASSERT_EQ(Slots(), 1024u);
  }
};

TEST_F(ShardSpareTableTest, IsNotUsedWhereOthersGrewTheTable) {
  SetRange(0, 7);  // all that 8 slots take
  Interrupt([&] { Set(7); }, [&] { Set(8); });
  EXPECT_EQ(Slots(), 16u);
  ExpectAllRight();
}

TEST_F(ShardSpareTableTest, IsTooSmallWhereOthersFilledTheNextTableToo) {
  SetRange(0, 7);
  Interrupt([&] { Set(7); }, [&] { SetRange(8, 15); });  // 14: all that 16 slots take
  EXPECT_EQ(Slots(), 32u);
  ExpectAllRight();
}

TEST_F(ShardSpareTableTest, IsTooLargeWhereOthersClearedTheShard) {
  SetRange(0, 448);  // all that 512 slots take
  Interrupt([&] { Set(448); },
            [&] {
              ASSERT_TRUE(store_.Clear(*session_).ok());
              present_.assign(present_.size(), false);
              live_ = 0;
            });
  EXPECT_EQ(Slots(), 8u);
  ExpectAllRight();
}

TEST_F(ShardSpareTableTest, IsNotUsedWhereOthersFilledWhatWasToShrink) {
  MakeAlmostSparse();
  Interrupt([&] { Delete(64); }, [&] { SetRange(100, 101); });
  EXPECT_EQ(Slots(), 1024u);
  ExpectAllRight();
}

TEST_F(ShardSpareTableTest, IsNotUsedWhereOthersShrankTheTable) {
  MakeAlmostSparse();
  Interrupt([&] { Delete(64); }, [&] { Delete(63); });
  EXPECT_EQ(Slots(), 1024u + 256);  // on the move, from the one to the other
  ExpectAllRight();
  while (IsMoving()) Set(0);
  EXPECT_EQ(Slots(), 256u);
  ExpectAllRight();
}

TEST_F(ShardSpareTableTest, IsFreedWhereItIsNotUsed) {
  const AllocationCount allocated;
  {
    Store store{OneShard()};
    const OpenedSession session(store);
    const auto set = [&](uint64_t number) {
      EXPECT_TRUE(store.Set(*session, NumberedKey("", number).key(), Value(ValueKind::kNull)).ok());
    };
    for (uint64_t number = 0; number < 7; ++number) set(number);
    Interrupt([&] { set(7); }, [&] { set(8); });
  }
  EXPECT_EQ(allocated.pieces(), 0);
}

#endif

}  // namespace
}  // namespace shardmap
