// Danger: a number that is read otherwise than it was written, or a length from a damaged file that reads past its end.
#include "base/coding.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "random_input.h"

namespace shardmap {
namespace {

TEST(CodingTest, FixedNumbersAreLittleEndian) {
  uint8_t bytes[14];
  uint8_t* end = StoreLittle16(bytes, 0x0102);
  end = StoreLittle32(end, 0x03040506);
  end = StoreLittle64(end, 0x0708090a0b0c0d0e);
  EXPECT_EQ(end, bytes + sizeof bytes);
  const uint8_t expected[] = {2, 1, 6, 5, 4, 3, 14, 13, 12, 11, 10, 9, 8, 7};
  EXPECT_TRUE(std::equal(bytes, end, expected));
  EXPECT_EQ(LoadLittle16(bytes), 0x0102);
  EXPECT_EQ(LoadLittle32(bytes + 2), 0x03040506u);
  EXPECT_EQ(LoadLittle64(bytes + 6), 0x0708090a0b0c0d0eu);
}

TEST(CodingTest, VarintsAreTakenAsTheyWereStored) {
  Random random;
  for (unsigned bits = 0; bits <= 64; ++bits) {
    for (int i = 0; i < 100; ++i) {
      const uint64_t word = bits == 0 ? 0 : (random.Word() | uint64_t{1} << 63) >> (64 - bits);
      uint8_t bytes[kVarintBytesMax];
      const size_t size = static_cast<size_t>(StoreVarint(bytes, word) - bytes);
      EXPECT_EQ(size, VarintBytes(word));
      Decoder decoder({bytes, size});
      uint64_t taken = ~word;
      EXPECT_TRUE(decoder.TakeVarint(&taken));
      EXPECT_EQ(taken, word) << "seed " << TestSeed();
      EXPECT_EQ(decoder.left(), 0u);
      Decoder cut({bytes, size - 1});
      EXPECT_FALSE(cut.TakeVarint(&taken));
    }
  }
}

TEST(CodingTest, VarintsThatAreNotTheShortestAreRefused) {
  const std::vector<std::vector<uint8_t>> bad = {
      {0x80, 0x00},
      {0xff, 0x80, 0x00},
      {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02},
      {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
  };
  for (const auto& bytes : bad) {
    Decoder decoder(bytes);
    uint64_t word;
    EXPECT_FALSE(decoder.TakeVarint(&word));
  }
}

TEST(CodingTest, NothingIsTakenThatIsNotThere) {
  const uint8_t bytes[3] = {1, 2, 3};
  uint8_t byte;
  uint32_t word;
  uint64_t long_word;
  std::span<const uint8_t> view;
  EXPECT_FALSE(Decoder(bytes).Take32(&word));
  EXPECT_FALSE(Decoder(bytes).Take64(&long_word));
  EXPECT_FALSE(Decoder(bytes).TakeBytes(4, &view));
  EXPECT_FALSE(Decoder(bytes).TakeBytes(UINT64_MAX, &view));
  EXPECT_FALSE(Decoder({}).Take8(&byte));
  Decoder decoder(bytes);
  EXPECT_TRUE(decoder.TakeBytes(2, &view));
  EXPECT_EQ(view[1], 2);
  EXPECT_FALSE(decoder.Take32(&word));
  EXPECT_FALSE(decoder.Take8(&byte)) << "after a failure nothing is there any more";
}

}  // namespace
}  // namespace shardmap
