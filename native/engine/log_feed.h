// Tells all who listen to a store of what its log does where nobody waits for it: what fails, and compactions, which
// mostly begin by themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "engine/mailbox.h"

namespace shardmap {

struct CompactionNews {
  uint64_t log_bytes = 0;       // of the log, since it was made short the time before
  uint64_t nanos = 0;           // it took, once it has ended
  uint64_t snapshot_bytes = 0;  // that are in the log's place then
};

struct LogNews {
  enum class Kind : uint8_t { kFailure = 0, kCompactionBegins = 1, kCompactionEnds = 2 };

  Kind kind;
  Status status;  // of a failure, or of a compaction that has ended
  CompactionNews compaction;
};

// Thread-safe.
class LogFeed {
 public:
  // Throws std::bad_alloc.
  void Add(std::shared_ptr<Mailbox<LogNews>> mailbox) SHARDMAP_EXCLUDES(mutex_);
  // Idempotent.
  void Remove(const Mailbox<LogNews>* mailbox) SHARDMAP_EXCLUDES(mutex_);

  // Who has no memory for it is not told.
  void Tell(LogNews::Kind kind, const Status& status, const CompactionNews& compaction = {}) SHARDMAP_EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  std::vector<std::shared_ptr<Mailbox<LogNews>>> mailboxes_ SHARDMAP_GUARDED_BY(mutex_);
};

}  // namespace shardmap
