// Danger: a log that has failed goes on with a hole, or in files that a crash on the way back leaves unreadable.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "base/crash_directory.h"
#include "log/durable_store.h"
#include "random_input.h"

namespace shardmap {
namespace {

LogOptions Unsynced() {
  LogOptions options;
  options.policy = SyncPolicy::kNever;
  return options;
}

// A store whose log has failed: "flushed" is on the medium, "seen" was set and not flushed.
class FailedLog {
 public:
  explicit FailedLog(CrashDirectory& directory) : directory_(directory), durable_(directory, 16, Unsynced()) {
    EXPECT_TRUE(durable_.Set("flushed", "before").ok());
    EXPECT_TRUE(durable_.log().FlushSync().ok());
    directory.Fail(directory.calls(), std::errc::io_error, CrashDirectory::Lasting::kForEver);
    EXPECT_TRUE(durable_.Set("seen", "before").ok());
    EXPECT_EQ(durable_.log().FlushSync().code(), Code::kIo);
    EXPECT_TRUE(durable_.log().has_failed());
  }
  // Looks at each state in which a call of the compaction may leave the medium, or the process's files.
  template <typename Look>
  Status CompactAndLook(Random& random, const Look& look) {
    directory_.SetHook([&](const CrashDirectory::Call&) {
      for (int copies = 0; copies < 3; ++copies) {
        const auto copy = copies == 0 ? directory_.KillCopy() : directory_.CrashCopy(random);
        look(*copy);
      }
    });
    Status status = durable_.Compact();
    directory_.SetHook({});
    return status;
  }

  DurableStore& operator*() { return durable_; }
  DurableStore* operator->() { return &durable_; }

 private:
  CrashDirectory& directory_;
  DurableStore durable_;
};

TEST(LogRestartTest, ACompactionIsTheWayBack) {
  CrashDirectory directory;
  Random random;
  FailedLog durable(directory);
  EXPECT_EQ(durable->Set("refused", "x").code(), Code::kLogFailed);
  EXPECT_EQ(durable->Get("seen"), "before");
  EXPECT_FALSE(durable->Compact().ok()) << "the medium fails still";
  EXPECT_EQ(durable->Set("refused", "x").code(), Code::kLogFailed);
  directory.Heal();
  ASSERT_TRUE(durable->Compact().ok());
  EXPECT_TRUE(durable->log().Figures().refusal.ok());
  ASSERT_TRUE(durable->Set("after", "x").ok());
  ASSERT_TRUE(durable->log().FlushSync().ok());
  const auto copy = directory.CrashCopy(random);
  DurableStore again(*copy, 4);
  ASSERT_TRUE(again.status().ok()) << again.status().message();
  EXPECT_EQ(again.Rows(), durable->Rows());
  EXPECT_EQ(again.Rows().size(), 3u);
}

TEST(LogRestartTest, PowerMayBeLostAtAnyCallOfIt) {
  Random random;
  size_t states = 0, with_all = 0;
  const auto look_at = [&](CrashDirectory& copy) {
    DurableStore again(copy, 4);
    ASSERT_TRUE(again.status().ok()) << again.status().message() << ", seed " << TestSeed();
    EXPECT_EQ(again.Get("flushed"), "before") << "seed " << TestSeed();
    ++states;
    if (again.Get("seen").has_value()) ++with_all;
  };
  for (size_t round = 0; round < Scaled(20); ++round) {
    CrashDirectory directory(round);
    FailedLog durable(directory);
    directory.Heal();
    const Status status = durable.CompactAndLook(random, [&](CrashDirectory& copy) {
      // And while the next process recovers from that.
      if (random.OneIn(4)) {
        copy.SetHook([&](const CrashDirectory::Call&) { look_at(*copy.CrashCopy(random)); });
        DurableStore interrupted(copy, 4);
        copy.SetHook({});
        EXPECT_TRUE(interrupted.status().ok()) << interrupted.status().message();
      }
      look_at(copy);
    });
    ASSERT_TRUE(status.ok()) << status.message();
    const auto copy = directory.CrashCopy(random);
    DurableStore again(*copy, 4);
    EXPECT_EQ(again.Get("seen"), "before") << "what the compaction acknowledged, seed " << TestSeed();
  }
  EXPECT_GT(states, 500u);
  EXPECT_GT(with_all, 0u);
  EXPECT_LT(with_all, states);
}

TEST(LogRestartTest, AnyCallOfItMayFailAndItIsTriedAgain) {
  size_t failed = 0;
  for (uint64_t call = 0;; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    CrashDirectory directory;
    bool has_failed = false;
    {
      FailedLog durable(directory);
      directory.Heal();
      directory.Fail(directory.calls() + call, std::errc::io_error, CrashDirectory::Lasting::kOnce);
      has_failed = !durable->Compact().ok();
      EXPECT_EQ(durable->log().has_failed(), has_failed);
      const auto killed = directory.KillCopy();
      DurableStore meanwhile(*killed, 4);
      ASSERT_TRUE(meanwhile.status().ok()) << meanwhile.status().message();
      EXPECT_EQ(meanwhile.Get("flushed"), "before");
      directory.Heal();
      if (has_failed) {
        ASSERT_TRUE(durable->Compact().ok());
      }
      ASSERT_TRUE(durable->Set("after", "x").ok());
      ASSERT_TRUE(durable->log().Close().ok());
    }
    DurableStore again(directory, 16);
    ASSERT_TRUE(again.status().ok()) << again.status().message();
    EXPECT_EQ(again.Rows().size(), 3u);
    if (has_failed) ++failed;
    if (!has_failed && call > 30) break;
  }
  EXPECT_GT(failed, 10u);
}

// The log, but who has reserved waits at the gate before it goes on.
class ReservingSink final : public MutationSink {
 public:
  explicit ReservingSink(Log& log) : log_(log) {}
  MutationStage* OpenStage() override { return new WaitingStage(*this, log_.OpenStage()); }
  void CloseStage(MutationStage* stage) override {
    log_.CloseStage(static_cast<WaitingStage*>(stage)->stage);
    delete stage;
  }

