// A directory of the file system. Where the system has no POSIX calls, none can be opened.
//
// All goes through the descriptor of the directory, so the directory may be renamed meanwhile. No descriptor is handed
// on to a program that the process starts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/directory.h"

namespace shardmap {

class PosixDirectory final : public Directory {
 public:
  enum class IfMissing : uint8_t {
    kFail,
    kCreate,  // with the missing ones above it; they are on the medium when Open returns
  };

  // std::errc::function_not_supported where there are no such calls.
  static std::error_code Open(const std::string& path, IfMissing if_missing, std::unique_ptr<Directory>* directory);
  ~PosixDirectory() override;

  // Opens regular files only, and follows no symbolic link: what that leads to has its name in a directory that nobody
  // syncs.
  std::error_code Open(std::string_view name, OpenMode mode, std::unique_ptr<File>* file) override;
  std::error_code Rename(std::string_view from, std::string_view to) override;
  std::error_code Remove(std::string_view name) override;
  // Of directories too, where there are any.
  std::error_code List(std::vector<std::string>* names) override;
  std::error_code Sync() override;
  // Also keeps out whoever locks it in the same process. The file is never renamed nor removed: two processes could
  // each lock a file of that name then.
  std::error_code Lock(std::string_view name, std::string_view self, std::string* holder,
                       std::unique_ptr<DirectoryLock>* lock) override;
  std::error_code LockShared(std::string_view name, std::string* holder, std::unique_ptr<DirectoryLock>* lock) override;

 private:
  explicit PosixDirectory(int descriptor) : descriptor_(descriptor) {}

  const int descriptor_;
};

}  // namespace shardmap
