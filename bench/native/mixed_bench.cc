// Fill, and mixes of gets and overwrites of random keys, for all maps: the table that the core is judged by.

#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "maps/roster.h"
#include "mixed.h"
#include "shared_map.h"
#include "stopwatch.h"
#include "threads.h"

namespace shardmap::bench {
namespace {

constexpr int64_t kEntries = 200'000;  // as in JavaScript's suites, which are compared with these

template <typename Map>
void FillFromEmpty(benchmark::State& state) {
  for (auto _ : state) {
    Map map;
    const Stopwatch stopwatch;
    Fill(map, static_cast<uint64_t>(state.range(0)));
    state.SetIterationTime(stopwatch.Seconds());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

template <typename Map>
void Mixed(benchmark::State& state) {
  RunMixed(state, SharedMap<Map>::Get(), static_cast<uint64_t>(state.range(0)), state.range(1));
}

[[maybe_unused]] const bool registered = [] {
  ForEachMap([]<typename Map>(const std::string& name) {
    benchmark::RegisterBenchmark(("Fill/map:" + name).c_str(), FillFromEmpty<Map>)
        ->ArgName("entries")
        ->Arg(kEntries)
        ->UseManualTime();
    benchmark::RegisterBenchmark(("Mixed/map:" + name).c_str(), Mixed<Map>)
        ->ArgNames({"entries", "reads"})
        ->ArgsProduct({{kEntries}, {100, 95, 50, 0}})
        ->Apply(SharedMap<Map>::AttachKept)
        ->Apply(UseThreads);
  });
  return true;
}();

}  // namespace
}  // namespace shardmap::bench
