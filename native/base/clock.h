// Monotonic time behind an interface, so that a test can turn the clock by hand.
#pragma once

#include <cstdint>

namespace shardmap {

// What RecentNanos told a thread last, for it alone.
struct RecentTime {
  uint64_t counter = 0;
  uint64_t ns = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since a fixed moment. Never decreases, also from one thread to another. Callable from any thread.
  virtual uint64_t NowNanos() const = 0;
  // Whether NowNanos has come to this. May be quicker, where it is far from it.
  virtual bool HasReached(uint64_t ns) const { return ns <= NowNanos(); }

  // NowNanos, or what that was a few microseconds ago, less than kRecentNanosMax. May be quicker where it is asked for
  // again and again, each time with the same `recent`.
  virtual uint64_t RecentNanos(RecentTime* /*recent*/) const { return NowNanos(); }
  static constexpr uint64_t kRecentNanosMax = 10'000;

  // The machine's steady clock; lives as long as the process.
  static const Clock& Steady();
};

// Nanoseconds since 1970 at the zero of the clock, as far as the system's clock tells at this moment.
uint64_t UnixNanosAtZero(const Clock& clock);

}  // namespace shardmap
