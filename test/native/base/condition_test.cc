// Danger: a wait that a notification does not end, that lasts for good though it has an end, or that returns without
// the mutex.
#include "base/condition.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/clock.h"
#include "base/mutex.h"

namespace shardmap {
namespace {

constexpr uint64_t kMilli = 1'000'000;

// What a notification tells of.
struct Door {
  void Open() {
    MutexLock lock(mutex);
    is_open = true;
    condition.NotifyAll();
  }
  void AwaitOpen() {
    MutexLock lock(mutex);
    while (!is_open) condition.Wait(mutex);
  }
  void AwaitOpenForAnHour() {
    MutexLock lock(mutex);
    while (!is_open) condition.WaitFor(mutex, 3'600'000 * kMilli);
  }

  Mutex mutex;
  Condition condition;
  bool is_open SHARDMAP_GUARDED_BY(mutex) = false;
};

TEST(ConditionTest, ANotificationEndsAWait) {
  Door door;
  std::thread waiting([&] { door.AwaitOpen(); });
  door.Open();
  waiting.join();
}

TEST(ConditionTest, ANotificationEndsAWaitThatHasAnEnd) {
  Door door;
  std::thread waiting([&] { door.AwaitOpenForAnHour(); });
  door.Open();
  waiting.join();
}

TEST(ConditionTest, ANotificationEndsAllWaits) {
  Door door;
  std::thread first([&] { door.AwaitOpen(); });
  std::thread second([&] { door.AwaitOpenForAnHour(); });
  door.Open();
  first.join();
  second.join();
}

TEST(ConditionTest, AWaitEndsInTimeAndNoEarlier) {
  Mutex mutex;
  Condition condition;
  MutexLock lock(mutex);
  const uint64_t begin = Clock::Steady().NowNanos();
  // It may return early; then there is time left.
  for (uint64_t now = begin; now < begin + 20 * kMilli; now = Clock::Steady().NowNanos()) {
    condition.WaitFor(mutex, begin + 20 * kMilli - now);
  }
  EXPECT_GE(Clock::Steady().NowNanos(), begin + 20 * kMilli);
}

TEST(ConditionTest, AWaitForEverDoesNotOverflow) {
  Door door;
  std::thread waiting([&] {
    MutexLock lock(door.mutex);
    while (!door.is_open) door.condition.WaitFor(door.mutex, UINT64_MAX);
  });
  door.Open();
  waiting.join();
}

TEST(ConditionTest, WhoWaitsHasTheMutexAfterwards) {
  Mutex mutex;
  Condition condition;
  uint64_t sum = 0;
  const auto add = [&] {
    for (int i = 0; i < 1000; ++i) {
      MutexLock lock(mutex);
      condition.WaitFor(mutex, 1);
      ++sum;
      condition.NotifyAll();
    }
  };
  std::thread other(add);
  add();
  other.join();
  EXPECT_EQ(sum, 2000u);
}

}  // namespace
}  // namespace shardmap
