#include "log/salvage.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "log/file_error.h"
#include "log/frame_reader.h"

namespace shardmap {
namespace {

constexpr Directory::OpenMode kRead = Directory::OpenMode::kRead;

class Salvaging {
 public:
  Salvaging(Directory& directory, const RecoveryOptions& options, const std::vector<std::string>& names)
      : directory_(directory), options_(options), recovered_(new RecoveredLog) {
    for (const std::string& name : names) {
      if (const auto segment = SegmentNumber(name)) segments_.insert(*segment);
      if (const auto snapshot = SnapshotNumber(name)) snapshots_.insert(*snapshot);
    }
  }

  Result<std::unique_ptr<RecoveredLog>> Run();

 private:
  // Which files there are to read.
  Status FindFiles();
  Status ReadSegments();
  Status ReadFile(const std::string& name, FileKind kind, uint64_t number, bool is_to_be_sealed);
  Status ReadFrames(FrameReader& reader, bool is_to_be_sealed);
  // Tells a frame, and whether it is the file's seal.
  Status ReadFrame(const FrameReader& reader, const Frame& frame, bool* is_sealed);
  // Notes what is gone; an error that is none of the file's contents is handed back.
  Status Lose(const std::string& file, uint64_t offset, uint64_t bytes, const Status& status);
  void Lose(const std::string& file, uint64_t offset, uint64_t bytes, std::string_view what) {
    recovered_->losses.push_back({file, offset, bytes, std::string(what)});
  }

