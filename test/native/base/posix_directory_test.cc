// Danger: two processes write to one directory, or none may after one was killed; what is no file is taken for one; a
// directory is said to be there that power loss takes away again.
#if !defined(_WIN32)

#include "base/posix_directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/file_fixtures.h"
#include "base/temporary_directory.h"

namespace shardmap {
namespace {

using IfMissing = PosixDirectory::IfMissing;
using Mode = Directory::OpenMode;

std::error_code OpenFile(Directory& directory, std::string_view name, Mode mode) {
  std::unique_ptr<File> file;
  return directory.Open(name, mode, &file);
}

std::error_code LockIn(Directory& directory, std::string* holder, std::unique_ptr<DirectoryLock>* lock) {
  return directory.Lock("lock", "process " + std::to_string(getpid()), holder, lock);
}

// A fork of the test that does what it is told, and then waits to be ended.
class Child {
 public:
  template <typename Action>
  explicit Child(Action action) {
    int ends[2];
    if (pipe(ends) != 0) return;
    process_ = fork();
    if (process_ == 0) {
      const auto answer = static_cast<uint8_t>(action());
      (void)!write(ends[1], &answer, 1);
      for (;;) pause();
    }
    uint8_t answer = 0;
    if (process_ > 0 && read(ends[0], &answer, 1) == 1) answer_ = answer;
    close(ends[0]);
    close(ends[1]);
  }
  ~Child() { Kill(); }

  void Kill() {
    if (process_ > 0) {
      kill(process_, SIGKILL);
      waitpid(process_, nullptr, 0);
    }
    process_ = -1;
  }

  pid_t process() const { return process_; }
  // What its action returned, or -1.
  int answer() const { return answer_; }

 private:
  pid_t process_ = -1;
  int answer_ = -1;
};

class PosixDirectoryTest : public testing::Test {
 protected:
  std::unique_ptr<Directory> OpenTemporary() {
    std::unique_ptr<Directory> directory;
    EXPECT_FALSE(PosixDirectory::Open(temporary_.path(), IfMissing::kFail, &directory));
    return directory;
  }
  // As another program would, with descriptors of its own.
  std::error_code TryLock(std::string* holder) {
    std::unique_ptr<DirectoryLock> lock;
    return LockIn(*OpenTemporary(), holder, &lock);
  }

