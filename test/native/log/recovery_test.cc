// Danger: a damaged log is opened as if it was whole, or a whole one is not opened.
#include "log/recovery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "log/log_fixtures.h"

namespace shardmap {
namespace {

constexpr uint64_t kClockOffset = PrefixCheck::kClockOffset;

class RecoveryTest : public testing::Test {
 protected:
  // Makes a store with a log of so many mutations in segments of 8,000 bytes, of which all but the last cut was synced.
  void Write(size_t mutations, bool finishes) { WriteTo(directory_, history_, mutations, finishes); }
  void WriteTo(Directory& directory, History& history, size_t mutations, bool finishes) {
    auto recovered = check_.Recover(directory);
    ASSERT_TRUE(recovered.ok()) << recovered.status().message();
    LogWriter writer(directory, std::move(recovered.value()), 8000);
    while (history.size() < mutations) {
      ASSERT_TRUE(writer.Sync().ok());
      for (size_t i = 0; i < 10; ++i) history.Append(random_);
      ASSERT_TRUE(writer.WriteCut(history.staging(), kClockOffset).ok());
    }
    if (!finishes) return;
    ASSERT_TRUE(writer.Finish(kClockOffset).ok());
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    EXPECT_FALSE(directory_.List(&names));
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string LastSegment() {
    std::string last;
    for (const std::string& name : Names()) {
      if (SegmentNumber(name)) last = name;
    }
    return last;
  }
  // Recovers a copy in which a file has other content: the status, and how much there was.
  struct Outcome {
    Code code;
    std::string message;
    uint64_t size;
  };
  Outcome RecoverWith(const std::string& name, const std::string& content, RecoveryMode mode = RecoveryMode::kTail) {
    const auto copy = directory_.KillCopy();
    copy->Put(name, content);
    PrefixCheck check;
    auto recovered = check.Recover(*copy, mode);
    return {recovered.status().code(), std::string(recovered.status().message()), check.size()};
  }

  CrashDirectory directory_;
  Random random_;
  History history_;
  PrefixCheck check_;
};

TEST_F(RecoveryTest, ANewStoreIsEmptyAndStays) {
  ASSERT_NO_FATAL_FAILURE(Write(0, true));
  EXPECT_EQ(Names(), (std::vector<std::string>{"MANIFEST", SegmentName(1)}));
  auto recovered = check_.Recover(directory_);
  ASSERT_TRUE(recovered.ok());
  EXPECT_EQ(check_.size(), 0u);
  EXPECT_EQ(recovered.value()->segment_number, 1u);
}

TEST_F(RecoveryTest, EverythingComesBackOverManySegments) {
  ASSERT_NO_FATAL_FAILURE(Write(1000, true));
  EXPECT_GT(Names().size(), 5u);
  auto recovered = check_.Recover(directory_, RecoveryMode::kStrict);
  ASSERT_TRUE(recovered.ok()) << recovered.status().message();
  EXPECT_EQ(check_.size(), 1000u);
  EXPECT_EQ(recovered.value()->progress.records, 1000u);
  EXPECT_EQ(recovered.value()->tail_bytes, 0u);
}

TEST_F(RecoveryTest, ALastSegmentThatIsCutOffAnywhereGivesAPrefixOrAnError) {
  ASSERT_NO_FATAL_FAILURE(Write(200, false));
  const std::string last = LastSegment();
  const std::string content = *directory_.ContentOf(last);
  size_t opened = 0;
  for (size_t size = 0; size <= content.size(); ++size) {
    const Outcome outcome = RecoverWith(last, content.substr(0, size));
    if (outcome.code != Code::kOk) {
      EXPECT_EQ(outcome.code, Code::kCorrupt) << outcome.message;
      EXPECT_NE(outcome.message.find(last), std::string::npos) << outcome.message;
      continue;
    }
    ++opened;
    // Frames that tell what was synced are cut off with what they tell of: that much cannot be known.
    EXPECT_EQ(outcome.size % 10, 0u) << "a part of a cut, at " << size;
    const bool is_whole = size == content.size();
    const Outcome strict = RecoverWith(last, content.substr(0, size), RecoveryMode::kStrict);
    EXPECT_TRUE(strict.code == Code::kOk || !is_whole) << strict.message;
  }
  EXPECT_GT(opened, 100u);
}

TEST_F(RecoveryTest, ASealedSegmentThatIsCutOffAnywhereIsAnError) {
  ASSERT_NO_FATAL_FAILURE(Write(400, true));
  const std::string content = *directory_.ContentOf(SegmentName(2));
  for (size_t size = 0; size < content.size(); ++size) {
    const Outcome outcome = RecoverWith(SegmentName(2), content.substr(0, size));
    EXPECT_EQ(outcome.code, Code::kCorrupt) << "at " << size << ": " << outcome.message;
  }
}

TEST_F(RecoveryTest, AManifestThatIsCutOffAnywhereIsAnError) {
  ASSERT_NO_FATAL_FAILURE(Write(20, true));
  const std::string content = *directory_.ContentOf(kManifestName);
  for (size_t size = 0; size < content.size(); ++size) {
    EXPECT_EQ(RecoverWith(std::string(kManifestName), content.substr(0, size)).code, Code::kCorrupt) << "at " << size;
  }
}

TEST_F(RecoveryTest, NoFlippedBitOfWhatWasSyncedGoesUnseen) {
  const size_t entries = std::min(Scaled(400), size_t{400});
  ASSERT_NO_FATAL_FAILURE(Write(entries, true));
  const size_t bits = std::min(Scaled(1), size_t{8});
  for (const std::string& name : Names()) {
    const std::string content = *directory_.ContentOf(name);
    for (size_t at = 0; at < content.size(); ++at) {
      const size_t first = random_.Below(8);
      for (size_t i = 0; i < bits; ++i) {
        std::string flipped = content;
        flipped[at] = static_cast<char>(flipped[at] ^ 1 << (first + i) % 8);
        const Outcome outcome = RecoverWith(name, flipped);
        // Of the last mark, which tells that all was synced, nothing depends.
        EXPECT_TRUE(outcome.code != Code::kOk || outcome.size == entries)
            << name << " at " << at << ", seed " << TestSeed();
      }
    }
  }
}

TEST_F(RecoveryTest, SectorsThatAreZeroedRepeatedOrSwappedAreFound) {
  constexpr size_t kSector = 512;
  ASSERT_NO_FATAL_FAILURE(Write(400, true));
  for (const std::string& name : Names()) {
    const std::string content = *directory_.ContentOf(name);
    for (size_t at = 0; at + 2 * kSector <= content.size(); at += kSector) {
      std::string zeroed = content;
      zeroed.replace(at, kSector, kSector, '\0');
      std::string repeated = content;
      repeated.replace(at + kSector, kSector, content, at, kSector);
      std::string swapped = repeated;
      swapped.replace(at, kSector, content, at + kSector, kSector);
      for (const std::string& damaged : {zeroed, repeated, swapped}) {
        if (damaged == content) continue;
        const Outcome outcome = RecoverWith(name, damaged);
        EXPECT_EQ(outcome.code, Code::kCorrupt) << name << " at " << at << ": " << outcome.message;
      }
    }
  }
}

// A cut of several frames, the last of which is cut off.
TEST_F(RecoveryTest, HalfOfACutIsNotApplied) {
  auto recovered = check_.Recover(directory_);
  ASSERT_TRUE(recovered.ok());
  LogWriter writer(directory_, std::move(recovered.value()), 10'000'000);
  for (size_t i = 0; i < 30'000; ++i) history_.Append(random_);
  ASSERT_TRUE(writer.WriteCut(history_.staging(), kClockOffset).ok());
  const std::string content = *directory_.ContentOf(SegmentName(1));
  ASSERT_GT(content.size(), LogWriter::kPayloadBytes + 100'000) << "one frame only";
  EXPECT_EQ(RecoverWith(SegmentName(1), content).size, 30'000u);
  const Outcome half = RecoverWith(SegmentName(1), content.substr(0, content.size() - 1));
  EXPECT_EQ(half.code, Code::kOk) << half.message;
  EXPECT_EQ(half.size, 0u);
}

TEST_F(RecoveryTest, AFrameThatIsRepeatedIsNotApplied) {
  ASSERT_NO_FATAL_FAILURE(Write(10, false));
  const std::string content = *directory_.ContentOf(SegmentName(1));
  const Outcome outcome = RecoverWith(SegmentName(1), content + content.substr(FileHeader::kBytes));
  EXPECT_EQ(outcome.code, Code::kOk) << outcome.message;
  EXPECT_EQ(outcome.size, 10u);
}

TEST_F(RecoveryTest, FilesThatAreMissingOrForeignAreNamed) {
  ASSERT_NO_FATAL_FAILURE(Write(400, true));
  for (const std::string& name : Names()) {
    if (name == LastSegment()) continue;  // a crash may have come before it was made
    const auto copy = directory_.KillCopy();
    ASSERT_FALSE(copy->Remove(name));
    const auto recovered = PrefixCheck().Recover(*copy);
    EXPECT_EQ(recovered.status().code(), Code::kCorrupt) << name;
    EXPECT_NE(recovered.status().message().find(name), std::string::npos) << recovered.status().message();
  }
  const Outcome foreign = RecoverWith(SegmentName(1), std::string(100, 'x'));
  EXPECT_EQ(foreign.code, Code::kCorrupt);
  EXPECT_NE(foreign.message.find("no file of shardmap's"), std::string::npos) << foreign.message;
  const Outcome renamed = RecoverWith(SegmentName(1), *directory_.ContentOf(SegmentName(2)));
  EXPECT_EQ(renamed.code, Code::kCorrupt);
  // One that has the same in it, and is of another store.
  CrashDirectory directory;
  History history;
  ASSERT_NO_FATAL_FAILURE(WriteTo(directory, history, 400, true));
  const Outcome other = RecoverWith(SegmentName(1), *directory.ContentOf(SegmentName(1)));
  EXPECT_EQ(other.code, Code::kCorrupt);
  EXPECT_NE(other.message.find("another store"), std::string::npos) << other.message;
}

TEST_F(RecoveryTest, ATailThatIsCutOffIsKept) {
  ASSERT_NO_FATAL_FAILURE(Write(20, false));
  const std::string last = LastSegment();
  directory_.Put(last, *directory_.ContentOf(last) + "a tail");
  auto recovered = check_.Recover(directory_);
  ASSERT_TRUE(recovered.ok()) << recovered.status().message();
  EXPECT_EQ(check_.size(), 20u);
  EXPECT_EQ(recovered.value()->tail_bytes, 6u);
  EXPECT_EQ(directory_.ContentOf(last + ".tail"), "a tail");
  ASSERT_TRUE(check_.Recover(directory_, RecoveryMode::kStrict).ok()) << "nothing is left to cut";
  EXPECT_EQ(check_.size(), 20u);
}

TEST_F(RecoveryTest, WhatACrashLeftUnfinishedIsRemoved) {
  ASSERT_NO_FATAL_FAILURE(Write(20, true));
  directory_.Put(SegmentName(2) + ".tmp", "half");
  directory_.Put("notes.tmp", "not ours");
  ASSERT_TRUE(check_.Recover(directory_).ok());
  EXPECT_EQ(Names(), (std::vector<std::string>{"MANIFEST", "notes.tmp", SegmentName(1)}));
}

// What is read only is found as it is, by calls that change nothing.
TEST_F(RecoveryTest, ToReadOnlyChangesNothing) {
  for (const bool finishes : {true, false}) {
    CrashDirectory directory;
    History history;
    ASSERT_NO_FATAL_FAILURE(WriteTo(directory, history, 300, finishes));
    if (!finishes) {
      // A tail that is no frame.
      std::vector<std::string> names;
      ASSERT_FALSE(directory.List(&names));
      std::string last;
      for (const std::string& name : names) last = SegmentNumber(name) && name > last ? name : last;
      directory.Put(last, directory.ContentOf(last).value() + "half a frame");
    }
    std::vector<std::string> before, after;
    ASSERT_FALSE(directory.List(&before));
    directory.SetHook([](const CrashDirectory::Call& call) {
      using Kind = CrashDirectory::Kind;
      EXPECT_TRUE(call.kind == Kind::kOpen || call.kind == Kind::kRead || call.kind == Kind::kGetSize ||
                  call.kind == Kind::kList)
          << static_cast<int>(call.kind) << " " << call.name;
    });
    auto recovered = check_.Recover(directory, RecoveryMode::kTail, true);
    directory.SetHook({});
    ASSERT_TRUE(recovered.ok()) << recovered.status().message();
    EXPECT_EQ(recovered.value()->segment, nullptr);
    EXPECT_EQ(recovered.value()->tail_bytes, finishes ? 0u : 12u);
    EXPECT_EQ(check_.size(), 300u);
    ASSERT_FALSE(directory.List(&after));
    EXPECT_EQ(after, before);
  }
}

TEST_F(RecoveryTest, ThereIsNothingToReadWhereNoStoreWasMade) {
  EXPECT_EQ(check_.Recover(directory_, RecoveryMode::kTail, true).status().code(), Code::kIo);
}

TEST_F(RecoveryTest, NothingIsChangedBeforeAllWasApplied) {
  ASSERT_NO_FATAL_FAILURE(Write(300, false));
  const std::string last = LastSegment();
  directory_.Put(last, *directory_.ContentOf(last) + "a tail");
  const std::vector<std::string> names = Names();
  for (const RecoveryMode mode : {RecoveryMode::kTail, RecoveryMode::kSalvage}) {
    const auto copy = directory_.KillCopy();
    RecoveryOptions options;
    options.mode = mode;
    int calls = 0;
    options.await = [&] {
      ++calls;
      return Status::OutOfMemory();
    };
    EXPECT_EQ(Recover(*copy, options).status().code(), Code::kOutOfMemory);
    EXPECT_EQ(calls, 1);
    std::vector<std::string> names_after;
    ASSERT_FALSE(copy->List(&names_after));
    std::sort(names_after.begin(), names_after.end());
    EXPECT_EQ(names_after, names);
    for (const std::string& name : names) EXPECT_EQ(copy->ContentOf(name), directory_.ContentOf(name)) << name;
    ASSERT_TRUE(check_.Recover(*copy).ok());
    EXPECT_EQ(check_.size(), 300u);
  }
}

TEST_F(RecoveryTest, ReportsHowFarItIs) {
  ASSERT_NO_FATAL_FAILURE(Write(1000, true));
  std::vector<RecoveryProgress> reports;
  RecoveryOptions options;
  options.report = [&](const RecoveryProgress& progress) { reports.push_back(progress); };
  ASSERT_TRUE(Recover(directory_, options).ok());
  ASSERT_GE(reports.size(), 2u);
  uint64_t bytes = 0;
  for (const std::string& name : Names()) {
    if (SegmentNumber(name) && name < LastSegment()) bytes += directory_.ContentOf(name)->size();
  }
  EXPECT_EQ(reports.front().bytes, 0u);
  EXPECT_GE(reports.front().bytes_total, bytes);
  EXPECT_EQ(reports.back().records, 1000u);
  EXPECT_EQ(reports.back().bytes, reports.back().bytes_total);
}

TEST_F(RecoveryTest, WhatANewerVersionWroteIsNotTouched) {
  ASSERT_NO_FATAL_FAILURE(Write(20, true));
  std::string newer = *directory_.ContentOf(kManifestName);
  newer[8] = 2;
  std::vector<uint8_t> header(newer.begin(), newer.begin() + FileHeader::kBytes);
  const uint32_t crc = Crc32c(header.data(), FileHeader::kBytes - 4);
  for (size_t i = 0; i < 4; ++i) newer[FileHeader::kBytes - 4 + i] = static_cast<char>(crc >> (8 * i));
  const Outcome outcome = RecoverWith(std::string(kManifestName), newer);
  EXPECT_EQ(outcome.code, Code::kNewerFormat) << outcome.message;
}

TEST_F(RecoveryTest, AnyCallMayFailAndNothingIsLost) {
  ASSERT_NO_FATAL_FAILURE(Write(100, false));
  const std::string last = LastSegment();
  directory_.Put(last, *directory_.ContentOf(last) + "a tail");
  const auto healthy = directory_.KillCopy();
  ASSERT_TRUE(check_.Recover(*healthy).ok());
  const uint64_t calls = healthy->calls();
  for (const std::errc error : {std::errc::io_error, std::errc::no_space_on_device, std::errc::interrupted,
                                std::errc::too_many_files_open, std::errc::read_only_file_system}) {
    for (uint64_t call = 0; call < calls; ++call) {
      const auto copy = directory_.KillCopy();
      copy->Fail(call, error, CrashDirectory::Lasting::kOnce);
      auto recovered = check_.Recover(*copy);
      if (error == std::errc::interrupted) {
        EXPECT_TRUE(recovered.ok()) << "call " << call << ": " << recovered.status().message();
      } else if (!recovered.ok()) {
        EXPECT_TRUE(recovered.status().code() == Code::kIo || recovered.status().code() == Code::kDiskFull)
            << recovered.status().message();
      }
      copy->Heal();
      auto again = check_.Recover(*copy);
      ASSERT_TRUE(again.ok()) << "call " << call << ": " << again.status().message();
      EXPECT_EQ(check_.size(), 100u) << "call " << call;
    }
  }
  for (uint64_t call = 0; call < calls; ++call) {
    const auto copy = directory_.KillCopy();
    copy->Shorten(call, CrashDirectory::Lasting::kForEver);
    ASSERT_TRUE(check_.Recover(*copy).ok()) << "call " << call;
    EXPECT_EQ(check_.size(), 100u) << "call " << call;
  }
}

}  // namespace
}  // namespace shardmap
