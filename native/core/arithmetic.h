// Sums of values that are counters.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/value.h"

namespace shardmap {

// The largest magnitude up to which all integers are doubles: 2^53 - 1. No sum of numbers is larger, or NaN.
inline constexpr double kNumberSumMax = 9007199254740991.0;
// So many 64-bit words no sum of bigints exceeds: it fits inside an entry.
inline constexpr size_t kBigIntSumWordsMax = kInlineValueBytesMax / 8;

enum class AddOutcome : uint8_t {
  kAdded,
  kOtherType,   // not both are numbers, nor both bigints
  kOutOfRange,  // the sum, or a bigint that is added, is beyond what is said above
};

class Sum {
 public:
  // Refers to the sum.
  Value value() const { return Value(kind_, words_, size_); }

 private:
  friend AddOutcome Add(const ReadValue& current, const Value& by, Sum* sum);

  ValueKind kind_ = ValueKind::kNumber;
  size_t size_ = 0;
  uint64_t words_[kBigIntSumWordsMax];
};

AddOutcome Add(const ReadValue& current, const Value& by, Sum* sum);

}  // namespace shardmap
