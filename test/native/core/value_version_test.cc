// Danger: a shard's value version stands still while a value is replaced or removed, so that who keeps values by it
// shows an old one. Or it moves for nothing, so that nothing is ever kept.
//
// The contract, which core/store.h states: as long as a shard has the even version that GetVersioned gave with a value,
// the value is current.
#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <string>
#include <thread>
#include <vector>

#include "core/store.h"
#include "fixtures.h"
#include "meeting.h"
#include "random_input.h"

namespace shardmap {
namespace {

// As a cache of values finds it.
uint64_t VersionOf(const Store& store, size_t shard) {
  const ValueVersions versions = store.value_versions();
  const auto* first = reinterpret_cast<const uint8_t*>(versions.first);
  return reinterpret_cast<const std::atomic<uint64_t>*>(first + shard * versions.stride_bytes)->load();
}

bool IsEven(uint64_t version) { return version % 2 == 0; }

class ValueVersionTest : public testing::Test {
 protected:
  static constexpr size_t kShards = 4;

  std::vector<uint64_t> Versions() const {
    std::vector<uint64_t> versions;
    for (size_t shard = 0; shard < kShards; ++shard) versions.push_back(VersionOf(store_, shard));
    return versions;
  }
  size_t ShardOf(const OwnedKey& key) const {
    const ReadGuard guard(*session_);
    ReadValue value;
    ValueVersion version{};
    EXPECT_TRUE(store_.GetVersioned(guard, key.key(), &value, &version));
    EXPECT_EQ(version.version, VersionOf(store_, version.shard));
    return version.shard;
  }
  void Set(const OwnedKey& key, std::string_view bytes) {
    ASSERT_TRUE(store_.Set(*session_, key.key(), BorrowedValue(ValueKind::kOneByteString, bytes)).ok());
  }

  // What `change` does is told by the version of this shard and by no other's.
  template <typename Change>
  void ExpectNewVersionOf(size_t shard, Change change) {
    const std::vector<uint64_t> before = Versions();
    change();
    const std::vector<uint64_t> after = Versions();
    for (size_t i = 0; i < kShards; ++i) {
      EXPECT_TRUE(IsEven(after[i])) << "nobody is changing anything now";
      EXPECT_EQ(after[i] > before[i], i == shard) << "shard " << i << " of a change in shard " << shard;
    }
  }
  template <typename Use>
  void ExpectNoNewVersion(Use use) {
    const std::vector<uint64_t> before = Versions();
    use();
    EXPECT_EQ(Versions(), before);
  }

  Store store_{OptionsFor(kShards)};
  OpenedSession session_{store_};
};

TEST_F(ValueVersionTest, EveryOverwriteChangesItsShardsAlone) {
  for (uint64_t number = 0; number < 20; ++number) {
    const OwnedKey key = NumberedKey("key ", number);
    Set(key, "first");
    const size_t shard = ShardOf(key);
    // In place, into a block, from block to block, back in place; and by what is there already.
    for (const size_t size : {8, 3, 64, 65, 1000, 1000, 5, 5, 0, 0}) {
      ExpectNewVersionOf(shard, [&] { Set(key, std::string(size, 'v')); });
      EXPECT_EQ(ShardOf(key), shard);
    }
  }
}

TEST_F(ValueVersionTest, EveryDeletionChangesItsShardsAlone) {
  for (uint64_t number = 0; number < 200; ++number) Set(NumberedKey("key ", number), "value");
  for (uint64_t number = 0; number < 200; ++number) {
    const OwnedKey key = NumberedKey("key ", number);
    const size_t shard = ShardOf(key);
    ExpectNewVersionOf(shard, [&] { ASSERT_TRUE(store_.Delete(*session_, key.key()).value()); });
  }
}

TEST_F(ValueVersionTest, ClearingChangesAllThatHadValues) {
  for (uint64_t number = 0; number < 200; ++number) Set(NumberedKey("key ", number), "value");
  const std::vector<uint64_t> before = Versions();
  ASSERT_TRUE(store_.Clear(*session_).ok());
  for (size_t shard = 0; shard < kShards; ++shard) {
    EXPECT_GT(Versions()[shard], before[shard]);
    EXPECT_TRUE(IsEven(Versions()[shard]));
  }
}

TEST_F(ValueVersionTest, WhatReplacesNoValueLeavesItAlone) {
  const OwnedKey key("key");
  Set(key, "value");
  ExpectNoNewVersion([&] {
    for (uint64_t number = 0; number < Scaled(20000); ++number) Set(NumberedKey("other ", number), "value");
  });
  ExpectNoNewVersion([&] {
    const ReadGuard guard(*session_);
    ReadValue value;
    std::vector<ScannedEntry> page;
    EXPECT_TRUE(store_.Get(guard, key.key(), &value));
    EXPECT_TRUE(store_.Has(guard, key.key()));
    EXPECT_FALSE(store_.Insert(guard, *session_, key.key(), Value(ValueKind::kNull), &value).value());
    EXPECT_FALSE(store_.Delete(*session_, OwnedKey("no such key").key()).value());
    store_.Scan(guard, 0, 100, &page);
    EXPECT_EQ(page.size(), 100u);
  });
}

// JavaScript loads them as doubles, and compares those.
TEST_F(ValueVersionTest, VersionsAreDifferentNumbersAsDoublesToo) {
  const OwnedKey key("key");
  Set(key, "value");
  const size_t shard = ShardOf(key);
  double last = std::bit_cast<double>(VersionOf(store_, shard));
  EXPECT_EQ(last, 1.0);
  for (int i = 0; i < 1000; ++i) {
    Set(key, "value");
    const double next = std::bit_cast<double>(VersionOf(store_, shard));
    ASSERT_GT(next, last);
    last = next;
  }
}

// --- Threads ---------------------------------------------------------------------------------------------------------

// One thread changes a key in pairs of steps, of which the first may remove it; others keep its values by version, as a
// near cache does.
class ValueVersionThreadTest : public testing::TestWithParam<size_t> {
 protected:
  enum class Removal : uint8_t { kNone, kDelete, kClear };

