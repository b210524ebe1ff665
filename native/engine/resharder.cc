#include "engine/resharder.h"

#include <exception>
#include <new>
#include <utility>

namespace shardmap {

void Resharder::Ask(size_t shards, Done done) {
  MutexLock lock(mutex_);
  jobs_.push_back({shards, std::move(done)});
  if (is_running_) return;
  if (thread_.joinable()) thread_.join();  // it is at its end
  try {
    thread_ = std::thread([this] { Run(); });
    is_running_ = true;
  } catch (...) {
    jobs_.pop_back();
    throw;
  }
}

void Resharder::Grow(Store&, size_t shards) {
  {
    MutexLock lock(mutex_);
    if (is_running_) return;
  }
  try {
    Ask(shards, [](const Status&) {});
  } catch (const std::exception&) {
    // Writers wait a little longer.
  }
}

void Resharder::Close() {
  is_closing_.store(true, std::memory_order_relaxed);
  std::thread thread;
  {
    MutexLock lock(mutex_);
    thread.swap(thread_);
  }
  if (thread.joinable()) thread.join();
}

Status Resharder::Do(size_t shards) {
  if (is_closing_.load(std::memory_order_relaxed)) return Status(Code::kClosed, "The store is closed");
  try {
    Session* const session = store_.OpenSession();
    Status status = store_.Reshard(*session, shards, is_closing_);
    store_.CloseSession(session);
    return status;
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  }
}

void Resharder::Run() {
  for (;;) {
    Job job;
    {
      MutexLock lock(mutex_);
      if (jobs_.empty()) {
        is_running_ = false;
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.done(Do(job.shards));
  }
}

}  // namespace shardmap
