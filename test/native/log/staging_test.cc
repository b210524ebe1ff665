// Danger: a cut that is no prefix, mutations out of their order, a flusher that sleeps while there is something to
// write, and memory without bounds.
#include "log/staging.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "log/log_format.h"
#include "random_input.h"

namespace shardmap {
namespace {

// Appends a mutation with a number for its key, and another for its value.
void Append(Stage& stage, uint64_t stamp, uint64_t key_word, uint64_t value_word = 0, uint32_t shard = 0) {
  const Key key{KeyKind::kBytes, reinterpret_cast<const uint8_t*>(&key_word), sizeof key_word};
  const Value value(ValueKind::kBuffer, &value_word, sizeof value_word);
  ASSERT_TRUE(stage.Reserve(&key, &value, 0).ok());
  stage.Append({Mutation::Kind::kInsert, &key, &value, {}, stamp, shard});
}

struct Words {
  uint64_t key;
  uint64_t value;
};

std::vector<Words> TakeCut(Staging& staging) {
  std::vector<Words> taken;
  staging.BeginCut();
  staging.TakeCut([&](std::span<const uint8_t> bytes) {
    Decoder decoder(bytes);
    Record record;
    ASSERT_TRUE(DecodeRecord(&decoder, &record));
    ASSERT_EQ(decoder.left(), 0u);
    Words words;
    std::memcpy(&words.key, record.key.bytes, sizeof words.key);
    std::memcpy(&words.value, record.value.data(), sizeof words.value);
    taken.push_back(words);
  });
  return taken;
}

// Each thread appends its counter, then shows it; and with it what it saw of the other's.
TEST(StagingTest, ACutIsAPrefixOfWhatHappened) {
  constexpr size_t kThreads = 2;
  const uint64_t steps = Scaled(300'000);
  Staging staging(size_t{64} << 20, [] {});
  std::atomic<uint64_t> shown[kThreads] = {};
  std::atomic<size_t> running{kThreads};
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread, stage = staging.Open()] {
      for (uint64_t step = 1; step <= steps; ++step) {
        const uint64_t seen = shown[1 - thread].load(std::memory_order_acquire);
        Append(*stage, step, thread, seen);
        shown[thread].store(step, std::memory_order_release);
      }
      --running;
    });
  }
  uint64_t taken[kThreads] = {};
  uint64_t cuts = 0;
  for (bool is_last = false; !is_last && !testing::Test::HasFailure(); ++cuts) {
    is_last = running == 0;
    const std::vector<Words> cut = TakeCut(staging);
    for (const Words& words : cut) ++taken[words.key];
    for (const Words& words : cut) ASSERT_LE(words.value, taken[1 - words.key]) << "seen, and not in the cut";
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken[0], steps);
  EXPECT_EQ(taken[1], steps);
  EXPECT_GT(cuts, 2u);
}

TEST(StagingTest, MutationsOfACutComeInTheOrderOfTheirStamps) {
  Staging staging(size_t{64} << 20, [] {});
  Stage* const stages[] = {staging.Open(), staging.Open(), staging.Open()};
  Random random;
  uint64_t stamp = 0;
  uint64_t expected = 0;
  for (int cut = 0; cut < 20; ++cut) {
    for (size_t count = random.Below(5000); count > 0; --count) {
      ++stamp;
      Append(*stages[random.Below(3)], stamp, stamp);
    }
    for (const Words& words : TakeCut(staging)) ASSERT_EQ(words.key, ++expected) << "seed " << TestSeed();
  }
  EXPECT_EQ(expected, stamp);
}

