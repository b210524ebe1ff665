// Makes a store's log short: writes what the store holds to a snapshot, and lets go of the segments before it, while
// the store and its log are used.
//
// Steps, of which each but the last is durable before the next begins: the log goes on in a new segment; the snapshot
// is written, and all that may be in it is in the log; the manifest names both; what it named before is removed.
//
// For a log that has failed it is the way back: the new segment gets its name only when the manifest names it, as none
// may come behind one that is not known to be whole; then the log is as good as new.
#pragma once

#include <atomic>
#include <cstdint>
#include <set>
#include <string>

#include "base/directory.h"
#include "base/status.h"
#include "core/store.h"
#include "log/log.h"
#include "log/log_format.h"
#include "log/snapshot.h"

namespace shardmap {

// `manifest` is the store's, and is replaced. Files of these names (`kept`) are not removed but get kDamagedSuffix. One
// at a time; `session` is of the caller's thread. When `is_cancelled` becomes true it ends soon. Errors: kIo,
// kDiskFull, kLogFailed, kClosed; then the store's files are what they were, and one too many perhaps. Throws
// std::bad_alloc.
Result<SnapshotResult> Compact(Directory& directory, Log& log, Store& store, Session& session, Manifest* manifest,
                               const std::atomic<bool>& is_cancelled, const std::set<std::string>& kept = {});

}  // namespace shardmap
