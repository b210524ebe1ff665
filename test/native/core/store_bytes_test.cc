// Danger: memory is kept that nobody can reach any more, or the figures that users see are not what was allocated.
#include <gtest/gtest.h>

#include <string>

#include "allocation_probe.h"
#include "core/store.h"
#include "core/store_model.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

// Entries of all kinds and sizes; returns what was stored.
StoreModel Fill(Store& store, Session& session, size_t count) {
  StoreModel model;
  RandomUse use(count, 4 * count);
  while (model.places().size() < count) {
    const OwnedKey key = use.AnyKey();
    const ValueKind kind = use.AnyKind();
    const std::string bytes = use.AnyBytes();
    EXPECT_TRUE(store.Set(session, key.key(), use.AsValue(kind, bytes)).ok());
    model.Set(key, kind, bytes);
  }
  return model;
}

class StoreBytesTest : public testing::TestWithParam<size_t> {};

TEST_P(StoreBytesTest, EmptyStoreHasOnlyItsShards) {
  const Store store(OptionsFor(GetParam()));
  const StoreStats stats = store.Stats();
  EXPECT_EQ(stats.shards, GetParam());
  EXPECT_EQ(stats.total_bytes(), stats.shard_bytes);
  EXPECT_GE(stats.shard_bytes, GetParam() * sizeof(Shard));
}

TEST_P(StoreBytesTest, ClearingReturnsToTheBase) {
  Store store(OptionsFor(GetParam()));
  const OpenedSession session(store);
  const uint64_t base = store.Stats().total_bytes();
  for (int round = 0; round < 3; ++round) {
    const StoreModel model = Fill(store, *session, 3000);
    const StoreStats stats = store.Stats();
    EXPECT_EQ(stats.entry_bytes, model.EntryBytes());
    EXPECT_EQ(stats.block_bytes, model.BlockBytes());
    ASSERT_TRUE(store.Clear(*session).ok());
    EXPECT_EQ(store.Stats().total_bytes(), base);
    EXPECT_EQ(store.Stats().entries, 0u);
  }
}

TEST_P(StoreBytesTest, DeletingAllLeavesAnOpenChunkAndASmallTablePerShard) {
  Store store(OptionsFor(GetParam()));
  const OpenedSession session(store);
  const StoreModel model = Fill(store, *session, 3000);
  for (const auto& [place, placed] : model.places()) {
    ASSERT_TRUE(store.Delete(*session, placed.key.key()).value());
  }
  session->Reclaim();
  const StoreStats stats = store.Stats();
  EXPECT_EQ(stats.entry_bytes, 0u);
  EXPECT_EQ(stats.block_bytes, 0u);
  EXPECT_EQ(stats.retired_bytes, 0u);
  EXPECT_LE(stats.free_bytes, GetParam() * 4096);
  EXPECT_LE(stats.index_bytes, GetParam() * (512 * 8 + 128) + 2 * 4096 * 8);
}

TEST_P(StoreBytesTest, LongKeysAndValuesThatComeAndGoAreCounted) {
  Store store(OptionsFor(GetParam()));
  const OpenedSession session(store);
  const OwnedKey long_key(std::string(1000, 'k'));
  const auto set = [&](size_t size) {
    const std::string bytes(size, 'v');
    ASSERT_TRUE(store.Set(*session, long_key.key(), BorrowedValue(ValueKind::kOneByteString, bytes)).ok());
  };
  constexpr uint64_t kKeyBlock = 1000 + sizeof(Block);
  const size_t sizes[] = {8, 64, 65, 5000, 9, 1, 0, 100};
  for (const size_t size : sizes) {
    set(size);
    // The room inside the entry was settled by the first value.
    const uint64_t value_block = size <= 8 ? 0 : size + sizeof(Block);
    EXPECT_EQ(store.Stats().block_bytes, kKeyBlock + value_block) << size;
  }
  ASSERT_TRUE(store.Delete(*session, long_key.key()).value());
  EXPECT_EQ(store.Stats().block_bytes, 0u);
}

