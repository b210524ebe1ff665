// Danger: a reader who enters and a reclaimer who looks for readers miss one another, because the reader's announcement
// is still on its way to memory when his first look is done; then memory is freed under him. Here the two meet in these
// few nanoseconds again and again.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "core/epoch.h"
#include "random_input.h"

namespace shardmap {
namespace {

// Keeps the calling thread to one of the processors that it may use: on a machine that has other things to do, two
// threads would often share one and never meet. Elsewhere they meet when they meet.
void KeepToProcessor([[maybe_unused]] int number) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < 2) return;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || number-- != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
  }
#endif
}

// A reader enters and looks for a thing, while a reclaimer unlinks the thing and looks for readers.
struct alignas(64) Meeting {
  EpochRecord record;
  alignas(64) std::atomic<bool> is_unlinked{false};
  alignas(64) std::atomic<int> ready{0};
  bool reader_found_it = false;
  bool reclaimer_frees_it = false;
};

class EpochMeetingTest : public testing::Test {
 protected:
  EpochMeetingTest() : has_membarrier_(internal::g_has_membarrier) {}
  ~EpochMeetingTest() override { internal::g_has_membarrier = has_membarrier_; }

  // How many of `count` meetings end with a thing freed that the reader found.
  size_t CountMissedMeetings(size_t count);

 private:
  // Returns when both are there. Who comes last hears of it first and waits a little, longer each time, so that now and
  // then both go on in the very same nanoseconds.
  static void WaitForBoth(Meeting& meeting, size_t round) {
    const bool is_last = meeting.ready.fetch_add(1) == 1;
    for (size_t spin = 0; is_last && spin < round % 64; ++spin) std::atomic_signal_fence(std::memory_order_seq_cst);
    for (int spin = 1; meeting.ready.load() != 2; ++spin) {
      if (spin % 1000 == 0) std::this_thread::yield();
    }
  }

  void Read(Meeting& meeting, size_t round) {
    (void)meeting.is_unlinked.load(std::memory_order_relaxed);  // so that the look is quick
    WaitForBoth(meeting, round);
    meeting.record.Enter(clock_);
    meeting.reader_found_it = !meeting.is_unlinked.load(std::memory_order_acquire);
  }

  void Reclaim(Meeting& meeting, size_t round) {
    meeting.record.Exit();  // takes its cache line, so that the announcement is slow
    WaitForBoth(meeting, round);
    meeting.is_unlinked.store(true, std::memory_order_release);
    const uint64_t epoch = clock_.Advance();
    HeavyFence();
    meeting.reclaimer_frees_it = !meeting.record.MayHold(epoch);
  }

  EpochClock clock_;
  const bool has_membarrier_;
};

size_t EpochMeetingTest::CountMissedMeetings(size_t count) {
  const auto meetings = std::make_unique<Meeting[]>(count);
  std::thread reader([&] {
    KeepToProcessor(0);
    for (size_t round = 0; round < count; ++round) Read(meetings[round], round);
  });
  std::thread reclaimer([&] {
    KeepToProcessor(1);
    for (size_t round = 0; round < count; ++round) Reclaim(meetings[round], round);
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
