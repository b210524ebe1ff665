#include "base/clock.h"

#include <chrono>
#include <ctime>

namespace shardmap {
namespace {

class SteadyClock final : public Clock {
 public:
  uint64_t NowNanos() const override {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  }

#if defined(CLOCK_MONOTONIC_COARSE)
  // The same clock as of the kernel's last tick takes a fifth of the time, and none of the loads that are under way
  // have to come first, as for the processor's counter (docs/performance.md, entries that expire). Ticks are 10 ms
  // apart at most; a machine that is held up may miss some, but none runs on for seconds without one.
  bool HasReached(uint64_t ns) const override {
    timespec tick;
    if (clock_gettime(CLOCK_MONOTONIC_COARSE, &tick) != 0) return Clock::HasReached(ns);
    const uint64_t tick_ns = static_cast<uint64_t>(tick.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(tick.tv_nsec);
    return ns <= tick_ns + kTickNanosMax && Clock::HasReached(ns);
  }

 private:
  static constexpr uint64_t kTickNanosMax = 10'000'000'000;
#endif
};

}  // namespace

const Clock& Clock::Steady() {
  static const SteadyClock* const clock = new SteadyClock();  // never destroyed: threads may outlive statics
  return *clock;
}

uint64_t UnixNanosAtZero(const Clock& clock) {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count();
  return static_cast<uint64_t>(now_ns) - clock.NowNanos();
}

}  // namespace shardmap
