#include "engine/expiry_feed.h"

#include <algorithm>
#include <new>
#include <utility>

#include "core/store.h"

namespace shardmap {

void ExpiryFeed::Add(std::shared_ptr<ExpiryQueue> queue) {
  MutexLock lock(mutex_);
  queues_.push_back(std::move(queue));
  store_.SetExpirySink(this);
}

void ExpiryFeed::Remove(const ExpiryQueue* queue) {
  MutexLock lock(mutex_);
  std::erase_if(queues_, [queue](const auto& listed) { return listed.get() == queue; });
  if (queues_.empty()) store_.SetExpirySink(nullptr);
}

void ExpiryFeed::Append(std::span<const ExpiredEntry> entries) {
  MutexLock lock(mutex_);
  if (queues_.empty() || entries.empty()) return;
  const std::shared_ptr<const ExpiredBatch> batch = CopyLocked(entries);
  for (const auto& queue : queues_) {
    if (batch != nullptr) {
      queue->Append(batch, entries.size());
    } else {
      queue->Drop(entries.size());
    }
  }
}

std::shared_ptr<const ExpiredBatch> ExpiryFeed::CopyLocked(std::span<const ExpiredEntry> entries) const {
  try {
    std::vector<bool> wanted(entries.size());
    for (const auto& queue : queues_) queue->MarkWanted(entries, &wanted);
    if (std::find(wanted.begin(), wanted.end(), true) == wanted.end()) return nullptr;
    return std::make_shared<const ExpiredBatch>(entries, std::move(wanted));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace shardmap
