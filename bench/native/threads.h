// How many threads a benchmark is run with: 1, 2, 4, ... and as many as the machine has cores.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <thread>

namespace shardmap::bench {

inline void UseThreads(benchmark::internal::Benchmark* benchmark) {
  const int cores = std::max(2, static_cast<int>(std::thread::hardware_concurrency()));
  for (int threads = 1; threads < cores; threads *= 2) benchmark->Threads(threads);
  benchmark->Threads(cores)->UseRealTime();
}

}  // namespace shardmap::bench
