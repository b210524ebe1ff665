// A std::mutex whose use Clang's thread-safety analysis can check.
//
// Every field that a mutex guards says so (SHARDMAP_GUARDED_BY), and a function that expects the lock ends in `Locked`.
// docs/concurrency.md lists every mutex, what it guards and its rank.
#pragma once

#include <mutex>

#if defined(__clang__)
#define SHARDMAP_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define SHARDMAP_THREAD_ATTRIBUTE(x)
#endif

#define SHARDMAP_CAPABILITY(name) SHARDMAP_THREAD_ATTRIBUTE(capability(name))
#define SHARDMAP_SCOPED_CAPABILITY SHARDMAP_THREAD_ATTRIBUTE(scoped_lockable)
#define SHARDMAP_GUARDED_BY(mutex) SHARDMAP_THREAD_ATTRIBUTE(guarded_by(mutex))
#define SHARDMAP_REQUIRES(...) SHARDMAP_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define SHARDMAP_EXCLUDES(...) SHARDMAP_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define SHARDMAP_ACQUIRE(...) SHARDMAP_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define SHARDMAP_TRY_ACQUIRE(...) SHARDMAP_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define SHARDMAP_NO_THREAD_SAFETY_ANALYSIS SHARDMAP_THREAD_ATTRIBUTE(no_thread_safety_analysis)
#define SHARDMAP_RELEASE(...) SHARDMAP_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))

namespace shardmap {

class SHARDMAP_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() SHARDMAP_ACQUIRE() { mutex_.lock(); }
  bool TryLock() SHARDMAP_TRY_ACQUIRE(true) { return mutex_.try_lock(); }
  void Unlock() SHARDMAP_RELEASE() { mutex_.unlock(); }

  // For Condition, which lets go of it while it waits.
  std::mutex& native() { return mutex_; }

 private:
  std::mutex mutex_;
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
