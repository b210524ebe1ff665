// Danger: what goes wrong only when threads meet: a reader sees half a value, a value of another key, an older value
// again, or misses an entry that is there all the time; a size drifts; memory is freed under a reader.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/resharding_thread.h"
#include "core/store.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

constexpr size_t kThreads = 4;

// A key's number goes into the tags of its values; every 16th key is too long to be inline.
OwnedKey StressKey(uint64_t number) {
  return number % 16 == 7 ? NumberedKey(std::string(300, 'k'), number) : NumberedKey("key ", number);
}

uint64_t TagFor(uint64_t key_number, uint64_t count) { return key_number << 40 | count; }
uint64_t KeyNumberOf(uint64_t tag) { return tag >> 40; }
uint64_t CountOf(uint64_t tag) { return tag & ((uint64_t{1} << 40) - 1); }

CheckedValue StressValue(uint64_t tag) {
  const uint64_t draw = Mix(tag);
  return CheckedValue(tag, draw % 50 == 0 ? 1000 : 8 + draw % 80);
}

void RunThreads(size_t count, const std::function<void(size_t)>& body) {
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < count; ++thread) threads.emplace_back(body, thread);
  for (std::thread& thread : threads) thread.join();
}

// Calls `visit(scanned entry, value)` for every entry, in pages of random size.
template <typename Visit>
void ScanAll(const Store& store, Session& session, Random& random, Visit visit) {
  std::vector<ScannedEntry> page;
  uint64_t after = 0;
  do {
    const ReadGuard guard(session);
    store.Scan(guard, after, 1 + random.Below(300), &page);
    for (const ScannedEntry& scanned : page) {
      EXPECT_GE(scanned.sequence, after);
      after = scanned.sequence;
      ReadValue value;
      if (store.ReadScanned(guard, scanned, &value)) visit(scanned, value);
    }
  } while (!page.empty());
}

// --- Everything at once ----------------------------------------------------------------------------------------------

class StoreStressTest : public testing::TestWithParam<size_t> {
 protected:
  static constexpr uint64_t kHotKeys = 4;
  static constexpr uint64_t kKeys = 20000;

  void UseAtRandom(size_t thread, size_t operations);
  void UseByAll();
  void Operate(Session& session, Random& random, uint64_t count);
  void OperateOnMany(Session& session, Random& random, uint64_t count);
  void Look(Session& session, const OwnedKey& key, uint64_t number);
  void ExpectWhole(const ReadValue& value, uint64_t key_number) {
    const std::optional<uint64_t> tag = CheckedValue::ReadTag(value);
    if (!tag.has_value()) {
      ADD_FAILURE() << "a mixed value of " << value.size() << " bytes";
    } else {
      EXPECT_EQ(KeyNumberOf(*tag), key_number) << "a value of another key";
    }
  }

  Store store_{OptionsFor(GetParam())};
};

void StoreStressTest::Look(Session& session, const OwnedKey& key, uint64_t number) {
  const ReadGuard guard(session);
  ReadValue value;
  if (store_.Get(guard, key.key(), &value)) ExpectWhole(value, number);
  (void)store_.Has(guard, key.key());
}

// A batch of keys that are neighbours in number.
void StoreStressTest::OperateOnMany(Session& session, Random& random, uint64_t count) {
  const uint64_t first = random.OneIn(3) ? 0 : random.Below(kKeys);
  const size_t size = random.Below(80);
  std::vector<OwnedKey> keys;
  std::vector<CheckedValue> bytes;
  for (size_t i = 0; i < size; ++i) {
    keys.push_back(StressKey(first + i));
    bytes.push_back(StressValue(TagFor(first + i, count)));
  }
  std::vector<Key> key_views;
  std::vector<BatchEntry> entries;
  for (size_t i = 0; i < size; ++i) {
    key_views.push_back(keys[i].key());
    entries.push_back({keys[i].key(), bytes[i].value()});
  }
  size_t affected = 0;
  const size_t draw = random.Below(3);
  if (draw == 0) {
    EXPECT_TRUE(store_.SetMany(session, entries, &affected).ok());
  } else if (draw == 1) {
    EXPECT_TRUE(store_.DeleteMany(session, key_views, &affected).ok());
  } else {
    const ReadGuard guard(session);
    std::vector<ReadValue> values(size);
    const auto found = std::make_unique<bool[]>(size);
    store_.GetMany(guard, key_views, values.data(), found.get());
    for (size_t i = 0; i < size; ++i) {
      if (found[i]) ExpectWhole(values[i], first + i);
    }
  }
}