  Directory& directory_;
  const RecoveryOptions& options_;
  std::unique_ptr<RecoveredLog> recovered_;
  std::set<uint64_t> segments_;
  std::set<uint64_t> snapshots_;
  uint64_t next_sequence_ = 0;  // 0: not known
  bool has_store_ = false;
};

Result<std::unique_ptr<RecoveredLog>> Salvaging::Run() {
  Status status = FindFiles();
  if (!status.ok()) return status;
  const uint64_t snapshot = recovered_->manifest.snapshot;
  if (snapshot != 0) status = ReadFile(SnapshotName(snapshot), FileKind::kSnapshot, snapshot, true);
  if (status.ok()) status = ReadSegments();
  if (status.ok()) status = AwaitRecords(options_);
  if (!status.ok()) return status;
  // What is written from now on has other names than what is here.
  if (!snapshots_.empty()) recovered_->manifest.snapshot = std::max(snapshot, *snapshots_.rbegin());
  recovered_->next_sequence = std::max<uint64_t>(next_sequence_, 1);
  if (options_.report) options_.report(recovered_->progress);
  return std::move(recovered_);
}

Status Salvaging::FindFiles() {
  Manifest& manifest = recovered_->manifest;
  Status status = ReadManifest(directory_, &recovered_->store, &manifest);
  has_store_ = status.ok();
  if (status.ok()) {
    next_sequence_ = manifest.first_sequence;
    segments_.erase(segments_.begin(), segments_.lower_bound(manifest.first_segment));
  } else {
    // The newest snapshot, and all segments: those from before it do again what it has, and those after it what is new.
    manifest = Manifest();
    if (!snapshots_.empty()) manifest.snapshot = *snapshots_.rbegin();
    if (!segments_.empty()) manifest.first_segment = *segments_.begin();
    status = Lose(std::string(kManifestName), 0, 0, status);
  }
  if (!status.ok()) return status;
  recovered_->segment_number = segments_.empty() ? manifest.first_segment : *segments_.rbegin();
  std::vector<std::string> names;
  if (manifest.snapshot != 0) names.push_back(SnapshotName(manifest.snapshot));
  for (const uint64_t number : segments_) names.push_back(SegmentName(number));
  recovered_->progress.bytes_total = BytesOfFiles(directory_, names);
  return Status();
}

Status Salvaging::ReadSegments() {
  uint64_t expected = recovered_->manifest.first_segment;
  if (segments_.empty()) Lose(SegmentName(expected), 0, 0, "it is missing");
  for (const uint64_t number : segments_) {
    for (; expected < number; ++expected) Lose(SegmentName(expected), 0, 0, "it is missing");
    const bool is_last = number == *segments_.rbegin();
    Status status = ReadFile(SegmentName(number), FileKind::kSegment, number, !is_last);
    if (!status.ok()) return status;
    ++expected;
  }
  return Status();
}

Status Salvaging::ReadFile(const std::string& name, FileKind kind, uint64_t number, bool is_to_be_sealed) {
  const bool is_segment = kind == FileKind::kSegment;
  const uint64_t first_sequence = is_segment ? next_sequence_ : 1;
  auto opened = FrameReader::Open(directory_, kRead, name, kind, number, first_sequence);
  if (!opened.ok()) return Lose(name, 0, BytesOfFiles(directory_, {name}), opened.status());
  FrameReader& reader = *opened.value();
  if (!has_store_) recovered_->store = reader.header().store;
  has_store_ = true;
  if (reader.header().store != recovered_->store) {
    Lose(name, 0, reader.file_bytes(), "it is of another store");
    return Status();
  }
  if (first_sequence == 0) {
    const Result<bool> found = reader.SkipDamage();
    if (!found.ok()) return Lose(name, reader.offset(), reader.file_bytes() - reader.offset(), found.status());
  }
  const uint64_t bytes_before = recovered_->progress.bytes;
  Status status = ReadFrames(reader, is_to_be_sealed);
  recovered_->progress.bytes = bytes_before + reader.file_bytes();
  if (is_segment) {
    next_sequence_ = reader.next_sequence();
    recovered_->segment_bytes += reader.file_bytes();
  } else {
    recovered_->snapshot_bytes = reader.file_bytes();
  }
  if (options_.report) options_.report(recovered_->progress);
  return status;
}

Status Salvaging::ReadFrames(FrameReader& reader, bool is_to_be_sealed) {
  bool is_sealed = false;
  for (;;) {
    Frame frame;
    auto outcome = reader.Next(&frame);
    const uint64_t at = reader.offset();
    if (!outcome.ok()) return Lose(reader.name(), at, reader.file_bytes() - at, outcome.status());
    if (outcome.value() == FrameReader::Outcome::kEnd) break;
    if (outcome.value() == FrameReader::Outcome::kFrame) {
      Status status = ReadFrame(reader, frame, &is_sealed);
      if (!status.ok()) return status;
      continue;
    }
    const std::string what(reader.damage());
    const Result<bool> found = reader.SkipDamage();
    if (!found.ok()) return Lose(reader.name(), at, reader.file_bytes() - at, found.status());
    Lose(reader.name(), at, reader.offset() - at, what);
  }
  if (is_to_be_sealed && !is_sealed) Lose(reader.name(), reader.file_bytes(), 0, "it ends without its seal");
  return Status();
}

Status Salvaging::ReadFrame(const FrameReader& reader, const Frame& frame, bool* is_sealed) {
  if (frame.header.kind == FrameKind::kSeal) {
    *is_sealed = true;
    return Status();
  }
  const uint64_t bytes = frame.payload.size();
  if (frame.header.kind != FrameKind::kRecords) {
    Lose(reader.name(), reader.offset() - bytes, bytes, "a frame does not belong here");
    return Status();
  }
  bool is_whole = false;
  Status status = TellRecords(options_, frame.payload, &recovered_->progress, &is_whole);
  if (status.ok() && !is_whole) {
    Lose(reader.name(), reader.offset() - bytes, bytes, "a frame has what is no record");
  }
  return status;
}

Status Salvaging::Lose(const std::string& file, uint64_t offset, uint64_t bytes, const Status& status) {
  if (status.code() != Code::kCorrupt && status.code() != Code::kIo) return status.Copy();
  Lose(file, offset, bytes, status.message());
  return Status();
}

bool IsOfStore(const std::string& name) {
  return name == kManifestName || SegmentNumber(name).has_value() || SnapshotNumber(name).has_value();
}

}  // namespace

Result<std::unique_ptr<RecoveredLog>> Salvage(Directory& directory, const RecoveryOptions& options) {
  std::vector<std::string> names;
  const std::error_code error = Retried([&] { return directory.List(&names); });
  if (error) return FileError("The directory", "listed", error);
  if (std::any_of(names.begin(), names.end(), IsOfStore)) return Salvaging(directory, options, names).Run();
  RecoveryOptions as_new = options;
  as_new.mode = RecoveryMode::kStrict;
  return Recover(directory, as_new);
}

}  // namespace shardmap
