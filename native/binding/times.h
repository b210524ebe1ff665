// Converts times between JavaScript, which counts milliseconds, and the core, which counts nanoseconds.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "core/lifetime.h"

namespace shardmap {

inline constexpr double kNanosPerMilli = 1e6;

// Of more than 0 milliseconds, at least one; of Infinity, and of too many, kForever.
inline uint64_t NanosOf(double millis) {
  const double nanos = millis * kNanosPerMilli;
  if (!(nanos <= static_cast<double>(kTtlNanosMax))) return kForever;
  const auto whole = static_cast<int64_t>(nanos);
  return static_cast<uint64_t>(whole) + (static_cast<double>(whole) < nanos ? 1 : 0);  // std::ceil, in two instructions
}

// Rounded up to a whole number, so that what has any time left has more than 0.
inline double WholeMillisOf(uint64_t nanos) {
  if (nanos == kForever) return std::numeric_limits<double>::infinity();
  return std::ceil(static_cast<double>(nanos) / kNanosPerMilli);
}

// A time to live as LIFETIME in lib/native.ts has it: 0 is the store's own, and less than 0 none at all.
inline Lifetime LifetimeOf(double ttl_ms) {
  if (ttl_ms > 0) return Lifetime::For(NanosOf(ttl_ms));
  return ttl_ms < 0 ? Lifetime::For(0) : Lifetime();
}

}  // namespace shardmap
