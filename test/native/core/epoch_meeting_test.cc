// Danger: a reader who enters and a reclaimer who looks for readers miss one another, because the reader's announcement
// is still on its way to memory when his first look is done; then memory is freed under him. Here the two meet in these
// few nanoseconds again and again.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "core/epoch.h"
#include "meeting.h"
#include "random_input.h"

namespace shardmap {
namespace {

// A reader enters and looks for a thing, while a reclaimer unlinks the thing and looks for readers.
struct alignas(64) Meeting {
  EpochRecord record;
  alignas(64) std::atomic<bool> is_unlinked{false};
  alignas(64) bool reader_found_it = false;
  bool reclaimer_frees_it = false;
};

class EpochMeetingTest : public testing::Test {
 protected:
  EpochMeetingTest() : has_membarrier_(internal::g_has_membarrier) {}
  ~EpochMeetingTest() override { internal::g_has_membarrier = has_membarrier_; }

  // How many of `count` meetings end with a thing freed that the reader found.
  size_t CountMissedMeetings(size_t count);

 private:
  // These two return whether they met.
  bool Read(Meeting& meeting, size_t round) {
    (void)meeting.is_unlinked.load(std::memory_order_relaxed);  // so that the look is quick
    if (!point_.Meet(round)) return false;
    meeting.record.Enter(clock_);
    meeting.reader_found_it = !meeting.is_unlinked.load(std::memory_order_acquire);
    return true;
  }

  bool Reclaim(Meeting& meeting, size_t round) {
    meeting.record.Exit();  // takes its cache line, so that the announcement is slow
    if (!point_.Meet(round)) return false;
    meeting.is_unlinked.store(true, std::memory_order_release);
    const uint64_t epoch = clock_.Advance();
    HeavyFence();
    meeting.reclaimer_frees_it = !meeting.record.MayHold(epoch);
    return true;
  }

  EpochClock clock_;
  MeetingPoint point_;
  const bool has_membarrier_;
};

size_t EpochMeetingTest::CountMissedMeetings(size_t count) {
  const auto meetings = std::make_unique<Meeting[]>(count);
  std::thread reader([&] {
    KeepToProcessor(0);
    for (size_t round = 0; round < count && Read(meetings[round], round);) ++round;
  });
  std::thread reclaimer([&] {
    KeepToProcessor(1);
    for (size_t round = 0; round < count && Reclaim(meetings[round], round);) ++round;
  });
  reader.join();
  reclaimer.join();
  size_t missed = 0;
  for (size_t round = 0; round < count; ++round) {
    missed += meetings[round].reader_found_it && meetings[round].reclaimer_frees_it ? 1 : 0;
  }
  return missed;
}

TEST_F(EpochMeetingTest, WhatAReaderFoundIsNotFreed) { EXPECT_EQ(CountMissedMeetings(Scaled(20000)), 0u); }

TEST_F(EpochMeetingTest, NorWhereTheKernelHasNoMembarrier) {
  internal::g_has_membarrier = false;
  EXPECT_EQ(CountMissedMeetings(Scaled(100000)), 0u);
}

}  // namespace
}  // namespace shardmap
