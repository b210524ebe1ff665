#include "log/compaction.h"

#include <string>
#include <utility>

#include "log/recovery.h"

namespace shardmap {

Result<SnapshotResult> Compact(Directory& directory, Log& log, Store& store, Session& session, Manifest* manifest) {
  Manifest next = *manifest;
  ++next.snapshot;
  Status status = log.Rotate(&next);
  if (!status.ok()) return status;
  // What was appended before may not be seen in the store yet, and is in no segment that stays.
  store.AwaitAppended();
  auto snapshot = WriteSnapshot(directory, log.store(), next.snapshot, store, session, store.LastSequence(),
                                UnixNanosAtZero(store.clock()), [&] { return log.FlushSync(); });
  if (!snapshot.ok()) return snapshot.TakeStatus();
  status = ReplaceManifest(directory, log.store(), next);
  if (!status.ok()) return status;
  // Recovery removes what is left here.
  for (uint64_t number = manifest->first_segment; number < next.first_segment; ++number) {
    (void)Retried([&] { return directory.Remove(SegmentName(number)); });
  }
  if (manifest->snapshot != 0) (void)Retried([&] { return directory.Remove(SnapshotName(manifest->snapshot)); });
  *manifest = next;
  return std::move(snapshot.value());
}

}  // namespace shardmap
