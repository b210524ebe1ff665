// Danger: what the log is told differs from what the store did: an effect missing, doubled, or taken for another; or a
// change is made that the log refused, or can be seen before the log has it.
#include "core/mutation_sink.h"

#include <gtest/gtest.h>

#include <map>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "core/recording_sink.h"
#include "core/store.h"
#include "core/store_fixtures.h"
#include "fixtures.h"

namespace shardmap {
namespace {

using Kind = Mutation::Kind;

class MutationSinkTest : public testing::Test {
 protected:
  static constexpr size_t kShards = 4;

  Status Set(std::string_view key, const std::string& value, const Lifetime& lifetime = {}) {
    return store_.Set(*session_, OwnedKey(key).key(), BorrowedValue(ValueKind::kOneByteString, value), lifetime);
  }
  bool Delete(std::string_view key) { return store_.Delete(*session_, OwnedKey(key).key()).value(); }
  std::optional<std::string> Get(std::string_view key) { return Get(*session_, key); }
  std::optional<std::string> Get(Session& session, std::string_view key) {
    const ReadGuard guard(session);
    ReadValue value;
    if (!store_.Get(guard, OwnedKey(key).key(), &value)) return std::nullopt;
    return std::string(BytesOf(value));
  }
  const std::vector<RecordedMutation>& Records() const { return sink_.stages().front()->records; }
  std::vector<Kind> Kinds() const {
    std::vector<Kind> kinds;
    for (const RecordedMutation& record : Records()) kinds.push_back(record.kind);
    return kinds;
  }

  RecordingSink sink_;
  HandTurnedClock clock_;
  LoggedStore store_{StoreOptions{.shards = kShards, .clock = &clock_}, sink_};
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
  EXPECT_TRUE(Delete(long_key));
  EXPECT_FALSE(Delete(long_key));
  EXPECT_FALSE(sink_.HasReservation());

  ASSERT_EQ(Kinds(), (std::vector<Kind>{Kind::kInsert, Kind::kOverwrite, Kind::kOverwrite, Kind::kDelete}));
  const std::string values[] = {"first", long_value, ""};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(Records()[i].value, values[i]);
    EXPECT_EQ(Records()[i].value_kind, ValueKind::kOneByteString);
  }
  for (const RecordedMutation& record : Records()) EXPECT_EQ(record.key, OwnedKey(long_key));
}

TEST_F(MutationSinkTest, WhatIsSetAfterAnEntryHasExpiredIsAnInsertion) {
  ASSERT_TRUE(Set("key", "old", Lifetime::For(100)).ok());
  ASSERT_TRUE(Set("key", "older", Lifetime::Kept()).ok());
  clock_.Advance(100);
  ASSERT_TRUE(Set("key", "new").ok());
  EXPECT_FALSE(Delete("other"));
  EXPECT_EQ(Kinds(), (std::vector<Kind>{Kind::kInsert, Kind::kOverwrite, Kind::kInsert}));
  EXPECT_TRUE(Records()[1].deadline.exists());
  EXPECT_EQ(Records()[1].deadline, Records()[0].deadline);
  EXPECT_FALSE(Records()[2].deadline.exists());
}

TEST_F(MutationSinkTest, WhatExpiresIsNoEffect) {
  ASSERT_TRUE(Set("key", "value", Lifetime::For(100)).ok());
  clock_.Advance(uint64_t{1} << 40);
  for (size_t shard = 0; shard < kShards; ++shard) store_.ExpireSome(*session_, shard);
  EXPECT_EQ(store_.Size(), 0u);
  EXPECT_FALSE(Delete("key"));
  EXPECT_EQ(store_.SetLifetime(*session_, OwnedKey("key").key(), Lifetime::Forever()).value(), Store::Expires::kAbsent);
  EXPECT_EQ(sink_.CountRecords(), 1u);
  EXPECT_FALSE(sink_.HasReservation());
}

TEST_F(MutationSinkTest, LearnsOfDeadlines) {
  ASSERT_TRUE(Set("key", "value").ok());
  ASSERT_TRUE(store_.SetLifetime(*session_, OwnedKey("key").key(), Lifetime::For(1000)).ok());
  ASSERT_TRUE(store_.SetLifetime(*session_, OwnedKey("key").key(), Lifetime::Forever()).ok());
  ASSERT_EQ(Kinds(), (std::vector<Kind>{Kind::kInsert, Kind::kDeadline, Kind::kDeadline}));
  EXPECT_EQ(Records()[1].deadline, Deadline::At(clock_.NowNanos() + 1000, false));
  EXPECT_FALSE(Records()[2].deadline.exists());
}

TEST_F(MutationSinkTest, ASumMayBeLongerThanWhatIsAdded) {
  const uint64_t max = UINT64_MAX;
  const ReadGuard guard(*session_);
  const OwnedKey key("key");
  ReadValue total;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(store_.Add(guard, *session_, key.key(), Value(ValueKind::kBigInt, &max, sizeof max), &total).ok());
  }
  ASSERT_EQ(Kinds(), (std::vector<Kind>{Kind::kInsert, Kind::kOverwrite}));
  EXPECT_EQ(Records()[1].value, BytesOf(total));
  EXPECT_EQ(total.size(), 2 * sizeof max);
  // One that is too long for a sum is only ever inserted.
  const std::string too_long(kInlineValueBytesMax + 8, '\1');
  const OwnedKey other("other");
  ASSERT_TRUE(store_.Add(guard, *session_, other.key(), BorrowedValue(ValueKind::kBigInt, too_long), &total).ok());
  EXPECT_EQ(Records()[2].value, too_long);
  EXPECT_EQ(store_.Add(guard, *session_, other.key(), BorrowedValue(ValueKind::kBigInt, too_long), &total).value(),
            PutOutcome::kOutOfRange);
  EXPECT_FALSE(sink_.HasReservation());
}

