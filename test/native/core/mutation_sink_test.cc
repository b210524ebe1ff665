// Danger: what the log is told differs from what the store did: an effect missing, doubled, or in another order than
// the shard's; or a change is made that the log refused.
#include "core/mutation_sink.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
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

struct Record {
  Mutation::Kind kind;
  OwnedKey key;
  ValueKind value_kind = ValueKind::kUndefined;
  std::string value;
};

// Keeps what it is told per shard. There is no lock but the shard's own, so ThreadSanitizer sees an append outside it.
class RecordingSink final : public MutationSink {
 public:
  explicit RecordingSink(size_t shards) : records(shards) {}

  Status Reserve(size_t key_bytes, size_t value_bytes) override {
    EXPECT_FALSE(t_reserved.has_value()) << "a second reservation";
    if (store != nullptr) (void)store->Stats();  // takes every shard's lock, so none may be held
    const auto refusal_now = refuse_after.load();
    if (refusal_now >= 0 && refuse_after.fetch_sub(1) <= 0) {
      return Status(Code::kClosed, "refused " + std::to_string(key_bytes));
    }
    t_reserved = Reserved{key_bytes, value_bytes};
    return Status();
  }

  void Append(size_t shard, const Mutation& mutation) override {
    Record record{mutation.kind, {}, {}, {}};
    if (mutation.key != nullptr) record.key = OwnedKey::Of(*mutation.key);
    if (mutation.value != nullptr) {
      record.value_kind = mutation.value->kind();
      record.value.assign(reinterpret_cast<const char*>(mutation.value->bytes()), mutation.value->size());
    }
    ASSERT_TRUE(t_reserved.has_value()) << "appended without a reservation";
    EXPECT_EQ(t_reserved->key_bytes, record.key.bytes.size());
    EXPECT_EQ(t_reserved->value_bytes, record.value.size());
    EXPECT_EQ(mutation.key == nullptr, mutation.kind == Mutation::Kind::kClearShard);
    EXPECT_EQ(mutation.value != nullptr, mutation.kind == Mutation::Kind::kPut);
    t_reserved.reset();
    records.at(shard).push_back(std::move(record));
  }

  void Release() override {
    EXPECT_TRUE(t_reserved.has_value()) << "released what was not reserved";
    t_reserved.reset();
  }

  static bool HasReservation() { return t_reserved.has_value(); }
  size_t CountRecords() const {
    size_t count = 0;
    for (const auto& shard : records) count += shard.size();
    return count;
  }

  std::vector<std::vector<Record>> records;
  std::atomic<int> refuse_after{-1};  // refuses once this many more were granted; negative: never
  const Store* store = nullptr;

 private:
  struct Reserved {
    size_t key_bytes;
    size_t value_bytes;
  };
  static thread_local std::optional<Reserved> t_reserved;
};

thread_local std::optional<RecordingSink::Reserved> RecordingSink::t_reserved;

class MutationSinkTest : public testing::Test {
 protected:
  static constexpr size_t kShards = 4;

  Status Set(std::string_view key, const std::string& value) {
    return store_.Set(*session_, OwnedKey(key).key(), BorrowedValue(ValueKind::kOneByteString, value));
  }
  std::vector<Record> AllRecords() const {
    std::vector<Record> all;
    for (const auto& shard : sink_.records) all.insert(all.end(), shard.begin(), shard.end());
    return all;
  }
  std::optional<std::string> Get(std::string_view key) {
    const ReadGuard guard(*session_);
    ReadValue value;
    if (!store_.Get(guard, OwnedKey(key).key(), &value)) return std::nullopt;
    return std::string(BytesOf(value));
  }

  RecordingSink sink_{kShards};
  Store store_{StoreOptions{.shards = kShards, .sink = &sink_}};
  OpenedSession session_{store_};
};

TEST_F(MutationSinkTest, LearnsOfEffectsAndOfNothingElse) {
  const std::string long_key(1000, 'k');
  const std::string long_value(1000, 'v');
  ASSERT_TRUE(Set(long_key, "first").ok());
  ASSERT_TRUE(Set(long_key, long_value).ok());
  ASSERT_TRUE(Set(long_key, "").ok());
  {
    const ReadGuard guard(*session_);
    ReadValue existing;
    EXPECT_FALSE(store_.Insert(guard, *session_, OwnedKey(long_key).key(), Value(ValueKind::kNull), &existing).value());
  }
  EXPECT_TRUE(store_.Delete(*session_, OwnedKey(long_key).key()).value());
  EXPECT_FALSE(store_.Delete(*session_, OwnedKey(long_key).key()).value());
  EXPECT_FALSE(RecordingSink::HasReservation());

  const std::vector<Record> records = AllRecords();
  ASSERT_EQ(records.size(), 4u);
  const std::string values[] = {"first", long_value, ""};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(records[i].kind, Mutation::Kind::kPut);
    EXPECT_EQ(records[i].key, OwnedKey(long_key));
    EXPECT_EQ(records[i].value, values[i]);
    EXPECT_EQ(records[i].value_kind, ValueKind::kOneByteString);
  }
  EXPECT_EQ(records[3].kind, Mutation::Kind::kDelete);
  EXPECT_EQ(records[3].key, OwnedKey(long_key));
}

