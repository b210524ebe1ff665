#include "core/arithmetic.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace shardmap {
namespace {

bool IsBigInt(ValueKind kind) { return kind == ValueKind::kBigInt || kind == ValueKind::kNegativeBigInt; }

// Sign and magnitude, the lowest word first; words beyond `count` are zero.
struct BigInt {
  bool is_negative = false;
  size_t count = 0;
  uint64_t words[kBigIntSumWordsMax] = {};

  // False where there are too many words.
  bool Read(ValueKind kind, const uint8_t* bytes, size_t size) {
    if (size > sizeof words) return false;
    is_negative = kind == ValueKind::kNegativeBigInt;
    count = size / sizeof words[0];
    if (size != 0) std::memcpy(words, bytes, size);
    return true;
  }
  void Trim() {
    while (count != 0 && words[count - 1] == 0) --count;
    if (count == 0) is_negative = false;
  }
};

bool HasLessMagnitude(const BigInt& a, const BigInt& b) {
  for (size_t i = kBigIntSumWordsMax; i-- != 0;) {
    if (a.words[i] != b.words[i]) return a.words[i] < b.words[i];
  }
  return false;
}

// False where the sum of the magnitudes has too many words.
bool AddMagnitude(BigInt* to, const BigInt& by) {
  uint64_t carry = 0;
  for (size_t i = 0; i < kBigIntSumWordsMax; ++i) {
    const uint64_t sum = to->words[i] + by.words[i];
    const uint64_t with_carry = sum + carry;
    carry = (sum < by.words[i] ? 1 : 0) + (with_carry < sum ? 1 : 0);
    to->words[i] = with_carry;
  }
  to->count = kBigIntSumWordsMax;
  return carry == 0;
}

// `by` is not larger.
void SubtractMagnitude(BigInt* from, const BigInt& by) {
  uint64_t borrow = 0;
  for (size_t i = 0; i < kBigIntSumWordsMax; ++i) {
    const uint64_t difference = from->words[i] - by.words[i];
    const uint64_t with_borrow = difference - borrow;
    borrow = (from->words[i] < by.words[i] ? 1 : 0) + (difference < borrow ? 1 : 0);
    from->words[i] = with_borrow;
  }
}

bool AddBigInt(BigInt* to, BigInt by) {
  if (to->is_negative == by.is_negative) {
    if (!AddMagnitude(to, by)) return false;
  } else {
    if (HasLessMagnitude(*to, by)) std::swap(*to, by);
    SubtractMagnitude(to, by);
  }
  to->Trim();
  return true;
}

}  // namespace

AddOutcome Add(const ReadValue& current, const Value& by, Sum* sum) {
  if (current.kind() == ValueKind::kNumber && by.kind() == ValueKind::kNumber) {
    double numbers[2];
    std::memcpy(&numbers[0], current.bytes(), sizeof numbers[0]);
    std::memcpy(&numbers[1], by.bytes(), sizeof numbers[1]);
    const double total = numbers[0] + numbers[1];
    if (!(std::abs(total) <= kNumberSumMax)) return AddOutcome::kOutOfRange;
    sum->kind_ = ValueKind::kNumber;
    sum->size_ = sizeof total;
    std::memcpy(sum->words_, &total, sizeof total);
    return AddOutcome::kAdded;
  }
  if (!IsBigInt(current.kind()) || !IsBigInt(by.kind())) return AddOutcome::kOtherType;
  BigInt total;
  BigInt summand;
  if (!total.Read(current.kind(), current.bytes(), current.size()) || !summand.Read(by.kind(), by.bytes(), by.size()) ||
      !AddBigInt(&total, summand)) {
    return AddOutcome::kOutOfRange;
  }
  sum->kind_ = total.is_negative ? ValueKind::kNegativeBigInt : ValueKind::kBigInt;
  sum->size_ = total.count * sizeof total.words[0];
  std::memcpy(sum->words_, total.words, sum->size_);
  return AddOutcome::kAdded;
}

}  // namespace shardmap
