#include "engine/failure_feed.h"

#include <list>
#include <new>
#include <utility>

namespace shardmap {

void FailureFeed::Add(std::shared_ptr<Mailbox<Status>> mailbox) {
  MutexLock lock(mutex_);
  mailboxes_.push_back(std::move(mailbox));
}

void FailureFeed::Remove(const Mailbox<Status>* mailbox) {
  MutexLock lock(mutex_);
  std::erase_if(mailboxes_, [mailbox](const auto& listed) { return listed.get() == mailbox; });
}

void FailureFeed::Tell(const Status& failure) {
  MutexLock lock(mutex_);
  for (const auto& mailbox : mailboxes_) {
    try {
      std::list<Status> letters;
      letters.push_back(failure.Copy());
      mailbox->Put(std::move(letters));
    } catch (const std::bad_alloc&) {  // the others may be told
    }
  }
}

}  // namespace shardmap
