// The files of one directory, as the log uses them: an interface, so that a test can put a directory in its place that
// loses power, tears writes and fails at any call.
//
// A call is one call of the system: it may read or write less than was asked for, or be interrupted. Whoever wants all
// or nothing goes through ReadFully, WriteFully and Retried. Names are of files in the directory, without any path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace shardmap {

// An open file; closed when destroyed. Used by one thread at a time.
class File {
 public:
  File() = default;
  virtual ~File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // `*written` and `*read` are at most the size of `bytes`; nothing read, without an error, is the end of the file.
  // Writing past the end makes the file longer.
  virtual std::error_code WriteAt(uint64_t offset, std::span<const uint8_t> bytes, size_t* written) = 0;
  virtual std::error_code ReadAt(uint64_t offset, std::span<uint8_t> bytes, size_t* read) = 0;
  virtual std::error_code SetSize(uint64_t bytes) = 0;
  virtual std::error_code GetSize(uint64_t* bytes) = 0;
  // What was written, and the size, are on the medium when this returns without an error; the file's name is only
  // after Directory::Sync. After an error nobody knows what is there, and to try again proves nothing.
  virtual std::error_code Sync() = 0;
};

// Keeps other processes out; lets them in when destroyed, or when the process ends, however that is.
class DirectoryLock {
 public:
  DirectoryLock() = default;
  virtual ~DirectoryLock() = default;
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
};

// Callable from any thread.
class Directory {
 public:
  enum class OpenMode : uint8_t {
    kRead,       // fails where there is no such file
    kReadWrite,  // the same
    kCreate,     // to read and write; fails where there is one
  };

  static constexpr std::string_view kSharers = "processes that read it";

  Directory() = default;
  virtual ~Directory() = default;
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  virtual std::error_code Open(std::string_view name, OpenMode mode, std::unique_ptr<File>* file) = 0;
  // Replaces what has the name `to`, in one step.
  virtual std::error_code Rename(std::string_view from, std::string_view to) = 0;
  virtual std::error_code Remove(std::string_view name) = 0;
  // In no order.
  virtual std::error_code List(std::vector<std::string>* names) = 0;
  // Files created, renamed and removed before are so on the medium when this returns without an error.
  virtual std::error_code Sync() = 0;
  // Takes the lock that the file `name` stands for, which it creates. Where another has it,
  // std::errc::resource_unavailable_try_again, and `*holder` is what that one gave as `self`, as far as is known.
  virtual std::error_code Lock(std::string_view name, std::string_view self, std::string* holder,
                               std::unique_ptr<DirectoryLock>* lock) = 0;
  // The same for one of many, whom `Lock` keeps out, and who keep out that; to it they are kSharers. Makes no file:
  // where there is none, std::errc::no_such_file_or_directory.
  virtual std::error_code LockShared(std::string_view name, std::string* holder,
                                     std::unique_ptr<DirectoryLock>* lock) = 0;
};

// Calls it again while it is interrupted.
template <typename Call>
std::error_code Retried(Call call) {
  for (;;) {
    const std::error_code error = call();
    if (error != std::errc::interrupted) return error;
  }
}

// Write all of `bytes`, and read as many as there are. A write that makes no progress is std::errc::io_error.
std::error_code WriteFully(File& file, uint64_t offset, std::span<const uint8_t> bytes);
std::error_code ReadFully(File& file, uint64_t offset, std::span<uint8_t> bytes, size_t* read);

}  // namespace shardmap
