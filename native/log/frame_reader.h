// Reads one file of frames, front to back, and trusts nothing in it: a length is checked against what is left of the
// file before memory is taken for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/directory.h"
#include "base/status.h"
#include "log/log_format.h"

namespace shardmap {

struct Frame {
  FrameHeader header;
  std::span<const uint8_t> payload;  // valid until the next call of the reader
};

class FrameReader {
 public:
  enum class Outcome : uint8_t {
    kFrame,
    kEnd,      // the file ends where a frame does
    kDamaged,  // what follows is no frame: see damage()
  };

  // Reads the header, which must be that of a file of this kind and number. Errors: kIo, kCorrupt, kNewerFormat.
  static Result<std::unique_ptr<FrameReader>> Open(Directory& directory, Directory::OpenMode mode, std::string name,
                                                   FileKind kind, uint64_t number, uint64_t first_sequence);
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  // The next frame that is known; those that are not, and may be ignored, are passed over. Errors: kIo, kNewerFormat.
  // Throws std::bad_alloc.
  Result<Outcome> Next(Frame* frame);
  // After kDamaged: what is wrong at offset().
  std::string_view damage() const { return damage_; }
  // Goes on at the first whole frame from offset() on, whatever came before it; returns false where there is none, and
  // then all is passed over. Reads all on the way.
  Result<bool> SkipDamage();
  // After kDamaged: the highest synced_sequence in headers of frames that begin behind offset(). Reads all that is
  // left.
  Result<uint64_t> FindSyncedBehind();

  const std::string& name() const { return name_; }
  const FileHeader& header() const { return header_; }
  uint64_t offset() const { return offset_; }  // where the next frame begins
  uint64_t next_sequence() const { return next_sequence_; }
  uint64_t file_bytes() const { return file_bytes_; }
  File& file() { return *file_; }
  std::unique_ptr<File> TakeFile() { return std::move(file_); }

 private:
  // Read at once, so that small frames do not take a call each.
  static constexpr size_t kReadBytes = size_t{256} << 10;

  FrameReader(std::unique_ptr<File> file, std::string name, uint64_t first_sequence)
      : file_(std::move(file)), name_(std::move(name)), next_sequence_(first_sequence) {}

  Outcome Damaged(std::string_view what) {
    damage_ = what;
    return Outcome::kDamaged;
  }
  // Whether a whole frame is at `offset`, whose header is `bytes`.
  Result<bool> IsFrame(uint64_t offset, std::span<const uint8_t, FrameHeader::kBytes> bytes, FrameHeader* header);
  // A view of so many bytes at `offset`, which are in the file.
  Status View(uint64_t offset, size_t bytes, std::span<const uint8_t>* view);

  std::unique_ptr<File> file_;
  const std::string name_;
  uint64_t file_bytes_ = 0;
  FileHeader header_;
  uint64_t offset_ = 0;
  uint64_t next_sequence_;
  std::string_view damage_;
  std::vector<uint8_t> buffer_;
  uint64_t buffer_at_ = 0;  // where in the file its bytes are from
};

}  // namespace shardmap
