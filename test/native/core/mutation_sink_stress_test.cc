// Danger: of many threads' changes the log cannot tell which came first, or has one only after another thread has seen
// it; a clear takes away what was set after it, or leaves what was set before.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/mutation_sink.h"
#include "core/recording_sink.h"
#include "core/resharding_thread.h"
#include "core/store.h"
#include "fixtures.h"
#include "meeting.h"
#include "random_input.h"

namespace shardmap {
namespace {

// --- Replay ----------------------------------------------------------------------------------------------------------

// Four threads change few keys, one of them turns the clock, and what expires is removed in slices.
class ReplayTest : public testing::Test {
 protected:
  static constexpr size_t kThreads = 4;
  static constexpr size_t kKeys = 60;

  OwnedKey AnyKey(Random& random) {
    return NumberedKey(random.OneIn(8) ? std::string(300, 'k') : "key ", random.Below(kKeys));
  }
  Lifetime AnyLifetime(Random& random) {
    if (random.OneIn(4)) return Lifetime::For(random.Below(20'000));
    return random.OneIn(3) ? Lifetime::Kept() : Lifetime();
  }
  // Returns how many mutations there are to be told of.
  size_t Operate(Session& session, Random& random, uint64_t tag);
  size_t OperateOnTwo(Session& session, Random& random, const Value& value);
  void UseAtRandom(size_t thread, size_t operations);
  void UseByAllAndRebuild();

  RecordingSink sink_;
  HandTurnedClock clock_;
  LoggedStore store_{StoreOptions{.shards = 4, .clock = &clock_}, sink_};
  std::atomic<size_t> effects_{0};
};

size_t ReplayTest::OperateOnTwo(Session& session, Random& random, const Value& value) {
  const OwnedKey a = AnyKey(random);
  const OwnedKey b = AnyKey(random);
  size_t count = 0;
  if (random.OneIn(2)) {
    BatchEntry entries[] = {{a.key(), Value(value.kind(), value.bytes(), value.size())},
                            {b.key(), Value(value.kind(), value.bytes(), value.size())}};
    EXPECT_TRUE(store_.SetMany(session, entries, &count, AnyLifetime(random)).ok());
  } else {
    const Key keys[] = {a.key(), b.key()};
    EXPECT_TRUE(store_.DeleteMany(session, keys, &count).ok());
  }
  return count;
}

size_t ReplayTest::Operate(Session& session, Random& random, uint64_t tag) {
  const OwnedKey key = AnyKey(random);
  const CheckedValue value(tag, 8 + random.Below(90));
  const size_t draw = random.Below(100);
  if (draw < 35) return store_.Set(session, key.key(), value.value(), AnyLifetime(random)).ok();
  if (draw < 50) {
    const ReadGuard guard(session);
    ReadValue existing;
    return store_.Insert(guard, session, key.key(), value.value(), &existing, AnyLifetime(random)).value();
  }
  if (draw < 65) return OperateOnTwo(session, random, value.value());
  if (draw < 75) {
    return store_.SetLifetime(session, key.key(), AnyLifetime(random)).value() != Store::Expires::kAbsent;
  }
  if (draw < 80) {
    clock_.Advance(random.Below(2000));
    store_.ExpireSome(session, random.Below(store_.shards()));
    return 0;
  }
  return store_.Delete(session, key.key()).value();
}

void ReplayTest::UseAtRandom(size_t thread, size_t operations) {
  Random random(thread);
  for (size_t done = 0; done < operations;) {
    const OpenedSession session(store_);  // opened anew now and then, as threads come and go
    const size_t share = random.Below(5000);
    for (size_t i = 0; i < share && done < operations; ++i) {
      effects_ += Operate(*session, random, thread << 32 | done++);
      if (!random.OneIn(3000)) continue;
      EXPECT_TRUE(store_.Clear(*session).ok());
      ++effects_;
    }
  }
}

void ReplayTest::UseByAllAndRebuild() {
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] { UseAtRandom(thread, Scaled(60000)); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sink_.CountRecords(), effects_);

  Store rebuilt{StoreOptions{.shards = 16, .clock = &clock_}};
  const OpenedSession session(rebuilt);
  ASSERT_NO_FATAL_FAILURE(Replay(sink_.RecordsByStamp(), rebuilt, *session));
  const OpenedSession original(store_);
  const std::vector<Shown> shown = ShownBy(store_, *original);
  EXPECT_FALSE(shown.empty());
  EXPECT_EQ(ShownBy(rebuilt, *session), shown) << "seed " << TestSeed();
}

TEST_F(ReplayTest, RebuildsContentsAndOrderOfTheStoreThatFourThreadsMade) { UseByAllAndRebuild(); }

TEST_F(ReplayTest, RebuildsThemAlsoWhereShardsWereAddedMeanwhile) {
  const ReshardingThread resharding(store_, 1024);
  UseByAllAndRebuild();
}

// --- What was seen was appended
// ---------------------------------------------------------------------------------------

// Notes of each key, which one thread writes, the last change that was appended; slowly, so that whoever could see the
// change before has the time to.
class SlowSink final : public MutationSink {
 public:
  static constexpr size_t kKeys = 8;

