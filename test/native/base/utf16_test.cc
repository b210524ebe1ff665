// Danger: a character loses its high byte unnoticed, and two different keys become one; or a byte beyond the end is
// written, by the vector step or by the loop that takes what is left.
#include "base/utf16.h"

#include <gtest/gtest.h>

#include <vector>

#include "random_input.h"

namespace shardmap {
namespace {

constexpr size_t kUnitsMax = 100;  // several vector steps and every remainder
constexpr size_t kGuardBytes = 32;
constexpr uint8_t kGuard = 0xa5;

// Narrows and checks that nothing beyond `units.size()` bytes was written.
bool Narrow(const std::vector<char16_t>& units, std::vector<uint8_t>* bytes) {
  bytes->assign(units.size() + kGuardBytes, kGuard);
  const bool fits = NarrowUtf16(units.data(), units.size(), bytes->data());
  for (size_t i = units.size(); i < bytes->size(); ++i) EXPECT_EQ((*bytes)[i], kGuard) << units.size() << " units";
  bytes->resize(units.size());
  return fits;
}

TEST(Utf16Test, NarrowsEveryLengthAndEveryByte) {
  for (size_t count = 0; count <= kUnitsMax; ++count) {
    for (unsigned first = 0; first < 256; first += 5) {
      std::vector<char16_t> units(count);
      for (size_t i = 0; i < count; ++i) units[i] = static_cast<char16_t>((first + i) & 255);
      std::vector<uint8_t> bytes;
      ASSERT_TRUE(Narrow(units, &bytes));
      for (size_t i = 0; i < count; ++i) ASSERT_EQ(bytes[i], units[i]) << "unit " << i << " of " << count;
    }
  }
}

TEST(Utf16Test, NoticesOneWideUnitAnywhere) {
  for (const unsigned wide : {0x0100, 0x0180, 0x01ff, 0x0700, 0x8000, 0xd800, 0xdfff, 0xff00, 0xffff}) {
    for (size_t count = 1; count <= kUnitsMax; ++count) {
      for (size_t at = 0; at < count; ++at) {
        std::vector<char16_t> units(count, u'\xff');
        units[at] = static_cast<char16_t>(wide);
        std::vector<uint8_t> bytes;
        ASSERT_FALSE(Narrow(units, &bytes)) << std::hex << wide << " at " << std::dec << at << " of " << count;
      }
    }
  }
}

TEST(Utf16Test, ReadsFromAnyAddress) {
  std::vector<char16_t> units(kUnitsMax + 8);
  for (size_t i = 0; i < units.size(); ++i) units[i] = static_cast<char16_t>(i);
  for (size_t offset = 0; offset < 8; ++offset) {
    std::vector<uint8_t> bytes(kUnitsMax);
    ASSERT_TRUE(NarrowUtf16(units.data() + offset, kUnitsMax, bytes.data()));
    for (size_t i = 0; i < kUnitsMax; ++i) ASSERT_EQ(bytes[i], offset + i);
  }
}

TEST(Utf16Test, AgreesWithAPlainLoopOnRandomUnits) {
  Random random;
  for (size_t round = 0; round < Scaled(20000); ++round) {
    std::vector<char16_t> units(random.Below(kUnitsMax));
    bool fits = true;
    for (char16_t& unit : units) {
      unit = static_cast<char16_t>(random.OneIn(60) ? random.Below(65536) : random.Below(256));
      fits = fits && unit < 256;
    }
    std::vector<uint8_t> bytes;
    ASSERT_EQ(Narrow(units, &bytes), fits);
    for (size_t i = 0; fits && i < units.size(); ++i) ASSERT_EQ(bytes[i], units[i]);
  }
}

}  // namespace
}  // namespace shardmap
