// Danger: a backup has a hole, or half a backup passes for one, or the store that it is made of suffers.
#include "log/backup.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/crash_directory.h"
#include "log/durable_store.h"
#include "random_input.h"

namespace shardmap {
namespace {

const std::atomic<bool> kNotCancelled{false};

std::vector<std::string> NamesIn(CrashDirectory& directory) {
  std::vector<std::string> names;
  EXPECT_FALSE(directory.List(&names));
  return names;
}

TEST(BackupTest, IsAPrefixWithAllThatWasThereWhileWritersGoOn) {
  CrashDirectory directory;
  DurableStore durable(directory, 16);
  ASSERT_TRUE(durable.Set("before the snapshot", "x").ok());
  ASSERT_TRUE(durable.Compact().ok());
  std::atomic<bool> is_over{false};
  std::atomic<int> written[2] = {0, 0};
  // Each tells, with what it writes, how far it has seen the other to be.
  const auto write = [&](int self) {
    for (int i = 1; !is_over; ++i) {
      const int seen = written[1 - self];
      ASSERT_TRUE(durable.Set(std::to_string(self) + " " + std::to_string(i), std::to_string(seen)).ok());
      written[self] = i;
      std::this_thread::sleep_for(std::chrono::microseconds(10));
    }
  };
  std::thread first(write, 0), second(write, 1);
  while (written[0] < 100 || written[1] < 100) std::this_thread::yield();
  for (int round = 0; round < 5; ++round) {
    CrashDirectory to;
    const int before[2] = {written[0], written[1]};
    auto copied = BackUp(directory, to, durable.log(), durable.manifest(), kNotCancelled);
    ASSERT_TRUE(copied.ok()) << copied.status().message();
    EXPECT_GT(copied.value(), 0u);
    Random random;
    const auto after_power_loss = to.CrashCopy(random);
    DurableStore again(*after_power_loss, 4);
    ASSERT_TRUE(again.status().ok()) << again.status().message();
    EXPECT_EQ(again.Get("before the snapshot"), "x");
    int counts[2];
    for (int self = 0; self < 2; ++self) {
      int count = 0;
      while (again.Get(std::to_string(self) + " " + std::to_string(count + 1)).has_value()) ++count;
      counts[self] = count;
      EXPECT_GE(count, before[self]);
    }
    EXPECT_EQ(again.Rows().size(), static_cast<size_t>(1 + counts[0] + counts[1])) << "a hole";
    for (int self = 0; self < 2; ++self) {
      const auto seen = again.Get(std::to_string(self) + " " + std::to_string(counts[self]));
      EXPECT_LE(std::stoi(seen.value_or("0")), counts[1 - self]) << "what was seen is not there";
    }
    ASSERT_TRUE(again.Set("goes on", "x").ok());
  }
  is_over = true;
  first.join();
  second.join();
}

// A store of 20 keys in a snapshot and segments.
class FilledStore {
 public:
  FilledStore() : durable_(directory_, 4) {
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(durable_.Set("key " + std::to_string(i), "value").ok());
    EXPECT_TRUE(durable_.Compact().ok());
    for (int i = 10; i < 20; ++i) EXPECT_TRUE(durable_.Set("key " + std::to_string(i), "value").ok());
  }
  Status BackUpTo(CrashDirectory& to, const std::atomic<bool>& is_cancelled = kNotCancelled) {
    return BackUp(directory_, to, durable_.log(), durable_.manifest(), is_cancelled).TakeStatus();
  }
  CrashDirectory& directory() { return directory_; }
  DurableStore& durable() { return durable_; }

 private:
  CrashDirectory directory_;
  DurableStore durable_;
};

TEST(BackupTest, HalfOfOneIsNoStore) {
  FilledStore filled;
  CrashDirectory to;
  Random random;
  size_t refused = 0, empty = 0, whole = 0;
  to.SetHook([&](const CrashDirectory::Call&) {
    for (int copies = 0; copies < 20; ++copies) {
      const auto copy = copies == 0 ? to.KillCopy() : to.CrashCopy(random);
      DurableStore again(*copy, 4);
      if (!again.status().ok()) {
        EXPECT_EQ(again.status().code(), Code::kCorrupt) << again.status().message();
        ++refused;
        continue;
      }
      const size_t size = again.Rows().size();
      EXPECT_TRUE(size == 0 || size == 20) << size << ", seed " << TestSeed();
      ++(size == 0 ? empty : whole);
    }
  });
  ASSERT_TRUE(filled.BackUpTo(to).ok());
  to.SetHook({});
  EXPECT_GT(refused, 50u);
  EXPECT_GT(empty, 0u);
  DurableStore again(to, 4);
  EXPECT_EQ(again.Rows(), filled.durable().Rows());
}

TEST(BackupTest, AnyCallMayFailAndLeavesNothing) {
  for (uint64_t call = 0;; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    FilledStore filled;
    CrashDirectory to;
    to.Fail(call, std::errc::no_space_on_device, CrashDirectory::Lasting::kOnce);
    const Status status = filled.BackUpTo(to);
    if (status.ok()) {
      EXPECT_GT(call, 15u);
      break;
    }
    EXPECT_TRUE(status.code() == Code::kDiskFull) << status.message();
    to.Heal();
    EXPECT_EQ(NamesIn(to), std::vector<std::string>{});
    EXPECT_TRUE(filled.BackUpTo(to).ok());
    EXPECT_TRUE(filled.durable().Set("goes on", "x").ok());
    EXPECT_TRUE(filled.durable().log().FlushSync().ok());
  }
}

TEST(BackupTest, GoesToADirectoryWithoutFiles) {
  FilledStore filled;
  CrashDirectory to;
  to.Put("letter.txt", "dear");
  const Status status = filled.BackUpTo(to);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("letter.txt"), std::string_view::npos);
  EXPECT_EQ(NamesIn(to), std::vector<std::string>{"letter.txt"});
}

TEST(BackupTest, EndsWhenItIsCancelled) {
  FilledStore filled;
  CrashDirectory to;
  const std::atomic<bool> is_cancelled{true};
  EXPECT_EQ(filled.BackUpTo(to, is_cancelled).code(), Code::kClosed);
  EXPECT_EQ(NamesIn(to), std::vector<std::string>{});
}

}  // namespace
}  // namespace shardmap
