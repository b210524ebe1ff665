// Time since it was made, by the steady clock.
#pragma once

#include <chrono>

namespace shardmap::bench {

class Stopwatch {
 public:
  double Seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace shardmap::bench
