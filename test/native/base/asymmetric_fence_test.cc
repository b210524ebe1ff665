// Danger: the light fence does not keep a reader's announcement before its reads, so that reader and reclaimer miss one
// another and memory is freed under the reader. The litmus test below is exactly that meeting.
#include "base/asymmetric_fence.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "meeting.h"
#include "random_input.h"

namespace shardmap {
namespace {

// One meeting of a reader, who announces himself and then looks, with a reclaimer, who unlinks and then looks.
struct alignas(64) Meeting {
  std::atomic<int> announced{0};
  alignas(64) std::atomic<int> unlinked{0};
  int reader_saw = -1;
  int reclaimer_saw = -1;
};

// How many of `count` meetings ended with neither having seen the other.
size_t CountMissedMeetings(size_t count) {
  const auto meetings = std::make_unique<Meeting[]>(count);
  MeetingPoint point;
  std::thread reader([&] {
    for (size_t i = 0; i < count; ++i) {
      meetings[i].unlinked.store(0, std::memory_order_relaxed);  // takes the line, so that the other's store is slow
      if (!point.Meet(i)) break;
      meetings[i].announced.store(1, std::memory_order_relaxed);
      LightFence();
      meetings[i].reader_saw = meetings[i].unlinked.load(std::memory_order_relaxed);
    }
  });
  for (size_t i = 0; i < count; ++i) {
    meetings[i].announced.store(0, std::memory_order_relaxed);
    if (!point.Meet(i)) break;
    meetings[i].unlinked.store(1, std::memory_order_relaxed);
    HeavyFence();
    meetings[i].reclaimer_saw = meetings[i].announced.load(std::memory_order_relaxed);
  }
  reader.join();
  size_t missed = 0;
  for (size_t i = 0; i < count; ++i) missed += meetings[i].reader_saw == 0 && meetings[i].reclaimer_saw == 0;
  return missed;
}

TEST(AsymmetricFenceTest, ReaderOrReclaimerSeesTheOther) {
  AsymmetricFenceInit();
  EXPECT_EQ(CountMissedMeetings(Scaled(100000)), 0u);
}

TEST(AsymmetricFenceTest, WorksWhereTheKernelHasNoMembarrier) {
  AsymmetricFenceInit();
  const bool has_membarrier = internal::g_has_membarrier;
  internal::g_has_membarrier = false;
  EXPECT_EQ(CountMissedMeetings(Scaled(100000)), 0u);
  internal::g_has_membarrier = has_membarrier;
}

TEST(AsymmetricFenceTest, MayBeInitialisedOftenAndFromManyThreads) {
  AsymmetricFenceInit();
  const bool has_membarrier = internal::g_has_membarrier;
  std::thread other(AsymmetricFenceInit);
  AsymmetricFenceInit();
  other.join();
  EXPECT_EQ(internal::g_has_membarrier, has_membarrier);
}

}  // namespace
}  // namespace shardmap
