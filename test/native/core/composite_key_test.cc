// Danger: two lists of parts have the same bytes, or one list has two kinds of bytes; or bytes that are no parts lead
// beyond their end.
#include "core/composite_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

using std::string_literals::operator""s;
using Parts = std::vector<OwnedKey>;

constexpr double kLargestInteger = 9007199254740992;  // 2^53

OwnedKey NumberPart(double number) {
  return {KeyKind::kNumber, std::string(reinterpret_cast<const char*>(&number), sizeof number)};
}

std::string BytesOf(const Parts& parts) {
  CompositeKeyWriter writer;
  for (const OwnedKey& part : parts) writer.Append(part.key());
  EXPECT_EQ(writer.key().kind, KeyKind::kComposite);
  return OwnedKey::Of(writer.key()).bytes;
}

size_t AlignmentOf(KeyKind kind) {
  switch (kind) {
    case KeyKind::kTwoByteString:
      return alignof(char16_t);
    case KeyKind::kNumber:
    case KeyKind::kBigInt:
    case KeyKind::kNegativeBigInt:
      return alignof(uint64_t);
    default:
      return 1;
  }
}

// The parts of a key, read from memory exactly as large as it is, so that AddressSanitizer sees a read beyond. Stops
// where the bytes are no part, which `is_whole` tells.
Parts PartsOf(const std::string& bytes, bool* is_whole) {
  const auto copy = std::make_unique<uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  CompositeKeyReader reader({KeyKind::kComposite, copy.get(), bytes.size()});
  Parts parts;
  for (Key part; reader.Next(&part);) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(part.bytes) % AlignmentOf(part.kind), 0u);
    parts.push_back(OwnedKey::Of(part));
  }
  *is_whole = reader.at_end();
  return parts;
}

void ExpectRoundTrip(const Parts& parts) {
  bool is_whole = false;
  EXPECT_EQ(PartsOf(BytesOf(parts), &is_whole), parts);
  EXPECT_TRUE(is_whole);
}

// Numbers around every bound of the coding, and some that are no integers.
std::vector<double> OddNumbers() {
  std::vector<double> numbers = {0.5,
                                 -0.5,
                                 1e300,
                                 std::numeric_limits<double>::denorm_min(),
                                 std::numeric_limits<double>::quiet_NaN(),
                                 std::numeric_limits<double>::infinity(),
                                 -std::numeric_limits<double>::infinity(),
                                 kLargestInteger + 2,
                                 -kLargestInteger - 2,
                                 std::ldexp(1, 63),
                                 -std::ldexp(1, 63),
                                 std::ldexp(1, 64)};
  for (int exponent = 0; exponent <= 53; ++exponent) {
    const double power = std::ldexp(1, exponent);
    for (const double number : {power, power - 1}) {
      numbers.push_back(number);
      if (number != 0) numbers.push_back(-number);
    }
  }
  return numbers;
}

OwnedKey AnyPart(Random& random) {
  static const std::vector<double> numbers = OddNumbers();
  static constexpr KeyKind kKinds[] = {KeyKind::kOneByteString, KeyKind::kTwoByteString,  KeyKind::kNumber,
                                       KeyKind::kBigInt,        KeyKind::kNegativeBigInt, KeyKind::kFalse,
                                       KeyKind::kTrue,          KeyKind::kNull,           KeyKind::kUndefined};
  const KeyKind kind = kKinds[random.Below(std::size(kKinds))];
  const auto few = [&](size_t step) { return std::string(step * random.Below(3), "\0\1k"[random.Below(3)]); };
  switch (kind) {
    case KeyKind::kOneByteString:
      return {kind, few(1)};
    case KeyKind::kTwoByteString:
      return {kind, few(2)};
    case KeyKind::kNumber:
      return NumberPart(numbers[random.Below(numbers.size())]);
    case KeyKind::kBigInt:
    case KeyKind::kNegativeBigInt:
      return {kind, few(8)};
    default:
      return {kind, ""};
  }
}

Parts AnyParts(Random& random) {
  Parts parts(random.Below(5));
  for (OwnedKey& part : parts) part = AnyPart(random);
  return parts;
}

TEST(CompositeKeyTest, HasTheBytesThatTheFormatSays) {
  EXPECT_EQ(BytesOf({}), "");
  EXPECT_EQ(BytesOf({OwnedKey("ann"), OwnedKey("token 78")}),
            "\x30"
            "ann"
            "\x80\x01"
            "token 78");
  EXPECT_EQ(BytesOf({NumberPart(0), NumberPart(-1), NumberPart(1), NumberPart(300)}), "\x0f\x1f\x2f\x8f\x4b"s);
  EXPECT_EQ(BytesOf({{KeyKind::kNull, ""}, {KeyKind::kTrue, ""}}), "\x08\x07");
}

