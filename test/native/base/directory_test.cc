// Danger: the directory that tests lose power in is another than the one that users have, so that the log is right in
// the tests only; a write or read that does less than all is taken for the whole.
#include "base/directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/crash_directory.h"
#include "base/file_fixtures.h"
#include "base/posix_directory.h"
#include "base/temporary_directory.h"
#include "random_input.h"

namespace shardmap {
namespace {

using Mode = Directory::OpenMode;

// --- What every directory does ---------------------------------------------------------------------------------------

class PosixSubject {
 public:
  PosixSubject() {
    EXPECT_FALSE(PosixDirectory::Open(temporary_.path(), PosixDirectory::IfMissing::kFail, &directory_));
  }
  Directory& get() { return *directory_; }

 private:
  TemporaryDirectory temporary_;
  std::unique_ptr<Directory> directory_;
};

class CrashSubject {
 public:
  Directory& get() { return directory_; }

 private:
  CrashDirectory directory_;
};

#if defined(_WIN32)
using Subjects = testing::Types<CrashSubject>;
#else
using Subjects = testing::Types<PosixSubject, CrashSubject>;
#endif

template <typename Subject>
class DirectoryTest : public testing::Test {
 protected:
  std::vector<std::string> Names() {
    std::vector<std::string> names = {"left over"};
    EXPECT_FALSE(directory_.List(&names));
    std::sort(names.begin(), names.end());
    return names;
  }
  std::error_code Open(std::string_view name, Mode mode) {
    std::unique_ptr<File> file;
    const auto error = directory_.Open(name, mode, &file);
    EXPECT_EQ(file == nullptr, static_cast<bool>(error));
    return error;
  }
  std::error_code Lock(std::string_view self, std::unique_ptr<DirectoryLock>* lock) {
    return directory_.Lock("lock", self, &holder_, lock);
  }

