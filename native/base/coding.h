// Numbers as bytes in files: little-endian of fixed width, or with seven bits a byte, the lowest first (LEB128, of the
// DWARF debugging format), where most are small.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace shardmap {

inline constexpr size_t kVarintBytesMax = 10;

namespace internal {

template <typename Word>
Word Little(Word word) {
  if constexpr (std::endian::native == std::endian::big) {
    Word swapped = 0;
    for (size_t i = 0; i < sizeof(Word); ++i) {
      swapped = static_cast<Word>(swapped << 8 | ((word >> (8 * i)) & 0xff));
    }
    return swapped;
  }
  return word;
}

template <typename Word>
Word LoadLittle(const uint8_t* p) {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return Little(word);
}

template <typename Word>
uint8_t* StoreLittle(uint8_t* p, Word word) {
  word = Little(word);
  std::memcpy(p, &word, sizeof word);
  return p + sizeof word;
}

}  // namespace internal

inline uint16_t LoadLittle16(const uint8_t* p) { return internal::LoadLittle<uint16_t>(p); }
inline uint32_t LoadLittle32(const uint8_t* p) { return internal::LoadLittle<uint32_t>(p); }
inline uint64_t LoadLittle64(const uint8_t* p) { return internal::LoadLittle<uint64_t>(p); }

// Each returns where the next byte goes.
inline uint8_t* StoreLittle16(uint8_t* p, uint16_t word) { return internal::StoreLittle(p, word); }
inline uint8_t* StoreLittle32(uint8_t* p, uint32_t word) { return internal::StoreLittle(p, word); }
inline uint8_t* StoreLittle64(uint8_t* p, uint64_t word) { return internal::StoreLittle(p, word); }
inline uint8_t* StoreVarint(uint8_t* p, uint64_t word) {
  for (; word >= 0x80; word >>= 7) *p++ = static_cast<uint8_t>(word | 0x80);
  *p++ = static_cast<uint8_t>(word);
  return p;
}
constexpr size_t VarintBytes(uint64_t word) { return (static_cast<size_t>(std::bit_width(word | 1)) + 6) / 7; }

// Takes numbers and bytes from the front of what came from a file and may be anything. Every taker returns whether
// there was one; nothing is taken after the first that was not there.
class Decoder {
 public:
  explicit Decoder(std::span<const uint8_t> bytes) : p_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  size_t left() const { return static_cast<size_t>(end_ - p_); }
  bool Take8(uint8_t* byte) {
    if (left() < 1) return Fail();
    *byte = *p_++;
    return true;
  }
  bool Take32(uint32_t* word) {
    if (left() < sizeof *word) return Fail();
    *word = LoadLittle32(p_);
    p_ += sizeof *word;
    return true;
  }
  bool Take64(uint64_t* word) {
    if (left() < sizeof *word) return Fail();
    *word = LoadLittle64(p_);
    p_ += sizeof *word;
    return true;
  }
  // In the shortest form only, so that what is decoded is encoded to the same bytes.
  bool TakeVarint(uint64_t* word) {
    *word = 0;
    for (unsigned shift = 0; shift < 64 && p_ != end_; shift += 7) {
      const uint64_t byte = *p_++;
      if (shift == 63 && byte > 1) return Fail();
      *word |= (byte & 0x7f) << shift;
      if (byte < 0x80) return byte != 0 || shift == 0 || Fail();
    }
    return Fail();
  }
  // A view of them.
  bool TakeBytes(uint64_t size, std::span<const uint8_t>* bytes) {
    if (size > left()) return Fail();
    *bytes = {p_, static_cast<size_t>(size)};
    p_ += size;
    return true;
  }

 private:
  bool Fail() {
    p_ = end_;
    return false;
  }

  const uint8_t* p_;
  const uint8_t* end_;
};

}  // namespace shardmap
