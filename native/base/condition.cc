#include "base/condition.h"

#include <algorithm>
#include <chrono>
#include <mutex>

#if defined(__linux__)
#include <time.h>
#endif

namespace shardmap {
namespace {

// 146 years: a time of the clock to which this is added does not overflow.
constexpr uint64_t kWaitNanosMax = uint64_t{1} << 62;

}  // namespace

#if defined(__linux__)

Condition::Condition() {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&condition_, &attributes);
  pthread_condattr_destroy(&attributes);
}

Condition::~Condition() { pthread_cond_destroy(&condition_); }

void Condition::Wait(Mutex& mutex) { pthread_cond_wait(&condition_, mutex.native().native_handle()); }

void Condition::WaitFor(Mutex& mutex, uint64_t nanos) {
  constexpr uint64_t kNanosPerSecond = 1'000'000'000;
  timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  const uint64_t end_ns = static_cast<uint64_t>(end.tv_nsec) + std::min(nanos, kWaitNanosMax);
  end.tv_sec += static_cast<time_t>(end_ns / kNanosPerSecond);
  end.tv_nsec = static_cast<long>(end_ns % kNanosPerSecond);
  pthread_cond_timedwait(&condition_, mutex.native().native_handle(), &end);
}

void Condition::NotifyAll() { pthread_cond_broadcast(&condition_); }

#else

Condition::Condition() = default;
Condition::~Condition() = default;

// The mutex is adopted for the call, and held again when it returns.

void Condition::Wait(Mutex& mutex) {
  std::unique_lock<std::mutex> lock(mutex.native(), std::adopt_lock);
  condition_.wait(lock);
  lock.release();
}

void Condition::WaitFor(Mutex& mutex, uint64_t nanos) {
  std::unique_lock<std::mutex> lock(mutex.native(), std::adopt_lock);
  condition_.wait_for(lock, std::chrono::nanoseconds(std::min(nanos, kWaitNanosMax)));
  lock.release();
}

void Condition::NotifyAll() { condition_.notify_all(); }

#endif

}  // namespace shardmap
