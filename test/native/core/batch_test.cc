// Danger: a batch does something else than its operations one after the other: in another order, twice, not at all, or
// for another key whose tag is the same; or it keeps a shard from everybody else for as long as it takes.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/store.h"
#include "core/store_fixtures.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

// The arguments of a batch, with the bytes that they borrow.
class OwnedBatch {
 public:
  void Add(const OwnedKey& key, ValueKind kind, std::string_view bytes) {
    keys_.push_back(std::make_unique<OwnedKey>(key));
    bytes_.push_back(std::make_unique<std::string>(bytes));
    kinds_.push_back(kind);
  }
  void Add(const OwnedKey& key) { Add(key, ValueKind::kUndefined, {}); }

  size_t size() const { return keys_.size(); }
  const OwnedKey& key(size_t i) const { return *keys_[i]; }
  ValueKind kind(size_t i) const { return kinds_[i]; }
  const std::string& bytes(size_t i) const { return *bytes_[i]; }

  std::vector<Key> Keys() const {
    std::vector<Key> keys;
    for (const auto& key : keys_) keys.push_back(key->key());
    return keys;
  }
  // Every third value in a block of its own.
  std::vector<BatchEntry> Entries() const {
    std::vector<BatchEntry> entries;
    for (size_t i = 0; i < size(); ++i) {
      entries.push_back(
          {key(i).key(), i % 3 == 0 ? Value(kind(i), BlockOf(bytes(i))) : BorrowedValue(kind(i), bytes(i))});
    }
    return entries;
  }

 private:
  std::vector<std::unique_ptr<OwnedKey>> keys_;
  std::vector<std::unique_ptr<std::string>> bytes_;
  std::vector<ValueKind> kinds_;
};

struct ReadBatch {
  std::vector<ReadValue> values;
  std::unique_ptr<bool[]> found;
  size_t count;
};

ReadBatch GetMany(const Store& store, const ReadGuard& guard, const std::vector<Key>& keys) {
  ReadBatch read{std::vector<ReadValue>(keys.size()), std::make_unique<bool[]>(keys.size()), 0};
  read.count = store.GetMany(guard, keys, read.values.data(), read.found.get());
  return read;
}

Status SetMany(Store& store, Session& session, const OwnedBatch& batch, size_t* failed) {
  std::vector<BatchEntry> entries = batch.Entries();
  return store.SetMany(session, entries, failed);
}

class BatchTest : public OpenStoreTest {
 protected:
  void Set(const OwnedBatch& batch) {
    size_t failed = SIZE_MAX;
    ASSERT_TRUE(SetMany(store_, *session_, batch, &failed).ok());
    ASSERT_EQ(failed, batch.size());
  }
  size_t Delete(const OwnedBatch& batch) {
    size_t deleted = SIZE_MAX;
    EXPECT_TRUE(store_.DeleteMany(*session_, batch.Keys(), &deleted).ok());
    return deleted;
  }
};

TEST_F(BatchTest, OfTwoEntriesWithOneKeyTheLaterWinsInThePlaceOfTheEarlier) {
  OwnedBatch batch;
  for (const char* text : {"a", "b", "a", "c", "b", "a"}) {
    batch.Add(OwnedKey(text), ValueKind::kOneByteString, std::to_string(batch.size()));
  }
  ASSERT_NO_FATAL_FAILURE(Set(batch));
  EXPECT_EQ(Keys(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(Get(OwnedKey("a")), "5");
  EXPECT_EQ(Get(OwnedKey("b")), "4");
  EXPECT_EQ(Get(OwnedKey("c")), "3");
}

TEST_F(BatchTest, CountsAKeyThatIsDeletedTwiceOnce) {
  OwnedBatch batch;
  for (const char* text : {"a", "b", "a", "absent", "b"}) batch.Add(OwnedKey(text), ValueKind::kTrue, "");
  OwnedBatch present;
  for (const char* text : {"a", "b", "c"}) present.Add(OwnedKey(text), ValueKind::kTrue, "");
  ASSERT_NO_FATAL_FAILURE(Set(present));
  EXPECT_EQ(Delete(batch), 2u);
  EXPECT_EQ(Delete(batch), 0u);
  EXPECT_EQ(Keys(), std::vector<std::string>{"c"});
  EXPECT_EQ(store_.Size(), 1u);
}

TEST_F(BatchTest, OfAnySizeIsThereInItsOrder) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{31}, size_t{32}, size_t{33}, size_t{100}, Scaled(100000)}) {
    OwnedBatch batch;
    std::vector<std::string> expected;
    for (size_t i = 0; i < size; ++i) {
      const OwnedKey key = NumberedKey(i % 64 == 5 ? std::string(300, 'k') : "key ", i);
      expected.push_back(key.bytes);
      batch.Add(key, ValueKind::kClone, i % 64 == 9 ? std::string(500, 'v') : std::to_string(i));
    }
    ASSERT_NO_FATAL_FAILURE(Set(batch));
    ASSERT_TRUE(Keys() == expected) << size;
    {
      const ReadGuard guard(*session_);
      const std::vector<Key> keys = batch.Keys();
      const ReadBatch read = GetMany(store_, guard, keys);
      EXPECT_EQ(read.count, size);
      for (size_t i = 0; i < size; ++i) ASSERT_EQ(BytesOf(read.values[i]), batch.bytes(i)) << i;
    }
    EXPECT_EQ(Delete(batch), size);
    EXPECT_EQ(store_.Size(), 0u);
  }
}

