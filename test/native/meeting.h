// Two threads that begin something in the very same nanoseconds, again and again: what a race of a few instructions
// needs to be lost within a second.
#pragma once

#include <atomic>
#include <cstddef>

namespace shardmap {

// Where two threads meet, round after round.
class MeetingPoint {
 public:
  // Returns when both threads have called it for this round; rounds count from 0, none left out. Who comes last hears
  // of it first and waits a little, longer each time, so that now and then both go on at the same moment.
  void Meet(size_t round);

 private:
  alignas(64) std::atomic<size_t> arrivals_{0};
};

// Keeps the calling thread to one of the processors that it may use, 0 or 1: on a machine that has other things to do,
// two threads would often share one and never meet. Where the system has no such call, they meet when they meet.
void KeepToProcessor(int number);

}  // namespace shardmap
