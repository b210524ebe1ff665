// The loop of the benchmarks that mix gets and overwrites of uniformly random keys.
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>

#include "keys.h"
#include "random.h"

namespace shardmap::bench {

// `reads` of 100 operations are gets, the others overwrite; all of them meet an entry.
template <typename Map>
void RunMixed(benchmark::State& state, Map& map, uint64_t entries, int64_t reads) {
  const auto reads_below = static_cast<uint64_t>(static_cast<double>(reads) / 100 * 0x1p32);
  typename Map::Thread thread(map);
  Random random(static_cast<uint64_t>(state.thread_index()) + 1);
  KeyBatch keys;
  std::array<bool, kBatchKeys> is_read;
  double sum = 0;
  while (state.KeepRunningBatch(kBatchKeys)) {
    for (size_t i = 0; i < kBatchKeys; ++i) {
      keys.Set(i, random.Below(entries));
      is_read[i] = (random.Next() >> 32) < reads_below;
    }
    for (size_t i = 0; i < kBatchKeys; ++i) {
      double number = 0;
      if (is_read[i]) {
        thread.Get(keys[i], &number);
      } else {
        thread.Set(keys[i], sum);
      }
      sum += number;
    }
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}

}  // namespace shardmap::bench