  Subject subject_;
  Directory& directory_ = subject_.get();
  std::string holder_;
};

TYPED_TEST_SUITE(DirectoryTest, Subjects);

TYPED_TEST(DirectoryTest, BeginsEmpty) { EXPECT_TRUE(this->Names().empty()); }

TYPED_TEST(DirectoryTest, OpensWhatIsThereAndCreatesWhatIsNot) {
  EXPECT_EQ(this->Open("a", Mode::kRead), std::errc::no_such_file_or_directory);
  EXPECT_EQ(this->Open("a", Mode::kReadWrite), std::errc::no_such_file_or_directory);
  EXPECT_FALSE(this->Open("a", Mode::kCreate));
  EXPECT_EQ(this->Open("a", Mode::kCreate), std::errc::file_exists);
  EXPECT_FALSE(this->Open("a", Mode::kRead));
  EXPECT_FALSE(this->Open("a", Mode::kReadWrite));
  EXPECT_EQ(this->Names(), std::vector<std::string>{"a"});
}

TYPED_TEST(DirectoryTest, ReadsWhatWasWrittenAndNothingBehindIt) {
  const auto file = CreateFile(this->directory_, "a", "0123456789");
  std::string part(4, '?');
  size_t read = 0;
  EXPECT_FALSE(file->ReadAt(3, {reinterpret_cast<uint8_t*>(part.data()), part.size()}, &read));
  EXPECT_EQ(part.substr(0, read), "3456");
  EXPECT_FALSE(file->ReadAt(8, {reinterpret_cast<uint8_t*>(part.data()), part.size()}, &read));
  EXPECT_EQ(part.substr(0, read), "89");
  for (uint64_t offset : {10, 11, 1'000'000}) {
    read = 1;
    EXPECT_FALSE(file->ReadAt(offset, {reinterpret_cast<uint8_t*>(part.data()), part.size()}, &read));
    EXPECT_EQ(read, 0u) << "at " << offset;
  }
}

TYPED_TEST(DirectoryTest, RandomWritesAndSizesReadAsInAString) {
  Random random(1);
  std::string model;
  const auto file = CreateFile(this->directory_, "a");
  for (size_t round = 0; round < Scaled(400); ++round) {
    const size_t offset = random.Below(random.OneIn(4) ? 40'000 : model.size() + 1);
    if (random.OneIn(4)) {
      ASSERT_FALSE(file->SetSize(offset));
      model.resize(offset);
    } else {
      const std::string bytes = random.Bytes(random.Below(random.OneIn(4) ? 10'000 : 600));
      ASSERT_FALSE(WriteFully(*file, offset, BytesOf(bytes)));
      if (bytes.empty()) continue;
      model.resize(std::max(model.size(), offset + bytes.size()));
      model.replace(offset, bytes.size(), bytes);
    }
    if (random.OneIn(8)) {
      ASSERT_FALSE(file->Sync());
    }
    ASSERT_EQ(ReadAll(*file), model) << "round " << round << ", seed " << TestSeed();
  }
}

TYPED_TEST(DirectoryTest, BytesThatAFileLostAreZeroWhenItGrowsAgain) {
  const auto file = CreateFile(this->directory_, "a", std::string(10'000, 'x'));
  EXPECT_FALSE(file->SetSize(5000));
  EXPECT_FALSE(file->SetSize(10'000));
  EXPECT_EQ(ReadAll(*file), std::string(5000, 'x') + std::string(5000, '\0'));
}

TYPED_TEST(DirectoryTest, WritesNothingThroughAFileOpenedToRead) {
  CreateFile(this->directory_, "a", "kept");
  const auto file = OpenOrNull(this->directory_, "a", Mode::kRead);
  size_t written = 0;
  EXPECT_TRUE(file->WriteAt(0, BytesOf("lost"), &written));
  EXPECT_TRUE(file->SetSize(0));
  EXPECT_EQ(ReadAll(*file), "kept");
}

TYPED_TEST(DirectoryTest, RenameReplacesAndNeedsAFile) {
  CreateFile(this->directory_, "a", "new");
  CreateFile(this->directory_, "b", "old");
  const auto old = OpenOrNull(this->directory_, "b", Mode::kRead);
  EXPECT_FALSE(this->directory_.Rename("a", "b"));
  EXPECT_EQ(this->Names(), std::vector<std::string>{"b"});
  EXPECT_EQ(ReadAll(this->directory_, "b"), "new");
  EXPECT_EQ(ReadAll(*old), "old") << "an open file keeps what it holds";
  EXPECT_FALSE(this->directory_.Rename("b", "c"));
  EXPECT_FALSE(this->directory_.Rename("c", "c"));
  EXPECT_EQ(this->Names(), std::vector<std::string>{"c"});
  EXPECT_EQ(this->directory_.Rename("a", "c"), std::errc::no_such_file_or_directory);
}

TYPED_TEST(DirectoryTest, RemovedFilesAreGoneButForWhoHasThemOpen) {
  const auto file = CreateFile(this->directory_, "a", "still here");
  EXPECT_FALSE(this->directory_.Remove("a"));
  EXPECT_EQ(this->directory_.Remove("a"), std::errc::no_such_file_or_directory);
  EXPECT_TRUE(this->Names().empty());
  EXPECT_EQ(ReadAll(*file), "still here");
  CreateFile(this->directory_, "a", "another");
  EXPECT_EQ(ReadAll(*file), "still here");
}

TYPED_TEST(DirectoryTest, SyncsFilesAndNames) {
  const auto file = CreateFile(this->directory_, "a", "x");
  EXPECT_FALSE(file->Sync());
  EXPECT_FALSE(this->directory_.Sync());
  EXPECT_FALSE(OpenOrNull(this->directory_, "a", Mode::kRead)->Sync());
}

TYPED_TEST(DirectoryTest, OneHolderAtATimeHasTheLock) {
  std::unique_ptr<DirectoryLock> first, second;
  EXPECT_FALSE(this->Lock("the first, of a long name", &first));
  EXPECT_EQ(this->Lock("the second", &second), std::errc::resource_unavailable_try_again);
  EXPECT_EQ(this->holder_, "the first, of a long name");
  EXPECT_EQ(second, nullptr);
  first.reset();
  EXPECT_FALSE(this->Lock("the second", &second));
  EXPECT_EQ(this->Lock("the first", &first), std::errc::resource_unavailable_try_again);
  EXPECT_EQ(this->holder_, "the second");
  EXPECT_EQ(ReadAll(this->directory_, "lock"), "the second");
}

TYPED_TEST(DirectoryTest, ManyShareALockThatNobodyHasAlone) {
  std::unique_ptr<DirectoryLock> alone, first, second;
  std::string holder;
  EXPECT_EQ(this->directory_.LockShared("lock", &holder, &first), std::errc::no_such_file_or_directory);
  EXPECT_FALSE(this->Lock("the writer", &alone));
  EXPECT_EQ(this->directory_.LockShared("lock", &holder, &first), std::errc::resource_unavailable_try_again);
  EXPECT_EQ(holder, "the writer");
  alone.reset();
  EXPECT_FALSE(this->directory_.LockShared("lock", &holder, &first));
  EXPECT_FALSE(this->directory_.LockShared("lock", &holder, &second));
  EXPECT_EQ(this->Lock("another", &alone), std::errc::resource_unavailable_try_again);
  EXPECT_EQ(this->holder_, Directory::kSharers);
  first.reset();
  EXPECT_EQ(this->Lock("another", &alone), std::errc::resource_unavailable_try_again);
  second.reset();
  EXPECT_FALSE(this->Lock("another", &alone));
}

TYPED_TEST(DirectoryTest, ThreadsUseFilesOfTheirOwnAtOnce) {
  constexpr size_t kThreads = 4;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      Random random(i);
      const std::string temporary = "temporary" + std::to_string(i);
      for (size_t round = 0; round < Scaled(50); ++round) {
        const std::string content = random.Bytes(random.Below(10'000));
        EXPECT_FALSE(CreateFile(this->directory_, temporary, content)->Sync());
        EXPECT_FALSE(this->directory_.Rename(temporary, std::to_string(i)));
        EXPECT_FALSE(this->directory_.Sync());
        EXPECT_EQ(ReadAll(this->directory_, std::to_string(i)), content) << "seed " << TestSeed();
        EXPECT_LE(this->Names().size(), 2 * kThreads);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(this->Names(), (std::vector<std::string>{"0", "1", "2", "3"}));
}

// --- All or nothing --------------------------------------------------------------------------------------------------

TEST(WriteFullyTest, GoesOnAfterShortAndInterruptedWrites) {
  CrashDirectory directory;
  const auto file = CreateFile(directory, "a");
  const std::string content = Random(1).Bytes(5000);
  directory.Shorten(0, CrashDirectory::Lasting::kForEver);
  const uint64_t before = directory.calls();
  for (uint64_t i = 0; i < 3; ++i) {
    directory.Fail(before + 2 * i, std::errc::interrupted, CrashDirectory::Lasting::kOnce);
  }
  EXPECT_FALSE(WriteFully(*file, 10, BytesOf(content)));
  EXPECT_GT(directory.calls(), before + 4) << "seed " << TestSeed();
  EXPECT_EQ(directory.ContentOf("a"), std::string(10, '\0') + content) << "seed " << TestSeed();
}

TEST(ReadFullyTest, GoesOnAfterShortAndInterruptedReadsUpToTheEnd) {
  CrashDirectory directory;
  const std::string content = Random(2).Bytes(5000);
  directory.Put("a", content);
  const auto file = OpenOrNull(directory, "a", Mode::kRead);
  directory.Shorten(0, CrashDirectory::Lasting::kForEver);
  directory.Fail(directory.calls() + 1, std::errc::interrupted, CrashDirectory::Lasting::kOnce);
  std::string bytes(6000, '?');
  size_t read = 0;
  EXPECT_FALSE(ReadFully(*file, 100, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()}, &read));
  EXPECT_EQ(bytes.substr(0, read), content.substr(100)) << "seed " << TestSeed();
}

TEST(WriteFullyTest, TellsTheErrorThatStoppedIt) {
  CrashDirectory directory;
  directory.Put("a", "old");
  const auto file = OpenOrNull(directory, "a", Mode::kReadWrite);
  directory.Fail(directory.calls(), std::errc::io_error, CrashDirectory::Lasting::kForEver);
  size_t read = 1;
  uint8_t byte = 0;
  EXPECT_EQ(WriteFully(*file, 0, BytesOf("new")), std::errc::io_error);
  EXPECT_EQ(ReadFully(*file, 0, {&byte, 1}, &read), std::errc::io_error);
  EXPECT_EQ(read, 0u);
  EXPECT_EQ(directory.ContentOf("a"), "old");
}

// A device that takes nothing and says nothing.
class StuckFile final : public File {
 public:
  std::error_code WriteAt(uint64_t, std::span<const uint8_t>, size_t* written) override {
    *written = 0;
    return {};
  }
  std::error_code ReadAt(uint64_t, std::span<uint8_t>, size_t* read) override {
    *read = 0;
    return {};
  }
  std::error_code SetSize(uint64_t) override { return {}; }
  std::error_code GetSize(uint64_t*) override { return {}; }
  std::error_code Sync() override { return {}; }
};

TEST(WriteFullyTest, ATakerOfNothingIsAnError) {
  StuckFile file;
  size_t read = 1;
  uint8_t byte = 0;
  EXPECT_EQ(WriteFully(file, 0, BytesOf("x")), std::errc::io_error);
  EXPECT_FALSE(WriteFully(file, 0, {}));
  EXPECT_FALSE(ReadFully(file, 0, {&byte, 1}, &read));
  EXPECT_EQ(read, 0u);
}

}  // namespace
}  // namespace shardmap
