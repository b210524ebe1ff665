// Danger: two processes write one directory; a log that grows for ever; a store that is opened anew and is another.
#include "engine/durability.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/temporary_directory.h"
#include "fixtures.h"

namespace shardmap {
namespace {

// A store that is durable in a directory for as long as this lives.
class OpenedStore {
 public:
  explicit OpenedStore(const std::string& path, const DurabilityOptions& options = {}) : store_(OptionsFor(16)) {
    const auto note = [this](LogNews::Kind kind, const Status& status, const CompactionNews& compaction) {
      if (kind == LogNews::Kind::kFailure) failure_ = status.code();
      const std::lock_guard lock(news_mutex_);
      news_.push_back({kind, status.Copy(), compaction});
    };
    auto opened = Durability::Open(path, options, store_, {note, {}});
    status_ = opened.TakeStatus();
    durability_ = std::move(opened.value());
  }

  const Status& status() const { return status_; }
  Store& store() { return store_; }
  Durability& durability() { return *durability_; }
  // What was told of that nobody waited for.
  Code failure() const { return failure_; }
  // All that was told, which nobody is told again.
  std::vector<LogNews> TakeNews() {
    const std::lock_guard lock(news_mutex_);
    return std::exchange(news_, {});
  }

  Status Compact() {
    return Awaited([this](Durability::Done done) { durability_->Compact(std::move(done)); });
  }
  Status BackUp(const std::string& path) {
    return Awaited([&](Durability::Done done) { durability_->BackUp(path, std::move(done)); });
  }

  Status Set(std::string_view key, const std::string& value) {
    const OpenedSession session(store_);
    return store_.Set(*session, OwnedKey(key).key(), BorrowedValue(ValueKind::kOneByteString, value));
  }
  std::string Get(std::string_view key) {
    const OpenedSession session(store_);
    const ReadGuard guard(*session);
    ReadValue value;
    return store_.Get(guard, OwnedKey(key).key(), &value) ? std::string(BytesOf(value)) : "(absent)";
  }

 private:
  template <typename Ask>
  static Status Awaited(Ask ask) {
    std::promise<Status> outcome;
    ask([&outcome](const Status& status) { outcome.set_value(status.Copy()); });
    return outcome.get_future().get();
  }

  Store store_;
  Status status_;
  std::atomic<Code> failure_{Code::kOk};
  std::mutex news_mutex_;
  std::vector<LogNews> news_;
  std::unique_ptr<Durability> durability_;
};

class DurabilityTest : public testing::Test {
 protected:
  std::string Path() { return directory_.path() + "/made/here"; }

