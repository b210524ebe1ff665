// Danger: after power is lost, at whatever call, the log has a hole, something that never happened, or not what was
// acknowledged.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "log/log_fixtures.h"
#include "log/log_writer.h"

namespace shardmap {
namespace {

constexpr uint64_t kSegmentBytes = 4000;
constexpr uint64_t kMutationsMax = 300;

// A machine that writes a history, and loses power now and then.
class CrashingMachine {
 public:
  explicit CrashingMachine(uint64_t stream) : random_(stream), directory_(std::make_unique<CrashDirectory>(stream)) {}

  // Takes `states` crash copies, and looks at each.
  void Run(size_t states) {
    while (states_ < states && !testing::Test::HasFailure()) {
      ASSERT_NO_FATAL_FAILURE(Live());
      // Goes on with what is there after the power loss, or anew where that has become much to look at.
      Random draw(random_.Word());
      directory_ = directory_->CrashCopy(draw);
      if (appended_ < kMutationsMax) continue;
      directory_ = std::make_unique<CrashDirectory>(random_.Word());
      appended_ = acknowledged_ = 0;
    }
  }
  uint64_t tails() const { return tails_; }

 private:
  // From one loss of power to the next.
  void Live() {
    directory_->SetHook([this](const CrashDirectory::Call&) { LosePower(); });
    auto recovered = check_.Recover(*directory_);
    ASSERT_TRUE(recovered.ok()) << recovered.status().message() << ", seed " << TestSeed();
    ASSERT_GE(check_.size(), acknowledged_) << "seed " << TestSeed();
    ASSERT_LE(check_.size(), appended_) << "seed " << TestSeed();
    History history;
    history.set_size(check_.size());
    appended_ = acknowledged_ = check_.size();
    LogWriter writer(*directory_, std::move(recovered.value()), kSegmentBytes);
    for (size_t turns = random_.Below(20); turns > 0; --turns) {
      for (size_t count = random_.Below(10); count > 0; --count) history.Append(random_);
      appended_ = history.size();
      ASSERT_TRUE(writer.WriteCut(history.staging(), PrefixCheck::kClockOffset).ok());
      if (!random_.OneIn(3)) continue;
      ASSERT_TRUE(writer.Sync().ok());
      acknowledged_ = history.size();
    }
    if (!random_.OneIn(3)) return;
    ASSERT_TRUE(writer.Finish(PrefixCheck::kClockOffset).ok());
    acknowledged_ = history.size();
  }

  void LosePower() {
    for (int copies = 0; copies < 2; ++copies) {
      Random draw(random_.Word());
      const auto copy = random_.OneIn(8) ? directory_->KillCopy() : directory_->CrashCopy(draw);
      ++states_;
      Look(*copy, 0);
    }
  }

  // Power may be lost again while the machine recovers.
  void Look(CrashDirectory& copy, int depth) {
    if (depth < 2 && random_.OneIn(6)) {
      const size_t chances = 1 + random_.Below(10);
      copy.SetHook([this, &copy, depth, chances](const CrashDirectory::Call&) {
        if (!random_.OneIn(chances)) return;
        Random draw(random_.Word());
        const auto again = copy.CrashCopy(draw);
        ++states_;
        Look(*again, depth + 1);
      });
    }
    PrefixCheck check;
    auto recovered = check.Recover(copy);
    copy.SetHook({});
    if (!recovered.ok()) {
      ADD_FAILURE() << recovered.status().message() << ", seed " << TestSeed();
      return;
    }
    if (recovered.value()->tail_bytes != 0) ++tails_;
    EXPECT_GE(check.size(), acknowledged_) << "what was acknowledged is lost, seed " << TestSeed();
    EXPECT_LE(check.size(), appended_) << "seed " << TestSeed();
  }

