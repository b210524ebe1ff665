// A key as the core sees it: a kind and canonical bytes. Two keys are the same when both are equal.
//
// Canonical: a string takes one byte a character where all are below 256 and two (native order) otherwise; a number is
// its IEEE 754 double with +0 for -0 and one NaN; a bigint is its magnitude in little-endian 64-bit words without
// leading zeros, its sign in the kind; the other primitives have no bytes. Those of a composite key are in
// composite_key.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/hash.h"

namespace shardmap {

// Fits 4 bits. Numbers are in files of logs and in the bytes of composite keys, and are never given to another kind.
enum class KeyKind : uint8_t {
  kOneByteString = 0,
  kTwoByteString = 1,
  kNumber = 2,
  kBigInt = 3,
  kNegativeBigInt = 4,
  kBytes = 5,
  kFalse = 6,
  kTrue = 7,
  kNull = 8,
  kUndefined = 9,
  kComposite = 10,
};

// Longest key, in canonical bytes: enough for any name, and little enough to be read on the fly.
inline constexpr size_t kKeyBytesMax = size_t{1} << 20;

// A borrowed key; the bytes live as long as the call that it is passed to.
struct Key {
  KeyKind kind;
  const uint8_t* bytes;
  size_t size;

  uint64_t HashWith(const HashSeed& seed) const { return Hash(seed, static_cast<uint8_t>(kind), bytes, size); }
};

// Equality of two byte strings of the same size, faster than a call of memcmp where they are short.
inline bool SameBytes(const uint8_t* a, const uint8_t* b, size_t size) {
  using internal::Load32;
  using internal::Load64;
  if (size > 64) return std::memcmp(a, b, size) == 0;
  if (size >= 8) {
    for (size_t i = 0; i + 8 < size; i += 8) {
      if (Load64(a + i) != Load64(b + i)) return false;
    }
    return Load64(a + size - 8) == Load64(b + size - 8);
  }
  if (size >= 4) return Load32(a) == Load32(b) && Load32(a + size - 4) == Load32(b + size - 4);
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

}  // namespace shardmap
