// A pair of memory fences, one nearly free and one dear, that together act as two sequentially consistent fences.
//
// Readers, who are many, issue the light one; the rare reclaimer issues the heavy one, which makes every running thread
// of the process pass a full barrier. On Linux that is membarrier(2), and the light fence only stops the compiler;
// where the kernel refuses it, and on other systems, both are ordinary fences. The technique is that of urcu and folly.
#pragma once

#include <atomic>

namespace shardmap {

namespace internal {
// Set once, before the first fence, by AsymmetricFenceInit.
extern bool g_has_membarrier;
}  // namespace internal

// Asks the kernel for membarrier. Idempotent and thread-safe; call it before the first use of the fences.
void AsymmetricFenceInit();

inline void LightFence() {
  if (internal::g_has_membarrier) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
}

// Microseconds; never called under a shard's lock.
void HeavyFence();

}  // namespace shardmap