void StoreStressTest::Operate(Session& session, Random& random, uint64_t count) {
  const uint64_t number = random.OneIn(3) ? random.Below(kHotKeys) : random.Below(kKeys);
  const OwnedKey key = StressKey(number);
  const CheckedValue value = StressValue(TagFor(number, count));
  const size_t draw = random.Below(100);
  if (draw < 30) {
    EXPECT_TRUE(store_.Set(session, key.key(), value.value()).ok());
  } else if (draw < 45) {
    const ReadGuard guard(session);
    ReadValue existing;
    if (!store_.Insert(guard, session, key.key(), value.value(), &existing).value()) ExpectWhole(existing, number);
  } else if (draw < 60) {
    EXPECT_TRUE(store_.Delete(session, key.key()).ok());
  } else if (draw < 62) {
    OperateOnMany(session, random, count);
  } else {
    Look(session, key, number);
  }
  if (random.OneIn(20000)) {
    EXPECT_TRUE(store_.Clear(session).ok());
  }
  if (!random.OneIn(10000)) return;
  ScanAll(store_, session, random, [&](const ScannedEntry& scanned, const ReadValue& scanned_value) {
    const std::optional<uint64_t> tag = CheckedValue::ReadTag(scanned_value);
    EXPECT_TRUE(tag.has_value());
    EXPECT_TRUE(scanned.entry->Matches(StressKey(KeyNumberOf(tag.value_or(0))).key()));
  });
}

void StoreStressTest::UseAtRandom(size_t thread, size_t operations) {
  Random random(thread);
  for (size_t done = 0; done < operations && !HasFailure();) {
    const OpenedSession session(store_);  // opened anew now and then, as threads come and go
    const size_t share = random.Below(5000);
    for (size_t i = 0; i < share && done < operations; ++i) Operate(*session, random, thread << 32 | done++);
  }
}

void StoreStressTest::UseByAll() {
  std::atomic<bool> done{false};
  std::thread short_lived([&] {
    for (size_t i = 0; !done; ++i) std::thread([&] { UseAtRandom(100 + i % 100, 500); }).join();
  });
  RunThreads(kThreads, [&](size_t thread) { UseAtRandom(thread, Scaled(400000)); });
  done = true;
  short_lived.join();

  const OpenedSession session(store_);
  Random random;
  std::vector<OwnedKey> keys;
  ScanAll(store_, *session, random, [&](const ScannedEntry& scanned, const ReadValue& value) {
    keys.push_back(OwnedKey::Of(scanned.entry->key()));
    EXPECT_TRUE(CheckedValue::ReadTag(value).has_value());
  });
  EXPECT_EQ(store_.Size(), keys.size());
  EXPECT_EQ(store_.Stats().entries, keys.size());
  for (const OwnedKey& key : keys) EXPECT_TRUE(store_.Delete(*session, key.key()).value()) << key.bytes;
  EXPECT_EQ(store_.Size(), 0u);
  EXPECT_EQ(store_.Stats().entry_bytes, 0u);
  EXPECT_EQ(store_.Stats().block_bytes, 0u);
}

TEST_P(StoreStressTest, ValuesAreWholeAndSizesExact) { UseByAll(); }

TEST_P(StoreStressTest, AlsoWhileShardsAreAdded) {
  const ReshardingThread resharding(store_, 1024);
  UseByAll();
}

INSTANTIATE_TEST_SUITE_P(Shards, StoreStressTest, testing::Values(1, 64));

// --- Entries that stay, among others that come and go ----------------------------------------------------------------

// Two threads add and delete in waves, so that tables grow and shrink and chunks are rewritten, and count up the values
// of entries that stay. Two read: none of those is ever missed, torn, met twice, or seen going backwards.
class StoreStayersTest : public testing::TestWithParam<size_t> {
 protected:
  static constexpr uint64_t kStayers = 300;
  static constexpr size_t kWriters = 2;
  static constexpr uint64_t kFirstOther = 1000;

