// The deadlines of a shard's entries that were inserted with one and the same time to live: they pass in the order in
// which the entries were inserted, and so are in the list of entries, so that they need no other. (Caffeine keeps such
// a queue for a fixed expiration.)
//
// An entry that joins the run costs no look at the wheel, nor does one that leaves it, and it need not have room for
// the links of a timer (entry.h). The run is for the time to live of whoever came first when it was empty; the others
// are in the wheel. Who removes what has expired walks from one entry of the run to the next, until one is not due. It
// passes each entry between them once, a chunk of them at most in place of an entry that is removed, and of chunks in
// which nothing was in the run just their records.
//
// An entry stays in the run when its deadline is put off, as it would in a list of the wheel: who comes there moves it
// to the wheel. It leaves the run for an earlier deadline, or for none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/entry.h"
#include "core/entry_list.h"
#include "core/lifetime.h"
#include "core/timer_wheel.h"

namespace shardmap {

// All members are called under the shard's lock. `walk` is kept for the run, through the list, and belongs to it.
class TimerRun {
 public:
  // Whether an entry may join that is inserted next.
  bool Takes(uint64_t ttl_ns, Deadline deadline) const {
    return size_ == 0 || (ttl_ns == ttl_ns_ && TimerWheel::TickOf(deadline) >= last_tick_);
  }
  // `entry`, which may, is the list's last.
  void Join(Entry* entry, uint64_t ttl_ns, EntryList* entries, EntryWalk* walk) {
    last_tick_ = TimerWheel::TickOf(entry->deadline());
    if (entry->has_timer()) entry->timer().EnterRun();
    entries->NoteInRun();
    if (size_++ != 0) return;
    ttl_ns_ = ttl_ns;
    first_tick_ = last_tick_;
    *walk = EntryWalk(entry->sequence() - 1);
  }
  void Leave(Entry* entry) {
    if (entry->has_timer()) entry->timer().LeaveRun();
    --size_;
  }
  // Whether an entry that has a deadline, or had one until now, is here and not in the wheel.
  static bool Has(const Entry& entry) { return !entry.has_timer() || entry.timer().is_in_run(); }
  size_t size() const { return size_; }

  // When there may be something to do; kForever where it is empty.
  uint64_t NextNanos() const { return size_ == 0 ? kForever : TimerWheel::EndOf(first_tick_); }
  // Goes on to the first entry that is there, a chunk at most. Returns that if it is due, or was put off. Only when
  // NextNanos has come.
  Entry* FirstDue(const EntryList& entries, uint64_t now_ns, EntryWalk* walk) {
    Entry* const first =
        walk->Next(entries, [](const Entry& entry) { return entry.deadline().exists() && Has(entry); });
    if (first == nullptr || !first->has_first_deadline()) return first;
    first_tick_ = TimerWheel::TickOf(first->deadline());
    return NextNanos() <= now_ns ? first : nullptr;
  }

 private:
  uint64_t ttl_ns_ = 0;
  uint64_t last_tick_ = 0;
  size_t size_ = 0;
  uint64_t first_tick_ = 0;  // or that of an entry that has left it
};

}  // namespace shardmap
