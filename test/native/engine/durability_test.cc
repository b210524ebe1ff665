// Danger: two processes write one directory; a log that grows for ever; a store that is opened anew and is another.
#include "engine/durability.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "base/temporary_directory.h"
#include "fixtures.h"

namespace shardmap {
namespace {

// A store that is durable in a directory for as long as this lives.
class OpenedStore {
 public:
  explicit OpenedStore(const std::string& path, const DurabilityOptions& options = {}) : store_(OptionsFor(16)) {
    auto opened =
        Durability::Open(path, options, store_, {[this](const Status& failure) { failure_ = failure.Copy(); }, {}});
    status_ = opened.TakeStatus();
    durability_ = std::move(opened.value());
  }

  const Status& status() const { return status_; }
  Store& store() { return store_; }
  Durability& durability() { return *durability_; }

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
  Status failure_;
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

}  // namespace
}  // namespace shardmap