  void InsertStayersAmongOthers();
  void UseByAll();
  void WriteOn(size_t thread);
  void ReadOn(size_t thread);
  void ReadStayers(Session& session, std::vector<uint64_t>* seen);
  void ScanStayers(Session& session, Random& random, std::vector<uint64_t>* seen);
  uint64_t CheckedCount(const ReadValue& value, uint64_t number, uint64_t at_least) {
    const std::optional<uint64_t> tag = CheckedValue::ReadTag(value);
    EXPECT_TRUE(tag.has_value()) << "a mixed value";
    EXPECT_EQ(KeyNumberOf(tag.value_or(0)), number) << "a value of another key";
    EXPECT_GE(CountOf(tag.value_or(0)), at_least) << "key " << number << " went backwards";
    return CountOf(tag.value_or(0));
  }

  Store store_{OptionsFor(GetParam())};
  std::atomic<size_t> writers_left_{kWriters};
  std::atomic<size_t> scans_{0};
};

void StoreStayersTest::InsertStayersAmongOthers() {
  const OpenedSession session(store_);
  for (uint64_t number = 0; number < kStayers; ++number) {
    const CheckedValue value = StressValue(TagFor(number, 0));
    ASSERT_TRUE(store_.Set(*session, StressKey(number).key(), value.value()).ok());
    for (uint64_t i = 0; i < 10; ++i) {
      const OwnedKey other = StressKey(kFirstOther + number * 10 + i);
      ASSERT_TRUE(store_.Set(*session, other.key(), StressValue(TagFor(kFirstOther, i)).value()).ok());
    }
  }
}

void StoreStayersTest::WriteOn(size_t thread) {
  const OpenedSession session(store_);
  Random random(thread);
  uint64_t count = 0;
  const size_t waves = Scaled(60);
  for (size_t wave = 0; wave < waves && !HasFailure(); ++wave) {
    const uint64_t size = 500 + random.Below(8000);
    for (const bool adds : {true, false}) {
      for (uint64_t i = 0; i < size; ++i) {
        const OwnedKey other = StressKey(kFirstOther + i * kWriters + thread);
        if (adds) {
          EXPECT_TRUE(store_.Set(*session, other.key(), StressValue(TagFor(kFirstOther, i)).value()).ok());
        } else {
          EXPECT_TRUE(store_.Delete(*session, other.key()).value());
        }
        if (i % 4 != 0) continue;
        const uint64_t stayer = random.Below(kStayers / kWriters) * kWriters + thread;
        const CheckedValue value = StressValue(TagFor(stayer, ++count));
        EXPECT_TRUE(store_.Set(*session, StressKey(stayer).key(), value.value()).ok());
      }
    }
  }
  --writers_left_;
}

void StoreStayersTest::ReadStayers(Session& session, std::vector<uint64_t>* seen) {
  for (uint64_t number = 0; number < kStayers; ++number) {
    const OwnedKey key = StressKey(number);
    const ReadGuard guard(session);
    ReadValue value;
    EXPECT_TRUE(store_.Has(guard, key.key())) << "key " << number << " was missed";
    if (store_.Get(guard, key.key(), &value)) {
      (*seen)[number] = CheckedCount(value, number, (*seen)[number]);
    } else {
      ADD_FAILURE() << "key " << number << " was missed";
    }
  }
}

void StoreStayersTest::ScanStayers(Session& session, Random& random, std::vector<uint64_t>* seen) {
  std::vector<int> met(kStayers);
  uint64_t last_stayer = 0;
  ScanAll(store_, session, random, [&](const ScannedEntry& scanned, const ReadValue& value) {
    const uint64_t number = KeyNumberOf(CheckedValue::ReadTag(value).value_or(0));
    if (number == kFirstOther) return;
    ASSERT_LT(number, kStayers);
    EXPECT_TRUE(scanned.entry->Matches(StressKey(number).key()));
    EXPECT_GE(number, last_stayer) << "not in insertion order";
    last_stayer = number;
    ++met[number];
    (*seen)[number] = CheckedCount(value, number, (*seen)[number]);
  });
  for (uint64_t number = 0; number < kStayers; ++number) EXPECT_EQ(met[number], 1) << "key " << number;
  ++scans_;
}

