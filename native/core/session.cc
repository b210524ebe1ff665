#include "core/session.h"

namespace shardmap {

void Session::Reclaim() {
  if (!waiting_.empty() && !list_.AnyMayHold(waiting_epoch_)) waiting_.FreeAll();
  if (waiting_.empty() && !retired_.empty()) {
    waiting_.Swap(retired_);
    waiting_epoch_ = list_.clock_.Advance();
    HeavyFence();
    if (!list_.AnyMayHold(waiting_epoch_)) waiting_.FreeAll();
  }
  retired_bytes_.store(retired_.bytes() + waiting_.bytes(), std::memory_order_relaxed);
}

SessionList::~SessionList() {
  Session* session = head_.load(std::memory_order_acquire);
  while (session != nullptr) {
    Session* next = session->next_;
    delete session;
    session = next;
  }
}

Session* SessionList::Open() {
  for (Session* session = head_.load(std::memory_order_acquire); session != nullptr; session = session->next_) {
    bool free = false;
    if (session->in_use_.compare_exchange_strong(free, true, std::memory_order_acquire)) return session;
  }
  while (true) {
    Session* head = head_.load(std::memory_order_acquire);
    auto* session = new Session(*this, head == nullptr ? 1 : head->id_ + 1);
    session->next_ = head;
    if (head_.compare_exchange_strong(head, session, std::memory_order_release)) return session;
    delete session;
  }
}

void SessionList::Close(Session* session) {
  session->Reclaim();
  (void)session->TakeBytesDelta();
  session->in_use_.store(false, std::memory_order_release);
}

bool SessionList::AnyOpen() const {
  for (const Session* session = head_.load(std::memory_order_acquire); session != nullptr; session = session->next_) {
    if (session->in_use_.load(std::memory_order_acquire)) return true;
  }
  return false;
}

uint64_t SessionList::TotalSize() const {
  int64_t total = 0;
  for (const Session* session = head_.load(std::memory_order_acquire); session != nullptr; session = session->next_) {
    total += session->size_delta_.load(std::memory_order_relaxed);
  }
  return total < 0 ? 0 : static_cast<uint64_t>(total);
}

uint64_t SessionList::TotalRetiredBytes() const {
  uint64_t total = 0;
  for (const Session* session = head_.load(std::memory_order_acquire); session != nullptr; session = session->next_) {
    total += session->retired_bytes_.load(std::memory_order_relaxed);
  }
  return total;
}

OperationCounts SessionList::TotalOperations() const {
  OperationCounts total;
  for (const Session* session = head_.load(std::memory_order_acquire); session != nullptr; session = session->next_) {
    total.Zip(session->counters_, [](uint64_t& sum, const Counter& counter) { sum += counter.value(); });
  }
  return total;
}

uint64_t SessionList::TotalLockWaits() const {
  uint64_t total = 0;
  for (const Session* session = head_.load(std::memory_order_acquire); session != nullptr; session = session->next_) {
    total += session->lock_waits();
  }
  return total;
}

bool SessionList::AnyMayHold(uint64_t epoch) const {
  for (const Session* session = head_.load(std::memory_order_acquire); session != nullptr; session = session->next_) {
    if (session->epoch_.MayHold(epoch)) return true;
  }
  return false;
}

}  // namespace shardmap
