// Letters from any thread to one, which is woken to take them.
#pragma once

#include <list>
#include <memory>
#include <utility>

#include "base/mutex.h"
#include "engine/wake_up.h"

namespace shardmap {

// Thread-safe.
template <typename Letter>
class Mailbox {
 public:
  explicit Mailbox(std::shared_ptr<WakeUp> wake_up) : wake_up_(std::move(wake_up)) {}

  // Allocates nothing: who must not fail when there is something to tell has made the letter before.
  void Put(std::list<Letter> letters) SHARDMAP_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      if (is_closed_) return;  // these go after the lock, as those of Close do
      letters_.splice(letters_.end(), letters);
    }
    wake_up_->Request();
  }
  // In the order in which they were put.
  std::list<Letter> TakeAll() SHARDMAP_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return std::exchange(letters_, {});
  }
  // Nobody will take any more: what is here goes, in this thread.
  void Close() SHARDMAP_EXCLUDES(mutex_) {
    std::list<Letter> letters;
    MutexLock lock(mutex_);
    is_closed_ = true;
    letters.swap(letters_);
  }

 private:
  const std::shared_ptr<WakeUp> wake_up_;
  Mutex mutex_;
  std::list<Letter> letters_ SHARDMAP_GUARDED_BY(mutex_);
  bool is_closed_ SHARDMAP_GUARDED_BY(mutex_) = false;
};

}  // namespace shardmap