void StoreStayersTest::ReadOn(size_t thread) {
  const OpenedSession session(store_);
  Random random(thread);
  std::vector<uint64_t> seen(kStayers);
  while (writers_left_ != 0 && !HasFailure()) {
    for (int i = 0; i < 20; ++i) ReadStayers(*session, &seen);
    ScanStayers(*session, random, &seen);
  }
}

void StoreStayersTest::UseByAll() {
  InsertStayersAmongOthers();
  {
    const OpenedSession session(store_);
    for (uint64_t i = 0; i < kStayers * 10; ++i) {
      EXPECT_TRUE(store_.Delete(*session, StressKey(kFirstOther + i).key()).value());
    }
  }
  RunThreads(kThreads, [&](size_t thread) { thread < kWriters ? WriteOn(thread) : ReadOn(thread); });
  EXPECT_EQ(store_.Size(), kStayers);
  EXPECT_GT(scans_, 0u);
}

TEST_P(StoreStayersTest, AreAlwaysFoundOnceInOrderAndNeverGoBackwards) { UseByAll(); }

TEST_P(StoreStayersTest, AlsoWhileShardsAreAdded) {
  const ReshardingThread resharding(store_, 1024);
  UseByAll();
}

INSTANTIATE_TEST_SUITE_P(Shards, StoreStayersTest, testing::Values(1, 2, 64));

// --- One step at a time ----------------------------------------------------------------------------------------------

TEST(StoreAtomicityTest, OfInsertionsAndDeletionsEachHappensOnce) {
  constexpr uint64_t kKeys = 6;
  Store store(OptionsFor(4));
  std::atomic<int64_t> balance[kKeys] = {};
  RunThreads(kThreads, [&](size_t thread) {
    const OpenedSession session(store);
    Random random(thread);
    for (size_t i = 0; i < Scaled(200000); ++i) {
      const uint64_t number = random.Below(kKeys);
      const OwnedKey key = StressKey(number);
      if (random.OneIn(2)) {
        const CheckedValue value = StressValue(TagFor(number, thread << 32 | i));
        const ReadGuard guard(*session);
        ReadValue existing;
        balance[number] += store.Insert(guard, *session, key.key(), value.value(), &existing).value() ? 1 : 0;
      } else {
        balance[number] -= store.Delete(*session, key.key()).value() ? 1 : 0;
      }
    }
  });
  const OpenedSession session(store);
  int64_t total = 0;
  for (uint64_t number = 0; number < kKeys; ++number) {
    EXPECT_EQ(balance[number], store.Has(ReadGuard(*session), StressKey(number).key()) ? 1 : 0) << "key " << number;
    total += balance[number];
  }
  EXPECT_EQ(store.Size(), static_cast<uint64_t>(total));
}

// One thread fills the store alone, then all insert in turns: each insertion begins after the one before returned.
TEST(StoreOrderTest, InsertionsThatFollowOneAnotherInAnyThreadsAreScannedInThatOrder) {
  Store store(OptionsFor(64));
  const uint64_t alone = Scaled(100000);
  const uint64_t count = alone + Scaled(20000);
  std::atomic<uint64_t> next{0};
  RunThreads(kThreads, [&](size_t thread) {
    const OpenedSession session(store);
    for (uint64_t number = 0; number < count;) {
      number = next.load(std::memory_order_acquire);
      if ((number < alone ? 0 : number % kThreads) != thread) {
        std::this_thread::yield();
        continue;
      }
      if (number >= count) break;
      EXPECT_TRUE(store.Set(*session, StressKey(number).key(), Value(ValueKind::kNumber, &number, 8)).ok());
      next.store(number + 1, std::memory_order_release);
    }
  });
  const OpenedSession session(store);
  Random random;
  uint64_t expected = 0;
  size_t out_of_order = 0;
  ScanAll(store, *session, random,
          [&](const ScannedEntry&, const ReadValue& value) { out_of_order += value.first_word() != expected++; });
  EXPECT_EQ(expected, count);
  EXPECT_EQ(out_of_order, 0u);
}

}  // namespace
}  // namespace shardmap
