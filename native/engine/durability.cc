#include "engine/durability.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/posix_directory.h"
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

Status Lock(Directory& directory, const std::string& path, std::unique_ptr<DirectoryLock>* lock) {
  std::string holder;
  const std::error_code error = Retried([&] { return directory.Lock(kLockName, ThisProcess(), &holder, lock); });
  if (error == std::errc::resource_unavailable_try_again) {
    return Status(Code::kInUse, path + " is in use by " + (holder.empty() ? "another process" : holder));
  }
  return error ? FileError(path + "/" + std::string(kLockName), "locked", error) : Status();
}

Result<std::unique_ptr<RecoveredLog>> Fill(Directory& directory, const DurabilityOptions& durability, Store& store) {
  Replay replay(store, UnixNanosAtZero(store.clock()));
  RecoveryOptions options;
  options.mode = durability.recovery;
  options.apply = [&](const Record& record, uint64_t clock_offset_ns) { return replay.Apply(record, clock_offset_ns); };
  options.expect = [&](std::span<const Record> records) { replay.Expect(records); };
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
                                                     Store& store) {
  std::unique_ptr<Directory> directory;
  const std::error_code error = PosixDirectory::Open(path, PosixDirectory::IfMissing::kCreate, &directory);
  if (error) return FileError(path, "opened", error);
  std::unique_ptr<DirectoryLock> lock;
  Status status = Lock(*directory, path, &lock);
  if (!status.ok()) return status;
  auto recovered = Fill(*directory, options, store);
  if (!recovered.ok()) return recovered.TakeStatus();
  return std::unique_ptr<Durability>(
      new Durability(std::move(directory), std::move(lock), std::move(recovered.value()), options, store));
}

Durability::Durability(std::unique_ptr<Directory> directory, std::unique_ptr<DirectoryLock> lock,
                       std::unique_ptr<RecoveredLog> recovered, const DurabilityOptions& options, Store& store)
    : directory_(std::move(directory)),
      lock_(std::move(lock)),
      options_(options),
      store_(store),
      manifest_(recovered->manifest),
      compaction_at_(std::max(recovered->snapshot_bytes, options.compaction_bytes_min)),
      log_(*directory_, std::move(recovered), LogOptionsOf(options, store), {},
           [this](uint64_t written_bytes) { NoteWritten(written_bytes); }) {
  store_.LogTo(log_);
  thread_ = std::thread([this] { Run(); });
}

Durability::~Durability() { (void)Close(); }

Status Durability::Compact() {
  MutexLock lock(compaction_mutex_);
  const uint64_t written_bytes = log_.written_bytes();
  const auto close = [this](Session* session) { store_.CloseSession(session); };
  const std::unique_ptr<Session, decltype(close)> session(store_.OpenSession(), close);
  auto snapshot = shardmap::Compact(*directory_, log_, store_, *session, &manifest_);
  // One that failed is not tried again before as much was written once more.
  const uint64_t snapshot_bytes = snapshot.ok() ? snapshot.value().bytes : 0;
  compaction_at_.store(written_bytes + std::max(snapshot_bytes, options_.compaction_bytes_min),
                       std::memory_order_relaxed);
  return snapshot.TakeStatus();
}

void Durability::NoteWritten(uint64_t bytes) {
  if (bytes < compaction_at_.load(std::memory_order_relaxed)) return;
  MutexLock lock(mutex_);
  is_due_ = true;
  wake_.NotifyAll();
}

void Durability::Run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (!is_due_ && !is_closing_) wake_.Wait(mutex_);
      if (is_closing_) return;
      is_due_ = false;
    }
    if (log_.written_bytes() < compaction_at_.load(std::memory_order_relaxed)) continue;
    try {
      (void)Compact();
    } catch (const std::bad_alloc&) {  // tried again when more was written
    }
  }
}

Status Durability::Close() {
  {
    MutexLock lock(mutex_);
    is_closing_ = true;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  return log_.Close();
}

}  // namespace shardmap
