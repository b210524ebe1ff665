#include "engine/durability.h"

#include <algorithm>
#include <bit>
#include <new>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/posix_directory.h"
#include "log/backup.h"
#include "log/file_error.h"
#include "log/log_format.h"
#include "log/replay.h"

#if defined(_WIN32)
#include <process.h>
#else
#include <unistd.h>
#endif

namespace shardmap {
namespace {

std::string ThisProcess() {
#if defined(_WIN32)
  return "process " + std::to_string(_getpid());
#else
  return "process " + std::to_string(getpid());
#endif
}

// Who reads only needs none where nobody ever wrote a lock.
Status Lock(Directory& directory, const std::string& path, bool is_readonly, std::unique_ptr<DirectoryLock>* lock) {
  std::string holder;
  const std::error_code error = Retried([&] {
    return is_readonly ? directory.LockShared(kLockName, &holder, lock)
                       : directory.Lock(kLockName, ThisProcess(), &holder, lock);
  });
  if (error == std::errc::resource_unavailable_try_again) {
    return Status(Code::kInUse, path + " is in use by " + (holder.empty() ? "another process" : holder));
  }
  if (is_readonly && error == std::errc::no_such_file_or_directory) return Status();
  return error ? FileError(path + "/" + std::string(kLockName), "locked", error) : Status();
}

Status OpenDirectory(const std::string& path, bool is_readonly, std::unique_ptr<Directory>* directory,
                     std::unique_ptr<DirectoryLock>* lock) {
  const auto if_missing = is_readonly ? PosixDirectory::IfMissing::kFail : PosixDirectory::IfMissing::kCreate;
  const std::error_code error = PosixDirectory::Open(path, if_missing, directory);
  return error ? FileError(path, "opened", error) : Lock(**directory, path, is_readonly, lock);
}

Result<std::unique_ptr<RecoveredLog>> Fill(Directory& directory, const DurabilityOptions& durability,
                                           const Durability::Listeners& listeners, Store& store) {
  Replay replay(store, UnixNanosAtZero(store.clock()));
  RecoveryOptions options;
  options.mode = durability.recovery;
  options.is_readonly = durability.is_readonly;
  options.apply = [&](std::span<const uint8_t> payload) { return replay.Apply(payload); };
  options.await = [&] { return replay.Await(); };
  options.report = listeners.on_progress;
  auto recovered = Recover(directory, options);
  if (recovered.ok()) replay.Finish();
  return recovered;
}

// What the log gets.
LogOptions LogOptionsOf(const DurabilityOptions& options, const Store& store) {
  LogOptions log;
  log.policy = options.policy;
  log.interval_ns = options.interval_ns;
  log.clock = &store.clock();
  return log;
}

}  // namespace

Result<std::unique_ptr<Durability>> Durability::Open(const std::string& path, const DurabilityOptions& options,
                                                     Store& store, Listeners listeners) {
  // Values are in the files as they are in memory.
  if constexpr (std::endian::native != std::endian::little) {
    return Status(Code::kIo, path + " could not be opened: files of stores need a little-endian processor");
  }
  const uint64_t begin_ns = Clock::Steady().NowNanos();
  std::unique_ptr<Directory> directory;
  std::unique_ptr<DirectoryLock> lock;
  Status status = OpenDirectory(path, options.is_readonly, &directory, &lock);
  if (!status.ok()) return status;
  auto recovered = Fill(*directory, options, listeners, store);
  if (!recovered.ok()) return recovered.TakeStatus();
  const uint64_t recovery_ns = Clock::Steady().NowNanos() - begin_ns;
  std::unique_ptr<Durability> durability(new Durability(std::move(directory), std::move(lock),
                                                        std::move(recovered.value()), options, store,
                                                        std::move(listeners), recovery_ns));
  if (durability->log_ != nullptr && durability->log_->has_failed()) {
    std::set<std::string> damaged;
    for (const Loss& loss : durability->recovery_.losses) damaged.insert(loss.file);
    status = durability->CompactNow(damaged);
    if (!status.ok()) return status;
  }
  if (durability->log_ != nullptr) durability->thread_ = std::thread([self = durability.get()] { self->Run(); });
  return durability;
}

Durability::Durability(std::unique_ptr<Directory> directory, std::unique_ptr<DirectoryLock> lock,
                       std::unique_ptr<RecoveredLog> recovered, const DurabilityOptions& options, Store& store,
                       Listeners listeners, uint64_t recovery_ns)
    : directory_(std::move(directory)),
      lock_(std::move(lock)),
      options_(options),
      store_(store),
      listeners_(std::move(listeners)),
      recovery_{.read = recovered->progress,
                .nanos = recovery_ns,
                .tail_bytes = recovered->tail_bytes,
                .losses = std::move(recovered->losses)},
      manifest_(recovered->manifest),
      compaction_at_(std::max(recovered->snapshot_bytes, options.compaction_bytes_min)) {
  compaction_.snapshot_bytes = recovered->snapshot_bytes;
  compaction_.first_segment = manifest_.first_segment;
  if (options.is_readonly) {
    store_.LogTo(readonly_sink_);
    return;
  }
  log_ = std::make_unique<Log>(
      *directory_, std::move(recovered), LogOptionsOf(options, store),
      [this](const Status& failure) { Tell(LogNews::Kind::kFailure, failure); },
      [this](uint64_t written_bytes) { NoteWritten(written_bytes); });
  store_.LogTo(*log_);
}

Durability::~Durability() { (void)Close(); }

DurabilityFigures Durability::Figures() const {
  MutexLock lock(mutex_);
  DurabilityFigures figures;
  figures.compaction = compaction_;
  if (log_ == nullptr) return figures;
  figures.log = log_->Figures();
  figures.segment_bytes = log_->written_bytes() - compacted_bytes_;
  return figures;
}

void Durability::Flush(Done done) {
  if (log_ == nullptr) {
    done(Status());
  } else {
    log_->Flush(std::move(done));
  }
}

void Durability::Compact(Done done) { Ask({"", std::move(done)}); }

void Durability::BackUp(std::string path, Done done) { Ask({std::move(path), std::move(done)}); }

void Durability::Ask(Job job) {
  if (log_ == nullptr) return job.done(Status(Code::kReadonly, "The store was opened to be read only"));
  {
    MutexLock lock(mutex_);
    if (!is_closing_) {
      jobs_.push_back(std::move(job));
      wake_.NotifyAll();
      return;
    }
  }
  job.done(Status(Code::kClosed, "The store is closed"));
}

Status Durability::Do(const Job& job) {
  try {
    return job.backup_path.empty() ? CompactNow({}) : BackUpNow(job.backup_path);
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  }
}

Status Durability::CompactNow(const std::set<std::string>& kept) {
  CompactionNews news;
  {
    MutexLock lock(mutex_);
    news.log_bytes = log_->written_bytes() - compacted_bytes_;
  }
  Tell(LogNews::Kind::kCompactionBegins, Status(), news);
  Status status;
  const uint64_t begin_ns = Clock::Steady().NowNanos();
  try {
    status = WriteSnapshot(kept, begin_ns, &news);
  } catch (const std::bad_alloc&) {
    status = Status::OutOfMemory();
  }
  if (!status.ok()) news.nanos = Clock::Steady().NowNanos() - begin_ns;
  Tell(LogNews::Kind::kCompactionEnds, status, news);
  return status;
}

Status Durability::WriteSnapshot(const std::set<std::string>& kept, uint64_t begin_ns, CompactionNews* news) {
  const uint64_t written_bytes = log_->written_bytes();
  const auto close = [this](Session* session) { store_.CloseSession(session); };
  const std::unique_ptr<Session, decltype(close)> session(store_.OpenSession(), close);
  auto snapshot = shardmap::Compact(*directory_, *log_, store_, *session, &manifest_, is_cancelled_, kept);
  // One that failed is not tried again before as much was written once more.
  const uint64_t snapshot_bytes = snapshot.ok() ? snapshot.value().bytes : 0;
  compaction_at_.store(written_bytes + std::max(snapshot_bytes, options_.compaction_bytes_min),
                       std::memory_order_relaxed);
  if (!snapshot.ok()) return snapshot.TakeStatus();
  const uint64_t end_ns = Clock::Steady().NowNanos();
  news->snapshot_bytes = snapshot_bytes;
  news->nanos = end_ns - begin_ns;
  MutexLock lock(mutex_);
  compacted_bytes_ = written_bytes;
  compaction_ = {compaction_.count + 1, news->nanos, snapshot_bytes, end_ns, manifest_.first_segment};
  return Status();
}

void Durability::CompactIfDue() {
  // A log that has failed goes on when somebody asks for that.
  if (log_->has_failed() || log_->written_bytes() < compaction_at_.load(std::memory_order_relaxed)) return;
  const Status status = Do({});
  // One that fails meanwhile tells so itself.
  const bool is_news = !status.ok() && status.code() != Code::kClosed && status.code() != Code::kLogFailed;
  if (is_news) Tell(LogNews::Kind::kFailure, status);
}

Status Durability::BackUpNow(const std::string& path) {
  std::unique_ptr<Directory> directory;
  std::unique_ptr<DirectoryLock> lock;
  Status status = OpenDirectory(path, false, &directory, &lock);
  if (!status.ok()) return status;
  return shardmap::BackUp(*directory_, *directory, *log_, manifest_, is_cancelled_).TakeStatus();
}

void Durability::NoteWritten(uint64_t bytes) {
  if (bytes < compaction_at_.load(std::memory_order_relaxed)) return;
  MutexLock lock(mutex_);
  is_due_ = true;
  wake_.NotifyAll();
}

void Durability::Run() {
  for (bool is_closing = false; !is_closing;) {
    std::deque<Job> jobs;
    bool is_due = false;
    {
      MutexLock lock(mutex_);
      while (jobs_.empty() && !is_due_ && !is_closing_) wake_.Wait(mutex_);
      is_closing = is_closing_;
      is_due = std::exchange(is_due_, false);
      jobs.swap(jobs_);
    }
    for (const Job& job : jobs) job.done(is_closing ? Status(Code::kClosed, "The store is closed") : Do(job));
    if (is_due && !is_closing) CompactIfDue();
  }
}

Status Durability::Close() {
  is_cancelled_.store(true, std::memory_order_relaxed);
  {
    MutexLock lock(mutex_);
    is_closing_ = true;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  return log_ == nullptr ? Status() : log_->Close();
}

}  // namespace shardmap