TEST_F(MutationSinkTest, ClearIsOneEffect) {
  for (uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(Set(NumberedKey("key ", i).bytes, "value").ok());
  ASSERT_TRUE(store_.Clear(*session_).ok());
  ASSERT_EQ(Records().size(), 101u);
  EXPECT_EQ(Records().back().kind, Kind::kClear);
}

// By the sessions that did not clear, too, and in every shard.
TEST_F(MutationSinkTest, WhatComesAfterAClearHasALaterStamp) {
  const OpenedSession other(store_);
  const OpenedSession third(store_);
  for (uint64_t i = 0; i < 1000; ++i) ASSERT_TRUE(Set(NumberedKey("key ", i).bytes, "value").ok());
  ASSERT_TRUE(store_.Clear(*other).ok());
  const uint64_t stamp = sink_.stages()[1]->records.back().stamp;
  EXPECT_GT(stamp, Records().back().stamp);
  for (uint64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(store_.Set(*third, NumberedKey("key ", i).key(), Value(ValueKind::kTrue)).ok());
  }
  for (const RecordedMutation& record : sink_.stages()[2]->records) EXPECT_GT(record.stamp, stamp);
}

TEST_F(MutationSinkTest, StampsRiseWithinAShardWhoeverChangesIt) {
  const OpenedSession other(store_);
  Session* const sessions[] = {&*session_, &*other};
  for (size_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(store_.Set(*sessions[i / 3 % 2], OwnedKey("key").key(), Value(ValueKind::kTrue)).ok());
    if (i % 10 == 9) {
      ASSERT_TRUE(store_.Delete(*sessions[i % 2], OwnedKey("key").key()).value());
    }
  }
  const std::vector<RecordedMutation> records = sink_.RecordsByStamp();
  ASSERT_EQ(records.size(), 110u);
  for (size_t i = 1; i < records.size(); ++i) EXPECT_GT(records[i].stamp, records[i - 1].stamp);
}

TEST_F(MutationSinkTest, TheStampOfAnInsertionIsItsNumber) {
  const OpenedSession other(store_);
  for (uint64_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(Set(NumberedKey("key ", i).bytes, "1").ok());
    for (int j = 0; j < 3; ++j) {
      ASSERT_TRUE(store_.Set(*other, NumberedKey("key ", i).key(), Value(ValueKind::kTrue)).ok());
    }
  }
  const ReadGuard guard(*session_);
  std::vector<ScannedEntry> page;
  store_.Scan(guard, 0, 1000, &page);
  ASSERT_EQ(page.size(), Records().size());
  for (size_t i = 0; i < page.size(); ++i) EXPECT_EQ(page[i].sequence, Records()[i].stamp);
}

// Who walks to the last entry and no further meets none that is inserted meanwhile, however many others are changed.
TEST_F(MutationSinkTest, StampsDoNotMoveTheLastNumber) {
  const OpenedSession other(store_);
  ASSERT_TRUE(Set("key", "value").ok());
  const uint64_t last = store_.LastSequence();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(store_.Set(*other, OwnedKey("key").key(), Value(ValueKind::kTrue)).ok());
  }
  EXPECT_EQ(store_.LastSequence(), last);
  ASSERT_TRUE(store_.Clear(*other).ok());
  EXPECT_EQ(store_.LastSequence(), last);
  ASSERT_TRUE(Set("new", "value").ok());
  EXPECT_GT(store_.LastSequence(), last);
}

