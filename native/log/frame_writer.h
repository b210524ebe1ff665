// Writes one file of frames, front to back. Frames are made in memory and handed to the kernel together.
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

class FrameWriter {
 public:
  // A new file, which has its name only once Publish returned; until then it is a temporary one.
  static Result<std::unique_ptr<FrameWriter>> Create(Directory& directory, std::string name, const FileHeader& header,
                                                     uint64_t first_sequence);
  // Goes on in a file that recovery has read, at `offset`, where the file ends.
  FrameWriter(std::unique_ptr<File> file, std::string name, const FileHeader& header, uint64_t next_sequence,
              uint64_t offset);
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;

  // Adds bytes to the payload of the frame that is being made: where they go, valid until the next call. Throws
  // std::bad_alloc, and then nothing has changed.
  uint8_t* Extend(size_t bytes);
  // The same of bytes that are there.
  void Append(std::span<const uint8_t> bytes) { pending_.insert(pending_.end(), bytes.begin(), bytes.end()); }
  // Gives back what Extend gave too many.
  void ShrinkTo(const uint8_t* end) { pending_.resize(static_cast<size_t>(end - pending_.data())); }
  // A value of kCompressed is among what was added: the frame's header tells.
  void NoteCompressed() { has_compressed_ = true; }
  size_t payload_bytes() const { return pending_.size() - frame_at_ - FrameHeader::kBytes; }
  // Ends the frame that is being made, and begins the next.
  void EndFrame(FrameKind kind, bool ends_cut, uint64_t synced_sequence);

  // Hands the frames that were ended to the kernel. Where that fails they are still pending, and the file is as it was
  // (kDiskFull: try again), or nobody knows how it is (kIo).
  Status Write();
  // What was written is on the medium when this returns without an error.
  Status Sync();
  // Syncs a new file, gives it its name, and syncs that. Nothing is pending.
  Status Publish(Directory& directory);
  // Removes a new file that will not be published, if that can be.
  void Abandon(Directory& directory);

  const std::string& name() const { return name_; }
  uint64_t offset() const { return offset_; }  // bytes that were written
  uint64_t next_sequence() const { return next_sequence_; }
  bool has_pending() const { return frame_at_ != 0; }

 private:
  void BeginFrame();

  const std::unique_ptr<File> file_;
  const std::string name_;
  const uint32_t salt_;
  uint64_t next_sequence_;  // of the frame that is being made
  uint64_t offset_;
  std::vector<uint8_t> pending_;  // frames that were ended, then the one that is being made
  size_t frame_at_ = 0;           // where that one begins
  bool has_compressed_ = false;   // that one
};

}  // namespace shardmap