  struct Stage final : MutationStage {
    explicit Stage(SlowSink& its_sink) : sink(its_sink) {}
    Status Reserve(const Key*, const Value*, size_t) override { return Status(); }
    void Append(const Mutation& mutation) override {
      for (int spin = 0; spin < 200; ++spin) std::atomic_signal_fence(std::memory_order_seq_cst);
      if (++appended % 64 == 0) std::this_thread::yield();
      const auto key = static_cast<size_t>(*mutation.key->bytes - '0');
      uint64_t change = sink.changes[key].load() + 1;
      sink.changes[key].store(change);
      if (mutation.kind == Mutation::Kind::kDelete) sink.deletions[key].store(change);
    }
    void Release() override {}

    SlowSink& sink;
    size_t appended = 0;
  };

  MutationStage* OpenStage() override { return new Stage(*this); }
  void CloseStage(MutationStage* stage) override { delete stage; }

  // Of each key: how many changes were appended, and which of them was the last deletion.
  std::array<std::atomic<uint64_t>, kKeys> changes{};
  std::array<std::atomic<uint64_t>, kKeys> deletions{};
};

class SeenIsAppendedTest : public testing::Test {
 protected:
  // Each change of a key has the next number, which is its value where it has one.
  void Write(size_t key, size_t rounds);
  void Read(Session& session, size_t key, uint64_t* seen);
  void Scan(Session& session);