TEST_F(BatchTest, DeletesWhatIsInAnyPartOfALargeBatch) {
  constexpr size_t kSortedAtATime = size_t{1} << 18;
  std::vector<uint64_t> numbers(kSortedAtATime + 1000);
  std::iota(numbers.begin(), numbers.end(), uint64_t{0});
  std::vector<Key> keys;
  for (const uint64_t& number : numbers) {
    keys.push_back({KeyKind::kNumber, reinterpret_cast<const uint8_t*>(&number), sizeof number});
  }
  for (const size_t present : {size_t{0}, kSortedAtATime - 1, kSortedAtATime, numbers.size() - 1}) {
    ASSERT_TRUE(store_.Set(*session_, keys[present], Value(ValueKind::kTrue)).ok());
  }
  size_t deleted = 0;
  EXPECT_TRUE(store_.DeleteMany(*session_, keys, &deleted).ok());
  EXPECT_EQ(deleted, 4u);
  EXPECT_EQ(store_.Size(), 0u);
}

TEST_F(BatchTest, WithAKeyOrAValueThatIsTooLongChangesNothingAndTellsWhich) {
  for (const bool is_key : {true, false}) {
    const std::string too_long(is_key ? kKeyBytesMax + 1 : 1, 'k');
    std::vector<BatchEntry> entries;
    for (size_t i = 0; i < 100; ++i) {
      entries.push_back({Key{KeyKind::kNull, nullptr, 0}, Value(ValueKind::kTrue)});
    }
    entries[70].key = {KeyKind::kOneByteString, reinterpret_cast<const uint8_t*>(too_long.data()), too_long.size()};
    // The size alone is looked at: nobody needs to have a gigabyte.
    if (!is_key) entries[70].value = Value(ValueKind::kClone, "", kValueBytesMax + 1);
    size_t failed = 0;
    const Status status = store_.SetMany(*session_, entries, &failed);
    EXPECT_EQ(status.code(), is_key ? Code::kKeyTooLong : Code::kValueTooLong);
    const size_t bytes = is_key ? kKeyBytesMax + 1 : kValueBytesMax + 1;
    EXPECT_NE(status.message().find(std::to_string(bytes)), std::string::npos) << status.message();
    EXPECT_EQ(failed, 70u);
    EXPECT_EQ(store_.Size(), 0u);
  }
}

TEST_F(BatchTest, FindsNoOtherKeyOfTheSameTag) {
  // Among so many keys, thousands meet another one's tag in their line.
  OwnedBatch batch;
  OwnedBatch absent;
  const uint64_t count = Scaled(300000);
  for (uint64_t i = 0; i < count; ++i) {
    batch.Add(NumberedKey("key ", i), ValueKind::kNumber, std::string_view(reinterpret_cast<const char*>(&i), 8));
    absent.Add(NumberedKey("absent ", i));
  }
  ASSERT_NO_FATAL_FAILURE(Set(batch));
  const ReadGuard guard(*session_);
  const ReadBatch read = GetMany(store_, guard, batch.Keys());
  EXPECT_EQ(read.count, batch.size());
  for (uint64_t i = 0; i < batch.size(); ++i) ASSERT_EQ(read.values[i].first_word(), i);
  EXPECT_EQ(GetMany(store_, guard, absent.Keys()).count, 0u);
  const auto found = std::make_unique<bool[]>(batch.size());
  EXPECT_EQ(store_.HasMany(guard, batch.Keys(), found.get()), batch.size());
  EXPECT_EQ(store_.HasMany(guard, absent.Keys(), found.get()), 0u);
}

// --- Random batches against the model --------------------------------------------------------------------------------

class BatchModelTest : public ModelledStoreTest {
 protected:
  void Step() override;
  OwnedBatch AnyBatch();
  void SetBatch(const OwnedBatch& batch);
  void DeleteBatch(const OwnedBatch& batch);
  void ReadKeys(const OwnedBatch& batch);
};