  Random random_;
  std::unique_ptr<CrashDirectory> directory_;
  PrefixCheck check_;
  uint64_t appended_ = 0;
  uint64_t acknowledged_ = 0;
  size_t states_ = 0;
  uint64_t tails_ = 0;
};

TEST(LogCrashTest, WhatIsRecoveredIsAPrefixWithAllThatWasAcknowledged) {
  CrashingMachine machine(1);
  ASSERT_NO_FATAL_FAILURE(machine.Run(Scaled(200'000)));
  EXPECT_GT(machine.tails(), 0u) << "no crash left a tail: seed " << TestSeed();
}

// --- Calls that fail -------------------------------------------------------------------------------------------------

// Writes a history until it is done or a call has failed for good.
class FailingMachine {
 public:
  FailingMachine(CrashDirectory& directory, uint64_t stream) : directory_(directory), random_(stream) {}

  // Returns whether it was done.
  bool Run() {
    auto recovered = check_.Recover(directory_);
    if (!recovered.ok()) return Fails(recovered.status());
    History history;
    history.set_size(check_.size());
    appended_ = history.size();
    LogWriter writer(directory_, std::move(recovered.value()), 9000);
    for (int turn = 0; turn < 8; ++turn) {
      for (size_t i = 0; i < 25; ++i) history.Append(random_);  // of more than a page

      appended_ = history.size();
      Status status = Tried([&] { return writer.WriteCut(history.staging(), PrefixCheck::kClockOffset); });
      if (!status.ok()) return Fails(status);
      if (turn % 3 != 2) continue;
      status = Tried([&] { return writer.Sync(); });
      if (!status.ok()) return Fails(status);
      acknowledged_ = history.size();
    }
    const Status status = Tried([&] { return writer.Finish(PrefixCheck::kClockOffset); });
    if (!status.ok()) return Fails(status);
    acknowledged_ = history.size();
    return true;
  }
  uint64_t acknowledged() const { return acknowledged_; }

  // What is there after a kill, and after a loss of power.
  void ExpectPrefix() {
    for (int copies = 0; copies < 4; ++copies) {
      Random draw(random_.Word());
      const auto copy = copies == 0 ? directory_.KillCopy() : directory_.CrashCopy(draw);
      PrefixCheck check;
      const auto recovered = check.Recover(*copy);
      ASSERT_TRUE(recovered.ok()) << recovered.status().message() << ", seed " << TestSeed();
      EXPECT_GE(check.size(), acknowledged_) << "seed " << TestSeed();
      EXPECT_LE(check.size(), appended_) << "seed " << TestSeed();
    }
  }

 private:
  // A full disk is tried again, once.
  template <typename Call>
  Status Tried(Call call) {
    Status status = call();
    return status.code() == Code::kDiskFull ? call() : std::move(status);
  }
  bool Fails(const Status& status) {
    EXPECT_TRUE(status.code() == Code::kIo || status.code() == Code::kDiskFull) << status.message();
    EXPECT_FALSE(status.message().empty());
    return false;
  }

  CrashDirectory& directory_;
  Random random_;
  PrefixCheck check_;
  uint64_t appended_ = 0;
  uint64_t acknowledged_ = 0;
};

struct Fault {
  std::errc error;
  CrashDirectory::Lasting lasting;
};

class LogFaultTest : public testing::TestWithParam<Fault> {};

TEST_P(LogFaultTest, AnyCallMayFailAndWhatIsThereIsAPrefix) {
  const bool is_interruption = GetParam().error == std::errc::interrupted;
  size_t failed = 0;
  bool is_past_the_end = false;
  for (uint64_t call = 0; !is_past_the_end; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    CrashDirectory directory(call);
    directory.Fail(call, GetParam().error, GetParam().lasting);
    FailingMachine machine(directory, call);
    const bool was_done = machine.Run();
    if (!was_done) ++failed;
    EXPECT_TRUE(was_done || !is_interruption) << "an interrupted call is made again";
    is_past_the_end = directory.calls() <= call;
    directory.Heal();
    ASSERT_NO_FATAL_FAILURE(machine.ExpectPrefix());
    // The process is started again where power was not lost, and goes on; then it is.
    const auto same_machine = directory.KillCopy();
    FailingMachine next(*same_machine, call + 1);
    EXPECT_TRUE(next.Run());
    EXPECT_GE(next.acknowledged(), machine.acknowledged());
    ASSERT_NO_FATAL_FAILURE(next.ExpectPrefix());
  }
  EXPECT_EQ(failed > 0, !is_interruption);
}

INSTANTIATE_TEST_SUITE_P(Faults, LogFaultTest,
                         testing::Values(Fault{std::errc::io_error, CrashDirectory::Lasting::kOnce},
                                         Fault{std::errc::io_error, CrashDirectory::Lasting::kForEver},
                                         Fault{std::errc::no_space_on_device, CrashDirectory::Lasting::kOnce},
                                         Fault{std::errc::no_space_on_device, CrashDirectory::Lasting::kForEver},
                                         Fault{std::errc::interrupted, CrashDirectory::Lasting::kOnce},
                                         Fault{std::errc::too_many_files_open, CrashDirectory::Lasting::kOnce},
                                         Fault{std::errc::too_many_files_open, CrashDirectory::Lasting::kForEver},
                                         Fault{std::errc::read_only_file_system, CrashDirectory::Lasting::kOnce},
                                         Fault{std::errc::read_only_file_system, CrashDirectory::Lasting::kForEver}));

// Faults that come together, of which one may hide another, while a machine writes, recovers, and goes on.
TEST(LogFaultsTest, SomeCallsMayFailAndWhatIsThereIsAPrefix) {
  constexpr std::errc kErrors[] = {std::errc::io_error, std::errc::no_space_on_device, std::errc::interrupted,
                                   std::errc::too_many_files_open, std::errc::read_only_file_system};
  size_t failed_twice = 0;
  for (uint64_t round = 0; round < Scaled(1000); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    Random random(1000 + round);
    const auto plan = [&random, &kErrors](CrashDirectory& directory) {
      const size_t faults = 2 + random.Below(3);
      for (size_t i = 0; i < faults; ++i) {
        const uint64_t call = random.Below(150);
        const std::errc error = kErrors[random.Below(std::size(kErrors))];
        const bool lasts = error != std::errc::interrupted && random.OneIn(4);
        const auto lasting = lasts ? CrashDirectory::Lasting::kForEver : CrashDirectory::Lasting::kOnce;
        if (random.OneIn(5)) {
          directory.Shorten(call, lasting);
        } else {
          directory.Fail(call, error, lasting);
        }
      }
    };
    CrashDirectory directory(round);
    plan(directory);
    FailingMachine machine(directory, round);
    const bool was_done = machine.Run();
    directory.Heal();
    ASSERT_NO_FATAL_FAILURE(machine.ExpectPrefix());
    const auto same_machine = directory.KillCopy();
    plan(*same_machine);
    FailingMachine next(*same_machine, round + 1);
    if (!next.Run() && !was_done) ++failed_twice;
    same_machine->Heal();
    FailingMachine last(*same_machine, round + 2);
    ASSERT_TRUE(last.Run());
    EXPECT_GE(last.acknowledged(), std::max(machine.acknowledged(), next.acknowledged()));
    ASSERT_NO_FATAL_FAILURE(last.ExpectPrefix());
  }
  EXPECT_GT(failed_twice, 0u);
}

TEST(LogFullDiskTest, IsGoneOnFromWhenThereIsRoom) {
  size_t full = 0;
  for (uint64_t capacity = 200; capacity < 30'000; capacity += 37) {
    SCOPED_TRACE("capacity " + std::to_string(capacity));
    CrashDirectory directory(capacity);
    directory.SetCapacity(capacity);
    FailingMachine machine(directory, capacity);
    if (!machine.Run()) ++full;
    directory.SetCapacity(1'000'000);
    ASSERT_NO_FATAL_FAILURE(machine.ExpectPrefix());
    FailingMachine next(directory, capacity + 1);
    EXPECT_TRUE(next.Run());
    ASSERT_NO_FATAL_FAILURE(next.ExpectPrefix());
  }
  EXPECT_GT(full, 10u);
}

}  // namespace
}  // namespace shardmap
