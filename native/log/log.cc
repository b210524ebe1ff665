#include "log/log.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

namespace shardmap {
namespace {

uint64_t SteadyNanos() { return Clock::Steady().NowNanos(); }

uint64_t UnixNanos() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

Status Copy(const Status& status) {
  return status.ok() ? Status() : Status(status.code(), std::string(status.message()));
}

}  // namespace

Log::Log(Directory& directory, std::unique_ptr<RecoveredLog> recovered, const LogOptions& options,
         std::function<void(const Status&)> on_failure)
    : options_(options),
      clock_(options.clock != nullptr ? *options.clock : Clock::Steady()),
      on_failure_(std::move(on_failure)),
      staging_(options.staged_bytes_max, [this] { Wake(); }),
      writer_(directory, std::move(recovered), options.segment_bytes),
      thread_([this] { Run(); }) {}

Log::~Log() { (void)Close(); }

void Log::Flush(std::function<void(const Status&)> done) {
  {
    MutexLock lock(mutex_);
    if (!is_closing_) {
      flushes_.push_back(std::move(done));
      has_work_ = true;
      wake_.NotifyAll();
      return;
    }
  }
  done(Status(Code::kClosed, "The log is closed"));
}

Status Log::FlushSync() {
  struct {
    Mutex mutex;
    Condition done;
    bool is_done = false;
    Status status;
  } state;
  Flush([&](const Status& status) {
    MutexLock lock(state.mutex);
    state.status = Copy(status);
    state.is_done = true;
    state.done.NotifyAll();
  });
  MutexLock lock(state.mutex);
  while (!state.is_done) state.done.Wait(state.mutex);
  return std::move(state.status);
}

Status Log::Close() {
  MutexLock close_lock(close_mutex_);
  if (!is_closed_) {
    staging_.Refuse(Code::kClosed, "The store is closed");
    const Status flushed = FlushSync();
    close_code_ = flushed.code();
    close_message_ = flushed.ok() ? "" : std::string(flushed.message());
    {
      MutexLock lock(mutex_);
      is_closing_ = true;
      has_work_ = true;
      wake_.NotifyAll();
    }
    thread_.join();
    is_closed_ = true;
  }
  return close_code_ == Code::kOk ? Status() : Status(close_code_, close_message_);
}

void Log::Run() {
  while (!Wait()) {
    std::vector<Done> flushes;
    {
      MutexLock lock(mutex_);
      flushes.swap(flushes_);
    }
    // Whoever asked before this cut has all in it that returned before.
    Status status = WriteAndSync(!flushes.empty());
    for (const Done& done : flushes) done(status);
  }
  // Threads that had reserved before writes were refused may have appended since.
  (void)WriteAndSync(true);
  if (!is_dead_) (void)writer_.Finish(ClockOffsetNanos());
}

Status Log::WriteAndSync(bool must_sync) {
  if (is_dead_) return Copy(failure_);
  const bool was_full = !failure_.ok();
  const bool had_unsynced = writer_.has_unsynced();
  Status status;
  try {
    status = writer_.WriteCut(staging_, ClockOffsetNanos());
    if (!had_unsynced) unsynced_since_ns_ = SteadyNanos();
    const bool is_due = options_.policy == SyncPolicy::kAlways ||
                        (options_.policy == SyncPolicy::kInterval &&
                         SteadyNanos() - unsynced_since_ns_ >= options_.interval_ns);
    if (status.ok() && (must_sync || is_due)) status = writer_.Sync();
  } catch (const std::bad_alloc&) {
    status = Status::OutOfMemory();
  }
  if (!status.ok()) {
    Fail(status);
  } else if (was_full) {
    failure_ = Status();
    staging_.Accept();
  }
  return status;
}

void Log::Fail(const Status& status) {
  failure_ = Copy(status);
  if (status.code() == Code::kDiskFull || status.code() == Code::kOutOfMemory) {
    staging_.Refuse(status.code(), std::string(status.message()));
    return;
  }
  is_dead_ = true;
  failure_ = Status(Code::kLogFailed, "The log has failed, and nothing is written any more: " +
                                          std::string(status.message()));
  staging_.Refuse(failure_.code(), std::string(failure_.message()));
  if (on_failure_) on_failure_(failure_);
}

bool Log::Wait() {
  const bool may_sleep = staging_.FallAsleep();
  MutexLock lock(mutex_);
  if (is_dead_ || (failure_.ok() && may_sleep)) {
    // Of what is to be synced in time the time is known; all else wakes.
    const bool has_deadline = !is_dead_ && writer_.has_unsynced() && options_.policy == SyncPolicy::kInterval;
    const uint64_t due_ns = has_deadline ? unsynced_since_ns_ + options_.interval_ns : kForever;
    for (uint64_t now_ns = SteadyNanos(); !has_work_ && now_ns < due_ns; now_ns = SteadyNanos()) {
      wake_.WaitFor(mutex_, std::min(due_ns - now_ns, kWaitNanosMax));
    }
  }
  // What has begun to come is let come for a moment, but where somebody waits for it.
  if (flushes_.empty() && !is_closing_ && !is_dead_) {
    wake_.WaitFor(mutex_, !failure_.ok() ? kDiskFullRetryNanos : HandOverNanos());
  }
  has_work_ = false;
  staging_.Awake();
  return is_closing_ && flushes_.empty();
}

void Log::Wake() {
  MutexLock lock(mutex_);
  has_work_ = true;
  wake_.NotifyAll();
}

uint64_t Log::ClockOffsetNanos() const { return UnixNanos() - clock_.NowNanos(); }

}  // namespace shardmap
