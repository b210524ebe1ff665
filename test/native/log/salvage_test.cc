// Danger: a store that is damaged is lost whole; or what is saved of it was never in it.
#include "log/salvage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "base/crash_directory.h"
#include "base/crc32c.h"
#include "log/durable_store.h"
#include "random_input.h"

namespace shardmap {
namespace {

constexpr int kKeys = 12;

// A store with a snapshot and some segments, in which each frame has one record; and all values that its keys ever had.
class SalvageTest : public testing::Test {
 protected:
  SalvageTest() {
    LogOptions options;
    options.segment_bytes = 1000;
    DurableStore durable(directory_, 4, options);
    for (int round = 0; round < 6; ++round) {
      if (round == 3) {
        EXPECT_TRUE(durable.Compact().ok());
      }
      // The last keys are not set any more after the snapshot.
      for (int i = 0; i < (round < 3 ? kKeys : kKeys - 2); ++i) {
        const std::string key = "key " + std::to_string(i);
        const std::string value = key + " in round " + std::to_string(round);
        EXPECT_TRUE(durable.Set(key, value).ok());
        EXPECT_TRUE(durable.log().FlushSync().ok());
        values_[key].insert(value);
        last_[key] = value;
      }
    }
    EXPECT_TRUE(durable.log().Close().ok());
    EXPECT_FALSE(directory_.List(&names_));
    std::sort(names_.begin(), names_.end());
    for (const std::string& name : names_) {
      if (SegmentNumber(name)) last_segment_ = name;
    }
  }

  // Opens a copy in which a file is another, or missing. Nothing in it that the key never had; returns how many keys
  // have not what they had last.
  struct Outcome {
    size_t losses;
    int wrong_keys;
  };
  Outcome Salvaged(CrashDirectory& copy) {
    RecoveryOptions recovery;
    recovery.mode = RecoveryMode::kSalvage;
    DurableStore salvaged(
        copy, 4, {}, nullptr, [](Log& log) -> MutationSink& { return log; }, recovery);
    EXPECT_TRUE(salvaged.status().ok()) << salvaged.status().message();
    if (!salvaged.status().ok()) return {};
    int wrong_keys = 0;
    for (const auto& [key, value] : last_) {
      const auto found = salvaged.Get(key);
      if (found.has_value()) {
        EXPECT_TRUE(values_.at(key).contains(*found)) << key << " was never " << *found;
      }
      if (found != value) ++wrong_keys;
    }
    EXPECT_LE(salvaged.Rows().size(), last_.size());
    EXPECT_EQ(salvaged.Set("refused", "x").code(), Code::kLogFailed) << "before it is written anew";
    std::set<std::string> damaged;
    for (const Loss& loss : salvaged.losses()) damaged.insert(loss.file);
    const auto rows = salvaged.Rows();
    EXPECT_TRUE(salvaged.Compact(damaged).ok());
    EXPECT_TRUE(salvaged.Set("accepted", "x").ok());
    EXPECT_TRUE(salvaged.log().Close().ok());
    RecoveryOptions strict;
    strict.mode = RecoveryMode::kStrict;
    DurableStore again(
        copy, 4, {}, nullptr, [](Log& log) -> MutationSink& { return log; }, strict);
    EXPECT_TRUE(again.status().ok()) << again.status().message();
    if (again.status().ok()) {
      EXPECT_EQ(again.Rows().size(), rows.size() + 1);
    }
    return {salvaged.losses().size(), wrong_keys};
  }
  Outcome SalvagedWith(const std::string& name, const std::string& content) {
    const auto copy = directory_.KillCopy();
    copy->Put(name, content);
    return Salvaged(*copy);
  }
  std::string ContentOf(const std::string& name) { return directory_.ContentOf(name).value(); }

