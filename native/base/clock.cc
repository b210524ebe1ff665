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

}  // namespace shardmap
