// Danger: a checksum that differs from one machine to another makes a log unreadable; a weak one hides damage.
#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

#include "random_input.h"

namespace shardmap {
namespace {

TEST(Crc32cTest, IsWhatRfc3720Gives) {
  EXPECT_EQ(Crc32c("", 0), 0u);
  EXPECT_EQ(Crc32c("123456789", 9), 0xe3069283u);
  std::string bytes(32, '\0');
  EXPECT_EQ(Crc32c(bytes.data(), 32), 0x8a9136aau);
  bytes.assign(32, '\xff');
  EXPECT_EQ(Crc32c(bytes.data(), 32), 0x62a8ab43u);
  for (size_t i = 0; i < 32; ++i) bytes[i] = static_cast<char>(i);
  EXPECT_EQ(Crc32c(bytes.data(), 32), 0x46dd794eu);
}

TEST(Crc32cTest, IsTheSameWithAndWithoutTheInstructionAndInParts) {
  Random random;
  const std::string bytes = random.Bytes(5000);
  for (size_t i = 0; i < Scaled(2000); ++i) {
    const size_t from = random.Below(100);
    const size_t size = random.OneIn(4) ? random.Below(bytes.size() - from) : random.Below(40);
    const size_t part = random.Below(size + 1);
    const uint32_t whole = Crc32c(bytes.data() + from, size);
    EXPECT_EQ(internal::ExtendCrc32cByTable(0, bytes.data() + from, size), whole) << "seed " << TestSeed();
    const uint32_t first = Crc32c(bytes.data() + from, part);
    EXPECT_EQ(ExtendCrc32c(first, bytes.data() + from + part, size - part), whole) << "seed " << TestSeed();
  }
}

}  // namespace
}  // namespace shardmap
