#include "base/clock.h"

#include <chrono>
#include <ctime>

#if defined(__linux__) && defined(__x86_64__)
#define SHARDMAP_HAS_PROCESSOR_COUNTER 1
#include <x86intrin.h>

#include <fstream>
#include <string>
#endif

namespace shardmap {
namespace {

#if defined(SHARDMAP_HAS_PROCESSOR_COUNTER)
// Whether the kernel takes its own time from the processor's counter, which it does where that runs at a constant rate,
// on all cores alike.
bool IsCounterSteady() {
  std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string name;
  return file >> name && name == "tsc";
}
#endif

class SteadyClock final : public Clock {
 public:
  uint64_t NowNanos() const override {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  }

#if defined(SHARDMAP_HAS_PROCESSOR_COUNTER)
  // The counter alone, which nothing waits for, takes a third of the time that the clock does, and says whether that
  // was asked a moment ago.
  uint64_t RecentNanos(RecentTime* recent) const override {
    if (!is_counter_steady_) return NowNanos();
    const uint64_t counter = __rdtsc();
    if (counter - recent->counter >= kRecentCounts || recent->ns == 0) *recent = {counter, NowNanos()};
    return recent->ns;
  }
#endif

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
#endif

 private:
  static constexpr uint64_t kTickNanosMax = 10'000'000'000;
#if defined(SHARDMAP_HAS_PROCESSOR_COUNTER)
  // 8 microseconds at a gigahertz; such counters are faster.
  static constexpr uint64_t kRecentCounts = 8'192;
  const bool is_counter_steady_ = IsCounterSteady();
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
