#include "log/backup.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "log/file_copy.h"
#include "log/file_error.h"
#include "log/frame_writer.h"
#include "log/recovery.h"

namespace shardmap {
namespace {

Status CheckEmpty(Directory& directory) {
  std::vector<std::string> names;
  const std::error_code error = Retried([&] { return directory.List(&names); });
  if (error) return FileError("The directory of the backup", "listed", error);
  for (const std::string& name : names) {
    if (name != kLockName) return Status(Code::kInvalidArgument, "The directory of the backup has files: " + name);
  }
  return Status();
}

Result<uint64_t> CopyFile(Directory& from, Directory& to, const std::string& name,
                          const std::atomic<bool>& is_cancelled) {
  std::unique_ptr<File> source, copy;
  std::error_code error = Retried([&] { return from.Open(name, Directory::OpenMode::kRead, &source); });
  if (error) return FileError(name, "opened", error);
  uint64_t bytes = 0;
  error = Retried([&] { return source->GetSize(&bytes); });
  if (error) return FileError(name, "measured", error);
  const std::string copied = "the copy of " + name;
  error = Retried([&] { return to.Open(name, Directory::OpenMode::kCreate, &copy); });
  if (error) return FileError(copied, "created", error);
  Status status = CopyBytes({*source, name, 0}, {*copy, copied, 0}, bytes, is_cancelled);
  if (!status.ok()) return status;
  error = Retried([&] { return copy->Sync(); });
  if (error) return FileError(copied, "synced", error);
  return bytes;
}

// `first` is where the log goes on behind what is copied.
Result<uint64_t> CopyStore(Directory& from, Directory& to, const StoreId& store, const Manifest& manifest,
                           const Manifest& first, const std::atomic<bool>& is_cancelled) {
  std::vector<std::string> names;
  if (manifest.snapshot != 0) names.push_back(SnapshotName(manifest.snapshot));
  for (uint64_t number = manifest.first_segment; number < first.first_segment; ++number) {
    names.push_back(SegmentName(number));
  }
  uint64_t bytes = 0;
  for (const std::string& name : names) {
    Result<uint64_t> copied = CopyFile(from, to, name, is_cancelled);
    if (!copied.ok()) return copied.TakeStatus();
    bytes += copied.value();
  }
  const FileHeader header = NewFileHeader(FileKind::kSegment, store, first.first_segment);
  auto segment = FrameWriter::Create(to, SegmentName(header.number), header, first.first_sequence);
  if (!segment.ok()) return segment.TakeStatus();
  Status status = segment.value()->Publish(to);  // syncs the names of all
  if (status.ok()) status = ReplaceManifest(to, store, manifest);
  if (!status.ok()) return status;
  return bytes;
}

void RemoveAll(Directory& directory) {
  std::vector<std::string> names;
  (void)Retried([&] { return directory.List(&names); });
  for (const std::string& name : names) {
    if (name != kLockName) (void)Retried([&] { return directory.Remove(name); });
  }
}

}  // namespace

Result<uint64_t> BackUp(Directory& from, Directory& to, Log& log, const Manifest& manifest,
                        const std::atomic<bool>& is_cancelled) {
  Status status = CheckEmpty(to);
  Manifest first;
  if (status.ok()) status = log.Rotate(&first);
  if (!status.ok()) return status;
  Result<uint64_t> copied = CopyStore(from, to, log.store(), manifest, first, is_cancelled);
  if (!copied.ok()) RemoveAll(to);
  return copied;
}

}  // namespace shardmap