TEST_F(MutationSinkTest, ClearIsOneEffectPerShard) {
  ASSERT_TRUE(Set("key", "value").ok());
  ASSERT_TRUE(store_.Clear(*session_).ok());
  for (const auto& shard : sink_.records) {
    ASSERT_FALSE(shard.empty());
    EXPECT_EQ(shard.back().kind, Mutation::Kind::kClearShard);
  }
  EXPECT_EQ(sink_.CountRecords(), kShards + 1);
}

TEST_F(MutationSinkTest, ReservesWithoutAnyLock) {
  sink_.store = &store_;
  ASSERT_TRUE(Set("key", "value").ok());
  ASSERT_TRUE(Set("key", "value").ok());
  EXPECT_TRUE(store_.Delete(*session_, OwnedKey("key").key()).value());
  ASSERT_TRUE(store_.Clear(*session_).ok());
}

TEST_F(MutationSinkTest, WhatIsRefusedIsNotDone) {
  ASSERT_TRUE(Set("key", "value").ok());
  const size_t records = sink_.CountRecords();
  const uint64_t bytes = store_.Stats().total_bytes();
  sink_.refuse_after = 0;
  const auto expect_refused = [](const Status& status) {
    EXPECT_EQ(status.code(), Code::kClosed);
    EXPECT_EQ(status.message().substr(0, 7), "refused");
  };
  const std::string long_bytes(500, 'x');
  expect_refused(Set("key", "other"));
  sink_.refuse_after = 0;
  expect_refused(Set(long_bytes, long_bytes));
  sink_.refuse_after = 0;
  const ReadGuard guard(*session_);
  ReadValue existing;
  expect_refused(store_.Insert(guard, *session_, OwnedKey("new").key(), Value(ValueKind::kNull), &existing).status());
  sink_.refuse_after = 0;
  expect_refused(store_.Delete(*session_, OwnedKey("key").key()).status());
  sink_.refuse_after = 0;
  expect_refused(store_.Clear(*session_));
  EXPECT_FALSE(RecordingSink::HasReservation());
  EXPECT_EQ(sink_.CountRecords(), records);
  EXPECT_EQ(store_.Stats().total_bytes(), bytes);
  EXPECT_EQ(store_.Size(), 1u);
  EXPECT_EQ(Get("key"), "value");
}

TEST_F(MutationSinkTest, NoReservationIsMadeForWhatIsTooLong) {
  const std::string too_long(kKeyBytesMax + 1, 'k');
  EXPECT_EQ(Set(too_long, "value").code(), Code::kKeyTooLong);
  EXPECT_FALSE(RecordingSink::HasReservation());
  EXPECT_EQ(sink_.CountRecords(), 0u);
}

TEST_F(MutationSinkTest, LearnsOfABatchAsOfItsOperationsOneAfterTheOther) {
  sink_.store = &store_;  // no lock is held where it reserves
  std::vector<OwnedKey> keys;
  std::vector<std::string> values;
  for (size_t i = 0; i < 200; ++i) {
    keys.push_back(NumberedKey(i % 7 == 0 ? std::string(300, 'k') : "key ", i % 40));
    values.push_back(std::string(i, 'v'));
  }
  std::vector<BatchEntry> entries;
  std::vector<Key> key_views;
  for (size_t i = 0; i < keys.size(); ++i) {
    entries.push_back({keys[i].key(), BorrowedValue(ValueKind::kClone, values[i])});
    key_views.push_back(keys[i].key());
  }
  size_t failed = 0;
  ASSERT_TRUE(store_.SetMany(*session_, entries, &failed).ok());
  std::map<OwnedKey, std::vector<std::string>> expected;
  for (size_t i = 0; i < keys.size(); ++i) expected[keys[i]].push_back(values[i]);
  std::map<OwnedKey, std::vector<std::string>> told;
  for (const Record& record : AllRecords()) told[record.key].push_back(record.value);
  EXPECT_EQ(told, expected);
  EXPECT_EQ(sink_.CountRecords(), keys.size());

  size_t deleted = 0;
  ASSERT_TRUE(store_.DeleteMany(*session_, key_views, &deleted).ok());
  EXPECT_EQ(deleted, expected.size());
  EXPECT_EQ(sink_.CountRecords(), keys.size() + deleted);
  EXPECT_FALSE(RecordingSink::HasReservation());
}

