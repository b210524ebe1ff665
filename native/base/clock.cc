#include "base/clock.h"

#include <chrono>

namespace shardmap {
namespace {

class SteadyClock final : public Clock {
 public:
  uint64_t NowNanos() const override {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  }
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
