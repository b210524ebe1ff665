// Danger: a counter that is wrong by a carry, that silently stops being exact, or that takes one type for another.
#include "core/arithmetic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/store.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

using Words = std::vector<uint64_t>;

// A counter of a store, as who adds to it sees it.
class ArithmeticTest : public testing::Test {
 protected:
  void Set(const Value& value) {
    ASSERT_TRUE(store_.Set(*session_, key_.key(), Value(value.kind(), value.bytes(), value.size())).ok());
  }
  PutOutcome Add(Value by) {
    const ReadGuard guard(*session_);
    ReadValue total;
    return store_.Add(guard, *session_, key_.key(), std::move(by), &total).value();
  }
  PutOutcome AddNumber(double by) { return Add(Value(ValueKind::kNumber, &by, sizeof by)); }
  PutOutcome AddBigInt(bool is_negative, const Words& words) { return Add(BigInt(is_negative, words)); }
  double Number() {
    const ReadGuard guard(*session_);
    ReadValue value;
    EXPECT_TRUE(store_.Get(guard, key_.key(), &value));
    EXPECT_EQ(value.kind(), ValueKind::kNumber);
    double number = 0;
    std::memcpy(&number, value.bytes(), sizeof number);
    return number;
  }
  std::pair<ValueKind, Words> Stored() {
    const ReadGuard guard(*session_);
    ReadValue value;
    EXPECT_TRUE(store_.Get(guard, key_.key(), &value));
    Words words(value.size() / sizeof(uint64_t));
    if (value.size() != 0) std::memcpy(words.data(), value.bytes(), value.size());
    return {value.kind(), words};
  }
  static Value BigInt(bool is_negative, const Words& words) {
    return Value(is_negative ? ValueKind::kNegativeBigInt : ValueKind::kBigInt, words.data(),
                 words.size() * sizeof(uint64_t));
  }

  Store store_{OptionsFor(1)};
  OpenedSession session_{store_};
  const OwnedKey key_{"counter"};
};

TEST_F(ArithmeticTest, CountsFromNothing) {
  EXPECT_EQ(AddNumber(2.5), PutOutcome::kInserted);
  EXPECT_EQ(AddNumber(-4), PutOutcome::kOverwritten);
  EXPECT_EQ(Number(), -1.5);
}

TEST_F(ArithmeticTest, RefusesNumbersThatWouldNotBeExact) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  AddNumber(kNumberSumMax - 1);
  EXPECT_EQ(AddNumber(1), PutOutcome::kOverwritten);
  for (const double by : {1.0, kNumberSumMax, kInfinity, -kInfinity, std::nan("")}) {
    EXPECT_EQ(AddNumber(by), PutOutcome::kOutOfRange) << by;
    EXPECT_EQ(Number(), kNumberSumMax);
  }
  EXPECT_EQ(AddNumber(-2 * kNumberSumMax), PutOutcome::kOverwritten);
  EXPECT_EQ(AddNumber(-1), PutOutcome::kOutOfRange);
  EXPECT_EQ(Number(), -kNumberSumMax);
}

TEST_F(ArithmeticTest, RefusesAnotherType) {
  const double one = 1;
  for (const ValueKind kind : {ValueKind::kUndefined, ValueKind::kNull, ValueKind::kFalse, ValueKind::kTrue,
                               ValueKind::kOneByteString, ValueKind::kPlain, ValueKind::kFloat64Array}) {
    Set(kind < ValueKind::kNumber ? Value(kind) : Value(kind, &one, sizeof one));
    EXPECT_EQ(AddNumber(1), PutOutcome::kOtherType);
    EXPECT_EQ(AddBigInt(false, {1}), PutOutcome::kOtherType);
    EXPECT_EQ(Stored().first, kind);
  }
  Set(Value(ValueKind::kNumber, &one, sizeof one));
  EXPECT_EQ(AddBigInt(false, {1}), PutOutcome::kOtherType);
  Set(BigInt(true, {1}));
  EXPECT_EQ(AddNumber(1), PutOutcome::kOtherType);
}

TEST_F(ArithmeticTest, CarriesAndBorrowsThroughAllWords) {
  const Words ones(kBigIntSumWordsMax - 1, UINT64_MAX);
  Words power(kBigIntSumWordsMax, 0);
  power.back() = 1;
  Set(BigInt(false, ones));
  EXPECT_EQ(AddBigInt(false, {1}), PutOutcome::kOverwritten);
  EXPECT_EQ(Stored(), std::pair(ValueKind::kBigInt, power));
  EXPECT_EQ(AddBigInt(true, {1}), PutOutcome::kOverwritten);
  EXPECT_EQ(Stored(), std::pair(ValueKind::kBigInt, ones));
  EXPECT_EQ(AddBigInt(true, power), PutOutcome::kOverwritten);
  EXPECT_EQ(Stored(), std::pair(ValueKind::kNegativeBigInt, Words{1}));
  EXPECT_EQ(AddBigInt(false, {1}), PutOutcome::kOverwritten);
  EXPECT_EQ(Stored(), std::pair(ValueKind::kBigInt, Words{}));
}

TEST_F(ArithmeticTest, RefusesBigIntsThatAreTooLarge) {
  const Words largest(kBigIntSumWordsMax, UINT64_MAX);
  const Words larger(kBigIntSumWordsMax + 1, 1);
  for (const bool is_negative : {false, true}) {
    Set(BigInt(is_negative, largest));
    EXPECT_EQ(AddBigInt(is_negative, {1}), PutOutcome::kOutOfRange);
    EXPECT_EQ(AddBigInt(!is_negative, larger), PutOutcome::kOutOfRange);
    EXPECT_EQ(Stored().second, largest);
    Set(BigInt(is_negative, larger));
    EXPECT_EQ(AddBigInt(!is_negative, {1}), PutOutcome::kOutOfRange);
    EXPECT_EQ(Stored().second, larger);
  }
}

// Sums of two words at most, in the machine's own 128 bits.
TEST_F(ArithmeticTest, AddsAsTheMachineDoes) {
  __extension__ using Wide = __int128;
  const auto words_of = [](Wide magnitude) {
    Words words{static_cast<uint64_t>(magnitude), static_cast<uint64_t>(magnitude >> 64)};
    while (!words.empty() && words.back() == 0) words.pop_back();
    return words;
  };
  Random random;
  Wide total = 0;
  Set(BigInt(false, {}));
  for (uint64_t i = 0; i < Scaled(100000); ++i) {
    Wide by = static_cast<Wide>(random.Below(UINT64_MAX)) << random.Below(50) >> random.Below(64);
    if (total > 0 ? !random.OneIn(4) : random.OneIn(4)) by = -by;
    if (random.OneIn(20)) by = -total + static_cast<Wide>(random.Below(3)) - 1;
    total += by;
    ASSERT_EQ(AddBigInt(by < 0, words_of(by < 0 ? -by : by)), PutOutcome::kOverwritten);
    const auto [kind, words] = Stored();
    ASSERT_EQ(kind, total < 0 ? ValueKind::kNegativeBigInt : ValueKind::kBigInt) << i;
    ASSERT_EQ(words, words_of(total < 0 ? -total : total)) << i;
  }
}

}  // namespace
}  // namespace shardmap
