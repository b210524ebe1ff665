// One thread's registration with a store: what the thread must not share to be fast.
//
// A session is used by one thread at a time. Its record stays in the store's list for good and is taken over by a later
// session, so that readers of the list need no lock: sizes are sums over records, and whoever frees memory looks at
// every record's epoch. Records are as many as threads were at most attached at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

#include "base/clock.h"
#include "core/counters.h"
#include "core/epoch.h"
#include "core/mutation_sink.h"

namespace shardmap {

class SessionList;

class Session {
 public:
  // From 1; no two sessions open at once share one.
  uint32_t id() const { return id_; }

  // Memory that this thread unlinked. Adding is allowed under a shard's lock; nothing is freed there.
  RetiredList& retired() { return retired_; }
  // Frees what no reader can be looking at, when enough has come together. Without any lock held.
  void ReclaimIfWorthwhile() {
    if (retired_.bytes() >= kReclaimBytes) Reclaim();
  }
  // The same, however little it is.
  void Reclaim();

  // The last number that this session gave, to an entry or to another mutation.
  uint64_t last_sequence() const { return last_sequence_; }
  void set_last_sequence(uint64_t sequence) { last_sequence_ = sequence; }
  // Gives the stamp of a mutation that inserts nothing, where `others_last` is the last of what it changes.
  uint64_t NextStamp(uint64_t others_last) {
    last_sequence_ = std::max(last_sequence_, others_last) + 1;
    return last_sequence_;
  }

  OperationCounters& counters() { return counters_; }
  // How often this session had to wait for a shard's mutex to write.
  void CountLockWait() { lock_waits_.Add(1); }
  uint64_t lock_waits() const { return lock_waits_.value(); }

  // For deadlines that count from now.
  RecentTime* recent_time() { return &recent_time_; }

  // Where this session's mutations go; nullptr where its store has no sink.
  MutationStage* stage() const { return stage_; }
  void set_stage(MutationStage* stage) { stage_ = stage; }

  // Counts entries inserted less entries deleted.
  void AddToSize(int64_t delta) {
    size_delta_.store(size_delta_.load(std::memory_order_relaxed) + delta, std::memory_order_relaxed);
  }

  // Counts bytes that entries take more, or less, by what this session does.
  void AddToBytes(int64_t delta) { bytes_delta_ += delta; }
  // What was counted since the last call.
  int64_t TakeBytesDelta() { return std::exchange(bytes_delta_, 0); }

 private:
  friend class SessionList;
  friend class ReadGuard;

  // Enough that a heavy fence (microseconds) is nothing per byte freed, little enough to be no memory to speak of.
  static constexpr size_t kReclaimBytes = size_t{256} << 10;

  Session(SessionList& list, uint32_t id) : list_(list), id_(id) {}

  SessionList& list_;
  const uint32_t id_;
  Session* next_ = nullptr;  // constant once the record is in the list
  std::atomic<bool> in_use_{true};
  std::atomic<uint64_t> retired_bytes_{0};  // a statistic: what retired_ and waiting_ hold, as of the last reclaim

  // Used by the session's thread alone.
  RetiredList retired_;
  RetiredList waiting_;  // unlinked in or before waiting_epoch_
  uint64_t waiting_epoch_ = 0;
  uint64_t last_sequence_ = 0;
  MutationStage* stage_ = nullptr;
  int64_t bytes_delta_ = 0;
  RecentTime recent_time_;
  uint32_t guards_ = 0;

  // Written by the session's thread, read by all.
  alignas(64) std::atomic<int64_t> size_delta_{0};
  EpochRecord epoch_;
  alignas(64) OperationCounters counters_;
  Counter lock_waits_;
};

class SessionList {
 public:
  SessionList() = default;
  ~SessionList();
  SessionList(const SessionList&) = delete;
  SessionList& operator=(const SessionList&) = delete;

  // Throws std::bad_alloc.
  Session* Open();
  void Close(Session* session);
  bool AnyOpen() const;

  // Entries in the store: exact for a thread that has seen all changes return, else a moment's view.
  uint64_t TotalSize() const;
  // Bytes retired and not yet freed, as of each session's last reclamation.
  uint64_t TotalRetiredBytes() const;
  OperationCounts TotalOperations() const;
  uint64_t TotalLockWaits() const;

 private:
  friend class Session;
  friend class ReadGuard;

  bool AnyMayHold(uint64_t epoch) const;

  EpochClock clock_;
  std::atomic<Session*> head_{nullptr};  // release when a record is pushed, acquire by whoever walks
};

// While it lives, nothing that its thread finds in the store is freed. One may live inside of another.
class ReadGuard {
 public:
  explicit ReadGuard(Session& session) : session_(session) {
    if (session.guards_++ == 0) session.epoch_.Enter(session.list_.clock_);
  }
  ~ReadGuard() {
    if (--session_.guards_ == 0) session_.epoch_.Exit();
  }
  ReadGuard(const ReadGuard&) = delete;
  ReadGuard& operator=(const ReadGuard&) = delete;

  Session& session() const { return session_; }

 private:
  Session& session_;
};

}  // namespace shardmap