  SlowSink sink_;
  LoggedStore store_{OptionsFor(4), sink_};
};

void SeenIsAppendedTest::Write(size_t key, size_t rounds) {
  const OpenedSession session(store_);
  const OwnedKey name = NumberedKey("", key);
  Random random(key);
  uint64_t change = 0;
  bool is_there = false;
  for (size_t round = 0; round < rounds; ++round) {
    ++change;
    if (is_there && random.OneIn(4)) {
      ASSERT_TRUE(store_.Delete(*session, name.key()).value());
      is_there = false;
    } else {
      const CheckedValue value(change, 8 + random.Below(100));
      ASSERT_TRUE(store_.Set(*session, name.key(), value.value()).ok());
      is_there = true;
    }
  }
}

void SeenIsAppendedTest::Read(Session& session, size_t key, uint64_t* seen) {
  const ReadGuard guard(session);
  ReadValue value;
  if (store_.Get(guard, NumberedKey("", key).key(), &value)) {
    *seen = CheckedValue::ReadTag(value).value_or(UINT64_MAX);
    EXPECT_GE(sink_.changes[key].load(), *seen) << "a value was seen that was not appended";
  } else if (*seen != 0) {
    EXPECT_GT(sink_.deletions[key].load(), *seen) << "a deletion was seen that was not appended";
  }
}

void SeenIsAppendedTest::Scan(Session& session) {
  const ReadGuard guard(session);
  std::vector<ScannedEntry> page;
  store_.Scan(guard, 0, 1000, &page);
  for (const ScannedEntry& scanned : page) {
    ReadValue value;
    if (!store_.ReadScanned(guard, scanned, &value)) continue;
    const auto key = static_cast<size_t>(*scanned.entry->key().bytes - '0');
    const uint64_t change = CheckedValue::ReadTag(value).value_or(UINT64_MAX);
    EXPECT_GE(sink_.changes[key].load(), change) << "a scan showed what was not appended";
  }
}

TEST_F(SeenIsAppendedTest, ByReadersWhileOthersWrite) {
  std::atomic<size_t> writing{SlowSink::kKeys};
  std::vector<std::thread> threads;
  for (size_t key = 0; key < SlowSink::kKeys; ++key) {
    threads.emplace_back([&, key] {
      Write(key, Scaled(20000));
      --writing;
    });
  }
  for (size_t reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&, reader] {
      const OpenedSession session(store_);
      Random random(100 + reader);
      std::array<uint64_t, SlowSink::kKeys> seen{};
      while (writing != 0 && !HasFailure()) {
        const size_t key = random.Below(SlowSink::kKeys);
        Read(*session, key, &seen[key]);
        if (random.OneIn(16)) Scan(*session);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// --- Clear -----------------------------------------------------------------------------------------------------------

// While one thread clears, another sets pairs of keys, the first of a pair before the second. What is cleared in one
// step may leave the second alone, or both, or none: never the first alone.
TEST(ClearTest, LeavesNoEntryThatWasSetBeforeOneThatIsGone) {
  constexpr size_t kPairs = 64;
  Store store{OptionsFor(256)};
  std::vector<OwnedKey> first;
  std::vector<OwnedKey> second;
  for (size_t pair = 0; pair < kPairs; ++pair) {
    first.push_back(NumberedKey("first ", pair));
    second.push_back(NumberedKey("second ", pair));
  }
  MeetingPoint begin;
  MeetingPoint end;
  const size_t rounds = Scaled(3000);
  std::atomic<size_t> torn{0};
  std::thread clearing([&] {
    KeepToProcessor(1);
    const OpenedSession session(store);
    for (size_t round = 0; begin.Meet(round); ++round) {
      EXPECT_TRUE(store.Clear(*session).ok());
      if (!end.Meet(round) || round == rounds) return;
    }
  });
  KeepToProcessor(0);
  const OpenedSession session(store);
  for (size_t round = 0; begin.Meet(round); ++round) {
    for (size_t pair = 0; pair < kPairs; ++pair) {
      ASSERT_TRUE(store.Set(*session, first[pair].key(), Value(ValueKind::kTrue)).ok());
      ASSERT_TRUE(store.Set(*session, second[pair].key(), Value(ValueKind::kTrue)).ok());
    }
    const bool goes_on = end.Meet(round);
    const ReadGuard guard(*session);
    for (size_t pair = 0; pair < kPairs; ++pair) {
      torn += store.Has(guard, first[pair].key()) && !store.Has(guard, second[pair].key()) ? 1 : 0;
    }
    if (!goes_on || round == rounds) break;
  }
  clearing.join();
  EXPECT_EQ(torn, 0u);
}

// Two who clear at once, and others who write, all come to their end.
TEST(ClearTest, OfSeveralThreadsWaitsForNobodyForGood) {
  RecordingSink sink;
  LoggedStore store{OptionsFor(128), sink};
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      const OpenedSession session(store);
      for (size_t i = 0; i < Scaled(2000); ++i) {
        EXPECT_TRUE(store.Set(*session, NumberedKey("key ", i % 100).key(), Value(ValueKind::kTrue)).ok());
        if (thread < 2) {
          EXPECT_TRUE(store.Clear(*session).ok());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  // A clear's stamp is nobody else's.
  const std::vector<RecordedMutation> records = sink.RecordsByStamp();
  for (size_t i = 1; i < records.size(); ++i) {
    if (records[i - 1].kind != Mutation::Kind::kClear && records[i].kind != Mutation::Kind::kClear) continue;
    EXPECT_GT(records[i].stamp, records[i - 1].stamp);
  }
}

}  // namespace
}  // namespace shardmap
