// Stands before native/base/mutex.h in the include path of the build that measures locks: the same mutex, which tells
// how long a thread held any, from its first to its last where it holds several. Of sources with SHARDMAP_UNTIMED it
// does not: the allocator's locks are no shard's.
#pragma once

#if defined(SHARDMAP_UNTIMED)
#include "../../../../../native/base/mutex.h"
#else

#define Mutex UntimedMutex
#define MutexLock UntimedMutexLock
#include "../../../../../native/base/mutex.h"
#undef MutexLock
#undef Mutex

#include <cstddef>
#include <cstdint>

namespace shardmap {

// Nanoseconds that this thread has been on a processor: what is measured is the work under the lock, not what the
// machine does to a thread meanwhile.
uint64_t ThreadNanos();
void NoteLockHold(uint64_t nanos);

// What this thread holds.
struct HeldMutexes {
  size_t count = 0;
  uint64_t since_ns = 0;
};
inline thread_local HeldMutexes t_held;

class SHARDMAP_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() SHARDMAP_ACQUIRE() SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
    mutex_.Lock();
    if (t_held.count++ == 0) t_held.since_ns = ThreadNanos();
  }
  bool TryLock() SHARDMAP_TRY_ACQUIRE(true) SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
    if (!mutex_.TryLock()) return false;
    if (t_held.count++ == 0) t_held.since_ns = ThreadNanos();
    return true;
  }
  void Unlock() SHARDMAP_RELEASE() SHARDMAP_NO_THREAD_SAFETY_ANALYSIS {
    if (--t_held.count == 0) NoteLockHold(ThreadNanos() - t_held.since_ns);
    mutex_.Unlock();
  }
  std::mutex& native() { return mutex_.native(); }

 private:
  UntimedMutex mutex_;
};

class SHARDMAP_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SHARDMAP_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() SHARDMAP_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace shardmap

#endif
