#include "log/log.h"

#include <algorithm>
#include <new>
#include <utility>

namespace shardmap {
namespace {

uint64_t SteadyNanos() { return Clock::Steady().NowNanos(); }

}  // namespace

Log::Log(Directory& directory, std::unique_ptr<RecoveredLog> recovered, const LogOptions& options,
         std::function<void(const Status&)> on_failure, std::function<void(uint64_t)> on_written)
    : options_(options),
      clock_(options.clock != nullptr ? *options.clock : Clock::Steady()),
      on_failure_(std::move(on_failure)),
      on_written_(std::move(on_written)),
      staging_(options.staged_bytes_max, [this] { Wake(); }),
      store_(recovered->store),
      recovered_bytes_(recovered->segment_bytes),
      written_bytes_(recovered_bytes_),
      writer_(directory, std::move(recovered), options.segment_bytes),
      segment_(writer_.segment_number()) {
  if (!writer_.has_segment()) Fail(Status(Code::kLogFailed, "The store was not recovered whole"));
  failures_.store(0, std::memory_order_relaxed);  // that was none of writing
  thread_ = std::thread([this] { Run(); });
}

Log::~Log() { (void)Close(); }

void Log::Flush(std::function<void(const Status&)> done) { Ask({.done = std::move(done)}); }

Status Log::FlushSync() { return AskAndWait(Request::Kind::kFlush, nullptr); }

Status Log::Rotate(Manifest* first) { return AskAndWait(Request::Kind::kRotate, first); }

Status Log::Restart(Manifest* first) { return AskAndWait(Request::Kind::kRestart, first); }

Status Log::Resume() { return AskAndWait(Request::Kind::kResume, nullptr); }

LogFigures Log::Figures() const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const uint64_t lagging_since_ns = lagging_since_ns_.load(kRelaxed);
  return {.refusal = staging_.Refusal(),
          .has_failed = has_failed(),
          .staged_bytes = staging_.bytes(),
          .written_bytes = written_bytes() - recovered_bytes_,
          .segment = segment_.load(kRelaxed),
          .lag_ns = lagging_since_ns == 0 ? 0 : SteadyNanos() - lagging_since_ns,
          .syncs = syncs_.load(kRelaxed),
          .sync_ns_last = sync_ns_last_.load(kRelaxed),
          .sync_ns_max = sync_ns_max_.load(kRelaxed),
          .failures = failures_.load(kRelaxed)};
}

void Log::Ask(Request request) {
  {
    MutexLock lock(mutex_);
    if (!is_closing_) {
      requests_.push_back(std::move(request));
      has_work_ = true;
      wake_.NotifyAll();
      return;
    }
  }
  request.done(Status(Code::kClosed, "The log is closed"));
}

Status Log::AskAndWait(Request::Kind kind, Manifest* first) {
  struct {
    Mutex mutex;
    Condition done;
    bool is_done = false;
    Status status;
  } state;
  const Done done = [&](const Status& status) {
    MutexLock lock(state.mutex);
    state.status = status.Copy();
    state.is_done = true;
    state.done.NotifyAll();
  };
  Ask({done, kind, first});
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
    std::vector<Request> requests;
    {
      MutexLock lock(mutex_);
      requests.swap(requests_);
    }
    // Whoever asked before this cut has all in it that returned before.
    const Status status = Serve(requests);
    for (const Request& request : requests) {
      if (request.kind == Request::Kind::kRestart || request.kind == Request::Kind::kResume) {
        request.done(ServeRestart(request));
      } else {
        request.done(status);
      }
    }
  }
  // Threads that had reserved before writes were refused may have appended since.
  (void)Serve({});
  if (!has_failed()) (void)writer_.Finish(UnixNanosAtZero(clock_));
}

Status Log::Serve(const std::vector<Request>& requests) {
  if (has_failed()) return failure_.Copy();
  Status status;
  try {
    status = WriteAndSync(requests);
  } catch (const std::bad_alloc&) {
    status = Status::OutOfMemory();
  }
  if (!status.ok()) {
    Fail(status);
  } else if (!failure_.ok()) {
    failure_ = Status();
    staging_.Accept();
  }
  return status;
}

