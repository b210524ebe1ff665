// Danger: what a thread was asked for is never told, or told twice; a store goes while its shards are being split.
#include "engine/resharder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "core/store.h"
#include "engine/registry.h"
#include "fixtures.h"

namespace shardmap {
namespace {

class ResharderTest : public testing::Test {
 protected:
  static constexpr uint64_t kEntries = 20'000;

  ResharderTest() {
    const OpenedSession session(store_);
    for (uint64_t number = 0; number < kEntries; ++number) {
      const OwnedKey key = NumberedKey("", number);
      (void)store_.Set(*session, key.key(), Value(ValueKind::kNumber, &number, sizeof number)).ok();
    }
  }
  void Ask(size_t shards) {
    resharder_->Ask(shards, [this](const Status& status) {
      codes_.push_back(status.code());  // one after the other, in its thread
      ++told_;
    });
  }
  void AwaitTold(size_t count) {
    while (told_ < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  Store store_{OptionsFor(1)};
  std::vector<Code> codes_;
  std::atomic<size_t> told_{0};
  std::unique_ptr<Resharder> resharder_ = std::make_unique<Resharder>(store_);
};

TEST_F(ResharderTest, DoesOneAfterTheOtherAndTellsOfEach) {
  for (size_t shards : {4, 64, 64, 16, 128}) Ask(shards);
  AwaitTold(5);
  EXPECT_EQ(codes_, std::vector<Code>({Code::kOk, Code::kOk, Code::kOk, Code::kOutOfRange, Code::kOk}));
  EXPECT_EQ(store_.shards(), 128u);
  Ask(256);  // by another thread: the first has ended
  AwaitTold(6);
  EXPECT_EQ(store_.shards(), 256u);
  EXPECT_EQ(store_.Size(), kEntries);
}

TEST_F(ResharderTest, TellsOfWhatItHasNotDoneWhenItIsClosed) {
  for (size_t shards = 2; shards <= Store::kShardsMax; shards *= 2) Ask(shards);
  resharder_.reset();
  EXPECT_EQ(told_, 16u);
  EXPECT_EQ(codes_.back(), Code::kClosed);
  EXPECT_LT(store_.shards(), Store::kShardsMax);
  EXPECT_EQ(store_.Stats().entries, kEntries);
}

TEST_F(ResharderTest, AsksForNothingMoreWhileItIsBusy) {
  Ask(1024);
  for (int i = 0; i < 1000; ++i) resharder_->Grow(store_, 4096);
  AwaitTold(1);
  resharder_.reset();
  EXPECT_GE(store_.shards(), 1024u);
}

TEST(ReshardedStoreTest, AutomaticOnesGrowAndOthersDoNot) {
  Registry& registry = Registry::OfProcess();
  auto automatic = registry.Create(u"automatic", {.grows = true}).value();
  EXPECT_EQ(automatic->store.shards(), Store::kGrowingShardsMin);
  automatic->resharder.Grow(automatic->store, 64);
  while (automatic->store.shards() != 64) std::this_thread::yield();
  EXPECT_EQ(registry.Create(u"automatic", {.grows = true}).value(), automatic);
  EXPECT_EQ(registry.Create(u"automatic", {.shards = 64}).status().code(), Code::kOptionsConflict);
  auto fixed = registry.Create(u"fixed shards", {.shards = 4}).value();
  EXPECT_EQ(registry.Create(u"fixed shards", {.grows = true}).status().code(), Code::kOptionsConflict);
}

}  // namespace
}  // namespace shardmap
