#include "log/frame_reader.h"

#include <algorithm>
#include <utility>

#include "log/file_error.h"

namespace shardmap {

Result<std::unique_ptr<FrameReader>> FrameReader::Open(Directory& directory, Directory::OpenMode mode, std::string name,
                                                       FileKind kind, uint64_t number, uint64_t first_sequence) {
  std::unique_ptr<File> file;
  std::error_code error = Retried([&] { return directory.Open(name, mode, &file); });
  if (error) return FileError(name, "opened", error);
  std::unique_ptr<FrameReader> reader(new FrameReader(std::move(file), std::move(name), first_sequence));
  error = Retried([&] { return reader->file_->GetSize(&reader->file_bytes_); });
  if (error) return FileError(reader->name_, "measured", error);
  if (reader->file_bytes_ < FileHeader::kBytes) {
    return Corrupt(reader->name_, reader->file_bytes_, "it ends inside of its header");
  }
  std::span<const uint8_t> bytes;
  Status status = reader->View(0, FileHeader::kBytes, &bytes);
  if (!status.ok()) return status;
  switch (DecodeFileHeader(bytes.first<FileHeader::kBytes>(), &reader->header_)) {
    case HeaderFault::kForeign:
      return Corrupt(reader->name_, 0, "it is no file of shardmap's");
    case HeaderFault::kDamaged:
      return Corrupt(reader->name_, 0, "the checksum of its header is wrong");
    case HeaderFault::kNewer:
      return NewerFormat(reader->name_, 0);
    case HeaderFault::kNone:
      break;
  }
  if (reader->header_.kind != kind || reader->header_.number != number) {
    return Corrupt(reader->name_, 0, "it is another file, which was given this name");
  }
  reader->offset_ = FileHeader::kBytes;
  return reader;
}

Result<FrameReader::Outcome> FrameReader::Next(Frame* frame) {
  for (;;) {
    const uint64_t left = file_bytes_ - offset_;
    if (left == 0) return Outcome::kEnd;
    if (left < FrameHeader::kBytes) return Damaged("it ends inside of a frame's header");
    std::span<const uint8_t> bytes;
    Status status = View(offset_, FrameHeader::kBytes, &bytes);
    if (!status.ok()) return status;
    bool is_ignorable = false;
    const HeaderFault fault =
        DecodeFrameHeader(bytes.first<FrameHeader::kBytes>(), header_.salt, &frame->header, &is_ignorable);
    if (fault == HeaderFault::kDamaged) return Damaged("the checksum of a frame's header is wrong");
    if (frame->header.sequence != next_sequence_) return Damaged("a frame is out of its order");
    const size_t payload_bytes = frame->header.payload_bytes;
    if (payload_bytes > left - FrameHeader::kBytes) return Damaged("it ends inside of a frame");
    status = View(offset_ + FrameHeader::kBytes, payload_bytes, &frame->payload);
    if (!status.ok()) return status;
    if (SaltedCrc(header_.salt, frame->payload) != frame->header.payload_crc) {
      return Damaged("the checksum of a frame is wrong");
    }
    if (fault == HeaderFault::kNewer && !is_ignorable) return NewerFormat(name_, offset_);
    offset_ += FrameHeader::kBytes + payload_bytes;
    ++next_sequence_;
    if (fault == HeaderFault::kNone) return Outcome::kFrame;
  }
}

Result<bool> FrameReader::SkipDamage() {
  for (; offset_ + FrameHeader::kBytes <= file_bytes_; ++offset_) {
    std::span<const uint8_t> bytes;
    Status status = View(offset_, FrameHeader::kBytes, &bytes);
    if (!status.ok()) return status;
    FrameHeader header;
    Result<bool> is_frame = IsFrame(offset_, bytes.first<FrameHeader::kBytes>(), &header);
    if (!is_frame.ok()) return is_frame;
    if (!is_frame.value()) continue;
    next_sequence_ = header.sequence;
    return true;
  }
  offset_ = file_bytes_;
  return false;
}

Result<bool> FrameReader::IsFrame(uint64_t offset, std::span<const uint8_t, FrameHeader::kBytes> bytes,
                                  FrameHeader* header) {
  bool is_ignorable;
  if (DecodeFrameHeader(bytes, header_.salt, header, &is_ignorable) == HeaderFault::kDamaged) return false;
  // One that comes twice, from before the damage, is not taken.
  if (header->sequence < next_sequence_) return false;
  if (header->payload_bytes > file_bytes_ - offset - FrameHeader::kBytes) return false;
  std::span<const uint8_t> payload;
  Status status = View(offset + FrameHeader::kBytes, header->payload_bytes, &payload);
  if (!status.ok()) return status;
  return SaltedCrc(header_.salt, payload) == header->payload_crc;
}

Result<uint64_t> FrameReader::FindSyncedBehind() {
  uint64_t synced = 0;
  constexpr size_t kStep = kReadBytes;
  for (uint64_t at = offset_ + 1; at < file_bytes_; at += kStep) {
    // The views of two steps share what a header might cross.
    const uint64_t bytes_left = file_bytes_ - at;
    const size_t size = static_cast<size_t>(std::min<uint64_t>(bytes_left, kStep + FrameHeader::kBytes - 1));
    std::span<const uint8_t> bytes;
    Status status = View(at, size, &bytes);
    if (!status.ok()) return status;
    for (size_t i = 0; i + FrameHeader::kBytes <= size; ++i) {
      FrameHeader header;
      bool is_ignorable;
      const auto candidate = bytes.subspan(i).first<FrameHeader::kBytes>();
      if (DecodeFrameHeader(candidate, header_.salt, &header, &is_ignorable) == HeaderFault::kDamaged) continue;
      synced = std::max(synced, header.synced_sequence);
    }
  }
  return synced;
}

Status FrameReader::View(uint64_t offset, size_t bytes, std::span<const uint8_t>* view) {
  const uint64_t end = buffer_at_ + buffer_.size();
  if (offset < buffer_at_ || offset + bytes > end) {
    const uint64_t wanted = std::min<uint64_t>(std::max(bytes, kReadBytes), file_bytes_ - offset);
    buffer_.resize(static_cast<size_t>(wanted));
    buffer_at_ = offset;
    size_t read = 0;
    const std::error_code error = ReadFully(*file_, offset, buffer_, &read);
    if (!error && read < bytes) {
      buffer_.clear();
      return Corrupt(name_, offset + read, "it became shorter while it was read");
    }
    buffer_.resize(error ? 0 : read);
    if (error) return FileError(name_, "read", error);
  }
  *view = std::span(buffer_).subspan(static_cast<size_t>(offset - buffer_at_), bytes);
  return Status();
}

}  // namespace shardmap
