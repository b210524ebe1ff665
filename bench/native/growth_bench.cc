// What a get and a set cost as a map grows from a thousand entries to twenty million, more than a gigabyte; and what
// an entry costs in memory. One thread. Each run fills a map, then measures on it.

#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>

#include "keys.h"
#include "maps/roster.h"
#include "random.h"
#include "shared_map.h"
#include "stopwatch.h"

namespace shardmap::bench {
namespace {

constexpr uint64_t kOperations = uint64_t{1} << 20;

// Bytes of memory that this process has in use.
double ResidentBytes() {
  double total_pages = 0;
  double resident_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
  return resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Calls `operate(key)` for random keys that the map has, and returns nanoseconds a call.
template <typename Operate>
double TimeRandomKeys(uint64_t entries, Operate operate) {
  Random random(entries);
  KeyBatch keys;
  const Stopwatch stopwatch;
  for (uint64_t done = 0; done < kOperations; done += kBatchKeys) {
    for (size_t i = 0; i < kBatchKeys; ++i) keys.Set(i, random.Below(entries));
    for (size_t i = 0; i < kBatchKeys; ++i) operate(keys[i]);
  }
  return stopwatch.Seconds() * 1e9 / static_cast<double>(kOperations);
}

template <typename Map>
void Growth(benchmark::State& state) {
  const auto entries = static_cast<uint64_t>(state.range(0));
  for (auto _ : state) {
    malloc_trim(0);  // what earlier maps left must not serve this one
    const double before = ResidentBytes();
    Map map;
    typename Map::Thread thread(map);
    const Stopwatch stopwatch;
    FillRange(thread, 0, entries);
    state.counters["insert_ns"] = stopwatch.Seconds() * 1e9 / static_cast<double>(entries);
    state.counters["bytes_per_entry"] = (ResidentBytes() - before) / static_cast<double>(entries);
    double sum = 0;
    state.counters["get_ns"] = TimeRandomKeys(entries, [&](std::string_view key) {
      double number = 0;
      thread.Get(key, &number);
      sum += number;
    });
    state.counters["set_ns"] = TimeRandomKeys(entries, [&](std::string_view key) { thread.Set(key, sum); });
  }
}

[[maybe_unused]] const bool registered = [] {
  ForEachMap([]<typename Map>(const std::string& name) {
    if (name.starts_with("std-") && name != "std-mutex") return;
    benchmark::RegisterBenchmark(("Growth/map:" + name).c_str(), Growth<Map>)
        ->ArgName("entries")
        ->ArgsProduct({{1'000, 10'000, 100'000, 1'000'000, 10'000'000, 20'000'000}})
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  });
  return true;
}();

}  // namespace
}  // namespace shardmap::bench
