#include "log/file_copy.h"

#include <algorithm>
#include <span>
#include <system_error>
#include <vector>

#include "log/file_error.h"

namespace shardmap {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{1} << 20;
// What is handed to the kernel is synced bit by bit: others' syncs would wait for a heap of it otherwise.
constexpr uint64_t kSyncBytes = uint64_t{16} << 20;

}  // namespace

Status CopyBytes(const FilePart& from, const FilePart& to, uint64_t bytes, const std::atomic<bool>& is_cancelled) {
  std::vector<uint8_t> buffer(static_cast<size_t>(std::min(bytes, kPieceBytes)));
  for (uint64_t done = 0; done < bytes;) {
    if (is_cancelled.load(std::memory_order_relaxed)) return Status(Code::kClosed, "The store is being closed");
    const std::span<uint8_t> piece = std::span(buffer).first(static_cast<size_t>(std::min(bytes - done, kPieceBytes)));
    size_t read = 0;
    std::error_code error = ReadFully(from.file, from.begin + done, piece, &read);
    if (error) return FileError(from.name, "read", error);
    if (read == 0) return Corrupt(from.name, from.begin + done, "it became shorter while it was read");
    error = WriteFully(to.file, to.begin + done, piece.first(read));
    if (error) return FileError(to.name, "written", error);
    const uint64_t before = done;
    done += read;
    if (done / kSyncBytes == before / kSyncBytes) continue;
    error = Retried([&] { return to.file.Sync(); });
    if (error) return FileError(to.name, "synced", error);
  }
  return Status();
}

Status CopyBytes(const FilePart& from, const FilePart& to, uint64_t bytes) {
  const std::atomic<bool> is_never_cancelled{false};
  return CopyBytes(from, to, bytes, is_never_cancelled);
}

}  // namespace shardmap
