// Danger: predictable seeds let an attacker choose keys that meet in one place; equal ids give one store two owners.
#include "base/random.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>

namespace shardmap {
namespace {

TEST(RandomTest, WordsDifferAndUseAllBits) {
  constexpr int kWords = 4096;
  std::set<uint64_t> words;
  int ones[64] = {};
  for (int i = 0; i < kWords; ++i) {
    const uint64_t word = RandomWord();
    words.insert(word);
    for (int bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>((word >> bit) & 1);
  }
  EXPECT_EQ(words.size(), size_t{kWords});
  for (int bit = 0; bit < 64; ++bit) {
    EXPECT_NEAR(ones[bit], kWords / 2, 250) << "bit " << bit;  // nearly eight standard deviations
  }
}

}  // namespace
}  // namespace shardmap