OwnedBatch BatchModelTest::AnyBatch() {
  OwnedBatch batch;
  const size_t draw = use_.random().Below(20);
  const size_t size = draw == 0 ? use_.random().Below(2000) : use_.random().Below(draw < 10 ? 5 : 120);
  // Now and then of few keys, most of which come several times.
  std::vector<OwnedKey> few;
  while (few.size() < 10) few.push_back(use_.AnyKey());
  const bool is_of_few = use_.random().OneIn(4);
  for (size_t i = 0; i < size; ++i) {
    batch.Add(is_of_few ? few[use_.random().Below(few.size())] : use_.AnyKey(), use_.AnyKind(), use_.AnyBytes());
  }
  return batch;
}

void BatchModelTest::SetBatch(const OwnedBatch& batch) {
  size_t failed = SIZE_MAX;
  ASSERT_TRUE(SetMany(store_, *session_, batch, &failed).ok());
  ASSERT_EQ(failed, batch.size());
  for (size_t i = 0; i < batch.size(); ++i) model_.Set(batch.key(i), batch.kind(i), batch.bytes(i));
}

void BatchModelTest::DeleteBatch(const OwnedBatch& batch) {
  size_t deleted = SIZE_MAX;
  ASSERT_TRUE(store_.DeleteMany(*session_, batch.Keys(), &deleted).ok());
  size_t expected = 0;
  for (size_t i = 0; i < batch.size(); ++i) expected += model_.Delete(batch.key(i)) ? 1 : 0;
  ASSERT_EQ(deleted, expected);
}

void BatchModelTest::ReadKeys(const OwnedBatch& batch) {
  const ReadGuard guard(*session_);
  const std::vector<Key> keys = batch.Keys();
  const ReadBatch read = GetMany(store_, guard, keys);
  const auto is_there = std::make_unique<bool[]>(keys.size());
  size_t expected = 0;
  ASSERT_EQ(store_.HasMany(guard, keys, is_there.get()), read.count);
  for (size_t i = 0; i < keys.size(); ++i) {
    const StoreModel::Placed* placed = model_.Find(batch.key(i));
    ASSERT_EQ(read.found[i], placed != nullptr);
    ASSERT_EQ(is_there[i], placed != nullptr);
    if (placed == nullptr) continue;
    ++expected;
    ASSERT_EQ(read.values[i].kind(), placed->kind);
    ASSERT_EQ(BytesOf(read.values[i]), placed->value);
  }
  ASSERT_EQ(read.count, expected);
}

void BatchModelTest::Step() {
  const OwnedBatch batch = AnyBatch();
  // As long as it takes at least, so that the other session's numbers come after these.
  clock_.Advance((batch.size() + 1) * HandTurnedClock::kSequencerTickNs);
  const size_t draw = use_.random().Below(100);
  if (draw < 35) {
    SetBatch(batch);
  } else if (draw < 60) {
    DeleteBatch(batch);
  } else if (draw < 90) {
    ReadKeys(batch);
  } else if (draw < 95) {
    DeleteOne();
  } else {
    const OwnedKey key = use_.AnyKey();
    const ValueKind kind = use_.AnyKind();
    SetOne(key, kind, use_.AnyBytes());
  }
  clock_.Advance((batch.size() + 1) * HandTurnedClock::kSequencerTickNs);
}

TEST_P(BatchModelTest, IsTheSameAsOneOperationAfterTheOther) { Run(Scaled(3000), 100); }

INSTANTIATE_TEST_SUITE_P(Shards, BatchModelTest, testing::Values(1, 2, 64, 1024));

// --- Threads ---------------------------------------------------------------------------------------------------------