TEST_P(StoreBytesTest, SessionsCountWhatTheyMakeEntriesGrowAndShrinkBy) {
  Store store(OptionsFor(GetParam()));
  const OpenedSession session(store);
  int64_t counted = 0;
  RandomUse use(7, 300);
  for (int i = 0; i < 3000; ++i) {
    const OwnedKey key = use.AnyKey();
    if (use.random().OneIn(3)) {
      ASSERT_TRUE(store.Delete(*session, key.key()).ok());
    } else {
      ASSERT_TRUE(store.Set(*session, key.key(), use.AsValue(use.AnyKind(), use.AnyBytes())).ok());
    }
    if (use.random().OneIn(1000)) {
      ASSERT_TRUE(store.Clear(*session).ok());
    }
    if (!use.random().OneIn(100)) continue;
    counted += session->TakeBytesDelta();
    const StoreStats stats = store.Stats();
    const uint64_t slots = stats.entries * sizeof(uint64_t);
    ASSERT_EQ(counted, static_cast<int64_t>(stats.entry_bytes + stats.block_bytes + slots)) << "after " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, StoreBytesTest, testing::Values(1, 16, 1024));

// --- No growth -------------------------------------------------------------------------------------------------------

class StoreChurnTest : public testing::TestWithParam<size_t> {};

// Sets and deletes keys in turn, so that about half of them are there, and compares what the store takes early and
// late.
TEST_P(StoreChurnTest, MillionsOfSetsAndDeletesLeaveNoGrowth) {
  const size_t keys = GetParam();
  Store store(OptionsFor(64));
  const OpenedSession session(store);
  Random random(keys);
  uint64_t early = 0;
  uint64_t late = 0;
  const size_t operations = Scaled(10'000'000);
  for (size_t i = 0; i < operations; ++i) {
    const uint64_t number = random.Below(keys);
    const Key key{KeyKind::kNumber, reinterpret_cast<const uint8_t*>(&number), sizeof number};
    if ((random.Word() & 1) != 0) {
      ASSERT_TRUE(store.Set(*session, key, Value(ValueKind::kOneByteString, "0123456789abcdefghij", 20)).ok());
    } else {
      ASSERT_TRUE(store.Delete(*session, key).ok());
    }
    if (i % 1024 != 0) continue;
    session->Reclaim();
    if (i < operations / 4) continue;
    uint64_t& peak = i < operations / 2 ? early : late;
    peak = std::max(peak, store.Stats().total_bytes());
  }
  EXPECT_LE(late, early + early / 8 + 4096);
}

INSTANTIATE_TEST_SUITE_P(Keys, StoreChurnTest, testing::Values(4, 100000));

// --- Against the allocator -------------------------------------------------------------------------------------------

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)

// What malloc adds to a piece, and rounds up.
constexpr int64_t kRoundingBytes = 24;

TEST_P(StoreBytesTest, FiguresAreWhatWasAllocated) {
  const AllocationCount allocated;
  Store store(OptionsFor(GetParam()));
  const OpenedSession session(store);
  { const StoreModel model = Fill(store, *session, 5000); }
  session->Reclaim();
  const int64_t pieces = allocated.pieces();
  const int64_t bytes = allocated.bytes();
  const auto figure = static_cast<int64_t>(store.Stats().total_bytes());
  EXPECT_GE(bytes, figure);
  // Not in the figures: the lists of each shard's chunks, the session, and what malloc rounds up.
  EXPECT_LE(bytes, figure + pieces * kRoundingBytes + figure / 16 + 1024);
}

TEST_P(StoreBytesTest, DestroyingAStoreFreesEverything) {
  const AllocationCount allocated;
  {
    Store store(OptionsFor(GetParam()));
    const OpenedSession session(store);
    const StoreModel model = Fill(store, *session, 5000);
    size_t left = 1000;
    for (const auto& [place, placed] : model.places()) {
      if (left-- == 0) break;
      ASSERT_TRUE(store.Delete(*session, placed.key.key()).value());
    }
    if (GetParam() == 16) {
      ASSERT_TRUE(store.Clear(*session).ok());
    }
  }
  EXPECT_EQ(allocated.pieces(), 0);
  EXPECT_EQ(allocated.bytes(), 0);
}

// With thousands of entries a shard's table moves step by step, and at some of these counts is just doing so.
TEST(StoreClearTest, FreesEverythingAtAnyStageOfAMove) {
  Store store(OptionsFor(1));
  const OpenedSession session(store);
  for (uint64_t count = 3000; count < 8000; count += 97) {
    const AllocationCount allocated;
    for (uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(store.Set(*session, NumberedKey("key ", i).key(), Value(ValueKind::kTrue)).ok());
    }
    ASSERT_TRUE(store.Clear(*session).ok());
    ASSERT_EQ(allocated.pieces(), 0) << count << " entries";
  }
}

TEST_P(StoreChurnTest, AllocatorHoldsNoMoreAfterManyOperationsThanAfterFew) {
  Store store(OptionsFor(16));
  const OpenedSession session(store);
  const AllocationCount allocated;
  RandomUse use(1, std::min<size_t>(GetParam(), 2000));
  int64_t early = 0;
  int64_t late = 0;
  const size_t operations = Scaled(400000);
  for (size_t i = 0; i < operations; ++i) {
    const OwnedKey key = use.AnyKey();
    if (use.random().OneIn(2)) {
      ASSERT_TRUE(store.Delete(*session, key.key()).ok());
    } else {
      ASSERT_TRUE(store.Set(*session, key.key(), use.AsValue(use.AnyKind(), use.AnyBytes())).ok());
    }
    if (i % 128 != 0) continue;
    session->Reclaim();
    int64_t& peak = i < operations / 4 ? early : late;
    peak = std::max(peak, allocated.bytes());
  }
  EXPECT_LE(late, 2 * early + 2'000'000);  // few long values sway it
}

#endif

}  // namespace
}  // namespace shardmap
