#include "base/posix_directory.h"

#if defined(_WIN32)

namespace shardmap {

std::error_code PosixDirectory::Open(const std::string&, IfMissing, std::unique_ptr<Directory>*) {
  return std::make_error_code(std::errc::function_not_supported);
}

}  // namespace shardmap

#else

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <utility>

namespace shardmap {
namespace {

// A directory that we make is closed to others: its files are what was in the memory of a process. Who makes it before,
// to let others in, says with its mode and the umask who may read the files.
constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0666;

// A non-blocking open of a pipe returns, so that it can be refused; a regular file knows no difference.
constexpr int kFileFlags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

// macOS refuses calls of INT_MAX bytes and more.
constexpr size_t kCallBytesMax = size_t{1} << 30;
constexpr size_t kHolderBytesMax = 512;

std::error_code LastError() { return {errno, std::generic_category()}; }
std::error_code ErrorIf(bool failed) { return failed ? LastError() : std::error_code(); }

// Closed with its scope, unless released. What matters was synced before, so nobody asks how closing went.
class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(other.Release()) {}
  ~Descriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  int Release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

#if defined(__APPLE__)

// fsync leaves it to the drive when it writes. Where the file system cannot ask the drive, fsync is all there is; after
// any other error it would succeed and prove nothing.
std::error_code SyncContent(int descriptor) {
  if (fcntl(descriptor, F_FULLFSYNC) == 0) return {};
  if (errno != ENOTSUP && errno != EINVAL && errno != ENOTTY) return LastError();
  return ErrorIf(fsync(descriptor) != 0);
}
std::error_code SyncEntries(int descriptor) { return SyncContent(descriptor); }

#else

std::error_code SyncContent(int descriptor) {
#if defined(__linux__)
  return ErrorIf(fdatasync(descriptor) != 0);  // with the size, without the times
#else
  return ErrorIf(fsync(descriptor) != 0);
#endif
}
std::error_code SyncEntries(int descriptor) { return ErrorIf(fsync(descriptor) != 0); }

#endif

bool IsOffset(uint64_t bytes) { return bytes <= static_cast<uint64_t>(std::numeric_limits<off_t>::max()); }

class PosixFile final : public File {
 public:
  explicit PosixFile(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  std::error_code WriteAt(uint64_t offset, std::span<const uint8_t> bytes, size_t* written) override {
    if (!IsOffset(offset)) return std::make_error_code(std::errc::file_too_large);
    const size_t size = std::min(bytes.size(), kCallBytesMax);
    const ssize_t result = pwrite(descriptor_.get(), bytes.data(), size, static_cast<off_t>(offset));
    *written = result < 0 ? 0 : static_cast<size_t>(result);
    return ErrorIf(result < 0);
  }

  std::error_code ReadAt(uint64_t offset, std::span<uint8_t> bytes, size_t* read) override {
    if (!IsOffset(offset)) return std::make_error_code(std::errc::file_too_large);
    const size_t size = std::min(bytes.size(), kCallBytesMax);
    const ssize_t result = pread(descriptor_.get(), bytes.data(), size, static_cast<off_t>(offset));
    *read = result < 0 ? 0 : static_cast<size_t>(result);
    return ErrorIf(result < 0);
  }

  std::error_code SetSize(uint64_t bytes) override {
    if (!IsOffset(bytes)) return std::make_error_code(std::errc::file_too_large);
    return ErrorIf(ftruncate(descriptor_.get(), static_cast<off_t>(bytes)) != 0);
  }

  std::error_code GetSize(uint64_t* bytes) override {
    struct stat status;
    if (fstat(descriptor_.get(), &status) != 0) return LastError();
    *bytes = static_cast<uint64_t>(status.st_size);
    return {};
  }

  std::error_code Sync() override { return SyncContent(descriptor_.get()); }

  int descriptor() const { return descriptor_.get(); }

 private:
  const Descriptor descriptor_;
};

class PosixLock final : public DirectoryLock {
 public:
  explicit PosixLock(std::unique_ptr<PosixFile> file) : file_(std::move(file)) {}
  // The descriptor may also be open in a child on its way to another program: closing ours alone would not let others
  // in yet. A child that ends lets nobody in.
  ~PosixLock() override {
    if (getpid() == process_) flock(file_->descriptor(), LOCK_UN);
  }