// Others insert into the same shards meanwhile, batches and single entries.
TEST(BatchThreadTest, KeysOfOneBatchAreScannedInItsOrderWhateverOthersInsert) {
  constexpr size_t kThreads = 3;
  Store store(OptionsFor(4));
  const size_t batches = Scaled(300);
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      const OpenedSession session(store);
      Random random(thread);
      uint64_t count = 0;
      for (size_t i = 0; i < batches; ++i) {
        OwnedBatch batch;
        const size_t size = thread == 0 ? 1 : 1 + random.Below(150);
        for (size_t j = 0; j < size; ++j) {
          const uint64_t number = thread << 40 | count++;
          batch.Add(NumberedKey("key ", number), ValueKind::kNumber,
                    std::string_view(reinterpret_cast<const char*>(&number), 8));
        }
        size_t failed = 0;
        EXPECT_TRUE(SetMany(store, *session, batch, &failed).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const OpenedSession session(store);
  const ReadGuard guard(*session);
  uint64_t next[kThreads] = {};
  size_t out_of_order = 0;
  ForEachEntry(store, guard, [&](const ScannedEntry& scanned) {
    ReadValue value;
    ASSERT_TRUE(store.ReadScanned(guard, scanned, &value));
    const uint64_t number = value.first_word();
    out_of_order += (number & ((uint64_t{1} << 40) - 1)) != next[number >> 40]++;
  });
  EXPECT_EQ(out_of_order, 0u);
  EXPECT_EQ(next[0] + next[1] + next[2], store.Size());
}

// One key is written by whole batches only, others come and go around it, so that tables move and entries are
// rewritten.
TEST(BatchThreadTest, ReadersSeeWholeValuesAndNeverMissWhatStays) {
  constexpr uint64_t kStayers = 100;
  Store store(OptionsFor(2));
  const auto stayers = [](uint64_t count) {
    OwnedBatch batch;
    for (uint64_t i = 0; i < kStayers; ++i) {
      const CheckedValue value(i << 40 | count, i % 10 == 0 ? 500 : 8 + count % 60);
      const Value bytes = value.value();
      batch.Add(NumberedKey(i % 16 == 7 ? std::string(300, 'k') : "key ", i), bytes.kind(),
                std::string_view(reinterpret_cast<const char*>(bytes.bytes()), bytes.size()));
    }
    return batch;
  };
  {
    const OpenedSession session(store);
    size_t failed = 0;
    ASSERT_TRUE(SetMany(store, *session, stayers(0), &failed).ok());
  }
  std::atomic<bool> done{false};
  std::thread writer([&] {
    const OpenedSession session(store);
    Random random(1);
    const size_t rounds = Scaled(400);
    for (uint64_t round = 1; round <= rounds; ++round) {
      OwnedBatch others;
      const size_t size = random.Below(4000);
      for (size_t i = 0; i < size; ++i) others.Add(NumberedKey("other ", i), ValueKind::kClone, random.Bytes(20));
      size_t failed = 0;
      size_t deleted = 0;
      EXPECT_TRUE(SetMany(store, *session, others, &failed).ok());
      EXPECT_TRUE(SetMany(store, *session, stayers(round), &failed).ok());
      EXPECT_TRUE(store.DeleteMany(*session, others.Keys(), &deleted).ok());
      EXPECT_EQ(deleted, size);
    }
    done = true;
  });
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      const OpenedSession session(store);
      const OwnedBatch batch = stayers(0);
      const std::vector<Key> keys = batch.Keys();
      std::vector<uint64_t> seen(kStayers);
      while (!done) {
        const ReadGuard guard(*session);
        const ReadBatch read = GetMany(store, guard, keys);
        EXPECT_EQ(read.count, kStayers) << "missed";
        EXPECT_EQ(store.HasMany(guard, keys, read.found.get()), kStayers) << "missed";
        for (uint64_t i = 0; i < kStayers; ++i) {
          const std::optional<uint64_t> tag = CheckedValue::ReadTag(read.values[i]);
          EXPECT_EQ(tag.value_or(UINT64_MAX) >> 40, i) << "a mixed value, or another key's";
          const uint64_t count = tag.value_or(0) & ((uint64_t{1} << 40) - 1);
          EXPECT_GE(count, seen[i]) << "went backwards";
          seen[i] = count;
        }
        if (testing::Test::HasFailure()) break;
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  writer.join();
}

// Whoever waits for a shard gets it in the middle of a batch. Here values in blocks take the place of short ones and
// the other way round, and the other thread sees a moment when some have: it can do so only while it has the lock.
TEST(BatchThreadTest, GivesTheLockUpBeforeItIsThrough) {
  constexpr uint64_t kEntries = 50000;
  constexpr uint64_t kBlockBytes = 100;
  Store store(OptionsFor(1));
  OwnedBatch batches[2];
  for (uint64_t i = 0; i < kEntries; ++i) {
    batches[0].Add(NumberedKey("key ", i), ValueKind::kTrue, "");
    batches[1].Add(NumberedKey("key ", i), ValueKind::kClone, std::string(kBlockBytes, 'v'));
  }
  const OpenedSession session(store);
  size_t failed = 0;
  ASSERT_TRUE(SetMany(store, *session, batches[0], &failed).ok());
  std::atomic<bool> done{false};
  std::atomic<bool> seen{false};
  std::thread other([&] {
    while (!done) {
      const uint64_t bytes = store.Stats().block_bytes;
      if (bytes > 0 && bytes < kEntries * (sizeof(Block) + kBlockBytes)) seen = true;
    }
  });
  const auto begin = std::chrono::steady_clock::now();
  // On a busy machine the other thread may not get to it the first time.
  for (size_t round = 1; !seen && std::chrono::steady_clock::now() - begin < std::chrono::seconds(10); ++round) {
    EXPECT_TRUE(SetMany(store, *session, batches[round % 2], &failed).ok());
  }
  done = true;
  other.join();
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace shardmap
