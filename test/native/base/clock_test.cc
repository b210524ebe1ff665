// Danger: a clock that steps back, in one thread or from one thread to another, breaks the insertion order.
#include "base/clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "random_input.h"

namespace shardmap {
namespace {

TEST(ClockTest, NeverStepsBackInOneThread) {
  uint64_t last = 0;
  for (size_t i = 0; i < Scaled(200000); ++i) {
    const uint64_t now = Clock::Steady().NowNanos();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(ClockTest, NeverStepsBackFromOneThreadToAnother) {
  std::atomic<uint64_t> latest{0};
  std::atomic<int> stepped_back{0};
  const auto read_on = [&] {
    for (size_t i = 0; i < Scaled(200000); ++i) {
      const uint64_t seen = latest.load(std::memory_order_acquire);
      const uint64_t now = Clock::Steady().NowNanos();
      if (now < seen) ++stepped_back;
      latest.store(now, std::memory_order_release);
    }
  };
  std::thread other(read_on);
  read_on();
  other.join();
  EXPECT_EQ(stepped_back, 0);
}

TEST(ClockTest, CountsNanoseconds) {
  const auto wall_before = std::chrono::steady_clock::now();
  const uint64_t before = Clock::Steady().NowNanos();
  while (Clock::Steady().NowNanos() == before) {
  }
  const uint64_t passed = Clock::Steady().NowNanos() - before;
  const auto wall = std::chrono::steady_clock::now() - wall_before;
  EXPECT_GT(passed, 0u);
  EXPECT_LE(passed, static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count()));
}

}  // namespace
}  // namespace shardmap
