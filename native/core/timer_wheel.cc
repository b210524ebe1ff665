#include "core/timer_wheel.h"

#include <algorithm>

namespace shardmap {

void TimerWheel::MoveOn(uint64_t now_ns) {
  if (begun_ != kNone) return;
  const size_t first = FirstList();
  const uint64_t tick = now_ns >> kTickShift;
  const uint64_t end = first == kNone ? tick : std::min(tick, FirstTickOf(first) - 1);
  position_ = std::max(position_, end);
}

Place TimerWheel::FirstDue(uint64_t now_ns) {
  if (begun_ != kNone) return first_[begun_];
  const size_t list = FirstList();
  if (list == kNone) return 0;
  const uint64_t tick = FirstTickOf(list);
  if (EndOf(tick) > now_ns) return 0;
  position_ = tick;
  if (list >= kDigits) begun_ = list;
  return first_[list];
}

uint64_t TimerWheel::NextNanos() const {
  if (begun_ != kNone) return 0;
  const size_t list = FirstList();
  return list == kNone ? kForever : EndOf(FirstTickOf(list));
}

}  // namespace shardmap
