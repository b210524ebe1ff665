// Popularity by Zipf's law, as YCSB draws it: item r of n is drawn in proportion to 1 / (r + 1)^0.99.
//
// The method is that of J. Gray et al., "Quickly generating billion-record synthetic databases" (SIGMOD 1994). A draw
// takes a power, which is dearer than an operation on a map: so draws are made ahead, more than a benchmark uses, and
// read in order.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "random.h"

namespace shardmap::bench {

class ZipfDraws {
 public:
  ZipfDraws(uint64_t items, size_t draws) : ranks_(draws) {
    const double zeta = Zeta(items);
    const double alpha = 1 / (1 - kTheta);
    const double eta = (1 - std::pow(2.0 / static_cast<double>(items), 1 - kTheta)) / (1 - Zeta(2) / zeta);
    Random random(0);
    for (uint32_t& rank : ranks_) {
      const double u = random.Fraction();
      if (u * zeta < 1) {
        rank = 0;
      } else if (u * zeta < Zeta(2)) {
        rank = 1;
      } else {
        rank = static_cast<uint32_t>(static_cast<double>(items) * std::pow(eta * u - eta + 1, alpha));
      }
    }
  }

  // The rank of the item drawn, 0 the most popular. Draws repeat after as many as were made.
  uint32_t operator[](size_t draw) const { return ranks_[draw % ranks_.size()]; }
  size_t size() const { return ranks_.size(); }

 private:
  static constexpr double kTheta = 0.99;

  static double Zeta(uint64_t items) {
    double sum = 0;
    for (uint64_t i = 1; i <= items; ++i) sum += std::pow(1 / static_cast<double>(i), kTheta);
    return sum;
  }

  std::vector<uint32_t> ranks_;
};

}  // namespace shardmap::bench
