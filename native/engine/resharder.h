// The thread that reshards a store, as it was asked to by a user or by the store itself: there is one only while there
// is something to do.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <thread>

#include "base/mutex.h"
#include "base/status.h"
#include "core/contention.h"
#include "core/store.h"

namespace shardmap {

class Resharder final : public ShardScheduler {
 public:
  using Done = std::function<void(const Status&)>;

  explicit Resharder(Store& store) : store_(store) {}
  // As Close.
  ~Resharder() override { Close(); }
  Resharder(const Resharder&) = delete;
  Resharder& operator=(const Resharder&) = delete;

  // See Store::Reshard; one after the other, in the order of calls. `done` is called once, in the thread. Before Close.
  // Throws std::bad_alloc, std::system_error.
  void Ask(size_t shards, Done done) SHARDMAP_EXCLUDES(mutex_);
  // Nothing where it is busy: what is needed then is asked for again.
  void Grow(Store& store, size_t shards) override SHARDMAP_EXCLUDES(mutex_);
  // What is under way is abandoned, and what waits is not begun: kClosed.
  void Close() SHARDMAP_EXCLUDES(mutex_);

 private:
  struct Job {
    size_t shards;
    Done done;
  };

  void Run() SHARDMAP_EXCLUDES(mutex_);
  Status Do(size_t shards);

  Store& store_;
  std::atomic<bool> is_closing_{false};
  std::thread thread_;  // started under the mutex; joined by who starts the next, or closes

  Mutex mutex_;
  std::deque<Job> jobs_ SHARDMAP_GUARDED_BY(mutex_);
  bool is_running_ SHARDMAP_GUARDED_BY(mutex_) = false;
};

}  // namespace shardmap
