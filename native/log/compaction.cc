#include "log/compaction.h"

#include <string>
#include <utility>

#include "log/recovery.h"

namespace shardmap {
namespace {

void LetGoOf(Directory& directory, const std::string& name, const std::set<std::string>& kept) {
  // Recovery removes what is left here.
  if (kept.contains(name)) {
    (void)Retried([&] { return directory.Rename(name, name + std::string(kDamagedSuffix)); });
  } else {
    (void)Retried([&] { return directory.Remove(name); });
  }
}

}  // namespace

Result<SnapshotResult> Compact(Directory& directory, Log& log, Store& store, Session& session, Manifest* manifest,
                               const std::atomic<bool>& is_cancelled, const std::set<std::string>& kept) {
  Manifest next = *manifest;
  ++next.snapshot;
  const bool had_failed = log.has_failed();
  Status status = had_failed ? log.Restart(&next) : log.Rotate(&next);
  if (!status.ok()) return status;
  // What was appended before may not be seen in the store yet, and is in no segment that stays.
  store.AwaitAppended();
  auto snapshot = WriteSnapshot(directory, log.store(), next.snapshot, store, session, store.LastSequence(),
                                UnixNanosAtZero(store.clock()), is_cancelled,
                                [&] { return had_failed ? Status() : log.FlushSync(); });
  if (!snapshot.ok()) return snapshot.TakeStatus();
  status = ReplaceManifest(directory, log.store(), next);
  if (status.ok() && had_failed) status = log.Resume();
  if (!status.ok()) return status;
  for (uint64_t number = manifest->first_segment; number < next.first_segment; ++number) {
    LetGoOf(directory, SegmentName(number), kept);
  }
  if (manifest->snapshot != 0) LetGoOf(directory, SnapshotName(manifest->snapshot), kept);
  *manifest = next;
  return std::move(snapshot.value());
}

}  // namespace shardmap
