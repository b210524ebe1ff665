// Danger: two keys are taken for one, or one for two, because a comparison that is fast for short keys skips a byte.
#include "core/key.h"

#include <gtest/gtest.h>

#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

bool Same(const std::string& a, const std::string& b) {
  return SameBytes(reinterpret_cast<const uint8_t*>(a.data()), reinterpret_cast<const uint8_t*>(b.data()), a.size());
}

TEST(KeyTest, EqualBytesAreTheSameAtAnyAddress) {
  Random random;
  for (size_t size = 0; size <= 300; ++size) {
    const std::string bytes = random.Bytes(size);
    const std::string shifted = "xyz" + bytes;
    EXPECT_TRUE(SameBytes(reinterpret_cast<const uint8_t*>(bytes.data()),
                          reinterpret_cast<const uint8_t*>(shifted.data()) + 3, size))
        << size;
  }
}

TEST(KeyTest, NoticesADifferenceInAnyByte) {
  Random random;
  for (size_t size = 1; size <= 300; ++size) {
    const std::string bytes = random.Bytes(size);
    for (size_t at = 0; at < size; ++at) {
      std::string other = bytes;
      other[at] = static_cast<char>(other[at] ^ (1 << random.Below(8)));
      ASSERT_FALSE(Same(bytes, other)) << "byte " << at << " of " << size;
    }
  }
}

TEST(KeyTest, LooksAtNoByteBeyondTheEnd) {
  for (size_t size = 0; size <= 80; ++size) {
    // Exactly as large as the key, so that AddressSanitizer sees a read beyond.
    const auto a = std::make_unique<uint8_t[]>(size);
    const auto b = std::make_unique<uint8_t[]>(size);
    EXPECT_TRUE(SameBytes(a.get(), b.get(), size));
    const HashSeed seed = HashSeed::Random();
    EXPECT_EQ(Hash(seed, 0, a.get(), size), Hash(seed, 0, b.get(), size));
  }
}

TEST(KeyTest, KindsOfEqualBytesHaveDifferentHashes) {
  const HashSeed seed = HashSeed::Random();
  std::vector<uint64_t> hashes;
  for (int kind = 0; kind <= static_cast<int>(KeyKind::kComposite); ++kind) {
    hashes.push_back(OwnedKey(static_cast<KeyKind>(kind), "same").key().HashWith(seed));
  }
  std::sort(hashes.begin(), hashes.end());
  EXPECT_EQ(std::unique(hashes.begin(), hashes.end()), hashes.end());
}

}  // namespace
}  // namespace shardmap
