// Danger: figures that say something else than what was done, or whose counting is a race.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "core/store_fixtures.h"

namespace shardmap {
namespace {

using namespace std::chrono_literals;

class StoreStatsTest : public OpenStoreTest {};

TEST_F(StoreStatsTest, WhatIsRestoredIsNoOperation) {
  const OwnedKey key("restored");
  const Restoration restoration{RestoreMode::kInsert, {}, 1};
  ASSERT_TRUE(store_.Restore(*session_, store_.Hashed(key.key()), Value(ValueKind::kTrue), restoration).ok());
  ASSERT_TRUE(store_.Delete(*session_, key.key()).ok());
  store_.EndRestore(1);
  const OperationCounts none = store_.Stats().operations;
  EXPECT_EQ(none.inserts + none.deletes, 0u);
  ASSERT_TRUE(store_.Set(*session_, key.key(), Value(ValueKind::kTrue)).ok());
  EXPECT_EQ(store_.Stats().operations.inserts, 1u);
}

// Sessions that have closed are counted too, and one that takes over the record of another goes on counting.
TEST_F(StoreStatsTest, WhatThreadsCountAddsUp) {
  constexpr int kThreads = 4;
  constexpr uint64_t kRounds = 10'000;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      const OwnedKey key("key " + std::to_string(thread));
      for (int half = 0; half < 2; ++half) {
        OpenedSession session(store_);
        for (uint64_t round = 0; round < kRounds / 2; ++round) {
          ASSERT_TRUE(store_.Set(*session, key.key(), Value(ValueKind::kTrue)).ok());
          const ReadGuard guard(*session);
          ReadValue value;
          EXPECT_TRUE(store_.Get(guard, key.key(), &value));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const OperationCounts counts = store_.Stats().operations;
  EXPECT_EQ(counts.inserts, uint64_t{kThreads});
  EXPECT_EQ(counts.overwrites, kThreads * (kRounds - 1));
  EXPECT_EQ(counts.read_hits, kThreads * kRounds);
}

TEST_F(StoreStatsTest, WhoWaitsForALockIsCounted) {
  std::atomic<bool> is_over{false};
  const OwnedKey key("contended");
  std::thread other([&] {
    OpenedSession session(store_);
    while (!is_over.load()) EXPECT_TRUE(store_.Set(*session, key.key(), Value(ValueKind::kTrue)).ok());
  });
  const auto end = std::chrono::steady_clock::now() + 30s;
  uint64_t waits = 0;
  while (waits == 0 && std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(store_.Set(*session_, key.key(), Value(ValueKind::kTrue)).ok());
    waits = store_.Stats().lock_waits;
  }
  is_over = true;
  other.join();
  EXPECT_GT(waits, 0u);
  std::vector<ShardStats> each;
  const StoreStats all = store_.Stats(&each);
  ASSERT_EQ(each.size(), store_.shards());
  size_t contended = 0;
  for (const ShardStats& shard : each) contended += shard.lock_waits != 0 ? 1 : 0;
  EXPECT_EQ(contended, 1u);
  EXPECT_EQ(all.read_fallbacks, 0u) << "nobody read";
}

}  // namespace
}  // namespace shardmap
