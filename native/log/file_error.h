// What goes wrong with files, as statuses that name the file.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "base/status.h"

namespace shardmap {

// kDiskFull where that is it, else kIo. `doing` is what could not be done: "written", say.
inline Status FileError(std::string_view name, std::string_view doing, const std::error_code& error) {
#ifdef EDQUOT
  const bool is_over_quota = error.value() == EDQUOT;
#else
  constexpr bool is_over_quota = false;
#endif
  const bool is_full = error == std::errc::no_space_on_device || is_over_quota;
  return Status(is_full ? Code::kDiskFull : Code::kIo,
                std::string(name) + " could not be " + std::string(doing) + ": " + error.message());
}

inline Status Corrupt(std::string_view name, uint64_t offset, std::string_view what) {
  const std::string file(name);
  return Status(Code::kCorrupt, file + " is damaged at byte " + std::to_string(offset) + ": " + std::string(what),
                FilePlace{file, offset});
}

inline Status NewerFormat(std::string_view name, uint64_t offset) {
  const std::string file(name);
  return Status(Code::kNewerFormat,
                file + " was written by a newer version of shardmap (byte " + std::to_string(offset) + ")",
                FilePlace{file, offset});
}

}  // namespace shardmap
