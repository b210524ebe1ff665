// The hash of keys in all maps but ours: our own function, so that tables are compared and not hash functions, which
// have a benchmark of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "core/hash.h"

namespace shardmap::bench {

struct TextHash {
  using is_transparent = void;  // a key is looked up without making a std::string

  // Not noexcept: from that libstdc++ infers that a hash is dear and keeps it in the node, as for its own std::hash of
  // strings.
  size_t operator()(std::string_view text) const {
    return Hash(kSeed, 0, reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }

  static constexpr HashSeed kSeed{
      {0x243f'6a88'85a3'08d3, 0x1319'8a2e'0370'7344, 0xa409'3822'299f'31d0, 0x082e'fa98'ec4e'6c89}};
};

using TextEqual = std::equal_to<>;

}  // namespace shardmap::bench