  void ChangeOn(Removal removal, size_t pairs);
  void KeepOn();
  void Run(Removal removal, size_t pairs);

  // What a step left behind: its number, or that there is no value.
  static constexpr uint64_t kNoValue = UINT64_MAX;

  struct Kept {
    uint64_t step = kNoValue;
    size_t shard = 0;
    uint64_t version = 1;
  };
  Kept ReadToKeep(Session& session) const;
  bool IsBelieved(const Kept& kept) const {
    return IsEven(kept.version) && VersionOf(store_, kept.shard) == kept.version;
  }
  uint64_t Read(Session& session) const;

  const OwnedKey key_{"the key"};
  Store store_{OptionsFor(1)};
  std::atomic<uint64_t> steps_done_{0};
  std::atomic<bool> done_{false};
  std::atomic<size_t> believed_{0};
  std::atomic<size_t> outdated_{0};
};

void ValueVersionThreadTest::ChangeOn(Removal removal, size_t pairs) {
  KeepToProcessor(0);
  const OpenedSession session(store_);
  for (uint64_t step = 1; step <= 2 * pairs; ++step) {
    if (removal == Removal::kNone || step % 2 == 0) {
      const CheckedValue value(step, GetParam());
      EXPECT_TRUE(store_.Set(*session, key_.key(), value.value()).ok());
    } else if (removal == Removal::kDelete) {
      EXPECT_TRUE(store_.Delete(*session, key_.key()).ok());
    } else {
      EXPECT_TRUE(store_.Clear(*session).ok());
    }
    steps_done_.store(step, std::memory_order_release);
    for (size_t pause = 0; pause < step % 128; ++pause) std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  done_ = true;
}

ValueVersionThreadTest::Kept ValueVersionThreadTest::ReadToKeep(Session& session) const {
  const ReadGuard guard(session);
  Kept kept;
  ReadValue value;
  ValueVersion version{};
  if (!store_.GetVersioned(guard, key_.key(), &value, &version)) return Kept();
  kept.shard = version.shard;
  kept.version = version.version;
  kept.step = CheckedValue::ReadTag(value).value_or(kNoValue);
  return kept;
}

uint64_t ValueVersionThreadTest::Read(Session& session) const {
  const ReadGuard guard(session);
  ReadValue value;
  return store_.Get(guard, key_.key(), &value) ? CheckedValue::ReadTag(value).value_or(kNoValue) : kNoValue;
}

void ValueVersionThreadTest::KeepOn() {
  const OpenedSession session(store_);
  Kept kept;
  size_t believed = 0;
  size_t outdated = 0;
  for (bool goes_on = true; goes_on;) {
    goes_on = !done_.load(std::memory_order_acquire);  // the last time nobody disturbs
    const uint64_t steps_done = steps_done_.load(std::memory_order_acquire);
    if (!IsBelieved(kept)) kept = ReadToKeep(*session);
    if (!IsBelieved(kept)) continue;
    ++believed;
    outdated += kept.step < steps_done;  // a later step has returned
    const uint64_t now = Read(*session);
    outdated += now != kept.step && IsBelieved(kept);  // or was seen to take effect
  }
  believed_ += believed;
  outdated_ += outdated;
}

void ValueVersionThreadTest::Run(Removal removal, size_t pairs) {
  std::thread writer([&] { ChangeOn(removal, pairs); });
  std::thread readers[] = {std::thread([&] {
                             KeepToProcessor(1);
                             KeepOn();
                           }),
                           std::thread([&] { KeepOn(); })};
  writer.join();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(outdated_, 0u);
  EXPECT_GT(believed_, 0u);
}

TEST_P(ValueVersionThreadTest, AValueIsCurrentUntilItIsOverwritten) { Run(Removal::kNone, Scaled(200000)); }
TEST_P(ValueVersionThreadTest, AValueIsCurrentUntilItIsDeleted) { Run(Removal::kDelete, Scaled(100000)); }
TEST_P(ValueVersionThreadTest, AValueIsCurrentUntilAllAreCleared) { Run(Removal::kClear, Scaled(50000)); }

INSTANTIATE_TEST_SUITE_P(ValueBytes, ValueVersionThreadTest, testing::Values(8, kInlineValueBytesMax, 200));

}  // namespace
}  // namespace shardmap