TEST_F(MutationSinkTest, ReservesWithoutAnyLock) {
  sink_.store = &store_;
  ASSERT_TRUE(Set("key", "value").ok());
  ASSERT_TRUE(Set("key", "value").ok());
  ASSERT_TRUE(store_.SetLifetime(*session_, OwnedKey("key").key(), Lifetime::For(1000)).ok());
  EXPECT_TRUE(Delete("key"));
  ASSERT_TRUE(store_.Clear(*session_).ok());
  EXPECT_EQ(sink_.CountRecords(), 5u);
}

// Asked in the middle of Append, where no other thread can be faster.
TEST_F(MutationSinkTest, NothingIsToBeSeenBeforeItIsAppended) {
  const OpenedSession reader(store_);
  std::vector<std::optional<std::string>> seen;
  std::vector<size_t> scanned;
  std::vector<uint64_t> left;
  sink_.on_append = [&](const Mutation&) {
    seen.push_back(Get(*reader, "key"));
    const ReadGuard guard(*reader);
    left.push_back(store_.TimeLeft(guard, OwnedKey("key").key()));
    scanned.push_back(ShownBy(store_, *reader).size());
  };
  ASSERT_TRUE(Set("key", "first").ok());
  ASSERT_TRUE(Set("key", "second").ok());
  ASSERT_TRUE(Set("key", std::string(100, 'x')).ok());
  ASSERT_TRUE(store_.SetLifetime(*session_, OwnedKey("key").key(), Lifetime::For(1000)).ok());
  EXPECT_TRUE(Delete("key"));
  ASSERT_TRUE(Set("key", "third").ok());
  ASSERT_TRUE(store_.Clear(*session_).ok());
  const std::string long_value(100, 'x');
  EXPECT_EQ(seen, (std::vector<std::optional<std::string>>{std::nullopt, "first", "second", long_value, long_value,
                                                           std::nullopt, "third"}));
  EXPECT_EQ(scanned, (std::vector<size_t>{0, 1, 1, 1, 1, 0, 1}));
  EXPECT_EQ(left, (std::vector<uint64_t>{0, kForever, kForever, kForever, 1000, 0, kForever}));
}

TEST_F(MutationSinkTest, WhatIsRefusedIsNotDone) {
  ASSERT_TRUE(Set("key", "value").ok());
  const size_t records = sink_.CountRecords();
  const uint64_t bytes = store_.Stats().total_bytes();
  const auto expect_refused = [](const Status& status) {
    EXPECT_EQ(status.code(), Code::kClosed);
    EXPECT_EQ(status.message().substr(0, 7), "refused");
  };
  const std::string long_bytes(500, 'x');
  const OwnedKey key("key");
  const ReadGuard guard(*session_);
  ReadValue existing;
  sink_.refuse_after = 0;
  expect_refused(Set("key", "other"));
  sink_.refuse_after = 0;
  expect_refused(Set(long_bytes, long_bytes));
  sink_.refuse_after = 0;
  expect_refused(store_.Insert(guard, *session_, OwnedKey("new").key(), Value(ValueKind::kNull), &existing).status());
  sink_.refuse_after = 0;
  expect_refused(store_.Delete(*session_, key.key()).status());
  sink_.refuse_after = 0;
  expect_refused(store_.SetLifetime(*session_, key.key(), Lifetime::For(1)).status());
  sink_.refuse_after = 0;
  expect_refused(store_.Clear(*session_));
  sink_.refuse_after = 0;
  expect_refused(store_.SaveStructures(*session_, std::nullopt, "text").status());
  EXPECT_FALSE(sink_.HasReservation());
  EXPECT_EQ(sink_.CountRecords(), records);
  EXPECT_EQ(store_.Stats().total_bytes(), bytes);
  EXPECT_EQ(store_.Size(), 1u);
  EXPECT_EQ(Get("key"), "value");
  EXPECT_EQ(store_.TimeLeft(guard, key.key()), kForever);
  EXPECT_EQ(store_.structures().Load(), std::nullopt);
}

TEST_F(MutationSinkTest, NoReservationIsMadeForWhatIsTooLong) {
  const std::string too_long(kKeyBytesMax + 1, 'k');
  EXPECT_EQ(Set(too_long, "value").code(), Code::kKeyTooLong);
  EXPECT_FALSE(sink_.HasReservation());
  EXPECT_EQ(sink_.CountRecords(), 0u);
}

