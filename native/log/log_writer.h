// Writes the log: cut by cut into a row of segments. Knows no thread and no time; log.h decides when.
//
// A segment that is full is sealed and synced before the next one is made, so that all but the last are whole.
#pragma once

#include <cstdint>
#include <memory>

#include "base/directory.h"
#include "base/status.h"
#include "log/frame_writer.h"
#include "log/log_format.h"
#include "log/recovery.h"
#include "log/staging.h"

namespace shardmap {

class LogWriter {
 public:
  // A payload is ended when it has so many bytes: enough that headers are nothing, little enough to be read at once.
  static constexpr size_t kPayloadBytes = size_t{1} << 20;

  // `directory` outlives it. A segment takes no further cut when it has so many bytes.
  LogWriter(Directory& directory, std::unique_ptr<RecoveredLog> recovered, uint64_t segment_bytes);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Takes a cut of what is staged and hands it to the kernel. `clock_offset_ns`: see log_format.h. After kDiskFull
  // nothing more is taken until a call returns without an error; after any other error no call is made any more.
  // Throws std::bad_alloc, and has lost nothing then.
  Status WriteCut(Staging& staging, uint64_t clock_offset_ns);
  // All that was taken is on the medium when this returns without an error. After kDiskFull it may be tried again, any
  // other error is final.
  Status Sync();
  // Takes a cut and ends the segment with it. `*first` is then where the log goes on: what was appended before is
  // before that. May be tried again after kDiskFull.
  Status Rotate(Staging& staging, uint64_t clock_offset_ns, Manifest* first);
  // After a final error, or where the log could not be read whole: the log goes on in a new segment, whose number
  // `*first` gets. Staging refuses writes. What is staged is dropped: the store has it, and a snapshot of that is to
  // come. Nothing but Resume is called afterwards, or Restart again. Throws std::bad_alloc.
  Status Restart(Staging& staging, Manifest* first);
  // The manifest names the new segment: gives it its name.
  Status Resume();
  // Ends with a mark that says that all before it was synced.
  Status Finish(uint64_t clock_offset_ns);

  // Whether something was taken that is not known to be on the medium.
  bool has_unsynced() const { return segment_ != nullptr && segment_->next_sequence() != synced_sequence_ + 1; }
  // Whether there is anything to write to.
  bool has_segment() const { return segment_ != nullptr; }
  uint64_t written_bytes() const { return written_bytes_; }
  uint64_t segment_number() const { return segment_number_; }
  const StoreId& store() const { return recovered_->store; }

 private:
  // Makes sure that there is a segment with room for a cut.
  Status EnsureSegment();
  Status BeginSegment();
  void BeginPayload(uint64_t clock_offset_ns);

  Directory& directory_;
  const std::unique_ptr<RecoveredLog> recovered_;
  const uint64_t segment_bytes_;
  std::unique_ptr<FrameWriter> segment_;
  std::unique_ptr<FrameWriter> next_segment_;  // between Restart and Resume
  uint64_t segment_number_;
  uint64_t next_number_ = 0;  // of next_segment_: never given again, as a manifest may name it even where that failed
  uint64_t synced_sequence_;
  uint64_t written_bytes_ = 0;
  bool is_in_cut_ = false;  // memory ran out inside of one: the next goes on with it
  bool is_sealed_ = false;  // the segment; the next is to be made
};

}  // namespace shardmap
