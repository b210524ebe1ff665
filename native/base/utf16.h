// Lossless conversion between UTF-16 code units and one byte a character, where all fit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shardmap {

// Writes the `count` units of `units` to `bytes`, one byte each, and returns whether all were below 256. When false,
// the content of `bytes` is unspecified. The two must not overlap.
bool NarrowUtf16(const char16_t* units, size_t count, uint8_t* bytes);

}  // namespace shardmap
