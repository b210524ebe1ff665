// Keys made where they are needed, in batches: text of 21 characters, different for different numbers.
//
// A batch is small and just written, as a key that a program has just read from somewhere: using it is no cache miss,
// so what is measured is the map. Its making is in the time of every map alike (about 7 ns a key).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace shardmap::bench {

inline constexpr size_t kKeyBytes = 21;
inline constexpr size_t kBatchKeys = 64;

// The eight hexadecimal digits of `bits`, as eight bytes.
inline uint64_t HexDigits(uint32_t bits) {
  uint64_t nibbles = bits;
  nibbles = (nibbles | nibbles << 16) & 0x0000'ffff'0000'ffff;
  nibbles = (nibbles | nibbles << 8) & 0x00ff'00ff'00ff'00ff;
  nibbles = (nibbles | nibbles << 4) & 0x0f0f'0f0f'0f0f'0f0f;
  const uint64_t letters = ((nibbles + 0x0606'0606'0606'0606) >> 4) & 0x0101'0101'0101'0101;
  return nibbles + 0x3030'3030'3030'3030 + letters * ('a' - '0' - 10);
}

class KeyBatch {
 public:
  KeyBatch() {
    for (size_t i = 0; i < kBatchKeys; ++i) {
      std::memcpy(text_[i].data(), "user:", 5);
      keys_[i] = {text_[i].data(), kKeyBytes};
    }
  }
  KeyBatch(const KeyBatch&) = delete;
  KeyBatch& operator=(const KeyBatch&) = delete;

  // Makes the key at `index` the one of this number.
  void Set(size_t index, uint64_t number) {
    const uint64_t scrambled = number * 0x9e37'79b9'7f4a'7c15;  // odd, so no two numbers meet
    const uint64_t digits[2] = {HexDigits(static_cast<uint32_t>(scrambled)),
                                HexDigits(static_cast<uint32_t>(scrambled >> 32))};
    std::memcpy(text_[index].data() + 5, digits, sizeof digits);
  }
  // Its size is read from memory, so that no map is compiled for keys of 21 bytes.
  std::string_view operator[](size_t index) const { return keys_[index]; }

 private:
  std::array<std::array<char, 24>, kBatchKeys> text_;
  std::array<std::string_view, kBatchKeys> keys_;
};

}  // namespace shardmap::bench