Status Log::ServeRestart(const Request& request) {
  if (!has_failed()) return Status(Code::kInvalidArgument, "The log has not failed");
  try {
    if (request.kind == Request::Kind::kRestart) return writer_.Restart(staging_, request.first);
    Status status = writer_.Resume();
    if (!status.ok()) return status;
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  }
  failure_ = Status();
  has_failed_.store(false, std::memory_order_release);
  staging_.Accept();
  return Status();
}

Status Log::WriteAndSync(const std::vector<Request>& requests) {
  const bool had_unsynced = writer_.has_unsynced();
  Status status = writer_.WriteCut(staging_, UnixNanosAtZero(clock_));
  const uint64_t now_ns = SteadyNanos();
  if (!had_unsynced) unsynced_since_ns_ = now_ns;
  for (const Request& request : requests) {
    if (status.ok() && request.kind == Request::Kind::kRotate) {
      status = writer_.Rotate(staging_, UnixNanosAtZero(clock_), request.first);
    }
  }
  NoteWritten();
  const bool is_due = options_.policy == SyncPolicy::kAlways ||
                      (options_.policy == SyncPolicy::kInterval && now_ns - unsynced_since_ns_ >= options_.interval_ns);
  return !status.ok() || (!is_due && requests.empty()) ? std::move(status) : Sync();
}

Status Log::Sync() {
  if (!writer_.has_unsynced()) return writer_.Sync();
  const uint64_t begin_ns = SteadyNanos();
  Status status = writer_.Sync();
  const uint64_t took_ns = SteadyNanos() - begin_ns;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  syncs_.store(syncs_.load(kRelaxed) + 1, kRelaxed);
  sync_ns_last_.store(took_ns, kRelaxed);
  sync_ns_max_.store(std::max(sync_ns_max_.load(kRelaxed), took_ns), kRelaxed);
  if (status.ok()) lagging_since_ns_.store(0, kRelaxed);
  return status;
}

void Log::NoteWritten() {
  segment_.store(writer_.segment_number(), std::memory_order_relaxed);
  lagging_since_ns_.store(writer_.has_unsynced() ? unsynced_since_ns_ : 0, std::memory_order_relaxed);
  const uint64_t bytes = recovered_bytes_ + writer_.written_bytes();
  if (bytes == written_bytes()) return;
  written_bytes_.store(bytes, std::memory_order_relaxed);
  if (on_written_) on_written_(bytes);
}

void Log::Fail(const Status& status) {
  failures_.store(failures_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  failure_ = status.Copy();
  if (status.code() == Code::kDiskFull || status.code() == Code::kOutOfMemory) {
    staging_.Refuse(status.code(), std::string(status.message()));
    return;
  }
  has_failed_.store(true, std::memory_order_release);
  failure_ =
      Status(Code::kLogFailed, "The log has failed, and nothing is written any more until the store is compacted: " +
                                   std::string(status.message()));
  staging_.Refuse(failure_.code(), std::string(failure_.message()));
  if (on_failure_) on_failure_(failure_);
}

bool Log::Wait() {
  const bool may_sleep = staging_.FallAsleep();
  MutexLock lock(mutex_);
  if (has_failed() || (failure_.ok() && may_sleep)) {
    // Of what is to be synced in time the time is known; all else wakes.
    const bool has_deadline = !has_failed() && writer_.has_unsynced() && options_.policy == SyncPolicy::kInterval;
    const uint64_t due_ns = has_deadline ? unsynced_since_ns_ + options_.interval_ns : kForever;
    for (uint64_t now_ns = SteadyNanos(); !has_work_ && now_ns < due_ns; now_ns = SteadyNanos()) {
      wake_.WaitFor(mutex_, std::min(due_ns - now_ns, kWaitNanosMax));
    }
  }
  // What has begun to come is let come for a moment, but where somebody waits for it.
  if (requests_.empty() && !is_closing_ && !has_failed()) {
    wake_.WaitFor(mutex_, !failure_.ok() ? kDiskFullRetryNanos : HandOverNanos());
  }
  has_work_ = false;
  staging_.Awake();
  return is_closing_ && requests_.empty();
}

void Log::Wake() {
  MutexLock lock(mutex_);
  has_work_ = true;
  wake_.NotifyAll();
}

}  // namespace shardmap
