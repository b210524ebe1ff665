// Danger: where memory runs out in the middle of an operation, the store is left half changed, memory is lost, or the
// log keeps a reservation for nothing.
#include <gtest/gtest.h>

#include <map>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "allocation_probe.h"
#include "core/recording_sink.h"
#include "core/store.h"
#include "core/store_model.h"
#include "fixtures.h"
#include "random_input.h"

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)

namespace shardmap {
namespace {

// Counts reservations that are neither used nor given back. One stage is enough for one thread.
class CountingSink final : public MutationSink, MutationStage {
 public:
  MutationStage* OpenStage() override { return this; }
  void CloseStage(MutationStage*) override {}
  int open = 0;

 private:
  Status Reserve(const Key*, const Value*, size_t) override {
    ++open;
    return Status();
  }
  void Append(const Mutation&) override { --open; }
  void Release() override { --open; }
};

class StoreOutOfMemoryTest : public testing::TestWithParam<size_t> {
 protected:
  void Step(size_t granted);
  void SetBatch(size_t granted);

  CountingSink sink_;
  LoggedStore store_{OptionsFor(GetParam()), sink_};
  OpenedSession session_{store_};
  StoreModel model_;
  RandomUse use_{GetParam(), 1500};
  size_t refusals_ = 0;
  size_t failures_ = 0;
};

// One operation for which no more than `granted` pieces of memory are to be had.
void StoreOutOfMemoryTest::Step(size_t granted) {
  const OwnedKey key = use_.AnyKey();
  const ValueKind kind = use_.AnyKind();
  const std::string bytes = use_.AnyBytes();
  const bool was_there = model_.Find(key) != nullptr;
  const size_t draw = use_.random().Below(10);
  const ReadGuard guard(*session_);
  ReadValue existing;
  Code code = Code::kOk;
  {
    Value value = use_.AsValue(kind, bytes);
    const AllocationRefusal refusal(granted);
    if (draw < 6) {
      code = store_.Set(*session_, key.key(), std::move(value)).code();
    } else if (draw < 8) {
      code = store_.Insert(guard, *session_, key.key(), std::move(value), &existing).status().code();
    } else {
      code = store_.Delete(*session_, key.key()).status().code();
    }
    refusals_ += refusal.refused();
  }
  ASSERT_EQ(sink_.open, 0);
  if (code != Code::kOk) {
    ++failures_;
    ASSERT_EQ(code, Code::kOutOfMemory);
    ASSERT_LT(draw, 8u) << "deleting needs no memory";
  } else if (draw < 6 || (draw < 8 && !was_there)) {
    model_.Set(key, kind, bytes);
  } else if (draw >= 8) {
    model_.Delete(key);
  }
  ReadValue value;
  const StoreModel::Placed* placed = model_.Find(key);
  ASSERT_EQ(store_.Get(guard, key.key(), &value), placed != nullptr);
  if (placed != nullptr) {
    ASSERT_EQ(BytesOf(value), placed->value);
  }
}

// A batch for which no more than `granted` pieces of memory are to be had: what comes before the entry that failed is
// set, and nothing after.
void StoreOutOfMemoryTest::SetBatch(size_t granted) {
  struct Part {
    OwnedKey key;
    ValueKind kind;
    std::string bytes;
  };
  std::vector<Part> parts(1 + use_.random().Below(60));
  for (Part& part : parts) part = {use_.AnyKey(), use_.AnyKind(), use_.AnyBytes()};
  size_t failed = 0;
  {
    std::vector<BatchEntry> entries;
    for (const Part& part : parts) entries.push_back({part.key.key(), use_.AsValue(part.kind, part.bytes)});
    const AllocationRefusal refusal(granted);
    const Code code = store_.SetMany(*session_, entries, &failed).code();
    ASSERT_EQ(code, failed == parts.size() ? Code::kOk : Code::kOutOfMemory);
    refusals_ += refusal.refused();
  }
  ASSERT_EQ(sink_.open, 0);
  if (failed < parts.size()) ++failures_;
  for (size_t i = 0; i < failed; ++i) model_.Set(parts[i].key, parts[i].kind, parts[i].bytes);
}

TEST_P(StoreOutOfMemoryTest, AFailedOperationChangesNothing) {
  for (size_t step = 0; step < Scaled(30000); ++step) {
    // Refused at any point of an operation; and now and then the store gets everything it asks for.
    const size_t granted = use_.random().OneIn(3) ? 1000 : use_.random().Below(4);
    ASSERT_NO_FATAL_FAILURE(Step(granted)) << "step " << step << ", granted " << granted;
    if (use_.random().OneIn(6000)) {
      ASSERT_TRUE(store_.Clear(*session_).ok());
      model_.Clear();
    }
    if (step % 2000 != 0) continue;
    ASSERT_NO_FATAL_FAILURE(model_.ExpectSame(store_, *session_)) << "step " << step;
  }
  model_.ExpectSame(store_, *session_);
  EXPECT_GT(failures_, Scaled(30000) / 50);
  EXPECT_GT(refusals_, failures_);  // compaction and shrinking do without
}

TEST_P(StoreOutOfMemoryTest, OfABatchWhatComesBeforeTheFailureIsSetAndNothingAfter) {
  const size_t steps = Scaled(2000);
  for (size_t step = 0; step < steps; ++step) {
    const size_t granted = use_.random().OneIn(3) ? 10000 : use_.random().Below(80);
    ASSERT_NO_FATAL_FAILURE(SetBatch(granted)) << "step " << step << ", granted " << granted;
    if (use_.random().OneIn(100)) {
      ASSERT_TRUE(store_.Clear(*session_).ok());
      model_.Clear();
    }
    if (step % 50 != 0) continue;
    ASSERT_NO_FATAL_FAILURE(model_.ExpectSame(store_, *session_)) << "step " << step;
  }
  model_.ExpectSame(store_, *session_);
  EXPECT_GT(failures_, steps / 50);
}

INSTANTIATE_TEST_SUITE_P(Shards, StoreOutOfMemoryTest, testing::Values(1, 64));

// Deadlines need timers, wheels, numbers of chunks, and now and then a chunk that is rewritten: where one of them
// cannot be had, neither value nor deadline changes, and nothing is lost.
TEST(StoreOutOfMemoryExpiryTest, AFailedOperationChangesNeitherValueNorDeadline) {
  const AllocationCount allocated;
  {
    struct Modelled {
      std::string value;
      uint64_t left_ns;
    };
    std::map<OwnedKey, Modelled> model;
    CountingSink sink;
    const HandTurnedClock clock;
    LoggedStore store{StoreOptions{.shards = 4, .clock = &clock}, sink};
    const OpenedSession session(store);
    RandomUse use{7, 1500};
    size_t failures = 0;
    for (size_t step = 0; step < Scaled(30000); ++step) {
      const OwnedKey key = use.AnyKey();
      const std::string bytes = use.AnyBytes();
      const uint64_t ttl_ns = use.random().OneIn(2) ? kForever : 1 + use.random().Below(kTtlNanosMax);
      const bool sets = use.random().OneIn(2);
      const auto found = model.find(key);
      Code code;
      bool was_there = true;
      {
        Value value = use.AsValue(ValueKind::kClone, bytes);
        const AllocationRefusal refusal(use.random().OneIn(3) ? 1000 : use.random().Below(4));
        if (sets) {
          code = store.Set(*session, key.key(), std::move(value), Lifetime::For(ttl_ns)).code();
        } else {
          Result<Store::Expires> before = store.SetLifetime(*session, key.key(), Lifetime::For(ttl_ns));
          code = before.status().code();
          was_there = code == Code::kOk && before.value() != Store::Expires::kAbsent;
        }
      }
      ASSERT_EQ(sink.open, 0);
      if (code != Code::kOk) {
        ASSERT_EQ(code, Code::kOutOfMemory);
        ++failures;
      } else if (sets) {
        model[key] = {bytes, ttl_ns};
      } else {
        ASSERT_EQ(was_there, found != model.end());
        if (was_there) found->second.left_ns = ttl_ns;
      }
      const ReadGuard guard(*session);
      ReadValue value;
      const auto now = model.find(key);
      ASSERT_EQ(store.Get(guard, key.key(), &value), now != model.end());
      ASSERT_EQ(store.TimeLeft(guard, key.key()), now == model.end() ? 0 : now->second.left_ns);
      if (now != model.end()) {
        ASSERT_EQ(BytesOf(value), now->second.value);
      }
    }
    for (const auto& [key, modelled] : model) {
      const ReadGuard guard(*session);
      ReadValue value;
      ASSERT_TRUE(store.Get(guard, key.key(), &value));
      ASSERT_EQ(BytesOf(value), modelled.value);
      ASSERT_EQ(store.TimeLeft(guard, key.key()), modelled.left_ns);
    }
    EXPECT_GT(failures, Scaled(30000) / 50);
  }
  EXPECT_EQ(allocated.pieces(), 0);
}

// From the first operation on: each table, chunk and list of chunks is refused where it is first needed.
TEST(StoreOutOfMemoryLeakTest, NothingIsLostWhereverItFails) {
  for (const size_t key_bytes : {8, 300}) {
    for (const size_t value_bytes : {8, 300}) {
      for (size_t granted = 0; granted < 8; ++granted) {
        const std::string key_text(key_bytes, 'k');
        const OwnedKey key(key_text);
        const std::string bytes(value_bytes, 'v');
        const AllocationCount allocated;
        Code code = Code::kOk;
        {
          Store store{StoreOptions{.shards = 1}};
          const OpenedSession session(store);
          const AllocationRefusal refusal(granted);
          code = store.Set(*session, key.key(), BorrowedValue(ValueKind::kClone, bytes)).code();
        }
        const int64_t lost = allocated.pieces();
        EXPECT_EQ(lost, 0) << key_bytes << ", " << value_bytes << ", granted " << granted;
        EXPECT_TRUE(code == Code::kOutOfMemory || granted >= 3) << granted;
        EXPECT_TRUE(code == Code::kOk || granted < 6) << granted;
      }
    }
  }
}

// Of a batch as well, whatever entry it is that memory runs out for; with a sink, whose reservations come one by one,
// and without.
TEST(StoreOutOfMemoryLeakTest, NothingIsLostWhereverABatchFails) {
  for (const bool has_sink : {false, true}) {
    for (size_t granted = 0; granted < 150; ++granted) {
      CountingSink sink;
      const std::string text(300, 'x');
      std::vector<OwnedKey> keys;
      for (uint64_t i = 0; i < 50; ++i) keys.push_back(NumberedKey(i % 3 == 0 ? text : "key ", i));
      const AllocationCount allocated;
      size_t failed = 0;
      {
        Store store{OptionsFor(2)};
        if (has_sink) store.LogTo(sink);
        const OpenedSession session(store);
        std::vector<BatchEntry> entries;
        for (const OwnedKey& key : keys) entries.push_back({key.key(), BorrowedValue(ValueKind::kClone, text)});
        const AllocationRefusal refusal(granted);
        const Code code = store.SetMany(*session, entries, &failed).code();
        EXPECT_EQ(code, failed == keys.size() ? Code::kOk : Code::kOutOfMemory);
        EXPECT_EQ(store.Size(), failed);
      }
      const int64_t lost = allocated.pieces();
      EXPECT_EQ(lost, 0) << "granted " << granted;
      EXPECT_EQ(sink.open, 0);
    }
  }
}

TEST(StoreOutOfMemoryClearTest, ChangesNothing) {
  CountingSink sink;
  LoggedStore store{OptionsFor(64), sink};
  const OpenedSession session(store);
  ASSERT_TRUE(store.Set(*session, OwnedKey("key").key(), Value(ValueKind::kTrue)).ok());
  {
    const AllocationRefusal refusal(0);
    EXPECT_EQ(store.Clear(*session).code(), Code::kOutOfMemory);
  }
  EXPECT_EQ(sink.open, 0);
  EXPECT_EQ(store.Size(), 1u);
  EXPECT_TRUE(store.Clear(*session).ok());
  EXPECT_EQ(store.Size(), 0u);
}

TEST(StoreOutOfMemoryBatchTest, KeysThatCannotBeSortedAreDeletedAllTheSame) {
  std::vector<OwnedKey> keys;
  for (uint64_t i = 0; i < 100; ++i) keys.push_back(NumberedKey("key ", i));
  std::vector<Key> key_views;
  for (const OwnedKey& key : keys) key_views.push_back(key.key());
  for (size_t granted = 0; granted < 3; ++granted) {
    Store store(OptionsFor(4));
    const OpenedSession session(store);
    for (const Key& key : key_views) ASSERT_TRUE(store.Set(*session, key, Value(ValueKind::kTrue)).ok());
    size_t deleted = 0;
    const AllocationRefusal refusal(granted);
    EXPECT_TRUE(store.DeleteMany(*session, key_views, &deleted).ok());
    EXPECT_EQ(deleted, keys.size());
    EXPECT_GT(refusal.refused(), 0u) << "nothing was tested";
  }
}

TEST(StoreOutOfMemoryLeakTest, OpeningAStoreOrASessionThrowsAndLosesNothing) {
  const AllocationCount allocated;
  for (size_t granted = 0; granted < 2; ++granted) {
    bool threw = false;
    try {
      const AllocationRefusal refusal(granted);
      const Store store{StoreOptions{.shards = 4}};
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    EXPECT_TRUE(threw) << granted;
  }
  bool threw = false;
  {
    Store store{StoreOptions{.shards = 1}};
    try {
      const AllocationRefusal refusal(0);
      store.OpenSession();
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    const OpenedSession session(store);
    EXPECT_EQ(session->id(), 1u);
  }
  EXPECT_TRUE(threw);
  EXPECT_EQ(allocated.pieces(), 0);
}

}  // namespace
}  // namespace shardmap

#endif
