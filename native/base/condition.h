// A condition variable for the annotated mutex, whose waits end by the steady clock: std::condition_variable may wait
// by the wall clock instead (libstdc++ on musl does), and a jump of that would make a wait a day longer.
#pragma once

#include <cstdint>

#include "base/mutex.h"

#if defined(__linux__)
#include <pthread.h>
#else
#include <condition_variable>
#endif

namespace shardmap {

class Condition {
 public:
  Condition();
  ~Condition();
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  // Let go of the mutex meanwhile. May return for no reason: who waits looks again.
  void Wait(Mutex& mutex) SHARDMAP_REQUIRES(mutex);
  void WaitFor(Mutex& mutex, uint64_t nanos) SHARDMAP_REQUIRES(mutex);
  void NotifyAll();

 private:
#if defined(__linux__)
  pthread_cond_t condition_;
#else
  std::condition_variable condition_;
#endif
};

}  // namespace shardmap
