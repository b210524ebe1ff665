// A fast random number generator, one for each thread of a benchmark: splitmix64 (S. Vigna), two multiplications a
// number.
#pragma once

#include <cstdint>

namespace shardmap::bench {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0xd134'2543'de82'ef95) {}

  uint64_t Next() {
    uint64_t mixed = state_ += 0x9e37'79b9'7f4a'7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58'476d'1ce4'e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d0'49bb'1331'11eb;
    return mixed ^ (mixed >> 31);
  }
  // Below `bound`, which is at most 2^32.
  uint64_t Below(uint64_t bound) { return ((Next() >> 32) * bound) >> 32; }
  // From 0 to below 1.
  double Fraction() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

}  // namespace shardmap::bench