  TemporaryDirectory temporary_;
  std::unique_ptr<Directory> directory_ = OpenTemporary();
  std::string holder_;
};

// --- Opening a directory ---------------------------------------------------------------------------------------------

TEST_F(PosixDirectoryTest, AMissingDirectoryIsAnErrorOrMade) {
  const std::string path = temporary_.PathOf("a/b/c");
  std::unique_ptr<Directory> directory;
  EXPECT_EQ(PosixDirectory::Open(path, IfMissing::kFail, &directory), std::errc::no_such_file_or_directory);
  EXPECT_EQ(directory, nullptr);
  EXPECT_FALSE(PosixDirectory::Open(path, IfMissing::kCreate, &directory));
  CreateFile(*directory, "file", "x");
  EXPECT_TRUE(std::filesystem::is_regular_file(path + "/file"));
  EXPECT_FALSE(PosixDirectory::Open(path + "//", IfMissing::kCreate, &directory));
  EXPECT_EQ(ReadAll(*directory, "file"), "x");
  EXPECT_FALSE(PosixDirectory::Open(temporary_.PathOf("d//e/"), IfMissing::kCreate, &directory));
  EXPECT_TRUE(std::filesystem::is_directory(temporary_.PathOf("d/e")));
}

TEST_F(PosixDirectoryTest, APathMayBeRelativeOrTheRoot) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(temporary_.path());
  std::unique_ptr<Directory> directory;
  for (const char* path : {"/", ".", "relative", "./relative/more", "relative/../other"}) {
    EXPECT_FALSE(PosixDirectory::Open(path, IfMissing::kCreate, &directory)) << path;
  }
  EXPECT_TRUE(PosixDirectory::Open("", IfMissing::kCreate, &directory));
  std::filesystem::current_path(before);
  EXPECT_TRUE(std::filesystem::is_directory(temporary_.PathOf("relative/more")));
}

TEST_F(PosixDirectoryTest, WhatItMakesIsClosedToOthers) {
  std::unique_ptr<Directory> directory;
  EXPECT_FALSE(PosixDirectory::Open(temporary_.PathOf("made"), IfMissing::kCreate, &directory));
  struct stat status;
  ASSERT_EQ(stat(temporary_.PathOf("made").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 077, 0u);
}

TEST_F(PosixDirectoryTest, AFileIsNoDirectory) {
  CreateFile(*directory_, "file");
  std::unique_ptr<Directory> directory;
  for (const IfMissing if_missing : {IfMissing::kFail, IfMissing::kCreate}) {
    EXPECT_EQ(PosixDirectory::Open(temporary_.PathOf("file"), if_missing, &directory), std::errc::not_a_directory);
    EXPECT_EQ(PosixDirectory::Open(temporary_.PathOf("file/a"), if_missing, &directory), std::errc::not_a_directory);
  }
}

// What nobody may do, or the user `nobody` where the test is root's.
TEST_F(PosixDirectoryTest, WhereNothingMayBeWrittenNothingIsCreated) {
  std::filesystem::permissions(temporary_.path(), std::filesystem::perms(0555));
  const Child child([this] {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return 3;
    std::unique_ptr<Directory> directory;
    const auto created = PosixDirectory::Open(temporary_.PathOf("a/b"), IfMissing::kCreate, &directory);
    const bool is_file_refused = OpenFile(*directory_, "a", Mode::kCreate) == std::errc::permission_denied;
    std::unique_ptr<DirectoryLock> lock;
    const bool is_lock_refused = LockIn(*directory_, &holder_, &lock) == std::errc::permission_denied;
    return created == std::errc::permission_denied && is_file_refused && is_lock_refused ? 1 : 2;
  });
  std::filesystem::permissions(temporary_.path(), std::filesystem::perms(0755));
  if (child.answer() == 3) GTEST_SKIP() << "root here cannot become another user";
  EXPECT_EQ(child.answer(), 1);
}

TEST_F(PosixDirectoryTest, FollowsItsDirectoryToAnotherName) {
  std::unique_ptr<Directory> directory;
  ASSERT_FALSE(PosixDirectory::Open(temporary_.PathOf("before"), IfMissing::kCreate, &directory));
  std::filesystem::rename(temporary_.PathOf("before"), temporary_.PathOf("after"));
  CreateFile(*directory, "file");
  EXPECT_TRUE(std::filesystem::exists(temporary_.PathOf("after/file")));
}

// --- Opening a file --------------------------------------------------------------------------------------------------

TEST_F(PosixDirectoryTest, OpensRegularFilesOnly) {
  std::filesystem::create_directory(temporary_.PathOf("directory"));
  ASSERT_EQ(mkfifo(temporary_.PathOf("pipe").c_str(), 0600), 0);
  CreateFile(*directory_, "file");
  std::filesystem::create_symlink("file", temporary_.PathOf("link"));
  for (const Mode mode : {Mode::kRead, Mode::kReadWrite}) {
    EXPECT_EQ(OpenFile(*directory_, "directory", mode), std::errc::is_a_directory);
    EXPECT_EQ(OpenFile(*directory_, "pipe", mode), std::errc::invalid_argument);
    EXPECT_TRUE(OpenFile(*directory_, "link", mode));
  }
  for (const char* name : {"directory", "pipe", "link"}) {
    EXPECT_EQ(OpenFile(*directory_, name, Mode::kCreate), std::errc::file_exists) << name;
    std::unique_ptr<DirectoryLock> lock;
    EXPECT_TRUE(directory_->Lock(name, "self", &holder_, &lock)) << name;
  }
}

TEST_F(PosixDirectoryTest, OffsetsThatNoFileHasAreErrors) {
  const auto file = CreateFile(*directory_, "file");
  size_t count = 0;
  uint8_t byte = 0;
  EXPECT_TRUE(file->WriteAt(UINT64_MAX, {&byte, 1}, &count));
  EXPECT_TRUE(file->ReadAt(UINT64_MAX, {&byte, 1}, &count));
  EXPECT_TRUE(file->SetSize(UINT64_MAX));
}

// The limit of a process's file sizes makes the kernel itself write less than all.
TEST_F(PosixDirectoryTest, AShortWriteIsGoneOnWithAndItsErrorTold) {
  const Child child([this] {
    const rlimit limit = {1000, 1000};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    const auto file = CreateFile(*directory_, "file");
    const std::string content(1500, 'x');
    size_t written = 0;
    if (file->WriteAt(0, BytesOf(content), &written) || written != 1000) return 3;
    return WriteFully(*file, 0, BytesOf(content)) == std::errc::file_too_large ? 1 : 4;
  });
  EXPECT_EQ(child.answer(), 1);
  EXPECT_EQ(ReadAll(*directory_, "file"), std::string(1000, 'x'));
}

// --- The lock --------------------------------------------------------------------------------------------------------

TEST_F(PosixDirectoryTest, ALockNamesItsHolderAndEndsWhenThatIsKilled) {
  Child child([this] {
    auto* const lock = new std::unique_ptr<DirectoryLock>;  // held until the kill
    return LockIn(*OpenTemporary(), &holder_, lock) ? 2 : 1;
  });
  ASSERT_EQ(child.answer(), 1);
  EXPECT_EQ(TryLock(&holder_), std::errc::resource_unavailable_try_again);
  EXPECT_EQ(holder_, "process " + std::to_string(child.process()));
  child.Kill();
  EXPECT_FALSE(TryLock(&holder_));
}

TEST_F(PosixDirectoryTest, AChildThatEndsLetsNobodyIn) {
  std::unique_ptr<DirectoryLock> lock;
  ASSERT_FALSE(LockIn(*directory_, &holder_, &lock));
  Child child([&lock] {
    lock.reset();
    return 1;
  });
  EXPECT_EQ(child.answer(), 1);
  EXPECT_EQ(TryLock(&holder_), std::errc::resource_unavailable_try_again);
  child.Kill();
  EXPECT_EQ(TryLock(&holder_), std::errc::resource_unavailable_try_again);
  lock.reset();
  EXPECT_FALSE(TryLock(&holder_));
}

TEST_F(PosixDirectoryTest, ALockThatWasLetGoIsFreeWhileAChildHasItsDescriptor) {
  std::unique_ptr<DirectoryLock> lock;
  ASSERT_FALSE(LockIn(*directory_, &holder_, &lock));
  const Child child([] { return 1; });
  EXPECT_EQ(child.answer(), 1);
  lock.reset();
  EXPECT_FALSE(TryLock(&holder_));
}

TEST_F(PosixDirectoryTest, ALongNameOfAHolderIsCut) {
  std::unique_ptr<DirectoryLock> lock, other;
  const std::string self(10'000, 's');
  ASSERT_FALSE(directory_->Lock("lock", self, &holder_, &lock));
  EXPECT_EQ(directory_->Lock("lock", "other", &holder_, &other), std::errc::resource_unavailable_try_again);
  EXPECT_EQ(holder_, self.substr(0, 512));
}

TEST_F(PosixDirectoryTest, NoDescriptorIsHandedOnToOtherPrograms) {
  if (!std::filesystem::exists("/proc/self/fd")) GTEST_SKIP() << "this system does not list descriptors there";
  std::unique_ptr<DirectoryLock> lock;
  ASSERT_FALSE(LockIn(*directory_, &holder_, &lock));
  const auto file = CreateFile(*directory_, "file");
  size_t found = 0;
  for (int descriptor = 0; descriptor < 1000; ++descriptor) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), error);
    if (error || !target.string().starts_with(std::filesystem::canonical(temporary_.path()).string())) continue;
    ++found;
    EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0) << target;
  }
  EXPECT_EQ(found, 3u) << "the directory, its lock and a file";
}

}  // namespace
}  // namespace shardmap

#endif
