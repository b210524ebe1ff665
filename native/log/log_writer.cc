#include "log/log_writer.h"

#include <algorithm>
#include <span>
#include <system_error>
#include <utility>

#include "base/coding.h"
#include "log/file_error.h"

namespace shardmap {

LogWriter::LogWriter(Directory& directory, std::unique_ptr<RecoveredLog> recovered, uint64_t segment_bytes)
    : directory_(directory),
      recovered_(std::move(recovered)),
      segment_bytes_(segment_bytes),
      segment_(std::move(recovered_->segment)),
      segment_number_(recovered_->segment_number),
      synced_sequence_((segment_ != nullptr ? segment_->next_sequence() : recovered_->next_sequence) - 1) {}

void LogWriter::BeginPayload(uint64_t clock_offset_ns) {
  StoreLittle64(segment_->Extend(kClockOffsetBytes), clock_offset_ns);
}

Status LogWriter::WriteCut(Staging& staging, uint64_t clock_offset_ns) {
  // What a full disk kept back comes before what is staged now.
  Status status = segment_->Write();
  if (status.ok()) status = EnsureSegment();
  if (!status.ok()) return status;
  staging.BeginCut();
  staging.TakeCut([&](std::span<const uint8_t> record) {
    if (segment_->payload_bytes() >= kPayloadBytes) {
      segment_->EndFrame(FrameKind::kRecords, false, synced_sequence_);
      is_in_cut_ = true;
    }
    if (segment_->payload_bytes() == 0) BeginPayload(clock_offset_ns);
    segment_->Append(record);
    if (HasCompressedValue(record)) segment_->NoteCompressed();
  });
  if (segment_->payload_bytes() == 0) return Status();
  segment_->EndFrame(FrameKind::kRecords, true, synced_sequence_);
  is_in_cut_ = false;
  const uint64_t before = segment_->offset();
  status = segment_->Write();
  written_bytes_ += segment_->offset() - before;
  return status;
}

Status LogWriter::EnsureSegment() {
  const bool is_full = segment_->offset() >= segment_bytes_ && !is_in_cut_ && segment_->payload_bytes() == 0;
  return is_full || is_sealed_ ? BeginSegment() : Status();
}

Status LogWriter::Rotate(Staging& staging, uint64_t clock_offset_ns, Manifest* first) {
  Status status = WriteCut(staging, clock_offset_ns);
  if (status.ok()) status = BeginSegment();
  first->first_segment = segment_number_;
  first->first_sequence = segment_->next_sequence();
  return status;
}

Status LogWriter::Restart(Staging& staging, Manifest* first) {
  // Nothing comes behind the cut before writes are accepted again: so the snapshot is a state, with all it may show.
  staging.AwaitReservations();
  staging.BeginCut();
  staging.TakeCut([](std::span<const uint8_t>) {});
  is_in_cut_ = false;
  const uint64_t next_sequence = segment_ != nullptr ? segment_->next_sequence() : synced_sequence_ + 1;
  next_number_ = std::max(next_number_, segment_number_) + 1;
  const FileHeader header = NewFileHeader(FileKind::kSegment, recovered_->store, next_number_);
  auto created = FrameWriter::Create(directory_, SegmentName(header.number), header, next_sequence);
  if (!created.ok()) return created.TakeStatus();
  next_segment_ = std::move(created.value());
  Status status = next_segment_->Sync();
  if (!status.ok()) return status;
  // Under its temporary name it must be there as soon as a manifest names it.
  const std::error_code error = Retried([&] { return directory_.Sync(); });
  if (error) return FileError(next_segment_->name(), "named for good", error);
  first->first_segment = header.number;
  first->first_sequence = next_sequence;
  return status;
}

Status LogWriter::Resume() {
  Status status = next_segment_->Publish(directory_);
  if (!status.ok()) return status;
  segment_ = std::move(next_segment_);
  segment_number_ = next_number_;
  is_sealed_ = false;
  synced_sequence_ = segment_->next_sequence() - 1;
  return status;
}

Status LogWriter::BeginSegment() {
  Status status = Sync();
  if (!status.ok()) return status;
  if (!is_sealed_) {
    segment_->EndFrame(FrameKind::kSeal, true, synced_sequence_);
    is_sealed_ = true;
    status = Sync();
    if (!status.ok()) return status;
  }
  const FileHeader header = NewFileHeader(FileKind::kSegment, recovered_->store, segment_number_ + 1);
  auto created = FrameWriter::Create(directory_, SegmentName(header.number), header, segment_->next_sequence());
  if (!created.ok()) return created.TakeStatus();
  status = created.value()->Publish(directory_);
  if (!status.ok()) return status;
  segment_ = std::move(created.value());
  ++segment_number_;
  is_sealed_ = false;
  return Status();
}

Status LogWriter::Sync() {
  if (!has_unsynced()) return Status();
  Status status = segment_->Write();
  if (!status.ok()) return status;
  status = segment_->Sync();
  // No second try: the kernel may have taken what it could not write for written.
  if (!status.ok()) return Status(Code::kIo, std::string(status.message()));
  synced_sequence_ = segment_->next_sequence() - 1;
  return Status();
}

Status LogWriter::Finish(uint64_t clock_offset_ns) {
  Status status = Sync();
  if (!status.ok() || is_sealed_) return status;
  BeginPayload(clock_offset_ns);
  segment_->EndFrame(FrameKind::kRecords, true, synced_sequence_);
  return Sync();
}

}  // namespace shardmap
