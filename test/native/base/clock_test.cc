// Danger: a clock that steps back, in one thread or from one thread to another, breaks the insertion order.
#include "base/clock.h"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST(ClockTest, HasReachedWhatIsNotAheadOfIt) {
  const Clock& clock = Clock::Steady();
  Random random;
  for (size_t i = 0; i < Scaled(200000); ++i) {
    // From a nanosecond to a minute away, to either side.
    const uint64_t away_ns = random.Below(size_t{1} << random.Below(36));
    const uint64_t before_ns = clock.NowNanos();
    const uint64_t moment_ns = random.OneIn(2) ? before_ns + away_ns : before_ns - std::min(away_ns, before_ns);
    const bool has_reached = clock.HasReached(moment_ns);
    const uint64_t after_ns = clock.NowNanos();
    if (moment_ns <= before_ns) {
      ASSERT_TRUE(has_reached) << moment_ns << " at " << before_ns << ", seed " << TestSeed();
    }
    if (moment_ns > after_ns) {
      ASSERT_FALSE(has_reached) << moment_ns << " at " << after_ns << ", seed " << TestSeed();
    }
  }
}

TEST(ClockTest, TellsARecentTimeThatIsNotOldAndNotToCome) {
  const Clock& clock = Clock::Steady();
  RecentTime recent;
  uint64_t last_ns = 0;
  Random random;
  for (size_t i = 0; i < Scaled(200000); ++i) {
    const uint64_t before_ns = clock.NowNanos();
    const uint64_t recent_ns = clock.RecentNanos(&recent);
    const uint64_t after_ns = clock.NowNanos();
    ASSERT_GE(recent_ns + Clock::kRecentNanosMax, before_ns) << "seed " << TestSeed();
    ASSERT_LE(recent_ns, after_ns);
    ASSERT_GE(recent_ns, last_ns);
    last_ns = recent_ns;
    if (random.OneIn(1000)) std::this_thread::sleep_for(std::chrono::microseconds(random.Below(100)));
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
