#include "log/snapshot.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "log/frame_writer.h"
#include "log/recovery.h"

namespace shardmap {
namespace {

// Entries looked at under one guard, which keeps memory of others from being freed.
constexpr size_t kPageEntries = 256;
constexpr size_t kPayloadBytes = size_t{1} << 20;
// What is handed to the kernel is synced bit by bit: the log's own syncs would wait for a heap of it otherwise.
constexpr uint64_t kSyncBytes = uint64_t{16} << 20;

class SnapshotWriter {
 public:
  SnapshotWriter(FrameWriter& writer, Store& store, Session& session, uint64_t clock_offset_ns,
                 const std::atomic<bool>& is_cancelled)
      : writer_(writer),
        store_(store),
        session_(session),
        clock_offset_ns_(clock_offset_ns),
        is_cancelled_(is_cancelled) {}

  Status WriteStructures() {
    const std::optional<std::string> text = store_.structures().Load();
    if (!text) return Status();
    const Value value = Structures::AsValue(*text);
    Add(Mutation::Kind::kStructures, nullptr, value.kind(), {value.bytes(), value.size()}, Deadline());
    return EndPayload();
  }

  Status WriteEntries(uint64_t last_sequence) {
    for (uint64_t after = 0; after != kDone;) {
      if (is_cancelled_.load(std::memory_order_relaxed)) return Status(Code::kClosed, "The store is being closed");
      after = AddPage(after, last_sequence);
      if (writer_.payload_bytes() < kPayloadBytes && after != kDone) continue;
      Status status = EndPayload();
      if (!status.ok()) return status;
    }
    return Status();
  }

  uint64_t entries() const { return entries_; }

 private:
  static constexpr uint64_t kDone = UINT64_MAX;

  // Adds the next entries behind number `after`, until there is enough for a payload. Returns the last one's number.
  uint64_t AddPage(uint64_t after, uint64_t last_sequence) {
    const ReadGuard guard(session_);
    store_.Scan(guard, after, kPageEntries, &page_);
    for (const ScannedEntry& scanned : page_) {
      if (scanned.sequence > last_sequence) return kDone;
      // Entries of one number are never parted: the next page would begin behind all of them.
      if (writer_.payload_bytes() >= kPayloadBytes && scanned.sequence != after) return after;
      AddEntry(guard, scanned);
      after = scanned.sequence;
    }
    return page_.empty() ? kDone : after;
  }
  void AddEntry(const ReadGuard& guard, const ScannedEntry& scanned) {
    ReadValue value;
    if (!store_.ReadScanned(guard, scanned, &value)) return;  // deleted meanwhile
    const Key key = scanned.entry->key();
    Add(Mutation::Kind::kInsert, &key, value.kind(), {value.bytes(), value.size()}, value.deadline());
    ++entries_;
  }

  void Add(Mutation::Kind kind, const Key* key, ValueKind value_kind, std::span<const uint8_t> value,
           Deadline deadline) {
    if (writer_.payload_bytes() == 0) StoreLittle64(writer_.Extend(kClockOffsetBytes), clock_offset_ns_);
    uint8_t* p = writer_.Extend(RecordBytesMax(key != nullptr ? key->size : 0, value.size()));
    p = EncodeRecordHead(kind, deadline, p);
    if (key != nullptr) p = EncodeRecordKey(*key, p);
    p = EncodeRecordValue(value_kind, value, p);
    writer_.ShrinkTo(EncodeRecordDeadline(deadline, p));
    if (value_kind == ValueKind::kCompressed) writer_.NoteCompressed();
  }

  Status EndPayload() {
    if (writer_.payload_bytes() == 0) return Status();
    writer_.EndFrame(FrameKind::kRecords, true, 0);
    Status status = writer_.Write();
    if (!status.ok() || writer_.offset() - synced_bytes_ < kSyncBytes) return status;
    synced_bytes_ = writer_.offset();
    return writer_.Sync();
  }

  FrameWriter& writer_;
  Store& store_;
  Session& session_;
  const uint64_t clock_offset_ns_;
  const std::atomic<bool>& is_cancelled_;
  std::vector<ScannedEntry> page_;
  uint64_t entries_ = 0;
  uint64_t synced_bytes_ = 0;
};

}  // namespace

Result<SnapshotResult> WriteSnapshot(Directory& directory, const StoreId& id, uint64_t number, Store& store,
                                     Session& session, uint64_t last_sequence, uint64_t clock_offset_ns,
                                     const std::atomic<bool>& is_cancelled,
                                     const std::function<Status()>& before_publish) {
  auto created =
      FrameWriter::Create(directory, SnapshotName(number), NewFileHeader(FileKind::kSnapshot, id, number), 1);
  if (!created.ok()) return created.TakeStatus();
  FrameWriter& writer = *created.value();
  SnapshotWriter snapshot(writer, store, session, clock_offset_ns, is_cancelled);
  Status status = snapshot.WriteStructures();
  if (status.ok()) status = snapshot.WriteEntries(last_sequence);
  if (status.ok()) {
    writer.EndFrame(FrameKind::kSeal, true, 0);
    status = writer.Write();
  }
  if (status.ok()) status = before_publish();
  if (status.ok()) status = writer.Publish(directory);
  if (!status.ok()) {
    writer.Abandon(directory);
    return status;
  }
  return SnapshotResult{snapshot.entries(), writer.offset()};
}

}  // namespace shardmap
