// Counts of durations in nanoseconds, in buckets a sixteenth of their value wide; the longest exactly.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace shardmap::bench {

class Histogram {
 public:
  void Add(uint64_t nanos) {
    ++counts_[BucketOf(nanos)];
    ++total_;
    longest_ = std::max(longest_, nanos);
  }
  void Add(const Histogram& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
    longest_ = std::max(longest_, other.longest_);
  }

  uint64_t total() const { return total_; }
  uint64_t longest() const { return longest_; }

  // The duration that this share of all do not exceed, rounded up to its bucket's end.
  double Quantile(double share) const {
    const auto rank = static_cast<uint64_t>(share * static_cast<double>(total_));
    uint64_t below = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      below += counts_[i];
      if (below > rank) return static_cast<double>(std::min(EndOf(i), longest_));
    }
    return static_cast<double>(longest_);
  }

 private:
  static constexpr unsigned kStepBits = 4;
  static constexpr uint64_t kSteps = 1 << kStepBits;

  // Values below kSteps have a bucket each; above, each power of two has kSteps.
  static size_t BucketOf(uint64_t nanos) {
    if (nanos < kSteps) return nanos;
    const auto shift = static_cast<unsigned>(std::bit_width(nanos)) - kStepBits - 1;
    return (shift << kStepBits) + (nanos >> shift);
  }
  static uint64_t EndOf(size_t bucket) {
    if (bucket < 2 * kSteps) return bucket;
    const size_t shift = (bucket >> kStepBits) - 1;
    return ((bucket - (shift << kStepBits) + 1) << shift) - 1;
  }

  std::array<uint64_t, (64 - kStepBits + 1) << kStepBits> counts_{};
  uint64_t total_ = 0;
  uint64_t longest_ = 0;
};

}  // namespace shardmap::bench
