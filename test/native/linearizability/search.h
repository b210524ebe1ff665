// The search for an order of operations on one key that explains all of their results.
//
// Two things keep it short. What has been put in order is a prefix of each lane, where a lane is a chain of operations
// that do not overlap, so a set of operations is told by a few counts. And an operation whose result says that it
// changed nothing is put next as soon as it may be, without a choice: whatever order explains the rest explains it with
// that one moved there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "linearizability/history.h"

namespace shardmap {

class LinearizationSearch {
 public:
  // `state` is the key's value before, or Operation::kAbsent.
  LinearizationSearch(const History& operations, uint64_t state);

  // Whether an order exists.
  bool Run();

  // After a search in vain: the first return that no order gets past. The operations called before it are the shortest
  // beginning of the history that nothing explains.
  uint64_t unexplained_return_ns() const { return unexplained_return_ns_; }

 private:
  // Calls and returns by time, in a list from which the operations put in order are taken out. Event 0 is both ends.
  struct Event {
    size_t operation;
    uint64_t time_ns;
    bool is_return;
    size_t previous = 0;
    size_t next = 0;
  };
  struct Step {
    size_t operation;
    uint64_t state_before;
  };

  void AssignLanes();
  void LinkEvents();
  void Unlink(size_t event);
  void Relink(size_t event);
  // Takes the operation next, if the state allows its result and that leads anywhere new.
  bool TryNext(size_t operation);
  // Takes back the last choice. Returns the event to go on with, or 0 where no choice is left.
  size_t Backtrack();
  // The counts of the lanes and the state as one string.
  std::u32string Configuration(uint64_t state) const;

  const History& operations_;
  uint64_t state_;
  size_t returns_left_ = 0;
  uint64_t unexplained_return_ns_ = 0;
  std::vector<size_t> lane_of_;    // by operation
  std::vector<size_t> call_of_;    // by operation: its events
  std::vector<size_t> return_of_;  // 0 if pending
  std::vector<Event> events_;
  std::vector<Step> steps_;
  std::u32string done_;  // by lane: how many of its operations are in order
  std::unordered_set<std::u32string> visited_;
};

}  // namespace shardmap
