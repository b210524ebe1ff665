// A keyed 64-bit hash of short byte strings.
//
// The construction is the folded multiply of Wang Yi's wyhash (public domain), but every multiplicand is masked by a
// word of the store's random seed, never by a published constant: whoever does not know the seed cannot choose keys
// that meet in one slot. It is not a cryptographic hash and is never written to disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace shardmap {

struct HashSeed {
  uint64_t words[4];

  static HashSeed Random();
};

namespace internal {

inline uint64_t FoldedMultiply(uint64_t a, uint64_t b) {
#if defined(_MSC_VER) && !defined(__clang__)
  uint64_t high;
  const uint64_t low = _umul128(a, b, &high);
  return low ^ high;
#else
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
#endif
}

inline uint64_t Load64(const uint8_t* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

inline uint64_t Load32(const uint8_t* p) {
  uint32_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

}  // namespace internal

// The highest bits of a hash, which choose its shard however many there are: so the more shards, the finer the same
// order.
inline constexpr unsigned kPlaceBits = 16;
inline uint32_t PlaceOf(uint64_t hash) { return static_cast<uint32_t>(hash >> (64 - kPlaceBits)); }

// `salt` tells apart keys of equal bytes and different kinds. Long keys go through two chains of multiplications, which
// do not wait for each other (docs/performance.md, hash candidates).
inline uint64_t Hash(const HashSeed& seed, uint8_t salt, const uint8_t* bytes, size_t size) {
  using internal::FoldedMultiply;
  using internal::Load32;
  using internal::Load64;
  uint64_t even = seed.words[0] ^ salt;
  uint64_t odd = seed.words[3];
  uint64_t a = 0;
  uint64_t b = 0;
  if (size > 16) {
    const uint8_t* p = bytes;
    const uint8_t* const last = bytes + size - 16;
    for (; last - p > 16; p += 32) {
      even = FoldedMultiply(Load64(p) ^ seed.words[1], Load64(p + 8) ^ even);
      odd = FoldedMultiply(Load64(p + 16) ^ seed.words[2], Load64(p + 24) ^ odd);
    }
    if (p < last) even = FoldedMultiply(Load64(p) ^ seed.words[1], Load64(p + 8) ^ even);
    a = Load64(last);
    b = Load64(last + 8);
  } else if (size >= 8) {
    a = Load64(bytes);
    b = Load64(bytes + size - 8);
  } else if (size >= 4) {
    a = Load32(bytes);
    b = Load32(bytes + size - 4);
  } else if (size > 0) {
    a = bytes[0] | (static_cast<uint64_t>(bytes[size / 2]) << 8) | (static_cast<uint64_t>(bytes[size - 1]) << 16);
  }
  odd = FoldedMultiply(a ^ seed.words[2], b ^ odd);
  return FoldedMultiply(even ^ odd, size ^ seed.words[1]);
}

}  // namespace shardmap
