// The log of a durable store: takes its mutations, and a thread of its own writes them down.
//
// What is staged is handed to the kernel within some milliseconds, so that a process that is killed loses no more than
// that; when it is synced to the medium is the policy's. One sync is under way at a time: who comes meanwhile shares
// the next one. While nothing is written the thread sleeps.
//
// A sync that fails, or a write other than for a full disk, ends the log: what the medium has is not known any more.
// Reads of the store go on, writes are refused, until the store was written to new files as a whole: Restart. A full
// disk refuses writes until what was taken could be written.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/condition.h"
#include "base/directory.h"
#include "base/mutex.h"
#include "base/status.h"
#include "core/mutation_sink.h"
#include "log/log_writer.h"
#include "log/recovery.h"
#include "log/staging.h"

namespace shardmap {

enum class SyncPolicy : uint8_t {
  kAlways,    // as soon as anything was written
  kInterval,  // `interval_ns` after what was written first at the latest
  kNever,     // for Flush and Close only
};

// What the log is at, for people.
struct LogFigures {
  Status refusal;  // why writes are refused, if they are
  bool has_failed = false;
  uint64_t staged_bytes = 0;   // memory for mutations that are not with the kernel yet
  uint64_t written_bytes = 0;  // since it was made
  uint64_t segment = 0;        // the number of the one that is written to
  uint64_t lag_ns = 0;         // since when something is with the kernel that is not known to be on the medium
  uint64_t syncs = 0;
  uint64_t sync_ns_last = 0;  // how long the latest took, and the longest
  uint64_t sync_ns_max = 0;
  uint64_t failures = 0;  // each time that it could not write
};

struct LogOptions {
  SyncPolicy policy = SyncPolicy::kInterval;
  uint64_t interval_ns = 100'000'000;
  uint64_t segment_bytes = uint64_t{64} << 20;
  size_t staged_bytes_max = size_t{64} << 20;
  const Clock* clock = nullptr;  // of the store's deadlines; nullptr: the steady clock
};

class Log final : public MutationSink {
 public:
  // Starts the thread; throws std::bad_alloc, std::system_error. `directory` outlives it. The thread calls `on_failure`
  // each time the log fails, and `on_written` with written_bytes() whenever these have become more. A log that was
  // recovered without a segment to go on in begins as one that has failed.
  Log(Directory& directory, std::unique_ptr<RecoveredLog> recovered, const LogOptions& options,
      std::function<void(const Status&)> on_failure = {}, std::function<void(uint64_t)> on_written = {});
  // As Close. No stage is open.
  ~Log() override;

  MutationStage* OpenStage() override { return staging_.Open(); }
  void CloseStage(MutationStage* stage) override { staging_.Close(static_cast<Stage*>(stage)); }

  // Calls `done`, in the log's thread, when all that was appended before this call is on the medium, or with the reason
  // why it is not known to be.
  void Flush(std::function<void(const Status&)> done) SHARDMAP_EXCLUDES(mutex_);
  // The same, and waits for it.
  Status FlushSync() SHARDMAP_EXCLUDES(mutex_);
  // Begins a new segment: `*first` gets where that is. What was appended before this call is before it, and synced.
  Status Rotate(Manifest* first) SHARDMAP_EXCLUDES(mutex_);
  // The same of a log that has failed: what was appended before this call may be lost, unless it is in the store by
  // what comes next. Nothing is accepted before Resume.
  Status Restart(Manifest* first) SHARDMAP_EXCLUDES(mutex_);
  // The store's manifest names what Restart gave: the log is as good as new.
  Status Resume() SHARDMAP_EXCLUDES(mutex_);
  bool has_failed() const { return has_failed_.load(std::memory_order_acquire); }
  // Flushes and ends the thread; mutations are refused from then on. Again: the same status.
  Status Close() SHARDMAP_EXCLUDES(mutex_);

  const StoreId& store() const { return store_; }
  LogFigures Figures() const SHARDMAP_EXCLUDES(mutex_);
  // In all segments, with those that were recovered and those that are gone.
  uint64_t written_bytes() const { return written_bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint64_t kDiskFullRetryNanos = 100'000'000;
  static constexpr uint64_t kWaitNanosMax = 3'600'000'000'000;

  using Done = std::function<void(const Status&)>;
  // What somebody waits for.
  struct Request {
    enum class Kind : uint8_t { kFlush, kRotate, kRestart, kResume };
    Done done;
    Kind kind = Kind::kFlush;
    Manifest* first = nullptr;  // kRotate, kRestart
  };

  void Run() SHARDMAP_EXCLUDES(mutex_);
  void Ask(Request request) SHARDMAP_EXCLUDES(mutex_);
  Status AskAndWait(Request::Kind kind, Manifest* first) SHARDMAP_EXCLUDES(mutex_);
  // kRestart and kResume.
  Status ServeRestart(const Request& request);
  // Writes, and syncs if somebody waits or the policy says so.
  Status Serve(const std::vector<Request>& requests);
  Status WriteAndSync(const std::vector<Request>& requests);
  // Until there is something to do. Returns whether the log is being closed.
  bool Wait() SHARDMAP_EXCLUDES(mutex_);
  void Wake() SHARDMAP_EXCLUDES(mutex_);
  Status Sync();
  void NoteWritten();
  void Fail(const Status& status);
  // How long what is staged waits for more to come.
  uint64_t HandOverNanos() const { return options_.policy == SyncPolicy::kAlways ? 100'000 : 2'000'000; }

  const LogOptions options_;
  const Clock& clock_;
  const Done on_failure_;
  const std::function<void(uint64_t)> on_written_;
  Staging staging_;
  const StoreId store_;
  const uint64_t recovered_bytes_;
  std::atomic<uint64_t> written_bytes_;

  // Of the thread.
  LogWriter writer_;
  uint64_t unsynced_since_ns_ = 0;  // by the steady clock; while writer_.has_unsynced()
  Status failure_;                  // of the last attempt to write
  std::atomic<bool> has_failed_{false};
  // Of the figures; written by the thread.
  std::atomic<uint64_t> segment_;
  std::atomic<uint64_t> lagging_since_ns_{0};  // by the steady clock; 0: all is on the medium
  std::atomic<uint64_t> syncs_{0};
  std::atomic<uint64_t> sync_ns_last_{0};
  std::atomic<uint64_t> sync_ns_max_{0};
  std::atomic<uint64_t> failures_{0};

  Mutex mutex_;
  Condition wake_;
  std::vector<Request> requests_ SHARDMAP_GUARDED_BY(mutex_);  // that no cut has been taken for
  bool has_work_ SHARDMAP_GUARDED_BY(mutex_) = false;
  bool is_closing_ SHARDMAP_GUARDED_BY(mutex_) = false;
  Mutex close_mutex_;
  bool is_closed_ SHARDMAP_GUARDED_BY(close_mutex_) = false;
  Code close_code_ SHARDMAP_GUARDED_BY(close_mutex_) = Code::kOk;
  std::string close_message_ SHARDMAP_GUARDED_BY(close_mutex_);

  std::thread thread_;
};

}  // namespace shardmap
