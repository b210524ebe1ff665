#include "base/directory.h"

namespace shardmap {

std::error_code WriteFully(File& file, uint64_t offset, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    size_t written = 0;
    if (const auto error = Retried([&] { return file.WriteAt(offset, bytes, &written); })) return error;
    if (written == 0) return std::make_error_code(std::errc::io_error);
    offset += written;
    bytes = bytes.subspan(written);
  }
  return {};
}

std::error_code ReadFully(File& file, uint64_t offset, std::span<uint8_t> bytes, size_t* read) {
  *read = 0;
  while (*read < bytes.size()) {
    size_t part = 0;
    const auto rest = bytes.subspan(*read);
    if (const auto error = Retried([&] { return file.ReadAt(offset + *read, rest, &part); })) return error;
    if (part == 0) break;
    *read += part;
  }
  return {};
}

}  // namespace shardmap