 private:
  const std::unique_ptr<PosixFile> file_;
  const pid_t process_ = getpid();
};

std::error_code OpenFile(int directory, std::string_view name, int flags, std::unique_ptr<PosixFile>* file) {
  Descriptor descriptor(openat(directory, std::string(name).c_str(), flags | kFileFlags, kFileMode));
  if (!descriptor.is_open()) return LastError();
  struct stat status;
  if (fstat(descriptor.get(), &status) != 0) return LastError();
  if (S_ISDIR(status.st_mode)) return std::make_error_code(std::errc::is_a_directory);
  if (!S_ISREG(status.st_mode)) return std::make_error_code(std::errc::invalid_argument);
  *file = std::make_unique<PosixFile>(std::move(descriptor));
  return {};
}

// The path of the directory above, as far as the text of the path tells.
std::string ParentOf(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::error_code SyncDirectoryAt(const std::string& path) {
  const Descriptor descriptor(open(path.c_str(), kDirectoryFlags));
  if (!descriptor.is_open()) return LastError();
  return Retried([&] { return SyncEntries(descriptor.get()); });
}

// What is there may have been made by a process that was killed before it synced the name. Where we may not look, or
// nothing can be written, it was another who made it.
std::error_code SyncNameOf(const std::string& path) {
  const auto error = SyncDirectoryAt(ParentOf(path));
  const bool is_of_others = error == std::errc::permission_denied || error == std::errc::read_only_file_system;
  return is_of_others ? std::error_code() : error;
}

// Makes what is missing of the path; each directory is on the medium before the next is made.
std::error_code MakeDirectories(const std::string& path) {
  if (access(path.c_str(), F_OK) == 0) return SyncNameOf(path);
  const std::string parent = ParentOf(path);
  if (parent != path) {
    if (const auto error = MakeDirectories(parent)) return error;
  }
  if (mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST) return LastError();
  return SyncDirectoryAt(parent);
}

// A courtesy to who finds it locked: on a full disk the lock is as good without.
void WriteHolder(File& file, std::string_view self) {
  if (Retried([&] { return file.SetSize(0); })) return;
  (void)WriteFully(file, 0, {reinterpret_cast<const uint8_t*>(self.data()), self.size()});
}

// Whoever has the lock may not have written yet, so nothing that goes wrong here is an error.
std::string ReadHolder(File& file) {
  std::string holder(kHolderBytesMax, '\0');
  size_t read = 0;
  (void)ReadFully(file, 0, {reinterpret_cast<uint8_t*>(holder.data()), holder.size()}, &read);
  holder.resize(read);
  return holder;
}

// Not by fcntl: that lock is gone as soon as any descriptor of the file is closed, whoever opened it.
std::error_code LockFile(const PosixFile& file, int how) {
  return Retried([&] { return ErrorIf(flock(file.descriptor(), how | LOCK_NB) != 0); });
}

struct CloseStream {
  void operator()(DIR* stream) const { closedir(stream); }
};

std::error_code ReadNames(DIR* stream, std::vector<std::string>* names) {
  names->clear();
  for (;;) {
    errno = 0;  // the end and an error look the same otherwise
    const dirent* const entry = readdir(stream);
    if (entry == nullptr) return ErrorIf(errno != 0);
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names->emplace_back(name);
  }
}

}  // namespace

std::error_code PosixDirectory::Open(const std::string& path, IfMissing if_missing,
                                     std::unique_ptr<Directory>* directory) {
  if (if_missing == IfMissing::kCreate) {
    if (const auto error = MakeDirectories(path)) return error;
  }
  Descriptor descriptor(open(path.c_str(), kDirectoryFlags));
  if (!descriptor.is_open()) return LastError();
  directory->reset(new PosixDirectory(descriptor.Release()));
  return {};
}

PosixDirectory::~PosixDirectory() { close(descriptor_); }

std::error_code PosixDirectory::Open(std::string_view name, OpenMode mode, std::unique_ptr<File>* file) {
  int flags = O_RDONLY;
  if (mode == OpenMode::kReadWrite) flags = O_RDWR;
  if (mode == OpenMode::kCreate) flags = O_RDWR | O_CREAT | O_EXCL;
  std::unique_ptr<PosixFile> opened;
  if (const auto error = OpenFile(descriptor_, name, flags, &opened)) return error;
  *file = std::move(opened);
  return {};
}

std::error_code PosixDirectory::Rename(std::string_view from, std::string_view to) {
  return ErrorIf(renameat(descriptor_, std::string(from).c_str(), descriptor_, std::string(to).c_str()) != 0);
}

std::error_code PosixDirectory::Remove(std::string_view name) {
  return ErrorIf(unlinkat(descriptor_, std::string(name).c_str(), 0) != 0);
}

std::error_code PosixDirectory::List(std::vector<std::string>* names) {
  // Opened anew, not duplicated: duplicates share the place where reading goes on, and two threads may list.
  Descriptor descriptor(openat(descriptor_, ".", kDirectoryFlags));
  if (!descriptor.is_open()) return LastError();
  const std::unique_ptr<DIR, CloseStream> stream(fdopendir(descriptor.get()));
  if (!stream) return LastError();
  descriptor.Release();  // the stream closes it
  return ReadNames(stream.get(), names);
}

std::error_code PosixDirectory::Sync() { return SyncEntries(descriptor_); }

std::error_code PosixDirectory::Lock(std::string_view name, std::string_view self, std::string* holder,
                                     std::unique_ptr<DirectoryLock>* lock) {
  std::unique_ptr<PosixFile> file;
  if (const auto error = OpenFile(descriptor_, name, O_RDWR | O_CREAT, &file)) return error;
  const auto error = LockFile(*file, LOCK_EX);
  if (error == std::errc::resource_unavailable_try_again) {
    // Those who share the lock have not written who they are.
    *holder = LockFile(*file, LOCK_SH) ? ReadHolder(*file) : std::string(kSharers);
  }
  if (error) return error;
  WriteHolder(*file, self);
  *lock = std::make_unique<PosixLock>(std::move(file));
  return {};
}

std::error_code PosixDirectory::LockShared(std::string_view name, std::string* holder,
                                           std::unique_ptr<DirectoryLock>* lock) {
  std::unique_ptr<PosixFile> file;
  if (const auto error = OpenFile(descriptor_, name, O_RDONLY, &file)) return error;
  const auto error = LockFile(*file, LOCK_SH);
  if (error == std::errc::resource_unavailable_try_again) *holder = ReadHolder(*file);
  if (error) return error;
  *lock = std::make_unique<PosixLock>(std::move(file));
  return {};
}

}  // namespace shardmap

#endif