  std::atomic<bool> is_shut{false};
  std::atomic<bool> is_waited_at{false};

 private:
  struct WaitingStage final : MutationStage {
    WaitingStage(ReservingSink& its_sink, MutationStage* its_stage) : sink(its_sink), stage(its_stage) {}
    Status Reserve(const Key* key, const Value* value, size_t value_bytes_max) override {
      Status status = stage->Reserve(key, value, value_bytes_max);
      while (status.ok() && sink.is_shut) {
        sink.is_waited_at = true;
        std::this_thread::yield();
      }
      return status;
    }
    void Append(const Mutation& mutation) override { stage->Append(mutation); }
    void Release() override { stage->Release(); }

    ReservingSink& sink;
    MutationStage* const stage;
  };

  Log& log_;
};

TEST(LogRestartTest, WaitsForWhoHadReservedBeforeItFailed) {
  CrashDirectory directory;
  std::unique_ptr<ReservingSink> gate;
  {
    DurableStore durable(directory, 16, Unsynced(), nullptr, [&](Log& log) -> MutationSink& {
      gate = std::make_unique<ReservingSink>(log);
      return *gate;
    });
    ASSERT_TRUE(durable.Set("first", "x").ok());
    gate->is_shut = true;
    std::thread writer([&] { EXPECT_TRUE(durable.Set("late", "x").ok()); });
    while (!gate->is_waited_at) std::this_thread::yield();
    directory.Fail(directory.calls(), std::errc::io_error, CrashDirectory::Lasting::kForEver);
    EXPECT_FALSE(durable.log().FlushSync().ok());
    directory.Heal();
    std::atomic<bool> is_back{false};
    std::thread compaction([&] {
      EXPECT_TRUE(durable.Compact().ok());
      is_back = true;
    });
    for (int i = 0; i < 50 && !is_back; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_FALSE(is_back) << "what it had reserved for comes behind the snapshot, and the snapshot may show it";
    gate->is_shut = false;
    writer.join();
    compaction.join();
  }
  DurableStore again(directory, 16);
  EXPECT_EQ(again.Rows().size(), 2u);
}

}  // namespace
}  // namespace shardmap