TEST(CompositeKeyTest, GivesBackEveryNumber) {
  for (const double number : OddNumbers()) ExpectRoundTrip({NumberPart(number), OwnedKey("x"), NumberPart(number)});
}

TEST(CompositeKeyTest, KeepsIntegersInFewBytes) {
  EXPECT_EQ(BytesOf({NumberPart(3)}).size(), 1u);
  EXPECT_EQ(BytesOf({NumberPart(-512)}).size(), 2u);
  EXPECT_EQ(BytesOf({NumberPart(kLargestInteger)}).size(), 9u);
  EXPECT_EQ(BytesOf({NumberPart(0.5)}).size(), 10u);
}

TEST(CompositeKeyTest, GivesBackPartsOfAnySize) {
  Random random;
  for (size_t size = 0; size <= 3000; size += 1 + size / 7) {
    const OwnedKey one(random.Bytes(size));
    const OwnedKey two(KeyKind::kTwoByteString, random.Bytes(2 * size));
    const OwnedKey big(KeyKind::kBigInt, random.Bytes(8 * size));
    ExpectRoundTrip({one, two, one, big, two});
    ExpectRoundTrip(Parts(5, two));
  }
}

TEST(CompositeKeyTest, EqualBytesAreEqualParts) {
  Random random;
  std::map<std::string, Parts> parts_of;
  size_t met = 0;
  for (size_t round = 0; round < Scaled(200000); ++round) {
    const Parts parts = AnyParts(random);
    const auto [found, is_new] = parts_of.emplace(BytesOf(parts), parts);
    ASSERT_EQ(found->second, parts) << "seed " << TestSeed();
    met += is_new ? 0 : 1;
    if (is_new) ExpectRoundTrip(parts);
  }
  EXPECT_GT(met, 0u);
}

TEST(CompositeKeyTest, BytesOfPartsBeginThoseOfNoOther) {
  Random random;
  for (size_t round = 0; round < Scaled(200000); ++round) {
    const OwnedKey a = AnyPart(random);
    const OwnedKey b = AnyPart(random);
    if (a == b) continue;
    ASSERT_NE(BytesOf({b}).compare(0, BytesOf({a}).size(), BytesOf({a})), 0) << "seed " << TestSeed();
  }
}

TEST(CompositeKeyTest, CutBytesEndInNoPart) {
  Random random;
  for (size_t round = 0; round < Scaled(20000); ++round) {
    const Parts parts = AnyParts(random);
    const std::string bytes = BytesOf(parts);
    for (size_t size = 0; size < bytes.size(); ++size) {
      bool is_whole = false;
      const Parts found = PartsOf(bytes.substr(0, size), &is_whole);
      ASSERT_LT(found.size(), parts.size()) << "seed " << TestSeed();
      ASSERT_TRUE(std::equal(found.begin(), found.end(), parts.begin()));
    }
  }
}

TEST(CompositeKeyTest, AnyBytesCanBeRead) {
  Random random;
  for (size_t round = 0; round < Scaled(200000); ++round) {
    std::string bytes = random.OneIn(2) ? BytesOf(AnyParts(random)) : random.Bytes(random.Below(30));
    if (!bytes.empty()) bytes[random.Below(bytes.size())] = static_cast<char>(random.Word());
    bool is_whole = false;
    const Parts parts = PartsOf(bytes, &is_whole);
    ASSERT_LE(parts.size(), bytes.size());
    if (!is_whole) continue;
    ExpectRoundTrip(parts);
  }
}

TEST(CompositeKeyTest, RefusesHeadsOfNoPart) {
  for (const std::string& bytes : {
           "\x05"s,   // bytes
           "\x0a"s,   // a composite key in a composite key
           "\x0b"s,   // no kind at all
           "\x16x"s,  // false with content
           "\x11x"s,  // half of a two-byte character
           "\x42"
           "1234"s,  // half of a double
           "\x43"
           "1234"s,                                      // half of a bigint's word
           "\xf0\xff\xff\xff\xff\xff\xff\xff\xff\x01"s,  // longer than memory
           "\xf0\xff\xff\xff\xff\xff\xff\xff\xff\x02"s,  // more than 64 bits
           "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"s,  // no end
       }) {
    bool is_whole = true;
    EXPECT_TRUE(PartsOf(bytes, &is_whole).empty());
    EXPECT_FALSE(is_whole) << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace shardmap
