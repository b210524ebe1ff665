// Stands before native/base/mutex.h in the include path of the build that measures locks: the same mutex, whose
// MutexLock tells how long it was held. Of sources with SHARDMAP_UNTIMED it does not: the allocator's locks are no
// shard's.
#pragma once

#if defined(SHARDMAP_UNTIMED)
#include "../../../../../native/base/mutex.h"
#else

#define MutexLock UntimedMutexLock
#include "../../../../../native/base/mutex.h"
#undef MutexLock

#include <cstdint>

namespace shardmap {

// Nanoseconds that this thread has been on a processor: what is measured is the work under the lock, not what the
// machine does to a thread meanwhile.
uint64_t ThreadNanos();
void NoteLockHold(uint64_t nanos);

class SHARDMAP_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SHARDMAP_ACQUIRE(mutex) : lock_(mutex), start_(ThreadNanos()) {}
  ~MutexLock() SHARDMAP_RELEASE() { NoteLockHold(ThreadNanos() - start_); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  UntimedMutexLock lock_;  // released after the destructor's body, by which time the hold was noted
  const uint64_t start_;
};

}  // namespace shardmap

#endif
