// Numbered things by when each is due: the next of them at once, and any one's due put or changed in logarithmic time.
// A binary heap that knows where in it each thing is. Of those that are due at one time, who was put first comes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/lifetime.h"

namespace shardmap {

class DueQueue {
 public:
  // Things have numbers below this from now on; it only grows. Nothing else allocates. Throws std::bad_alloc.
  void Grow(size_t things);

  bool empty() const { return heap_.empty(); }
  // The number of the thing that is due first; not where it is empty.
  size_t first() const { return heap_.front().thing; }
  // kForever where it is empty.
  uint64_t first_due_ns() const { return heap_.empty() ? kForever : heap_.front().due_ns; }
  // kForever where the thing is not in it.
  uint64_t due_ns(size_t thing) const { return places_[thing] == kNowhere ? kForever : heap_[places_[thing]].due_ns; }

  // Puts the thing in, or changes when it is due.
  void Put(size_t thing, uint64_t due_ns);
  // Where it is in.
  void Remove(size_t thing);

 private:
  static constexpr uint32_t kNowhere = UINT32_MAX;

  struct Node {
    uint64_t due_ns;
    uint32_t turn;
    uint32_t thing;

    bool IsBefore(const Node& other) const {
      if (due_ns != other.due_ns) return due_ns < other.due_ns;
      return static_cast<int32_t>(turn - other.turn) < 0;  // turns may begin anew
    }
  };

  // Finds the place of a node, looking from a free one both ways.
  void Settle(size_t place, const Node& node);
  void SetAt(size_t place, const Node& node) {
    heap_[place] = node;
    places_[node.thing] = static_cast<uint32_t>(place);
  }

  std::vector<Node> heap_;
  std::vector<uint32_t> places_;  // in the heap, by thing
  uint32_t turns_ = 0;
};

}  // namespace shardmap
