// Danger: the store is not the Map it claims to be: a value of another key, a lost or doubled entry, another order, a
// count of bytes that drifts.
#include "core/store.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "core/store_fixtures.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

class StoreTest : public OpenStoreTest {
 protected:
  Status Set(const OwnedKey& key, std::string_view value) {
    return store_.Set(*session_, key.key(), BorrowedValue(ValueKind::kOneByteString, value));
  }
  bool Delete(const OwnedKey& key) { return store_.Delete(*session_, key.key()).value(); }
  bool Has(const OwnedKey& key) { return store_.Has(ReadGuard(*session_), key.key()); }
};

TEST_F(StoreTest, SetsGetsAndDeletes) {
  const OwnedKey key("key");
  EXPECT_EQ(Get(key), "(absent)");
  EXPECT_FALSE(Has(key));
  ASSERT_TRUE(Set(key, "value").ok());
  EXPECT_EQ(Get(key), "value");
  EXPECT_TRUE(Has(key));
  EXPECT_EQ(store_.Size(), 1u);
  EXPECT_TRUE(Delete(key));
  EXPECT_FALSE(Delete(key));
  EXPECT_EQ(Get(key), "(absent)");
  EXPECT_EQ(store_.Size(), 0u);
}

TEST_F(StoreTest, OverwritingKeepsThePlaceAndDeletingLosesIt) {
  for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(Set(OwnedKey(key), "1").ok());
  ASSERT_TRUE(Set(OwnedKey("a"), std::string(1000, '2')).ok());
  EXPECT_EQ(Keys(), (std::vector<std::string>{"a", "b", "c"}));
  Delete(OwnedKey("a"));
  ASSERT_TRUE(Set(OwnedKey("a"), "3").ok());
  EXPECT_EQ(Keys(), (std::vector<std::string>{"b", "c", "a"}));
}

TEST_F(StoreTest, KindsOfKeysAreNeverTakenForOneAnother) {
  for (int kind = 0; kind <= static_cast<int>(KeyKind::kComposite); ++kind) {
    ASSERT_TRUE(Set(OwnedKey(static_cast<KeyKind>(kind), "12345678"), std::to_string(kind)).ok());
  }
  for (int kind = 0; kind <= static_cast<int>(KeyKind::kComposite); ++kind) {
    EXPECT_EQ(Get(OwnedKey(static_cast<KeyKind>(kind), "12345678")), std::to_string(kind));
  }
}

TEST_F(StoreTest, InsertsOnlyWhereThereIsNothing) {
  const ReadGuard guard(*session_);
  const OwnedKey key("key");
  ReadValue existing;
  const auto insert = [&](std::string_view value) {
    return store_.Insert(guard, *session_, key.key(), BorrowedValue(ValueKind::kClone, value), &existing).value();
  };
  EXPECT_TRUE(insert(std::string(100, 'x')));
  EXPECT_FALSE(insert("second"));
  EXPECT_EQ(existing.kind(), ValueKind::kClone);
  EXPECT_EQ(BytesOf(existing), std::string(100, 'x'));
  EXPECT_EQ(store_.Size(), 1u);
}

TEST_F(StoreTest, ValueReadBeforeAnOverwriteStaysAsLongAsItsGuard) {
  const OwnedKey key("key");
  ASSERT_TRUE(Set(key, std::string(1000, 'a')).ok());
  const OpenedSession other(store_);
  const ReadGuard guard(*session_);
  ReadValue value;
  ASSERT_TRUE(store_.Get(guard, key.key(), &value));
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(store_.Set(*other, key.key(), BorrowedValue(ValueKind::kClone, std::string(1000, 'b'))).ok());
  }
  ASSERT_TRUE(store_.Clear(*other).ok());
  EXPECT_EQ(BytesOf(value), std::string(1000, 'a'));
}

TEST_F(StoreTest, TheLastNumberIsThatOfTheNewestEntryAlsoOfOneThatIsGone) {
  EXPECT_EQ(store_.LastSequence(), 0u);
  uint64_t before = 0;
  for (int i = 0; i < 100; ++i) {
    const OwnedKey key("key " + std::to_string(i));
    ASSERT_TRUE(Set(key, "1").ok());
    const uint64_t last = store_.LastSequence();
    EXPECT_GT(last, before);
    ASSERT_TRUE(Set(key, "2").ok());
    if (i % 2 == 0) Delete(key);
    EXPECT_EQ(store_.LastSequence(), last);
    before = last;
  }
  const ReadGuard guard(*session_);
  std::vector<ScannedEntry> page;
  store_.Scan(guard, 0, 1000, &page);
  EXPECT_EQ(page.back().sequence, store_.LastSequence());
  store_.Scan(guard, store_.LastSequence(), 1000, &page);
  EXPECT_TRUE(page.empty());
}

