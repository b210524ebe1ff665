// The deadlines of a shard's entries: a hierarchical timing wheel (G. Varghese and A. Lauck, "Hashed and hierarchical
// timing wheels", 1987), where to add, to move and to remove a timer costs the same however many there are, and nobody
// looks at one before it is time.
//
// Time goes in ticks of about a millisecond. A level has a list for each value of one digit of a tick; a timer is on
// the level of the highest digit in which its tick differs from the wheel's position, which every list that is to come
// has before it. So the first list of the lowest level that has any is the next to look at: when its time has come,
// what has passed is removed, and the rest goes to lower levels.
//
// Where a deadline is put off, its timer stays in its list: whoever looks at that finds out. So to
// renew an entry again and again costs one store each time.
//
// Timers are part of their entries, in lists by places of 32 bits (see EntryList), and moved with them. Those of a run
// are in none (timer_run.h). All members are called under the shard's lock.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/prefetch.h"
#include "core/lifetime.h"

namespace shardmap {

// Where an entry is in its shard's list of entries. 0: nowhere.
using Place = uint32_t;

// What an entry keeps of its deadline.
struct Timer {
  std::atomic<uint64_t> deadline;  // a Deadline's word; read without the lock
  Place next;                      // 0: the list's last
  Place previous;                  // or kIsFirst and the number of the list

  static constexpr Place kIsFirst = Place{1} << 31;
  // Of one that is in a run in place of a list.
  static constexpr Place kIsInRun = kIsFirst | kIsFirst >> 1;

  bool is_in_run() const { return previous == kIsInRun; }
  void EnterRun() { previous = kIsInRun; }
  void LeaveRun() { previous = 0; }
};

class TimerWheel {
 public:
  // 2^20 ns.
  static constexpr unsigned kTickShift = 20;
  static uint64_t TickOf(Deadline deadline) { return deadline.ns() >> kTickShift; }
  // All deadlines of the tick have passed then.
  static uint64_t EndOf(uint64_t tick) { return (tick + 1) << kTickShift; }

  explicit TimerWheel(uint64_t now_ns) : position_(now_ns >> kTickShift) {}

  // Starts loading what Add will need.
  void Prefetch(Deadline deadline, uint64_t now_ns) const {
    shardmap::Prefetch(this);
    shardmap::Prefetch(&first_[ListOf(TickOf(deadline), now_ns >> kTickShift)]);
  }

  // `timers` gives the Timer& of a Place.

  // Adds the timer at `place`, which is in no list, by its deadline.
  template <typename Timers>
  void Add(Place place, uint64_t now_ns, const Timers& timers) {
    MoveOn(now_ns);
    Timer& timer = timers(place);
    const Deadline deadline = Deadline::FromWord(timer.deadline.load(std::memory_order_relaxed));
    const size_t list = ListOf(TickOf(deadline), position_);
    timer.next = first_[list];
    timer.previous = Timer::kIsFirst | static_cast<Place>(list);
    if (timer.next != 0) timers(timer.next).previous = place;
    first_[list] = place;
    MarkUsed(list);
    ++size_;
  }

  // Takes a timer out of its list.
  template <typename Timers>
  void Remove(const Timer& timer, const Timers& timers) {
    LinkBefore(timer, timer.next, timers);
    if (timer.next != 0) timers(timer.next).previous = timer.previous;
    if (IsFirst(timer) && timer.next == 0) MarkUnused(ListOf(timer));
    --size_;
  }

  // Where a timer of a list is.
  template <typename Timers>
  Place PlaceOf(const Timer& timer, const Timers& timers) const {
    return IsFirst(timer) ? first_[ListOf(timer)] : timers(timer.previous).next;
  }

  // Tells that a timer of a list is at `place` from now on.
  template <typename Timers>
  void NoteMoved(Place place, const Timers& timers) {
    const Timer& timer = timers(place);
    LinkBefore(timer, place, timers);
    if (timer.next != 0) timers(timer.next).previous = place;
  }

  // A timer to look at now: one whose deadline has passed, or that is to be removed and added again. 0: none, yet.
  Place FirstDue(uint64_t now_ns);

  // When FirstDue will have something again; a past time where it has, kForever where the wheel is empty.
  uint64_t NextNanos() const;

  size_t size() const { return size_; }

 private:
  // The lists of a level are a cache line then.
  static constexpr unsigned kDigitBits = 4;
  static constexpr size_t kDigits = size_t{1} << kDigitBits;
  static constexpr size_t kLevels = (63 - kTickShift + kDigitBits - 1) / kDigitBits;
  static constexpr size_t kNone = SIZE_MAX;

  static unsigned ShiftOf(size_t level) { return static_cast<unsigned>(level) * kDigitBits; }
  static size_t DigitOf(uint64_t tick, size_t level) { return (tick >> ShiftOf(level)) & (kDigits - 1); }

  static bool IsFirst(const Timer& timer) { return (timer.previous & Timer::kIsFirst) != 0; }
  static size_t ListOf(const Timer& first) { return first.previous & ~Timer::kIsFirst; }
  static size_t ListOf(uint64_t tick, uint64_t position) {
    if (tick <= position) return DigitOf(position, 0);
    const size_t level = static_cast<size_t>(63 - std::countl_zero(tick ^ position)) / kDigitBits;
    return level * kDigits + DigitOf(tick, level);
  }
  // The list that comes first, or kNone; and the first tick of what may be in it.
  size_t FirstList() const {
    if (levels_used_ == 0) return kNone;
    const auto level = static_cast<size_t>(std::countr_zero(levels_used_));
    return level * kDigits + static_cast<size_t>(std::countr_zero(used_[level]));
  }
  uint64_t FirstTickOf(size_t list) const {
    const size_t level = list / kDigits;
    const uint64_t above = position_ >> ShiftOf(level + 1) << ShiftOf(level + 1);
    return above | uint64_t{list % kDigits} << ShiftOf(level);
  }

  // Goes as far as no list is reached, so that what is added next is on the lowest level that it can be.
  void MoveOn(uint64_t now_ns);

  // Has what leads to `timer` lead to `place`.
  template <typename Timers>
  void LinkBefore(const Timer& timer, Place place, const Timers& timers) {
    if (IsFirst(timer)) {
      first_[ListOf(timer)] = place;
    } else {
      timers(timer.previous).next = place;
    }
  }
  void MarkUsed(size_t list) {
    used_[list / kDigits] |= uint32_t{1} << (list % kDigits);
    levels_used_ |= uint32_t{1} << (list / kDigits);
  }
  void MarkUnused(size_t list) {
    used_[list / kDigits] &= ~(uint32_t{1} << (list % kDigits));
    if (used_[list / kDigits] == 0) levels_used_ &= ~(uint32_t{1} << (list / kDigits));
    if (list == begun_) begun_ = kNone;
  }

  uint64_t position_;     // a tick, before which no list begins
  size_t begun_ = kNone;  // a list above the lowest level whose first tick is the position, until it is empty
  size_t size_ = 0;
  uint32_t levels_used_ = 0;
  std::array<uint32_t, kLevels> used_{};  // of each level, which lists are not empty
  std::array<Place, kLevels * kDigits> first_{};
};

}  // namespace shardmap
