#include "base/asymmetric_fence.h"

#include <mutex>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace shardmap {

namespace internal {
bool g_has_membarrier = false;
}

namespace {

#if defined(__linux__) && defined(__NR_membarrier)
bool Membarrier(int command) { return syscall(__NR_membarrier, command, 0, 0) == 0; }
constexpr int kRegister = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
constexpr int kBarrier = MEMBARRIER_CMD_PRIVATE_EXPEDITED;
#else
bool Membarrier(int) { return false; }
constexpr int kRegister = 0;
constexpr int kBarrier = 0;
#endif

}  // namespace

void AsymmetricFenceInit() {
  static std::once_flag once;
  std::call_once(once, [] { internal::g_has_membarrier = Membarrier(kRegister) && Membarrier(kBarrier); });
}

void HeavyFence() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (internal::g_has_membarrier) Membarrier(kBarrier);
}

}  // namespace shardmap
