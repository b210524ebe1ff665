#include "engine/log_feed.h"

#include <list>
#include <new>
#include <utility>

namespace shardmap {

void LogFeed::Add(std::shared_ptr<Mailbox<LogNews>> mailbox) {
  MutexLock lock(mutex_);
  mailboxes_.push_back(std::move(mailbox));
}

void LogFeed::Remove(const Mailbox<LogNews>* mailbox) {
  MutexLock lock(mutex_);
  std::erase_if(mailboxes_, [mailbox](const auto& listed) { return listed.get() == mailbox; });
}

void LogFeed::Tell(LogNews::Kind kind, const Status& status, const CompactionNews& compaction) {
  MutexLock lock(mutex_);
  for (const auto& mailbox : mailboxes_) {
    try {
      std::list<LogNews> letters;
      letters.push_back({kind, status.Copy(), compaction});
      mailbox->Put(std::move(letters));
    } catch (const std::bad_alloc&) {  // the others may be told
    }
  }
}

}  // namespace shardmap
