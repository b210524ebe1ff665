#include "log/recovery.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/random.h"
#include "log/file_copy.h"
#include "log/file_error.h"
#include "log/frame_reader.h"
#include "log/salvage.h"

namespace shardmap {
namespace {

// A report for so many bytes that were read.
constexpr uint64_t kReportBytes = uint64_t{8} << 20;
constexpr uint64_t kManifestNumber = 1;

class Recovery {
 public:
  Recovery(Directory& directory, const RecoveryOptions& options)
      : directory_(directory), options_(options), recovered_(new RecoveredLog) {}

  Result<std::unique_ptr<RecoveredLog>> Run();

 private:
  struct FramePlace {
    uint64_t sequence;
    uint64_t offset;
  };
  // What a file was found to be.
  enum class Ending : uint8_t {
    kSealed,
    kFollowed,  // sealed, and something follows
    kOpen,
    kDamaged,
  };
  static Status NotSealed(const FrameReader& reader, Ending ending) {
    if (ending == Ending::kDamaged) return Corrupt(reader.name(), reader.offset(), reader.damage());
    return Corrupt(reader.name(), reader.offset(),
                   ending == Ending::kOpen ? "it ends without its seal" : "something follows its seal");
  }

  Status ListFiles();
  Status RenewManifest();
  Status RemoveLeftovers();
  bool IsLeftover(std::string_view name) const;
  Status MakeStore();
  Status ReadManifest();
  Status Measure();
  Status ReadSnapshot();
  Status ReadSegments();
  Status NameFirstSegment(const std::string& temporary);
  Result<Ending> ReadCuts(FrameReader& reader);
  void EndCutAt(const FrameReader& reader);
  void NoteSynced(const FrameReader& reader, const FrameHeader& header);
  Status ApplyFrame(const FrameReader& reader, const Frame& frame);
  Status ApplyPayload(const FrameReader& reader, std::span<const uint8_t> payload);
  // What comes behind the last whole cut of the last segment.
  Status CutTail(std::unique_ptr<FrameReader> reader, bool is_damaged);
  Status KeepTail(FrameReader& reader, uint64_t from);
  Status EndWith(std::unique_ptr<FrameReader> reader, Ending ending);
  Status GoOnIn(std::unique_ptr<FrameReader> reader);
  Status WriteAgain(FrameReader& reader);
  Status BeginSegment(uint64_t number, uint64_t first_sequence);
  void Report(uint64_t bytes);
  Result<std::unique_ptr<FrameReader>> OpenFile(std::string name, FileKind kind, uint64_t number,
                                                uint64_t first_sequence) {
    const auto mode = options_.is_readonly ? Directory::OpenMode::kRead : Directory::OpenMode::kReadWrite;
    return FrameReader::Open(directory_, mode, std::move(name), kind, number, first_sequence);
  }

  Directory& directory_;
  const RecoveryOptions& options_;
  std::unique_ptr<RecoveredLog> recovered_;
  std::vector<std::string> names_;
  std::set<uint64_t> segments_;