TEST_F(StoreTest, RecognisesAnEntryByItsNumber) {
  const OwnedKey key("key");
  ASSERT_TRUE(Set(key, "first").ok());
  const ReadGuard guard(*session_);
  std::vector<ScannedEntry> page;
  store_.Scan(guard, 0, 1, &page);
  const uint64_t sequence = page.at(0).sequence;
  ReadValue value;
  ASSERT_TRUE(Set(key, "overwritten").ok());
  EXPECT_TRUE(store_.GetIfSequence(guard, key.key(), sequence, &value));
  EXPECT_EQ(BytesOf(value), "overwritten");
  EXPECT_FALSE(store_.GetIfSequence(guard, key.key(), sequence + 1, &value));
  EXPECT_FALSE(store_.GetIfSequence(guard, OwnedKey("other").key(), sequence, &value));
  Delete(key);
  EXPECT_FALSE(store_.ReadScanned(guard, page[0], &value));
  EXPECT_FALSE(store_.GetIfSequence(guard, key.key(), sequence, &value));
  ASSERT_TRUE(Set(key, "again").ok());
  EXPECT_FALSE(store_.GetIfSequence(guard, key.key(), sequence, &value));
}

TEST_F(StoreTest, RefusesKeysAndValuesOverTheLimit) {
  const OwnedKey longest(std::string(kKeyBytesMax, 'k'));
  ASSERT_TRUE(Set(longest, "value").ok());
  EXPECT_EQ(Get(longest), "value");
  const OwnedKey too_long(std::string(kKeyBytesMax + 1, 'k'));
  const Status status = Set(too_long, "value");
  EXPECT_EQ(status.code(), Code::kKeyTooLong);
  EXPECT_NE(status.message().find(std::to_string(kKeyBytesMax + 1)), std::string::npos) << status.message();
  EXPECT_EQ(Get(too_long), "(absent)");
  EXPECT_FALSE(Delete(too_long));
  // The size alone is looked at: nobody needs to have a gigabyte.
  const Status value_status =
      store_.Set(*session_, OwnedKey("key").key(), Value(ValueKind::kClone, "", kValueBytesMax + 1));
  EXPECT_EQ(value_status.code(), Code::kValueTooLong);
  EXPECT_EQ(store_.Size(), 1u);
}

TEST_F(StoreTest, ClearLeavesNothingAndTheOrderGoesOn) {
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(Set(NumberedKey("key ", static_cast<uint64_t>(i)), "value").ok());
  const ReadGuard guard(*session_);
  std::vector<ScannedEntry> page;
  store_.Scan(guard, 0, 1000, &page);
  const uint64_t last = page.back().sequence;
  ASSERT_TRUE(store_.Clear(*session_).ok());
  EXPECT_EQ(store_.Size(), 0u);
  EXPECT_EQ(Keys(), std::vector<std::string>());
  EXPECT_FALSE(Has(OwnedKey("key 7")));
  ASSERT_TRUE(Set(OwnedKey("after"), "value").ok());
  store_.Scan(guard, last, 10, &page);  // an iteration under way meets what is added now
  EXPECT_EQ(page.size(), 1u);
}

TEST(StoreShardsTest, CountsThatArePowersOfTwoUpToTheLimitAreShardCounts) {
  for (const size_t shards : {size_t{1}, size_t{2}, size_t{4096}, Store::kShardsMax}) {
    EXPECT_TRUE(Store::IsShardCount(shards)) << shards;
  }
  for (const size_t shards :
       {size_t{0}, size_t{3}, size_t{6}, Store::kShardsMax + 1, 2 * Store::kShardsMax, SIZE_MAX}) {
    EXPECT_FALSE(Store::IsShardCount(shards)) << shards;
  }
  EXPECT_TRUE(Store::IsShardCount(Store::DefaultShards()));
  EXPECT_EQ(Store(OptionsFor(0)).shards(), Store::DefaultShards());
}

TEST(StoreShardsTest, WorksWithTheMostShards) {
  Store store(OptionsFor(Store::kShardsMax));
  const OpenedSession session(store);
  for (uint64_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(store.Set(*session, NumberedKey("key ", i).key(), Value(ValueKind::kTrue)).ok());
  }
  EXPECT_EQ(store.Size(), 1000u);
  for (uint64_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(store.Delete(*session, NumberedKey("key ", i).key()).value());
  }
  EXPECT_EQ(store.Size(), 0u);
}

