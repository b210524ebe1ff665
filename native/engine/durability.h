// What makes a store durable: its directory, which one process at a time may use, its log, and the thread that keeps
// the log short.
//
// The log is made short when what was written since it last was is more than the store's snapshot, and more than 64
// MiB: so the files take at most about twice what the store does, and the work is in proportion to what is written.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/condition.h"
#include "base/directory.h"
#include "base/mutex.h"
#include "base/status.h"
#include "core/store.h"
#include "log/compaction.h"
#include "log/log.h"
#include "log/recovery.h"

namespace shardmap {

struct DurabilityOptions {
  SyncPolicy policy = SyncPolicy::kInterval;
  uint64_t interval_ns = 100'000'000;
  RecoveryMode recovery = RecoveryMode::kTail;
  // Of what was written since the log was made short: then it is again.
  uint64_t compaction_bytes_min = uint64_t{64} << 20;
};

class Durability {
 public:
  // Fills the store with what the directory has, which is made where it is missing; from now on the store's changes are
  // logged there. No session of the store is open; it outlives this. Takes as long as reading the files. Errors: kIo,
  // kDiskFull, kInUse, kCorrupt, kNewerFormat. Throws std::bad_alloc, std::system_error.
  static Result<std::unique_ptr<Durability>> Open(const std::string& path, const DurabilityOptions& options,
                                                  Store& store);
  // As Close. No session of the store is open but those of this.
  ~Durability();
  Durability(const Durability&) = delete;
  Durability& operator=(const Durability&) = delete;

  const DurabilityOptions& options() const { return options_; }

  // Waits until all that was changed before this call is on the medium.
  Status Flush() { return log_.FlushSync(); }
  // Makes the log short, now; waits for one that is under way before.
  Status Compact() SHARDMAP_EXCLUDES(compaction_mutex_);
  // Flushes, and ends logging: changes are refused from then on. Again: the same status.
  Status Close() SHARDMAP_EXCLUDES(mutex_);

 private:
  Durability(std::unique_ptr<Directory> directory, std::unique_ptr<DirectoryLock> lock,
             std::unique_ptr<RecoveredLog> recovered, const DurabilityOptions& options, Store& store);

  // The thread that compacts.
  void Run() SHARDMAP_EXCLUDES(mutex_);
  // Called by the log's thread after each write.
  void NoteWritten(uint64_t bytes) SHARDMAP_EXCLUDES(mutex_);

  const std::unique_ptr<Directory> directory_;
  const std::unique_ptr<DirectoryLock> lock_;
  const DurabilityOptions options_;
  Store& store_;

  Mutex compaction_mutex_;  // held while the log is made short
  Manifest manifest_ SHARDMAP_GUARDED_BY(compaction_mutex_);

  std::atomic<uint64_t>
      compaction_at_;  // when so many bytes have been written; relaxed, as it decides about nothing else

  Mutex mutex_;
  Condition wake_;
  bool is_due_ SHARDMAP_GUARDED_BY(mutex_) = false;
  bool is_closing_ SHARDMAP_GUARDED_BY(mutex_) = false;

  Log log_;
  std::thread thread_;
};

}  // namespace shardmap