  // Of the file that is being read: where its last whole cut ends, and the frames of the one after it.
  uint64_t cut_end_ = 0;
  uint64_t cut_end_sequence_ = 0;
  std::vector<std::vector<uint8_t>> cut_;
  std::deque<FramePlace> unsynced_;  // its frames behind synced_
  uint64_t synced_ = 0;              // the highest that any frame tells
  uint64_t finished_bytes_ = 0;
  uint64_t reported_bytes_ = 0;
};

Result<std::unique_ptr<RecoveredLog>> Recovery::Run() {
  for (const auto step : {&Recovery::ListFiles, &Recovery::ReadManifest, &Recovery::Measure, &Recovery::ReadSnapshot,
                          &Recovery::ReadSegments, &Recovery::RenewManifest, &Recovery::RemoveLeftovers}) {
    Status status = (this->*step)();
    if (!status.ok()) return status;
  }
  recovered_->progress.bytes = finished_bytes_;
  if (options_.report) options_.report(recovered_->progress);
  return std::move(recovered_);
}

// What is found may be in the kernel's memory only, where a process was killed before it had synced it: nothing is
// built on that before it is on the medium. So here, and with the last segment.
Status Recovery::ListFiles() {
  std::error_code error = Retried([&] { return directory_.List(&names_); });
  if (error) return FileError("The directory", "listed", error);
  if (!options_.is_readonly) error = Retried([&] { return directory_.Sync(); });
  if (error) return FileError("The directory", "synced", error);
  for (const std::string& name : names_) {
    if (const auto number = SegmentNumber(name)) segments_.insert(*number);
  }
  return Status();
}

// A crash between the first two steps of making a store leaves an empty segment behind, which is made anew.
Status Recovery::MakeStore() {
  if (options_.is_readonly) {
    return FileError(kManifestName, "opened", std::make_error_code(std::errc::no_such_file_or_directory));
  }
  for (const std::string& name : names_) {
    if (SnapshotNumber(name)) return Corrupt(kManifestName, 0, "it is missing, while there is " + name);
  }
  for (const uint64_t number : segments_) {
    auto reader = OpenFile(SegmentName(number), FileKind::kSegment, number, 1);
    if (!reader.ok()) return reader.TakeStatus();
    if (number != 1 || reader.value()->file_bytes() != FileHeader::kBytes) {
      return Corrupt(kManifestName, 0, "it is missing, while there is " + SegmentName(number));
    }
  }
  for (size_t at = 0; at < recovered_->store.size(); at += sizeof(uint64_t)) {
    const uint64_t word = RandomWord();
    std::memcpy(recovered_->store.data() + at, &word, sizeof word);
  }
  return BeginSegment(1, recovered_->manifest.first_sequence);
}

Status Recovery::ReadManifest() {
  if (std::find(names_.begin(), names_.end(), kManifestName) == names_.end()) return MakeStore();
  return ::shardmap::ReadManifest(directory_, &recovered_->store, &recovered_->manifest);
}

// Only for who waits: a file that is not as it should be is told of where it is read.
Status Recovery::Measure() {
  if (!options_.report || recovered_->segment != nullptr) return Status();
  const Manifest& manifest = recovered_->manifest;
  std::vector<std::string> names;
  if (manifest.snapshot != 0) names.push_back(SnapshotName(manifest.snapshot));
  for (auto at = segments_.lower_bound(manifest.first_segment); at != segments_.end(); ++at) {
    names.push_back(SegmentName(*at));
  }
  recovered_->progress.bytes_total = BytesOfFiles(directory_, names);
  options_.report(recovered_->progress);
  return Status();
}

Status Recovery::ReadSnapshot() {
  const uint64_t number = recovered_->manifest.snapshot;
  if (number == 0) return Status();
  if (std::find(names_.begin(), names_.end(), SnapshotName(number)) == names_.end()) {
    return Corrupt(SnapshotName(number), 0, "it is missing");
  }
  auto opened = OpenFile(SnapshotName(number), FileKind::kSnapshot, number, 1);
  if (!opened.ok()) return opened.TakeStatus();
  FrameReader& reader = *opened.value();
  if (reader.header().store != recovered_->store) return Corrupt(reader.name(), 0, "it is of another store");
  recovered_->snapshot_bytes = reader.file_bytes();
  auto ending = ReadCuts(reader);
  if (!ending.ok()) return ending.TakeStatus();
  return ending.value() == Ending::kSealed ? Status() : NotSealed(reader, ending.value());
}

Status Recovery::ReadSegments() {
  if (recovered_->segment != nullptr) return Status();  // of a new store
  const uint64_t first = recovered_->manifest.first_segment;
  segments_.erase(segments_.begin(), segments_.lower_bound(first));
  if (segments_.empty()) {
    const std::string temporary = SegmentName(first) + std::string(kTemporarySuffix);
    if (std::find(names_.begin(), names_.end(), temporary) == names_.end()) {
      return Corrupt(SegmentName(first), 0, "it is missing");
    }
    Status status = AwaitRecords(options_);
    if (status.ok()) status = NameFirstSegment(temporary);
    if (!status.ok() || options_.is_readonly) return status;
  }
  const uint64_t last = *segments_.rbegin();
  uint64_t sequence = recovered_->manifest.first_sequence;
  for (uint64_t number = first; number <= last; ++number) {
    if (!segments_.contains(number)) return Corrupt(SegmentName(number), 0, "it is missing");
    auto opened = OpenFile(SegmentName(number), FileKind::kSegment, number, sequence);
    if (!opened.ok()) return opened.TakeStatus();
    FrameReader& reader = *opened.value();
    if (reader.header().store != recovered_->store) return Corrupt(reader.name(), 0, "it is of another store");
    auto ending = ReadCuts(reader);
    if (!ending.ok()) return ending.TakeStatus();
    recovered_->segment_number = number;
    recovered_->segment_bytes += cut_end_;
    sequence = reader.next_sequence();
    if (number == last) return EndWith(std::move(opened.value()), ending.value());
    if (ending.value() != Ending::kSealed) return NotSealed(reader, ending.value());
  }
  return Status();
}

// A log that had failed was about to go on in new files: the manifest names the snapshot and this segment, in which
// nothing is yet, and which gets its name last (LogWriter::Resume).
Status Recovery::NameFirstSegment(const std::string& temporary) {
  const uint64_t first = recovered_->manifest.first_segment;
  if (options_.is_readonly) return Status();
  std::error_code error = Retried([&] { return directory_.Rename(temporary, SegmentName(first)); });
  if (error) return FileError(SegmentName(first), "given its name", error);
  error = Retried([&] { return directory_.Sync(); });
  if (error) return FileError(SegmentName(first), "given its name for good", error);
  segments_.insert(first);
  return Status();
}

Status Recovery::EndWith(std::unique_ptr<FrameReader> reader, Ending ending) {
  Status status = AwaitRecords(options_);
  if (!status.ok()) return status;
  if (ending == Ending::kFollowed && options_.mode == RecoveryMode::kStrict) return NotSealed(*reader, ending);
  const bool is_whole = cut_end_ == reader->offset() && ending != Ending::kDamaged;
  if (!is_whole) return CutTail(std::move(reader), ending == Ending::kDamaged);
  if (options_.is_readonly) return Status();
  if (reader->offset() == FileHeader::kBytes) return BeginSegment(recovered_->segment_number, cut_end_sequence_);
  if (ending == Ending::kOpen) return GoOnIn(std::move(reader));
  status = WriteAgain(*reader);
  return status.ok() ? BeginSegment(recovered_->segment_number + 1, cut_end_sequence_) : std::move(status);
}

Result<Recovery::Ending> Recovery::ReadCuts(FrameReader& reader) {
  cut_.clear();
  unsynced_.clear();
  EndCutAt(reader);
  Ending ending = Ending::kOpen;
  while (ending == Ending::kOpen) {
    Frame frame;
    auto outcome = reader.Next(&frame);
    if (!outcome.ok()) return outcome.TakeStatus();
    if (outcome.value() == FrameReader::Outcome::kDamaged) {
      ending = Ending::kDamaged;
      break;
    }
    if (outcome.value() == FrameReader::Outcome::kEnd) {
      if (cut_.empty()) EndCutAt(reader);
      break;
    }
    NoteSynced(reader, frame.header);
    if (frame.header.kind == FrameKind::kSeal) {
      if (!cut_.empty()) return Corrupt(reader.name(), cut_end_, "a seal is inside of a cut");
      ending = reader.offset() == reader.file_bytes() ? Ending::kSealed : Ending::kFollowed;
    } else {
      Status status = ApplyFrame(reader, frame);
      if (!status.ok()) return status;
      if (!frame.header.ends_cut) continue;
    }
    EndCutAt(reader);
  }
  finished_bytes_ += reader.offset();
  return ending;
}

void Recovery::EndCutAt(const FrameReader& reader) {
  cut_end_ = reader.offset();
  cut_end_sequence_ = reader.next_sequence();
}

void Recovery::NoteSynced(const FrameReader& reader, const FrameHeader& header) {
  synced_ = std::max(synced_, header.synced_sequence);
  unsynced_.push_back({header.sequence, reader.offset() - FrameHeader::kBytes - header.payload_bytes});
  while (!unsynced_.empty() && unsynced_.front().sequence <= synced_) unsynced_.pop_front();
}

// Keeps the frames of a cut until it is known to be whole.
Status Recovery::ApplyFrame(const FrameReader& reader, const Frame& frame) {
  if (frame.header.kind != FrameKind::kRecords) return Corrupt(reader.name(), cut_end_, "a frame does not belong here");
  if (!frame.header.ends_cut) {
    cut_.emplace_back(frame.payload.begin(), frame.payload.end());
    return Status();
  }
  for (const auto& payload : std::exchange(cut_, {})) {
    Status status = ApplyPayload(reader, payload);
    if (!status.ok()) return status;
  }
  Status status = ApplyPayload(reader, frame.payload);
  Report(finished_bytes_ + reader.offset());
  return status;
}

Status Recovery::ApplyPayload(const FrameReader& reader, std::span<const uint8_t> payload) {
  bool is_whole = false;
  Status status = TellRecords(options_, payload, &recovered_->progress, &is_whole);
  if (!status.ok() || is_whole) return status;
  return Corrupt(reader.name(), cut_end_, "a frame has what is no record");
}

Status Recovery::CutTail(std::unique_ptr<FrameReader> reader, bool is_damaged) {
  const uint64_t damaged_at = reader->offset();
  const std::string_view what = is_damaged ? reader->damage() : "its last cut is not complete";
  if (is_damaged) {
    auto synced = reader->FindSyncedBehind();
    if (!synced.ok()) return synced.TakeStatus();
    synced_ = std::max(synced_, synced.value());
  }
  if (synced_ >= cut_end_sequence_ || options_.mode == RecoveryMode::kStrict) {
    return Corrupt(reader->name(), damaged_at, what);
  }
  recovered_->tail_bytes = reader->file_bytes() - cut_end_;
  if (options_.is_readonly) return Status();
  Status status = KeepTail(*reader, cut_end_);
  if (!status.ok()) return status;
  const std::error_code error = Retried([&] { return reader->file().SetSize(cut_end_); });
  if (error) return FileError(reader->name(), "cut back", error);
  return GoOnIn(std::move(reader));
}

Status Recovery::KeepTail(FrameReader& reader, uint64_t from) {
  const std::string name = reader.name() + std::string(kTailSuffix);
  std::error_code error = Retried([&] { return directory_.Remove(name); });
  if (error && error != std::errc::no_such_file_or_directory) return FileError(name, "removed", error);
  std::unique_ptr<File> file;
  error = Retried([&] { return directory_.Open(name, Directory::OpenMode::kCreate, &file); });
  if (error) return FileError(name, "created", error);
  Status status = CopyBytes({reader.file(), reader.name(), from}, {*file, name, 0}, reader.file_bytes() - from);
  if (!status.ok()) return status;
  error = Retried([&] { return file->Sync(); });
  return error ? FileError(name, "synced", error) : Status();
}

Status Recovery::GoOnIn(std::unique_ptr<FrameReader> reader) {
  Status status = WriteAgain(*reader);
  if (!status.ok()) return status;
  recovered_->segment =
      std::make_unique<FrameWriter>(reader->TakeFile(), reader->name(), reader->header(), cut_end_sequence_, cut_end_);
  return Status();
}

// Where a sync had failed before the process ended, the kernel has what it could not write in its memory, and takes it
// for written: it shows it to who reads, and writes it never. So what is not known to be on the medium is written once
// more before it is synced, and the size is changed to and fro. (Not made less: a kill then would lose what is there.)
Status Recovery::WriteAgain(FrameReader& reader) {
  const uint64_t at = unsynced_.empty() ? cut_end_ : std::min(cut_end_, unsynced_.front().offset);
  const FilePart part{reader.file(), reader.name(), at};
  Status status = CopyBytes(part, part, cut_end_ - at);
  if (!status.ok()) return status;
  constexpr uint8_t kByte[] = {0};
  std::error_code error = WriteFully(reader.file(), cut_end_, kByte);
  if (error) return FileError(reader.name(), "written", error);
  error = Retried([&] { return reader.file().SetSize(cut_end_); });
  if (error) return FileError(reader.name(), "cut back", error);
  error = Retried([&] { return reader.file().Sync(); });
  return error ? FileError(reader.name(), "synced", error) : Status();
}

Status Recovery::BeginSegment(uint64_t number, uint64_t first_sequence) {
  const FileHeader header = NewFileHeader(FileKind::kSegment, recovered_->store, number);
  auto created = FrameWriter::Create(directory_, SegmentName(number), header, first_sequence);
  if (!created.ok()) return created.TakeStatus();
  recovered_->segment = std::move(created.value());
  recovered_->segment_number = number;
  return recovered_->segment->Publish(directory_);
}

// It may have got its name in a process that could not sync the directory, and then died: only a name that is given
// once more is known to stay, and what an older manifest names is about to be removed. So too with a last segment in
// which nothing is (EndWith); in one with frames the directory was synced before they were written.
Status Recovery::RenewManifest() {
  return options_.is_readonly ? Status() : ReplaceManifest(directory_, recovered_->store, recovered_->manifest);
}

// What a crash has left behind: files that were not whole yet, and those that the manifest does not name any more.
Status Recovery::RemoveLeftovers() {
  if (options_.is_readonly) return Status();
  for (const std::string& name : names_) {
    if (!IsLeftover(name)) continue;
    const std::error_code error = Retried([&] { return directory_.Remove(name); });
    if (error && error != std::errc::no_such_file_or_directory) return FileError(name, "removed", error);
  }
  return Status();
}

bool Recovery::IsLeftover(std::string_view name) const {
  if (name.ends_with(kTemporarySuffix)) {
    const std::string_view whole = name.substr(0, name.size() - kTemporarySuffix.size());
    return SegmentNumber(whole) || SnapshotNumber(whole) || whole == kManifestName;
  }
  if (const auto number = SegmentNumber(name)) return *number < recovered_->manifest.first_segment;
  if (const auto number = SnapshotNumber(name)) return *number != recovered_->manifest.snapshot;
  return false;
}

void Recovery::Report(uint64_t bytes) {
  recovered_->progress.bytes = bytes;
  if (!options_.report || bytes - reported_bytes_ < kReportBytes) return;
  reported_bytes_ = bytes;
  options_.report(recovered_->progress);
}

}  // namespace

Result<std::unique_ptr<RecoveredLog>> Recover(Directory& directory, const RecoveryOptions& options) {
  if (options.mode == RecoveryMode::kSalvage) return Salvage(directory, options);
  return Recovery(directory, options).Run();
}

Status TellRecords(const RecoveryOptions& options, std::span<const uint8_t> payload, RecoveryProgress* progress,
                   bool* is_whole) {
  const PayloadCheck check = CheckRecords(payload);
  *is_whole = check.is_whole;
  progress->records += check.records;
  return options.apply && check.records != 0 ? options.apply(check.whole) : Status();
}

Status AwaitRecords(const RecoveryOptions& options) { return options.await ? options.await() : Status(); }

uint64_t BytesOfFiles(Directory& directory, const std::vector<std::string>& names) {
  uint64_t bytes = 0;
  for (const std::string& name : names) {
    std::unique_ptr<File> file;
    uint64_t size = 0;
    if (Retried([&] { return directory.Open(name, Directory::OpenMode::kRead, &file); })) continue;
    if (!Retried([&] { return file->GetSize(&size); })) bytes += size;
  }
  return bytes;
}

Status ReadManifest(Directory& directory, StoreId* store, Manifest* manifest) {
  auto opened = FrameReader::Open(directory, Directory::OpenMode::kRead, std::string(kManifestName),
                                  FileKind::kManifest, kManifestNumber, 1);
  if (!opened.ok()) return opened.TakeStatus();
  FrameReader& reader = *opened.value();
  Frame frame;
  auto outcome = reader.Next(&frame);
  if (!outcome.ok()) return outcome.TakeStatus();
  if (outcome.value() == FrameReader::Outcome::kDamaged) {
    return Corrupt(reader.name(), reader.offset(), reader.damage());
  }
  if (outcome.value() == FrameReader::Outcome::kEnd || frame.header.kind != FrameKind::kManifest ||
      !DecodeManifest(frame.payload, manifest) || reader.offset() != reader.file_bytes()) {
    return Corrupt(reader.name(), FileHeader::kBytes, "it does not say which files there are");
  }
  *store = reader.header().store;
  return Status();
}

FileHeader NewFileHeader(FileKind kind, const StoreId& store, uint64_t number) {
  return {.kind = kind, .store = store, .number = number, .salt = static_cast<uint32_t>(RandomWord())};
}

Status ReplaceManifest(Directory& directory, const StoreId& store, const Manifest& manifest) {
  const FileHeader header = NewFileHeader(FileKind::kManifest, store, kManifestNumber);
  auto created = FrameWriter::Create(directory, std::string(kManifestName), header, 1);
  if (!created.ok()) return created.TakeStatus();
  FrameWriter& writer = *created.value();
  uint8_t bytes[Manifest::kBytes];
  EncodeManifest(manifest, bytes);
  std::copy(std::begin(bytes), std::end(bytes), writer.Extend(Manifest::kBytes));
  writer.EndFrame(FrameKind::kManifest, true, 0);
  Status status = writer.Write();
  return status.ok() ? writer.Publish(directory) : std::move(status);
}

}  // namespace shardmap
