// What a store counts, so that counting costs no more than a store to a cache line that the thread has anyway: each
// session counts for itself, and who asks adds up (D. Dice, Y. Lev and M. Moir, "Scalable statistics counters", 2013,
// its simplest kind).
#pragma once

#include <atomic>
#include <cstdint>

namespace shardmap {

// Written by one thread at a time, read by all.
class Counter {
 public:
  // Nothing in a build that shows what counting costs (CMakeLists.txt, SHARDMAP_COUNTING).
#if defined(SHARDMAP_NO_COUNTING)
  void Add(uint64_t) {}
#else
  void Add(uint64_t count) { value_.store(value() + count, std::memory_order_relaxed); }
#endif
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Operations on keys; of a batch each key is one. What a log replays is none.
template <typename Figure>
struct OperationFigures {
  Figure read_hits{};  // of values
  Figure read_misses{};
  Figure has_hits{};
  Figure has_misses{};
  Figure inserts{};
  Figure overwrites{};
  Figure deletes{};
  Figure delete_misses{};
  Figure clears{};

  // Calls `visit` with each of these, and with its like in `other`.
  template <typename Other, typename Visit>
  void Zip(const OperationFigures<Other>& other, Visit visit) {
    visit(read_hits, other.read_hits);
    visit(read_misses, other.read_misses);
    visit(has_hits, other.has_hits);
    visit(has_misses, other.has_misses);
    visit(inserts, other.inserts);
    visit(overwrites, other.overwrites);
    visit(deletes, other.deletes);
    visit(delete_misses, other.delete_misses);
    visit(clears, other.clears);
  }
};

// Of one session.
struct OperationCounters : OperationFigures<Counter> {
  void CountRead(bool is_hit) { (is_hit ? read_hits : read_misses).Add(1); }
  void CountReads(uint64_t hits, uint64_t misses) {
    read_hits.Add(hits);
    read_misses.Add(misses);
  }
  void CountHas(uint64_t hits, uint64_t misses) {
    has_hits.Add(hits);
    has_misses.Add(misses);
  }
  void CountPut(bool is_insert) { (is_insert ? inserts : overwrites).Add(1); }
  void CountDeletes(uint64_t done, uint64_t misses) {
    deletes.Add(done);
    delete_misses.Add(misses);
  }
};
using OperationCounts = OperationFigures<uint64_t>;

}  // namespace shardmap
