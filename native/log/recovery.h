// Reads a store's files when it is opened: finds out what the store was, cuts off what a crash left unfinished, and
// says where to go on. What it tells is a prefix of what happened: cuts are told whole and in order, up to a cut that
// is not whole; and damage that is not the mark of a crash is an error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/directory.h"
#include "base/status.h"
#include "log/frame_writer.h"
#include "log/log_format.h"

namespace shardmap {

enum class RecoveryMode : uint8_t {
  // An invalid tail of the last segment, behind all that is known to have been synced, is what a crash leaves behind:
  // it is cut off, and kept in a file of its own.
  kTail,
  // It is an error.
  kStrict,
  // All that can be read is told, and what cannot is listed: what comes of it need be no prefix of anything.
  kSalvage,
};

// What is gone.
struct Loss {
  std::string file;
  uint64_t offset;
  uint64_t bytes;  // of the file that were passed over; 0 where nobody knows how much is missing
  std::string what;
};

struct RecoveryProgress {
  uint64_t bytes = 0;  // read so far
  uint64_t bytes_total = 0;
  uint64_t records = 0;  // in them
};

struct RecoveryOptions {
  RecoveryMode mode = RecoveryMode::kTail;
  // Changes nothing in the directory.
  bool is_readonly = false;
  // If given, told each payload of records, in their order, all of which is whole (CheckRecords) and valid for the
  // call. A status that is not ok ends the recovery.
  std::function<Status(std::span<const uint8_t> payload)> apply;
  // If given, called before anything is changed in the directory because of what was read, and at the end: returns when
  // all that was told has been applied. A status that is not ok ends the recovery.
  std::function<Status()> await;
  // Called when it is known how much there is, now and then, and at the end.
  std::function<void(const RecoveryProgress& progress)> report;
};

// A store's files, and where to go on.
struct RecoveredLog {
  StoreId store;
  Manifest manifest;
  uint64_t segment_number = 0;           // the last one's
  std::unique_ptr<FrameWriter> segment;  // nullptr where something is lost, or nothing is to be written
  uint64_t next_sequence = 1;
  uint64_t snapshot_bytes = 0;
  uint64_t segment_bytes = 0;  // of all
  uint64_t tail_bytes = 0;     // that were cut off, or, where nothing may be changed, passed over
  std::vector<Loss> losses;    // in kSalvage
  RecoveryProgress progress;
};

// Makes the files of a new store where there are none. Nobody else uses the directory, or changes it. Errors: kIo,
// kDiskFull, kCorrupt, kNewerFormat, and what `apply` and `await` give; then no file but a temporary one was changed,
// or tail cut off twice. Throws std::bad_alloc.
//
// Where something is lost, `segment` is nullptr, and the files are as they were: the log goes on in new ones, once
// Compact has written what the store has got.
Result<std::unique_ptr<RecoveredLog>> Recover(Directory& directory, const RecoveryOptions& options);

// Tells the records of a frame, up to where it is none, and counts them. `*is_whole` is whether all of it is records.
Status TellRecords(const RecoveryOptions& options, std::span<const uint8_t> payload, RecoveryProgress* progress,
                   bool* is_whole);
// Waits until all that was told has been applied.
Status AwaitRecords(const RecoveryOptions& options);
// The sizes of files, together: of those that cannot be looked at nothing.
uint64_t BytesOfFiles(Directory& directory, const std::vector<std::string>& names);

// A header for a new file.
FileHeader NewFileHeader(FileKind kind, const StoreId& store, uint64_t number);
Status ReadManifest(Directory& directory, StoreId* store, Manifest* manifest);
// Makes the manifest this one, for good.
Status ReplaceManifest(Directory& directory, const StoreId& store, const Manifest& manifest);

}  // namespace shardmap