TEST(StagingTest, OfOneStampThoseOfTheLowerShardComeFirst) {
  Staging staging(size_t{64} << 20, [] {});
  Stage* const stages[] = {staging.Open(), staging.Open(), staging.Open()};
  Random random;
  uint32_t shards[] = {7, 300, 65'535};
  for (uint64_t stamp = 1; stamp <= 3000; ++stamp) {
    for (size_t i = 2; i > 0; --i) std::swap(shards[i], shards[random.Below(i + 1)]);
    for (size_t i = 0; i < 3; ++i) Append(*stages[i], stamp, stamp << 16 | shards[i], 0, shards[i]);
  }
  uint64_t last = 0;
  const std::vector<Words> cut = TakeCut(staging);
  for (const Words& words : cut) {
    ASSERT_GT(words.key, last) << "seed " << TestSeed();
    last = words.key;
  }
  EXPECT_EQ(cut.size(), 9000u);
}

TEST(StagingTest, AStageIsGivenToAnotherSessionOnlyWhenAllOfItWasTaken) {
  Staging staging(size_t{64} << 20, [] {});
  Stage* const first = staging.Open();
  Append(*first, 7, 1);
  staging.Close(first);
  Stage* const second = staging.Open();
  EXPECT_NE(second, first);
  EXPECT_EQ(TakeCut(staging).size(), 1u);
  EXPECT_EQ(staging.Open(), first);
}

TEST(StagingTest, TheFlusherFallsAsleepOnlyWhereNothingIsOnItsWay) {
  int wakes = 0;
  Staging staging(size_t{64} << 20, [&] { ++wakes; });
  Stage* const stage = staging.Open();
  EXPECT_TRUE(staging.FallAsleep());
  const uint64_t word = 1;
  const Key key{KeyKind::kBytes, reinterpret_cast<const uint8_t*>(&word), sizeof word};
  ASSERT_TRUE(stage->Reserve(&key, nullptr, 0).ok());
  EXPECT_EQ(wakes, 1);
  EXPECT_FALSE(staging.FallAsleep()) << "something is reserved";
  stage->Append({Mutation::Kind::kDelete, &key, nullptr, {}, 1});
  EXPECT_FALSE(staging.FallAsleep()) << "something is staged";
  staging.BeginCut();
  staging.TakeCut([](std::span<const uint8_t>) {});
  EXPECT_TRUE(staging.FallAsleep());
  ASSERT_TRUE(stage->Reserve(&key, nullptr, 0).ok());
  stage->Release();
  EXPECT_EQ(wakes, 2);
  EXPECT_TRUE(staging.FallAsleep());
}

TEST(StagingTest, WhoFindsNoRoomWaitsAndIsThenToldHowMuchIsStaged) {
  constexpr size_t kBytesMax = 400'000;
  Staging staging(
      kBytesMax, [] {}, 20'000'000);
  Stage* const stage = staging.Open();
  const uint64_t word = 1;
  const Key key{KeyKind::kBytes, reinterpret_cast<const uint8_t*>(&word), sizeof word};
  const std::string bytes(10'000, 'v');
  const Value value(ValueKind::kBuffer, bytes.data(), bytes.size());
  Status status;
  uint64_t appended = 0;
  while (status.ok() && appended < 100) {
    status = stage->Reserve(&key, &value, 0);
    if (status.ok()) stage->Append({Mutation::Kind::kInsert, &key, &value, {}, ++appended});
  }
  EXPECT_EQ(status.code(), Code::kLogBusy);
  EXPECT_NE(status.message().find(std::to_string(kBytesMax)), std::string::npos) << status.message();
  EXPECT_LE(staging.bytes(), kBytesMax);
  EXPECT_GT(appended, 20u);
  std::thread flusher([&] {
    uint64_t taken = 0;
    staging.BeginCut();
    staging.TakeCut([&](std::span<const uint8_t>) { ++taken; });
    EXPECT_EQ(taken, appended);
  });
  flusher.join();
  EXPECT_TRUE(stage->Reserve(&key, &value, 0).ok()) << "there is room again";
  stage->Release();
}

TEST(StagingTest, WhatIsRefusedIsRefusedWithItsReason) {
  Staging staging(size_t{64} << 20, [] {});
  Stage* const stage = staging.Open();
  staging.Refuse(Code::kDiskFull, "no room");
  const Status status = stage->Reserve(nullptr, nullptr, 0);
  EXPECT_EQ(status.code(), Code::kDiskFull);
  EXPECT_EQ(status.message(), "no room");
  staging.Accept();
  EXPECT_TRUE(stage->Reserve(nullptr, nullptr, 0).ok());
  stage->Release();
  staging.Refuse(Code::kClosed, "closed");
  staging.Accept();
  EXPECT_EQ(stage->Reserve(nullptr, nullptr, 0).code(), Code::kClosed) << "for good";
}

}  // namespace
}  // namespace shardmap
