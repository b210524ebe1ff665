#include "meeting.h"

#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace shardmap {

bool MeetingPoint::Meet(size_t round) {
  if (round % 64 == 0 && std::chrono::steady_clock::now() - begin_ > kTimeMax) stops_at_ = round;
  const size_t both = 2 * (round + 1);
  const bool is_last = arrivals_.fetch_add(1) == both - 1;
  for (size_t spin = 0; is_last && spin < round % 64; ++spin) std::atomic_signal_fence(std::memory_order_seq_cst);
  for (int spin = 1; arrivals_.load() < both; ++spin) {
    if (spin % 1000 == 0) std::this_thread::yield();
  }
  return round < stops_at_.load(std::memory_order_relaxed);
}

void KeepToProcessor([[maybe_unused]] int number) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < 2) return;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || number-- != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
  }
#endif
}

}  // namespace shardmap
