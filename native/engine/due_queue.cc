#include "engine/due_queue.h"

namespace shardmap {

void DueQueue::Grow(size_t things) {
  heap_.reserve(things);
  places_.resize(things, kNowhere);
}

void DueQueue::Put(size_t thing, uint64_t due_ns) {
  const Node node{due_ns, turns_++, static_cast<uint32_t>(thing)};
  if (places_[thing] != kNowhere) return Settle(places_[thing], node);
  heap_.push_back(node);
  Settle(heap_.size() - 1, node);
}

void DueQueue::Remove(size_t thing) {
  const size_t place = places_[thing];
  if (place == kNowhere) return;
  places_[thing] = kNowhere;
  const Node last = heap_.back();
  heap_.pop_back();
  if (place < heap_.size()) Settle(place, last);
}

void DueQueue::Settle(size_t place, const Node& node) {
  while (place > 0) {
    const size_t parent = (place - 1) / 2;
    if (!node.IsBefore(heap_[parent])) break;
    SetAt(place, heap_[parent]);
    place = parent;
  }
  for (size_t child = 2 * place + 1; child < heap_.size(); child = 2 * place + 1) {
    if (child + 1 < heap_.size() && heap_[child + 1].IsBefore(heap_[child])) ++child;
    if (!heap_[child].IsBefore(node)) break;
    SetAt(place, heap_[child]);
    place = child;
  }
  SetAt(place, node);
}

}  // namespace shardmap