  TemporaryDirectory directory_;
};

TEST_F(DurabilityTest, AStoreComesBack) {
  {
    OpenedStore opened(Path());
    ASSERT_TRUE(opened.status().ok()) << opened.status().message();
    ASSERT_TRUE(opened.Set("key", "value").ok());
    ASSERT_TRUE(opened.durability().FlushSync().ok());
    ASSERT_TRUE(opened.Compact().ok());
    ASSERT_TRUE(opened.Set("another", "value").ok());
    ASSERT_TRUE(opened.durability().Close().ok());
    EXPECT_EQ(opened.Set("key", "refused").code(), Code::kClosed);
    EXPECT_EQ(opened.Get("key"), "value");
  }
  OpenedStore again(Path());
  EXPECT_EQ(again.Get("key"), "value");
  EXPECT_EQ(again.Get("another"), "value");
}

TEST_F(DurabilityTest, ADirectoryHasOneUserAndTheNextIsToldWhich) {
  OpenedStore opened(Path());
  ASSERT_TRUE(opened.status().ok()) << opened.status().message();
  OpenedStore other(Path());
  EXPECT_EQ(other.status().code(), Code::kInUse);
  EXPECT_NE(other.status().message().find(Path()), std::string::npos) << other.status().message();
  EXPECT_NE(other.status().message().find("process "), std::string::npos) << other.status().message();
}

TEST_F(DurabilityTest, WhatIsNoDirectoryIsAnError) {
  const std::string path = directory_.path() + "/file";
  std::ofstream(path) << "text";
  OpenedStore opened(path);
  EXPECT_EQ(opened.status().code(), Code::kIo);
  EXPECT_NE(opened.status().message().find(path), std::string::npos) << opened.status().message();
}

TEST_F(DurabilityTest, DamageIsAnErrorAndTheDirectoryIsFreeAgain) {
  { OpenedStore made(Path()); }
  std::filesystem::resize_file(Path() + "/MANIFEST", 10);
  OpenedStore opened(Path());
  EXPECT_EQ(opened.status().code(), Code::kCorrupt);
  OpenedStore again(Path());
  EXPECT_EQ(again.status().code(), Code::kCorrupt) << "not in use";
}

TEST_F(DurabilityTest, ALogThatHasGrownIsMadeShort) {
  DurabilityOptions options;
  options.compaction_bytes_min = 100'000;
  const auto files_bytes = [&] {
    uint64_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(Path())) {
      std::error_code is_gone;  // it may be removed at this moment
      const uint64_t size = file.file_size(is_gone);
      if (!is_gone) bytes += size;
    }
    return bytes;
  };
  {
    OpenedStore opened(Path(), options);
    ASSERT_TRUE(opened.status().ok()) << opened.status().message();
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 20; ++i) ASSERT_TRUE(opened.Set("key " + std::to_string(i), std::string(1000, 'v')).ok());
      ASSERT_TRUE(opened.durability().FlushSync().ok());
    }
    for (int tries = 0; files_bytes() > 150'000; ++tries) {
      ASSERT_LT(tries, 10'000) << "ten seconds, and the files take " << files_bytes();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  OpenedStore again(Path());
  EXPECT_EQ(again.store().Size(), 20u);
}

DurabilityOptions Readonly() {
  DurabilityOptions options;
  options.is_readonly = true;
  return options;
}

TEST_F(DurabilityTest, ACompactionTellsThatItBeginsAndWhatItCameTo) {
  OpenedStore opened(Path());
  ASSERT_TRUE(opened.Set("key", std::string(5000, 'v')).ok());
  ASSERT_TRUE(opened.durability().FlushSync().ok());
  ASSERT_TRUE(opened.TakeNews().empty());
  ASSERT_TRUE(opened.Compact().ok());
  const std::vector<LogNews> news = opened.TakeNews();
  ASSERT_EQ(news.size(), 2u);
  EXPECT_EQ(news[0].kind, LogNews::Kind::kCompactionBegins);
  EXPECT_GT(news[0].compaction.log_bytes, 5000u);
  EXPECT_EQ(news[1].kind, LogNews::Kind::kCompactionEnds);
  EXPECT_TRUE(news[1].status.ok());
  EXPECT_EQ(news[1].compaction.log_bytes, news[0].compaction.log_bytes);
  const CompactionFigures figures = opened.durability().Figures().compaction;
  EXPECT_EQ(news[1].compaction.nanos, figures.nanos);
  EXPECT_EQ(news[1].compaction.snapshot_bytes, figures.snapshot_bytes);
}

TEST_F(DurabilityTest, ManyMayReadOnlyAndNobodyWritesMeanwhile) {
  {
    OpenedStore missing(Path(), Readonly());
    EXPECT_EQ(missing.status().code(), Code::kIo) << "it makes no directory";
    EXPECT_FALSE(std::filesystem::exists(Path()));
    OpenedStore written(Path());
    ASSERT_TRUE(written.Set("key", "value").ok());
    OpenedStore meanwhile(Path(), Readonly());
    EXPECT_EQ(meanwhile.status().code(), Code::kInUse) << meanwhile.status().message();
  }
  OpenedStore first(Path(), Readonly());
  OpenedStore second(Path(), Readonly());
  ASSERT_TRUE(first.status().ok()) << first.status().message();
  ASSERT_TRUE(second.status().ok()) << second.status().message();
  EXPECT_EQ(second.Get("key"), "value");
  EXPECT_EQ(second.Set("key", "another").code(), Code::kReadonly);
  EXPECT_EQ(second.Get("key"), "value");
  EXPECT_TRUE(second.durability().FlushSync().ok());
  EXPECT_EQ(second.Compact().code(), Code::kReadonly);
  EXPECT_EQ(second.BackUp(directory_.path() + "/backup").code(), Code::kReadonly);
  OpenedStore writer(Path());
  EXPECT_EQ(writer.status().code(), Code::kInUse);
  EXPECT_NE(writer.status().message().find("that read it"), std::string::npos) << writer.status().message();
}

TEST_F(DurabilityTest, ABackupIsAStore) {
  const std::string backup = directory_.path() + "/made/backup";
  {
    OpenedStore opened(Path());
    ASSERT_TRUE(opened.Set("key", "value").ok());
    ASSERT_TRUE(opened.BackUp(backup).ok());
    EXPECT_EQ(opened.BackUp(backup).code(), Code::kInvalidArgument) << "there is one";
    EXPECT_EQ(opened.BackUp(Path()).code(), Code::kInUse);
    ASSERT_TRUE(opened.Set("key", "later").ok());
  }
  OpenedStore again(backup);
  ASSERT_TRUE(again.status().ok()) << again.status().message();
  EXPECT_EQ(again.Get("key"), "value");
}

TEST_F(DurabilityTest, SalvageTakesWhatItCanAndTellsWhatNot) {
  {
    OpenedStore made(Path());
    ASSERT_TRUE(made.Set("key", "value").ok());
  }
  std::filesystem::resize_file(Path() + "/MANIFEST", 10);
  DurabilityOptions options;
  options.recovery = RecoveryMode::kSalvage;
  {
    OpenedStore salvaged(Path(), options);
    ASSERT_TRUE(salvaged.status().ok()) << salvaged.status().message();
    EXPECT_EQ(salvaged.Get("key"), "value");
    const RecoverySummary& recovery = salvaged.durability().recovery();
    ASSERT_EQ(recovery.losses.size(), 1u);
    EXPECT_EQ(recovery.losses[0].file, "MANIFEST");
    EXPECT_EQ(recovery.read.records, 1u);
    EXPECT_EQ(salvaged.durability().Figures().compaction.count, 1u);
    ASSERT_TRUE(salvaged.Set("another", "value").ok());
  }
  OpenedStore again(Path());
  ASSERT_TRUE(again.status().ok()) << again.status().message();
  EXPECT_EQ(again.store().Size(), 2u);
}

// The file that is in the way of the next snapshot cannot be removed as a file is.
TEST_F(DurabilityTest, ACompactionThatNobodyWaitsForTellsThatItFailed) {
  DurabilityOptions options;
  options.compaction_bytes_min = 10'000;
  OpenedStore opened(Path(), options);
  ASSERT_TRUE(opened.status().ok()) << opened.status().message();
  std::filesystem::create_directories(Path() + "/" + SnapshotName(1) + ".tmp/full");
  EXPECT_EQ(opened.Compact().code(), Code::kIo);
  EXPECT_EQ(opened.failure(), Code::kOk) << "who waits is told by that";
  for (int tries = 0; opened.failure() == Code::kOk; ++tries) {
    ASSERT_LT(tries, 10'000);
    ASSERT_TRUE(opened.Set("key", std::string(1000, 'v')).ok());
    ASSERT_TRUE(opened.durability().FlushSync().ok());
  }
  EXPECT_EQ(opened.failure(), Code::kIo);
}

TEST_F(DurabilityTest, ClosingEndsWhatIsUnderWay) {
  std::vector<Code> outcomes;
  std::mutex mutex;
  {
    OpenedStore opened(Path());
    {
      const OpenedSession session(opened.store());
      const std::string value(500, 'v');
      for (int i = 0; i < 20'000; ++i) {
        const OwnedKey key("key " + std::to_string(i));
        ASSERT_TRUE(opened.store().Set(*session, key.key(), BorrowedValue(ValueKind::kOneByteString, value)).ok());
      }
    }
    for (int i = 0; i < 20; ++i) {
      opened.durability().Compact([&](const Status& status) {
        const std::lock_guard lock(mutex);
        outcomes.push_back(status.code());
      });
    }
    ASSERT_TRUE(opened.durability().Close().ok());
    opened.durability().Compact([&](const Status& status) { outcomes.push_back(status.code()); });
  }
  ASSERT_EQ(outcomes.size(), 21u);
  EXPECT_EQ(outcomes.back(), Code::kClosed);
  EXPECT_GT(std::count(outcomes.begin(), outcomes.end(), Code::kClosed), 10);
  OpenedStore again(Path());
  EXPECT_EQ(again.store().Size(), 20'000u);
}

TEST_F(DurabilityTest, FiguresTellWhatTheLogIsAt) {
  {
    OpenedStore opened(Path());
    ASSERT_TRUE(opened.Set("key", std::string(1000, 'v')).ok());
    ASSERT_TRUE(opened.durability().FlushSync().ok());
    const DurabilityFigures figures = opened.durability().Figures();
    EXPECT_TRUE(figures.log.refusal.ok());
    EXPECT_GE(figures.log.written_bytes, 1000u);
    EXPECT_GE(figures.segment_bytes, 1000u);
    EXPECT_GE(figures.log.syncs, 1u);
    EXPECT_EQ(figures.compaction.count, 0u);
    ASSERT_TRUE(opened.Compact().ok());
    const DurabilityFigures after = opened.durability().Figures();
    EXPECT_EQ(after.compaction.count, 1u);
    EXPECT_GE(after.compaction.snapshot_bytes, 1000u);
    EXPECT_LT(after.segment_bytes, 1000u);
  }
  OpenedStore again(Path());
  EXPECT_EQ(again.durability().recovery().read.records, 1u);
  EXPECT_GT(again.durability().recovery().nanos, 0u);
  EXPECT_GE(again.durability().Figures().compaction.snapshot_bytes, 1000u);
}

}  // namespace
}  // namespace shardmap
