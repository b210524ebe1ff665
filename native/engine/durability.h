// What makes a store durable: its directory, which one process at a time may change, its log, and the thread that keeps
// the log short.
//
// The log is made short when what was written since it last was is more than the store's snapshot, and more than 64
// MiB: so the files take at most about twice what the store does, and the work is in proportion to what is written.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/condition.h"
#include "base/directory.h"
#include "base/mutex.h"
#include "base/status.h"
#include "core/store.h"
#include "engine/log_feed.h"
#include "engine/readonly_sink.h"
#include "log/compaction.h"
#include "log/log.h"
#include "log/recovery.h"

namespace shardmap {

struct DurabilityOptions {
  SyncPolicy policy = SyncPolicy::kInterval;
  uint64_t interval_ns = 100'000'000;
  RecoveryMode recovery = RecoveryMode::kTail;
  // Nothing in the directory is changed, and no change of the store accepted.
  bool is_readonly = false;
  // Of what was written since the log was made short: then it is again.
  uint64_t compaction_bytes_min = uint64_t{64} << 20;
};

// What became of the files when the store was opened.
struct RecoverySummary {
  RecoveryProgress read;
  uint64_t nanos = 0;
  uint64_t tail_bytes = 0;
  std::vector<Loss> losses;
};

struct CompactionFigures {
  uint64_t count = 0;           // since the store was opened
  uint64_t nanos = 0;           // the latest took
  uint64_t snapshot_bytes = 0;  // of the latest
  uint64_t ended_ns = 0;        // the latest, by the steady clock
  uint64_t first_segment = 1;   // behind it
};

struct DurabilityFigures {
  LogFigures log;
  CompactionFigures compaction;
  uint64_t segment_bytes = 0;  // of the log, since it was made short
};

class Durability {
 public:
  using Done = std::function<void(const Status&)>;
  struct Listeners {
    // See LogFeed::Tell; called in threads of this.
    std::function<void(LogNews::Kind, const Status&, const CompactionNews&)> on_news;
    // See RecoveryOptions; called in the thread of Open.
    std::function<void(const RecoveryProgress&)> on_progress;
  };

  // Fills the store with what the directory has, which is made where it is missing, unless it is to be read only; from
  // now on the store's changes are logged there, or refused. No session of the store is open; it outlives this. Takes
  // as long as reading the files, and, in kSalvage, as writing a snapshot. Errors: kIo, kDiskFull, kInUse, kCorrupt,
  // kNewerFormat. Throws std::bad_alloc, std::system_error.
  static Result<std::unique_ptr<Durability>> Open(const std::string& path, const DurabilityOptions& options,
                                                  Store& store, Listeners listeners);
  // As Close. No session of the store is open but those of this.
  ~Durability();
  Durability(const Durability&) = delete;
  Durability& operator=(const Durability&) = delete;

  const DurabilityOptions& options() const { return options_; }
  const RecoverySummary& recovery() const { return recovery_; }
  DurabilityFigures Figures() const SHARDMAP_EXCLUDES(mutex_);

  // Each calls `done` once, in a thread of this, or at once.

  // When all that was changed before this call is on the medium.
  void Flush(Done done);
  // When the log was made short. Where it has failed, all that the store has is written to new files, and it goes on.
  void Compact(Done done) SHARDMAP_EXCLUDES(mutex_);
  // When another directory, which is made where it is missing and is empty, is a store as this one was some time
  // after the call.
  void BackUp(std::string path, Done done) SHARDMAP_EXCLUDES(mutex_);

  // As Flush, and waits.
  Status FlushSync() { return log_ == nullptr ? Status() : log_->FlushSync(); }
  // Flushes, and ends logging: changes are refused from then on. What is under way beside ends soon. Again: the same
  // status.
  Status Close() SHARDMAP_EXCLUDES(mutex_);

 private:
  struct Job {
    std::string backup_path;  // empty: to compact
    Done done;
  };

  Durability(std::unique_ptr<Directory> directory, std::unique_ptr<DirectoryLock> lock,
             std::unique_ptr<RecoveredLog> recovered, const DurabilityOptions& options, Store& store,
             Listeners listeners, uint64_t recovery_ns);

  // The thread that compacts and backs up.
  void Run() SHARDMAP_EXCLUDES(mutex_);
  void Ask(Job job) SHARDMAP_EXCLUDES(mutex_);
  Status Do(const Job& job) SHARDMAP_EXCLUDES(mutex_);
  // Tells of its begin and its end.
  Status CompactNow(const std::set<std::string>& kept) SHARDMAP_EXCLUDES(mutex_);
  Status WriteSnapshot(const std::set<std::string>& kept, uint64_t begin_ns, CompactionNews* news)
      SHARDMAP_EXCLUDES(mutex_);
  void Tell(LogNews::Kind kind, const Status& status, const CompactionNews& compaction = {}) const {
    if (listeners_.on_news) listeners_.on_news(kind, status, compaction);
  }
  void CompactIfDue() SHARDMAP_EXCLUDES(mutex_);
  Status BackUpNow(const std::string& path);
  // Called by the log's thread after each write.
  void NoteWritten(uint64_t bytes) SHARDMAP_EXCLUDES(mutex_);

  const std::unique_ptr<Directory> directory_;
  const std::unique_ptr<DirectoryLock> lock_;  // nullptr where there is none to take
  const DurabilityOptions options_;
  Store& store_;
  const Listeners listeners_;
  RecoverySummary recovery_;

  Manifest manifest_;  // of Open, and then of the thread
  std::atomic<bool> is_cancelled_{false};
  // When so many bytes have been written; relaxed, as it decides about nothing else.
  std::atomic<uint64_t> compaction_at_;

  mutable Mutex mutex_;
  Condition wake_;
  std::deque<Job> jobs_ SHARDMAP_GUARDED_BY(mutex_);
  bool is_due_ SHARDMAP_GUARDED_BY(mutex_) = false;
  bool is_closing_ SHARDMAP_GUARDED_BY(mutex_) = false;
  uint64_t compacted_bytes_ SHARDMAP_GUARDED_BY(mutex_) = 0;  // written when the log was made short
  CompactionFigures compaction_ SHARDMAP_GUARDED_BY(mutex_);

  ReadonlySink readonly_sink_;
  std::unique_ptr<Log> log_;  // nullptr where it is read only
  std::thread thread_;
};

}  // namespace shardmap
