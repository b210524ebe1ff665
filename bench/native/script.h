// The loop of the benchmarks in which each thread follows a script of its own.
//
// A script has `Next(&number)`, which gives the next operation and the number of its key, and
// `Perform(thread, operation, key, number)`, which does it on a map's thread, with `number` where it sets, and returns
// what it read. What a script draws for a batch is drawn before the batch is performed.
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "keys.h"

namespace shardmap::bench {

template <typename Thread, typename Script>
void RunScript(benchmark::State& state, Thread& thread, Script& script) {
  KeyBatch keys;
  std::array<decltype(script.Next(nullptr)), kBatchKeys> operations;
  double sum = 0;
  while (state.KeepRunningBatch(kBatchKeys)) {
    for (size_t i = 0; i < kBatchKeys; ++i) {
      uint64_t number = 0;
      operations[i] = script.Next(&number);
      keys.Set(i, number);
    }
    for (size_t i = 0; i < kBatchKeys; ++i) sum += Script::Perform(thread, operations[i], keys[i], sum);
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}

}  // namespace shardmap::bench
