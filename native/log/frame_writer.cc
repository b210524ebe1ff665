#include "log/frame_writer.h"

#include <algorithm>
#include <utility>

#include "log/file_error.h"

namespace shardmap {
namespace {

std::string TemporaryName(std::string_view name) { return std::string(name) + std::string(kTemporarySuffix); }

}  // namespace

Result<std::unique_ptr<FrameWriter>> FrameWriter::Create(Directory& directory, std::string name,
                                                         const FileHeader& header, uint64_t first_sequence) {
  const std::string temporary = TemporaryName(name);
  // One that a crash left behind.
  std::error_code error = Retried([&] { return directory.Remove(temporary); });
  if (error && error != std::errc::no_such_file_or_directory) return FileError(temporary, "removed", error);
  std::unique_ptr<File> file;
  error = Retried([&] { return directory.Open(temporary, Directory::OpenMode::kCreate, &file); });
  if (error) return FileError(temporary, "created", error);
  uint8_t bytes[FileHeader::kBytes];
  EncodeFileHeader(header, bytes);
  error = WriteFully(*file, 0, bytes);
  if (error) return FileError(temporary, "written", error);
  return std::make_unique<FrameWriter>(std::move(file), std::move(name), header, first_sequence, FileHeader::kBytes);
}

FrameWriter::FrameWriter(std::unique_ptr<File> file, std::string name, const FileHeader& header, uint64_t next_sequence,
                         uint64_t offset)
    : file_(std::move(file)),
      name_(std::move(name)),
      salt_(header.salt),
      next_sequence_(next_sequence),
      offset_(offset) {
  BeginFrame();
}

void FrameWriter::BeginFrame() {
  frame_at_ = pending_.size();
  pending_.resize(frame_at_ + FrameHeader::kBytes);
}

uint8_t* FrameWriter::Extend(size_t bytes) {
  const size_t at = pending_.size();
  pending_.resize(at + bytes);
  return pending_.data() + at;
}

void FrameWriter::EndFrame(FrameKind kind, bool ends_cut, uint64_t synced_sequence) {
  pending_.reserve(pending_.size() + FrameHeader::kBytes);  // may throw, and then nothing has changed
  const std::span<uint8_t> frame = std::span(pending_).subspan(frame_at_);
  const std::span<uint8_t> payload = frame.subspan(FrameHeader::kBytes);
  const FrameHeader header{
      .kind = kind,
      .ends_cut = ends_cut,
      .payload_bytes = static_cast<uint32_t>(payload.size()),
      .sequence = next_sequence_++,
      .synced_sequence = synced_sequence,
      .payload_crc = SaltedCrc(salt_, payload),
      .has_compressed = std::exchange(has_compressed_, false),
  };
  EncodeFrameHeader(header, salt_, frame.first<FrameHeader::kBytes>());
  BeginFrame();
}

Status FrameWriter::Write() {
  if (!has_pending()) return Status();
  std::error_code error = WriteFully(*file_, offset_, std::span(pending_).first(frame_at_));
  if (error) {
    Status status = FileError(name_, "written", error);
    if (status.code() != Code::kDiskFull) return status;
    // What may be there of them would look like damage to who reads what another writes behind it.
    error = Retried([&] { return file_->SetSize(offset_); });
    return error ? FileError(name_, "cut back", error) : std::move(status);
  }
  offset_ += frame_at_;
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(frame_at_));
  frame_at_ = 0;
  return Status();
}

Status FrameWriter::Sync() {
  const std::error_code error = Retried([&] { return file_->Sync(); });
  return error ? FileError(name_, "synced", error) : Status();
}

Status FrameWriter::Publish(Directory& directory) {
  Status status = Sync();
  if (!status.ok()) return status;
  std::error_code error = Retried([&] { return directory.Rename(TemporaryName(name_), name_); });
  if (error) return FileError(name_, "given its name", error);
  error = Retried([&] { return directory.Sync(); });
  return error ? FileError(name_, "given its name for good", error) : Status();
}

void FrameWriter::Abandon(Directory& directory) {
  (void)Retried([&] { return directory.Remove(TemporaryName(name_)); });
}

}  // namespace shardmap
