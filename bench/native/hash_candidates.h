// Hash functions that could have been the store's, for comparison.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "core/hash.h"
#include "maps/text_hash.h"

namespace shardmap::bench {

// The store's own.
struct StoreHash {
  uint64_t operator()(const uint8_t* bytes, size_t size) const { return Hash(TextHash::kSeed, 0, bytes, size); }
};

// The standard library's: libstdc++'s is a MurmurHash of 64 bits. Not seeded.
struct StdHash {
  uint64_t operator()(const uint8_t* bytes, size_t size) const {
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes), size});
  }
};

// FNV-1a of 64 bits (G. Fowler, L. C. Noll, K.-P. Vo): a multiplication a byte. Not seeded.
struct Fnv1aHash {
  uint64_t operator()(const uint8_t* bytes, size_t size) const {
    uint64_t hash = 0xcbf2'9ce4'8422'2325;
    for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x0000'0100'0000'01b3;
    return hash;
  }
};

// The store's with one chain of multiplications, each of which waits for the one before. Seeded.
struct OneLaneHash {
  uint64_t operator()(const uint8_t* bytes, size_t size) const {
    using internal::FoldedMultiply;
    using internal::Load64;
    if (size <= 16) return StoreHash()(bytes, size);
    const uint64_t* const seed = TextHash::kSeed.words;
    uint64_t state = seed[0];
    const uint8_t* p = bytes;
    const uint8_t* const last = bytes + size - 16;
    for (; p < last; p += 16) state = FoldedMultiply(Load64(p) ^ seed[1], Load64(p + 8) ^ state);
    const uint64_t mixed = FoldedMultiply(Load64(last) ^ seed[2], Load64(last + 8) ^ state);
    return FoldedMultiply(mixed ^ seed[3], size ^ seed[1]);
  }
};

// Calls `visit.operator()<Hash>(name)` for each.
template <typename Visit>
void ForEachHash(Visit visit) {
  visit.template operator()<StoreHash>("store");
  visit.template operator()<OneLaneHash>("one-lane");
  visit.template operator()<StdHash>("std");
  visit.template operator()<Fnv1aHash>("fnv1a");
}

}  // namespace shardmap::bench
