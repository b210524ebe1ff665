// Danger: after power is lost while a log is made short, neither the old files nor the new ones are the store.
#include "log/compaction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/crash_directory.h"
#include "core/resharding.h"
#include "log/durable_store.h"
#include "random_input.h"

namespace shardmap {
namespace {

void Set(Store& store, Session& session, std::string_view key, const std::string& value) {
  ASSERT_TRUE(store.Set(session, OwnedKey(key).key(), BorrowedValue(ValueKind::kOneByteString, value)).ok());
}

std::vector<std::string> NamesIn(CrashDirectory& directory) {
  std::vector<std::string> names;
  EXPECT_FALSE(directory.List(&names));
  std::sort(names.begin(), names.end());
  return names;
}

TEST(CompactionTest, LeavesASnapshotAndANewSegment) {
  CrashDirectory directory;
  std::vector<DurableStore::Row> rows;
  {
    DurableStore durable(directory, 16);
    const OpenedSession session(durable.store());
    ASSERT_TRUE(durable.store().SaveStructures(*session, std::nullopt, "[[\"name\"]]").value());
    for (int i = 0; i < 1000; ++i) Set(durable.store(), *session, "key " + std::to_string(i % 100), std::to_string(i));
    ASSERT_TRUE(durable.Compact().ok());
    ASSERT_TRUE(durable.Compact().ok());
    Set(durable.store(), *session, "after", "value");
    rows = durable.Rows();
  }
  EXPECT_EQ(NamesIn(directory), (std::vector<std::string>{"MANIFEST", SegmentName(3), SnapshotName(2)}));
  DurableStore again(directory, 16);
  EXPECT_EQ(again.Rows(), rows);
  EXPECT_EQ(again.store().structures().Load(), "[[\"name\"]]");
}

// Two sessions that insert into different shards within a tick draw the same number. Of such two the first fills a
// frame.
TEST(CompactionTest, EntriesOfOneNumberAreNotParted) {
  CrashDirectory directory;
  HandTurnedClock clock;
  std::vector<DurableStore::Row> rows;
  {
    DurableStore durable(directory, 16, {}, &clock);
    Store& store = durable.store();
    const OpenedSession first(store);
    const OpenedSession second(store);
    const auto shard_of = [&](const std::string& key) { return store.ShardOf(store.Hashed(OwnedKey(key).key())); };
    clock.Advance(1'000'000'000);  // the clock is beyond what the first, alone, has counted
    for (int i = 0; i < 8; ++i) {
      const std::string key = "key " + std::to_string(i);
      std::string other = "other " + std::to_string(i);
      while (shard_of(other) == shard_of(key)) other += '.';
      Set(store, *first, key, std::string(size_t{2} << 20, 'v'));
      Set(store, *second, other, "value");
      clock.Advance(HandTurnedClock::kSequencerTickNs);
    }
    rows = durable.Rows();
    ASSERT_TRUE(durable.Compact().ok());
    ASSERT_TRUE(durable.log().Close().ok());
  }
  DurableStore again(directory, 16, {}, &clock);
  EXPECT_TRUE(again.Rows() == rows) << again.Rows().size() << " of " << rows.size();
}

// A store of a few hundred entries, all of them in its snapshot, and of one in its log.
class SnapshotTest : public testing::Test {
 protected:
  void SetUp() override {
    DurableStore durable(directory_, 16);
    const OpenedSession session(durable.store());
    for (int i = 0; i < 300; ++i) Set(durable.store(), *session, "key " + std::to_string(i), std::to_string(i));
    ASSERT_TRUE(durable.Compact().ok());
    Set(durable.store(), *session, "after", "value");
    ASSERT_TRUE(durable.log().Close().ok());
    content_ = directory_.ContentOf(name_).value();
  }
  // Where the snapshot is another: nothing, or the error, which names it.
  void ExpectRefused(const std::string& content) {
    const auto copy = directory_.KillCopy();
    copy->Put(name_, content);
    ExpectRefused(*copy);
  }
  void ExpectRefused(CrashDirectory& directory) {
    DurableStore durable(directory, 16);
    ASSERT_EQ(durable.status().code(), Code::kCorrupt) << durable.status().message() << ", seed " << TestSeed();
    EXPECT_NE(durable.status().message().find(name_), std::string::npos) << durable.status().message();
  }

  const std::string name_ = SnapshotName(1);
  CrashDirectory directory_;
  std::string content_;
};

TEST_F(SnapshotTest, OneThatIsMissingIsDamage) {
  const auto copy = directory_.KillCopy();
  ASSERT_FALSE(copy->Remove(name_));
  ExpectRefused(*copy);
}

TEST_F(SnapshotTest, OneThatIsCutOffAnywhereIsDamage) {
  for (size_t size = 0; size < content_.size(); ++size) {
    ASSERT_NO_FATAL_FAILURE(ExpectRefused(content_.substr(0, size))) << "at " << size;
  }
}

TEST_F(SnapshotTest, NoFlippedBitGoesUnseen) {
  Random random;
  const size_t bits = std::min(Scaled(1), size_t{8});
  for (size_t at = 0; at < content_.size(); ++at) {
    const size_t first = random.Below(8);
    for (size_t i = 0; i < bits; ++i) {
      std::string flipped = content_;
      flipped[at] = static_cast<char>(flipped[at] ^ 1 << (first + i) % 8);
      ASSERT_NO_FATAL_FAILURE(ExpectRefused(flipped)) << "at " << at;
    }
  }
}

TEST_F(SnapshotTest, SectorsThatAreZeroedRepeatedOrSwappedAreFound) {
  constexpr size_t kSector = 512;
  for (size_t at = 0; at + 2 * kSector <= content_.size(); at += kSector) {
    std::string zeroed = content_;
    zeroed.replace(at, kSector, kSector, '\0');
    std::string repeated = content_;
    repeated.replace(at + kSector, kSector, content_, at, kSector);
    std::string swapped = repeated;
    swapped.replace(at, kSector, content_, at + kSector, kSector);
    for (const std::string& damaged : {zeroed, repeated, swapped}) {
      ASSERT_NO_FATAL_FAILURE(ExpectRefused(damaged)) << "at " << at;
    }
  }
}

// Mutations that go on while the snapshot is written: of the two that the hook makes, the second tells of the first.
// And shards that are split meanwhile, a step at each call.
TEST(CompactionTest, WherePowerIsLostAtAnyCallTheStoreIsThereWithoutAHole) {
  CrashDirectory directory;
  LogOptions options;
  options.policy = SyncPolicy::kNever;
  Random random;
  DurableStore durable(directory, 2, options);
  const OpenedSession session(durable.store());
  const std::string large(400'000, 'v');
  std::optional<Resharding> resharding;
  size_t states = 0;
  const size_t rounds = Scaled(8);
  for (size_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < 10; ++i) Set(durable.store(), *session, "key " + std::to_string(i), large);
    Set(durable.store(), *session, "last", "before " + std::to_string(round));
    ASSERT_TRUE(durable.log().FlushSync().ok());
    bool is_told = false;
    const std::string fresh = "fresh " + std::to_string(round);
    const std::thread::id compacting = std::this_thread::get_id();
    directory.SetHook([&](const CrashDirectory::Call& call) {
      if (std::this_thread::get_id() != compacting) return;
      if (call.kind == CrashDirectory::Kind::kWrite && call.name.starts_with("snapshot") && !is_told) {
        is_told = true;
        Set(durable.store(), *session, fresh, "value");
        Set(durable.store(), *session, "last", fresh);
      }
      const size_t shards = durable.store().shards();
      if (!resharding.has_value() && shards < 1024) resharding.emplace(durable.store(), *session, 2 * shards);
      if (resharding.has_value() && resharding->Step().value()) resharding.reset();
      for (int copies = 0; copies < 3; ++copies) {
        const auto copy = directory.CrashCopy(random);
        DurableStore again(*copy, 4);
        ASSERT_TRUE(again.status().ok()) << again.status().message() << ", seed " << TestSeed();
        ++states;
        const OpenedSession reader(again.store());
        const ReadGuard guard(*reader);
        ReadValue value;
        for (int i = 0; i < 10; ++i) {
          EXPECT_TRUE(again.store().Get(guard, OwnedKey("key " + std::to_string(i)).key(), &value));
        }
        ASSERT_TRUE(again.store().Get(guard, OwnedKey("last").key(), &value)) << "seed " << TestSeed();
        if (BytesOf(value) == fresh) {
          EXPECT_TRUE(again.store().Has(guard, OwnedKey(fresh).key())) << "a hole, seed " << TestSeed();
        } else {
          EXPECT_EQ(BytesOf(value), "before " + std::to_string(round)) << "seed " << TestSeed();
        }
      }
    });
    ASSERT_TRUE(durable.Compact().ok());
    directory.SetHook({});
    EXPECT_TRUE(is_told);
  }
  EXPECT_GT(states, 12 * rounds);
  EXPECT_GT(durable.store().shards(), 2u);
}

// The log, but a mutation of a thread that waits at the gate is appended long before it is seen.
class GatedSink final : public MutationSink {
 public:
  explicit GatedSink(Log& log) : log_(log) {}
  MutationStage* OpenStage() override { return new GatedStage(*this, log_.OpenStage()); }
  void CloseStage(MutationStage* stage) override {
    log_.CloseStage(static_cast<GatedStage*>(stage)->stage);
    delete stage;
  }

  std::atomic<bool> is_shut{false};
  std::atomic<bool> is_waited_at{false};

 private:
  struct GatedStage final : MutationStage {
    GatedStage(GatedSink& its_sink, MutationStage* its_stage) : sink(its_sink), stage(its_stage) {}
    Status Reserve(const Key* key, const Value* value, size_t value_bytes_max) override {
      return stage->Reserve(key, value, value_bytes_max);
    }
    void Append(const Mutation& mutation) override {
      stage->Append(mutation);
      while (sink.is_shut) {
        sink.is_waited_at = true;
        std::this_thread::yield();
      }
    }
    void Release() override { stage->Release(); }

    GatedSink& sink;
    MutationStage* const stage;
  };

  Log& log_;
};

TEST(CompactionTest, WaitsForWhatWasAppendedAndIsNotSeenYet) {
  CrashDirectory directory;
  std::unique_ptr<GatedSink> gate;
  {
    DurableStore durable(directory, 16, {}, nullptr, [&](Log& log) -> MutationSink& {
      gate = std::make_unique<GatedSink>(log);
      return *gate;
    });
    gate->is_shut = true;
    std::thread writer([&] {
      const OpenedSession session(durable.store());
      Set(durable.store(), *session, "key", "value");
    });
    while (!gate->is_waited_at) std::this_thread::yield();
    std::atomic<bool> is_compacted{false};
    std::thread compaction([&] {
      EXPECT_TRUE(durable.Compact().ok());
      is_compacted = true;
    });
    for (int i = 0; i < 100 && !is_compacted; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_FALSE(is_compacted);
    gate->is_shut = false;
    writer.join();
    compaction.join();
  }
  DurableStore again(directory, 16);
  EXPECT_EQ(again.Rows().size(), 1u);
}

TEST(CompactionTest, EndsWhenItIsCancelledAndLeavesTheStoreAsItWas) {
  CrashDirectory directory;
  {
    DurableStore durable(directory, 4);
    ASSERT_TRUE(durable.Set("key", "value").ok());
    durable.Cancel();
    EXPECT_EQ(durable.Compact().code(), Code::kClosed);
  }
  DurableStore again(directory, 4);
  EXPECT_EQ(again.Get("key"), "value");
  EXPECT_EQ(NamesIn(directory), (std::vector<std::string>{"MANIFEST", SegmentName(1), SegmentName(2)}));
}

TEST(CompactionTest, OneThatFailsLeavesTheStoreAsItWas) {
  for (uint64_t call = 0;; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    CrashDirectory directory;
    std::vector<DurableStore::Row> rows;
    bool has_failed = false;
    {
      DurableStore durable(directory, 4);
      const OpenedSession session(durable.store());
      for (int i = 0; i < 10; ++i) Set(durable.store(), *session, "key " + std::to_string(i), "value");
      ASSERT_TRUE(durable.log().FlushSync().ok());
      rows = durable.Rows();
      directory.Fail(directory.calls() + call, std::errc::io_error, CrashDirectory::Lasting::kOnce);
      has_failed = !durable.Compact().ok();
      directory.Heal();
    }
    DurableStore again(directory, 16);
    ASSERT_TRUE(again.status().ok()) << again.status().message();
    EXPECT_EQ(again.Rows(), rows);
    // A call that only tidies up may fail unheard; behind them all none fails.
    if (!has_failed && call > 20) break;
  }
}

}  // namespace
}  // namespace shardmap
