// Two threads that begin something in the very same nanoseconds, again and again: what a race of a few instructions
// needs to be lost within a second.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace shardmap {

// Where two threads meet, round after round.
class MeetingPoint {
 public:
  // Returns when both threads have called it for this round; rounds count from 0, none left out. Who comes last hears
  // of it first and waits a little, longer each time, so that now and then both go on at the same moment. False, for
  // both, when it is time to stop: on a machine with other things to do, meetings may take milliseconds each.
  [[nodiscard]] bool Meet(size_t round);

 private:
  static constexpr std::chrono::seconds kTimeMax{10};

  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  alignas(64) std::atomic<size_t> arrivals_{0};
  alignas(64) std::atomic<size_t> stops_at_{SIZE_MAX};  // a round; set before the round is met, so that both see it
};

// Keeps the calling thread to one of the processors that it may use, 0 or 1: on a machine that has other things to do,
// two threads would often share one and never meet. Where the system has no such call, they meet when they meet.
void KeepToProcessor(int number);

}  // namespace shardmap
