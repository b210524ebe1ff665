// What the number of shards does, from 1 to 4096: our store, and beside it maps that lock their shard for every
// operation.

#include <benchmark/benchmark.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "maps/locked_map.h"
#include "maps/shard_map.h"
#include "mixed.h"
#include "shared_map.h"
#include "stopwatch.h"
#include "threads.h"

namespace shardmap::bench {
namespace {

constexpr uint64_t kEntries = uint64_t{1} << 18;

template <typename Map>
std::unique_ptr<Map> g_map;
template <typename Map>
int64_t g_map_shards;

// Kept from run to run: they leave it as it was.
template <typename Map>
void Prepare(const benchmark::State& state) {
  if (g_map<Map> != nullptr && g_map_shards<Map> == state.range(0)) return;
  g_map<Map> = std::make_unique<Map>(static_cast<size_t>(state.range(0)));
  g_map_shards<Map> = state.range(0);
  Fill(*g_map<Map>, kEntries);
}

template <typename Map>
void ShardsFill(benchmark::State& state) {
  for (auto _ : state) {
    Map map(static_cast<size_t>(state.range(0)));
    const Stopwatch stopwatch;
    Fill(map, kEntries);
    state.SetIterationTime(stopwatch.Seconds());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kEntries));
}

template <typename Map>
void ShardsMixed(benchmark::State& state) {
  RunMixed(state, *g_map<Map>, kEntries, state.range(1));
}

template <typename Map>
void Register(const std::string& name) {
  const std::vector<int64_t> shards = benchmark::CreateRange(1, 4096, 2);
  benchmark::RegisterBenchmark(("ShardsFill/map:" + name).c_str(), ShardsFill<Map>)
      ->ArgName("shards")
      ->ArgsProduct({shards})
      ->UseManualTime();
  benchmark::RegisterBenchmark(("Shards/map:" + name).c_str(), ShardsMixed<Map>)
      ->ArgNames({"shards", "reads"})
      ->ArgsProduct({shards, {100, 95, 50}})
      ->Setup(Prepare<Map>)
      ->Apply(UseThreads);
}

[[maybe_unused]] const bool registered = [] {
  Register<ShardMap>("shardmap");
  Register<LockedMap<std::mutex>>("std-mutex");
  return true;
}();

}  // namespace
}  // namespace shardmap::bench