// While the clock stands still, sessions draw the same numbers in different shards.
TEST(StoreScanTest, EntriesOfOneNumberAreNeverParted) {
  const HandTurnedClock clock;
  Store store(StoreOptions{.shards = 64, .clock = &clock});
  constexpr uint64_t kEntries = 500;
  for (uint64_t i = 0; i < kEntries;) {
    const OpenedSession a(store);
    const OpenedSession b(store);
    const OpenedSession c(store);
    for (const OpenedSession* session : {&a, &b, &c}) {
      ASSERT_TRUE(store.Set(**session, NumberedKey("key ", i++).key(), Value(ValueKind::kTrue)).ok());
    }
  }
  const OpenedSession session(store);
  const ReadGuard guard(*session);
  for (const size_t count : {1, 2, 3, 7, 100}) {
    std::set<std::string> met;
    std::vector<ScannedEntry> page;
    size_t numbers = 0;
    for (uint64_t after = 0;; after = page.back().sequence) {
      store.Scan(guard, after, count, &page);
      if (page.empty()) break;
      for (const ScannedEntry& scanned : page) {
        EXPECT_TRUE(met.insert(OwnedKey::Of(scanned.entry->key()).bytes).second) << "met twice";
        numbers += scanned.sequence != after;
        after = scanned.sequence;
      }
    }
    EXPECT_EQ(met.size(), store.Size()) << "pages of " << count;
    EXPECT_LT(numbers, met.size()) << "no two entries had the same number: nothing was tested";
  }
}

// --- Random use against the model ------------------------------------------------------------------------------------

class StoreModelTest : public ModelledStoreTest {
 protected:
  void Step() override;
  void SetOrInsert();
  void GetAndHas();
  void ContinueIteration();

  uint64_t cursor_ = 0;  // of an iteration under way: the last number met
  uint64_t place_ = 0;   // and where that is in the model
};

void StoreModelTest::SetOrInsert() {
  const OwnedKey key = use_.AnyKey();
  const ValueKind kind = use_.AnyKind();
  const std::string bytes = use_.AnyBytes();
  const bool was_there = model_.Find(key) != nullptr;
  if (!use_.random().OneIn(4)) return SetOne(key, kind, bytes);
  const ReadGuard guard(*session_);
  ReadValue existing;
  Result<bool> inserted = store_.Insert(guard, *session_, key.key(), use_.AsValue(kind, bytes), &existing);
  ASSERT_TRUE(inserted.ok());
  ASSERT_EQ(inserted.value(), !was_there);
  if (was_there) {
    ASSERT_EQ(existing.kind(), model_.Find(key)->kind);
    ASSERT_EQ(BytesOf(existing), model_.Find(key)->value);
  } else {
    model_.Set(key, kind, bytes);
  }
}

void StoreModelTest::GetAndHas() {
  const OwnedKey key = use_.AnyKey();
  const StoreModel::Placed* placed = model_.Find(key);
  const ReadGuard guard(*session_);
  ReadValue value;
  ASSERT_EQ(store_.Has(guard, key.key()), placed != nullptr);
  ASSERT_EQ(store_.Get(guard, key.key(), &value), placed != nullptr);
  if (placed == nullptr) return;
  ASSERT_EQ(value.kind(), placed->kind);
  ASSERT_EQ(BytesOf(value), placed->value);
}

// One page of an iteration that goes on while the map changes: exactly the next entries that are there now.
void StoreModelTest::ContinueIteration() {
  const ReadGuard guard(*session_);
  const size_t count = use_.random().OneIn(10) ? 5000 : 1 + use_.random().Below(60);
  std::vector<ScannedEntry> page;
  store_.Scan(guard, cursor_, count, &page);
  ASSERT_LE(page.size(), count);
  auto expected = model_.places().upper_bound(place_);
  ASSERT_EQ(page.empty(), expected == model_.places().end());
  for (const ScannedEntry& scanned : page) {
    ASSERT_NE(expected, model_.places().end());
    ReadValue value;
    ASSERT_EQ(OwnedKey::Of(scanned.entry->key()), expected->second.key);
    ASSERT_TRUE(store_.ReadScanned(guard, scanned, &value));
    ASSERT_EQ(BytesOf(value), expected->second.value);
    ASSERT_GT(scanned.sequence, cursor_);
    cursor_ = scanned.sequence;
    place_ = (expected++)->first;
  }
  if (page.empty() && use_.random().OneIn(3)) cursor_ = place_ = 0;
}

void StoreModelTest::Step() {
  clock_.Advance(HandTurnedClock::kSequencerTickNs);
  const size_t draw = use_.random().Below(100);
  if (draw < 45) {
    SetOrInsert();
  } else if (draw < 70) {
    DeleteOne();
  } else if (draw < 90) {
    GetAndHas();
  } else {
    ContinueIteration();
  }
  if (!use_.random().OneIn(8000)) return;
  ASSERT_TRUE(store_.Clear(*session_).ok());
  model_.Clear();
}

TEST_P(StoreModelTest, IsAMapUnderAnySequenceOfOperations) { Run(Scaled(60000), 5000); }

INSTANTIATE_TEST_SUITE_P(Shards, StoreModelTest, testing::Values(1, 2, 64, 1024));

}  // namespace
}  // namespace shardmap
