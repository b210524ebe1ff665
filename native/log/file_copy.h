// Copies bytes from one file to another.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/directory.h"
#include "base/status.h"

namespace shardmap {

struct FilePart {
  File& file;
  const std::string& name;  // for errors
  uint64_t begin;
};

// So many bytes, which must be there; both may be the same file, and the same place in it. When `is_cancelled` becomes
// true it ends soon, with kClosed. Errors: kIo, kDiskFull; kCorrupt where there are fewer. Throws std::bad_alloc.
Status CopyBytes(const FilePart& from, const FilePart& to, uint64_t bytes, const std::atomic<bool>& is_cancelled);
Status CopyBytes(const FilePart& from, const FilePart& to, uint64_t bytes);

}  // namespace shardmap
