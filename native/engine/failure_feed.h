// Tells all who listen to a store of what fails where nobody waits for it: its log, and compactions that begin by
// themselves.
#pragma once

#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "engine/mailbox.h"

namespace shardmap {

// Thread-safe.
class FailureFeed {
 public:
  // Throws std::bad_alloc.
  void Add(std::shared_ptr<Mailbox<Status>> mailbox) SHARDMAP_EXCLUDES(mutex_);
  // Idempotent.
  void Remove(const Mailbox<Status>* mailbox) SHARDMAP_EXCLUDES(mutex_);

  // Who has no memory for it is not told.
  void Tell(const Status& failure) SHARDMAP_EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  std::vector<std::shared_ptr<Mailbox<Status>>> mailboxes_ SHARDMAP_GUARDED_BY(mutex_);
};

}  // namespace shardmap
