// Writes the entries of a store to a file, in their order, while the store is used.
//
// A snapshot is no moment's view: entries that are changed while it is written are in it as they were before or after.
// What makes a state of it is the log from the snapshot's begin on: effects that are replayed once more change nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/directory.h"
#include "base/status.h"
#include "core/store.h"
#include "log/log_format.h"

namespace shardmap {

struct SnapshotResult {
  uint64_t entries = 0;
  uint64_t bytes = 0;
};

// Writes snapshot `number` of the entries whose number is at most `last_sequence`, and the structures, and makes it
// durable; `before_publish` is called when all is written, and the file gets its name only where that gives no error.
// `session` is of the caller's thread. When `is_cancelled` becomes true it ends soon, with kClosed. Errors: kIo,
// kDiskFull, and those of `before_publish`. Throws std::bad_alloc.
Result<SnapshotResult> WriteSnapshot(Directory& directory, const StoreId& id, uint64_t number, Store& store,
                                     Session& session, uint64_t last_sequence, uint64_t clock_offset_ns,
                                     const std::atomic<bool>& is_cancelled,
                                     const std::function<Status()>& before_publish);

}  // namespace shardmap
