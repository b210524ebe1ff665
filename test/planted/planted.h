// The switch of the bugs that are planted in a copy of the sources (scripts/planted/switches.mjs).
#pragma once

#include <cstdlib>

namespace shardmap {

// Constant since before main: to ask for it orders nothing, and hides no race.
inline const int planted_bug = [] {
  const char* const number = std::getenv("SHARDMAP_PLANTED");
  return number == nullptr ? 0 : std::atoi(number);
}();

inline bool planted(int bug) { return planted_bug == bug; }

}  // namespace shardmap