TEST_F(MutationSinkTest, OfABatchWhatComesBeforeTheRefusedIsDoneAndNothingAfter) {
  std::vector<OwnedKey> keys;
  for (size_t i = 0; i < 100; ++i) keys.push_back(NumberedKey(i % 7 == 0 ? std::string(300, 'k') : "key ", i));
  std::vector<BatchEntry> entries;
  std::vector<Key> key_views;
  for (const OwnedKey& key : keys) {
    entries.push_back({key.key(), Value(ValueKind::kClone, BlockOf(std::string(100, 'v')))});
    key_views.push_back(key.key());
  }
  sink_.refuse_after = 70;
  size_t failed = 0;
  EXPECT_EQ(store_.SetMany(*session_, entries, &failed).code(), Code::kClosed);
  EXPECT_EQ(failed, 70u);
  EXPECT_EQ(store_.Size(), 70u);
  for (size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(Get(keys[i].bytes).has_value(), i < 70) << i;

  sink_.refuse_after = 50;
  size_t deleted = 0;
  EXPECT_EQ(store_.DeleteMany(*session_, key_views, &deleted).code(), Code::kClosed);
  EXPECT_EQ(deleted, 50u);
  for (size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(Get(keys[i].bytes).has_value(), i >= 50 && i < 70) << i;
  EXPECT_FALSE(RecordingSink::HasReservation());
  EXPECT_EQ(sink_.CountRecords(), 120u);
}

// --- Threads ---------------------------------------------------------------------------------------------------------

using Contents = std::map<OwnedKey, std::string>;

// What a log would rebuild from one shard's records.
void Replay(const std::vector<Record>& records, Contents* contents) {
  Contents shard;
  for (const Record& record : records) {
    if (record.kind == Mutation::Kind::kClearShard) {
      shard.clear();
    } else if (record.kind == Mutation::Kind::kDelete) {
      EXPECT_EQ(shard.erase(record.key), 1u) << "a deletion that deleted nothing";
    } else {
      shard[record.key] = record.value;
    }
  }
  contents->merge(shard);
}

Contents ContentsOf(const Store& store, Session& session) {
  Contents contents;
  const ReadGuard guard(session);
  ForEachEntry(store, guard, [&](const ScannedEntry& scanned) {
    ReadValue value;
    EXPECT_TRUE(store.ReadScanned(guard, scanned, &value));
    contents[OwnedKey::Of(scanned.entry->key())] = BytesOf(value);
  });
  return contents;
}

// Operations of one thread; returns how many of them had an effect.
size_t UseAtRandom(Store& store, size_t thread, size_t operations) {
  const OpenedSession session(store);
  Random random(thread);
  size_t effects = 0;
  for (size_t i = 0; i < operations; ++i) {
    const OwnedKey key = NumberedKey(random.OneIn(8) ? std::string(300, 'k') : "key ", random.Below(40));
    const CheckedValue value(thread << 32 | i, 8 + random.Below(90));
    const size_t draw = random.Below(100);
    if (draw < 50) {
      effects += store.Set(*session, key.key(), value.value()).ok();
    } else if (draw < 70) {
      const ReadGuard guard(*session);
      ReadValue existing;
      effects += store.Insert(guard, *session, key.key(), value.value(), &existing).value();
    } else if (draw < 80) {
      const OwnedKey other = NumberedKey("key ", random.Below(40));
      BatchEntry entries[] = {{key.key(), value.value()}, {other.key(), value.value()}};
      size_t failed = 0;
      EXPECT_TRUE(store.SetMany(*session, entries, &failed).ok());
      effects += failed;
    } else if (draw < 90) {
      const OwnedKey other = NumberedKey("key ", random.Below(40));
      const Key keys[] = {key.key(), other.key()};
      size_t deleted = 0;
      EXPECT_TRUE(store.DeleteMany(*session, keys, &deleted).ok());
      effects += deleted;
    } else {
      effects += store.Delete(*session, key.key()).value();
    }
    if (!random.OneIn(2000)) continue;
    EXPECT_TRUE(store.Clear(*session).ok());
    effects += store.shards();
  }
  EXPECT_FALSE(RecordingSink::HasReservation());
  return effects;
}

TEST_F(MutationSinkTest, RebuildsTheStoreThatFourThreadsMade) {
  std::atomic<size_t> effects{0};
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] { effects += UseAtRandom(store_, thread, Scaled(60000)); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sink_.CountRecords(), effects);
  Contents rebuilt;
  for (const auto& shard : sink_.records) Replay(shard, &rebuilt);
  EXPECT_EQ(rebuilt, ContentsOf(store_, *session_));
}

}  // namespace
}  // namespace shardmap
