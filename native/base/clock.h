// Monotonic time behind an interface, so that a test can turn the clock by hand.
#pragma once

#include <cstdint>

namespace shardmap {

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since a fixed moment. Never decreases, also from one thread to another. Callable from any thread.
  virtual uint64_t NowNanos() const = 0;

  // The machine's steady clock; lives as long as the process.
  static const Clock& Steady();
};

}  // namespace shardmap
