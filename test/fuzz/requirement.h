// What a fuzzed property is stated with: where it does not hold the process ends, and libFuzzer keeps the input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace shardmap {

inline void Require(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "REQUIRED: %s\n", what.c_str());
  std::abort();
}

}  // namespace shardmap