  CrashDirectory directory_;
  std::vector<std::string> names_;
  std::string last_segment_;
  std::map<std::string, std::set<std::string>> values_;
  std::map<std::string, std::string> last_;
};

TEST_F(SalvageTest, OfWhatIsWholeNothingIsLost) {
  const Outcome outcome = Salvaged(*directory_.KillCopy());
  EXPECT_EQ(outcome.losses, 0u);
  EXPECT_EQ(outcome.wrong_keys, 0);
}

TEST_F(SalvageTest, AFlippedBitCostsItsFrame) {
  for (const std::string& name : names_) {
    const std::string whole = ContentOf(name);
    for (size_t at = 0; at < whole.size(); at += 5) {
      SCOPED_TRACE(name + ", byte " + std::to_string(at));
      std::string content = whole;
      content[at] = static_cast<char>(content[at] ^ (1 << (at % 8)));
      const Outcome outcome = SalvagedWith(name, content);
      EXPECT_GE(outcome.losses, 1u);
      // The snapshot is one frame, and what was set after it is in the segments.
      const bool is_in_frames = SegmentNumber(name).has_value() && at >= FileHeader::kBytes;
      if (is_in_frames) {
        EXPECT_LE(outcome.wrong_keys, 1);
      }
      if (SnapshotNumber(name)) {
        EXPECT_LE(outcome.wrong_keys, 2);
      }
      if (name == kManifestName) {
        EXPECT_EQ(outcome.wrong_keys, 0);
      }
    }
  }
}

TEST_F(SalvageTest, AnyFileMayBeCutOff) {
  for (const std::string& name : names_) {
    const std::string whole = ContentOf(name);
    for (size_t size = 0; size < whole.size(); size += 11) {
      SCOPED_TRACE(name + ", " + std::to_string(size) + " bytes");
      const Outcome outcome = SalvagedWith(name, whole.substr(0, size));
      // What is cut off where a frame ends is missed only where a seal is to come.
      if (name != last_segment_) {
        EXPECT_GE(outcome.losses, 1u);
      }
    }
  }
}

TEST_F(SalvageTest, AnyFileMayBeMissing) {
  for (const std::string& name : names_) {
    SCOPED_TRACE(name);
    const auto copy = directory_.KillCopy();
    EXPECT_FALSE(copy->Remove(name));
    const Outcome outcome = Salvaged(*copy);
    if (name != last_segment_) {
      EXPECT_GE(outcome.losses, 1u);
    }
    if (name == kManifestName) {
      EXPECT_EQ(outcome.wrong_keys, 0);
    }
  }
}

TEST_F(SalvageTest, DamagedFilesAreKept) {
  const auto copy = directory_.KillCopy();
  const std::string& name = last_segment_;
  std::string content = ContentOf(name);
  content[FileHeader::kBytes + 3] ^= 1;
  copy->Put(name, content);
  const Outcome outcome = Salvaged(*copy);
  EXPECT_EQ(outcome.losses, 1u);
  EXPECT_EQ(copy->ContentOf(name + std::string(kDamagedSuffix)), content);
  EXPECT_EQ(copy->ContentOf(name), std::nullopt);
}

TEST_F(SalvageTest, TheLossNamesFileAndBytes) {
  const auto copy = directory_.KillCopy();
  std::string content = ContentOf(last_segment_);
  content[FileHeader::kBytes + FrameHeader::kBytes + 5] ^= 1;
  copy->Put(last_segment_, content);
  RecoveryOptions options;
  options.mode = RecoveryMode::kSalvage;
  auto recovered = Salvage(*copy, options);
  ASSERT_TRUE(recovered.ok());
  ASSERT_EQ(recovered.value()->losses.size(), 1u);
  const Loss& loss = recovered.value()->losses[0];
  EXPECT_EQ(loss.file, last_segment_);
  EXPECT_EQ(loss.offset, FileHeader::kBytes);
  EXPECT_GT(loss.bytes, FrameHeader::kBytes);
  EXPECT_LE(loss.offset + loss.bytes, content.size());
  EXPECT_EQ(loss.what, "the checksum of a frame is wrong");
}

TEST_F(SalvageTest, WhatANewerVersionWroteIsRefused) {
  const auto copy = directory_.KillCopy();
  std::string content = ContentOf(last_segment_);
  content[8] = static_cast<char>(kFormatVersion + 1);  // and the checksum of the header that goes with it
  const std::span<uint8_t> bytes(reinterpret_cast<uint8_t*>(content.data()), FileHeader::kBytes);
  StoreLittle32(bytes.data() + FileHeader::kBytes - 4, Crc32c(bytes.data(), FileHeader::kBytes - 4));
  copy->Put(last_segment_, content);
  RecoveryOptions options;
  options.mode = RecoveryMode::kSalvage;
  EXPECT_EQ(Salvage(*copy, options).status().code(), Code::kNewerFormat);
}

TEST(SalvageOfNothingTest, IsANewStore) {
  CrashDirectory directory;
  RecoveryOptions recovery;
  recovery.mode = RecoveryMode::kSalvage;
  DurableStore durable(
      directory, 4, {}, nullptr, [](Log& log) -> MutationSink& { return log; }, recovery);
  ASSERT_TRUE(durable.status().ok());
  EXPECT_TRUE(durable.Set("key", "value").ok());
}

}  // namespace
}  // namespace shardmap