TEST_F(MutationSinkTest, LearnsOfStructuresThatWereSaved) {
  const std::string text = "a,b\xc3\xa9" + std::string(200, 'c');
  EXPECT_TRUE(store_.SaveStructures(*session_, std::nullopt, "a").value());
  EXPECT_FALSE(store_.SaveStructures(*session_, std::nullopt, "b").value());
  EXPECT_FALSE(sink_.HasReservation());
  const OpenedSession other(store_);
  EXPECT_TRUE(store_.SaveStructures(*other, "a", text).value());
  EXPECT_EQ(store_.structures().Load(), text);
  const std::vector<RecordedMutation> records = sink_.RecordsByStamp();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].kind, Kind::kStructures);
  EXPECT_EQ(records[0].value, "a");
  EXPECT_EQ(records[1].value, text);
  EXPECT_GT(records[1].stamp, records[0].stamp);
}

// --- Batches ---------------------------------------------------------------------------------------------------------

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
  ASSERT_EQ(Records().size(), keys.size());
  std::map<OwnedKey, bool> is_there;
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(Records()[i].key, keys[i]);
    EXPECT_EQ(Records()[i].value, values[i]);
    EXPECT_EQ(Records()[i].kind, is_there[keys[i]] ? Kind::kOverwrite : Kind::kInsert);
    is_there[keys[i]] = true;
  }

  size_t deleted = 0;
  ASSERT_TRUE(store_.DeleteMany(*session_, key_views, &deleted).ok());
  EXPECT_EQ(deleted, is_there.size());
  EXPECT_EQ(sink_.CountRecords(), keys.size() + deleted);
  EXPECT_FALSE(sink_.HasReservation());
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
  EXPECT_FALSE(sink_.HasReservation());
  EXPECT_EQ(sink_.CountRecords(), 120u);
}

// --- Sessions --------------------------------------------------------------------------------------------------------

TEST(MutationSinkSessionTest, HaveAStageEachThatClosesWithThem) {
  RecordingSink sink;
  LoggedStore store{OptionsFor(1), sink};
  uint64_t last = 0;
  for (size_t i = 0; i < 3; ++i) {
    const OpenedSession session(store);
    ASSERT_EQ(sink.stages().size(), i + 1);
    EXPECT_EQ(session->stage(), sink.stages()[i].get());
    ASSERT_TRUE(store.Set(*session, OwnedKey("key").key(), Value(ValueKind::kTrue)).ok());
    // The record of a session that is closed is taken over, and what it numbered goes on.
    EXPECT_GT(sink.stages()[i]->records.at(0).stamp, last);
    last = sink.stages()[i]->records.at(0).stamp;
  }
  for (const auto& stage : sink.stages()) EXPECT_FALSE(stage->is_open);
}

TEST(MutationSinkSessionTest, IsNotOpenedWhereThereIsNoMemoryForItsStage) {
  RecordingSink sink;
  LoggedStore store{OptionsFor(1), sink};
  sink.refuses_stages = true;
  EXPECT_THROW(store.OpenSession(), std::bad_alloc);
  sink.refuses_stages = false;
  const OpenedSession session(store);
  EXPECT_EQ(session->id(), 1u);
}

TEST(MutationSinkSessionTest, TellsOnlyWhatComesAfterLogTo) {
  RecordingSink sink;
  Store store{OptionsFor(4)};
  {
    const OpenedSession session(store);
    EXPECT_EQ(session->stage(), nullptr);
    const OwnedKey key("key");
    const Restoration restoration{RestoreMode::kInsert, Deadline(), 1};
    ASSERT_TRUE(store.Restore(*session, store.Hashed(key.key()), Value(ValueKind::kTrue), restoration).ok());
    store.structures().Restore("text");
    store.EndRestore(1);
  }
  store.LogTo(sink);
  const OpenedSession session(store);
  ASSERT_TRUE(store.Set(*session, OwnedKey("key").key(), Value(ValueKind::kFalse)).ok());
  ASSERT_TRUE(store.Set(*session, OwnedKey("other").key(), Value(ValueKind::kFalse)).ok());
  EXPECT_TRUE(store.SaveStructures(*session, "text", "more").value());
  const auto& records = sink.stages().at(0)->records;
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].kind, Kind::kOverwrite);
  EXPECT_EQ(records[1].kind, Kind::kInsert);
  EXPECT_EQ(records[2].kind, Kind::kStructures);
}

}  // namespace
}  // namespace shardmap
