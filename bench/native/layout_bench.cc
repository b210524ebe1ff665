// What a get costs in each of the layouts that the store's tables could have, by number of entries: in a row, where the
// processor overlaps one get with the next, and apart, where each waits for the one before, which is closer to what
// happens between two calls from JavaScript.

#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "keys.h"
#include "layouts.h"
#include "random.h"

namespace shardmap::bench {
namespace {

template <typename Layout>
std::unique_ptr<Layout> Made(uint64_t entries) {
  auto layout = std::make_unique<Layout>(entries);
  KeyBatch keys;
  for (uint64_t i = 0; i < entries; ++i) {
    keys.Set(0, i);
    layout->Insert(keys[0], TextHash()(keys[0]), static_cast<double>(i));
  }
  return layout;
}

template <typename Layout>
void Overlapped(benchmark::State& state) {
  const auto entries = static_cast<uint64_t>(state.range(0));
  const auto layout = Made<Layout>(entries);
  Random random(1);
  KeyBatch keys;
  double sum = 0;
  while (state.KeepRunningBatch(kBatchKeys)) {
    for (size_t i = 0; i < kBatchKeys; ++i) keys.Set(i, random.Below(entries));
    for (size_t i = 0; i < kBatchKeys; ++i) sum += layout->Get(keys[i], TextHash()(keys[i]));
  }
  benchmark::DoNotOptimize(sum);
  state.counters["bytes_per_entry"] =
      sizeof(ModelEntry) + static_cast<double>(layout->bytes_of_slots()) / static_cast<double>(entries);
}

// Each value decides, in a way that the compiler cannot see through, where the next key lies.
template <typename Layout>
void Apart(benchmark::State& state) {
  const auto entries = static_cast<uint64_t>(state.range(0));
  const auto layout = Made<Layout>(entries);
  Random random(1);
  KeyBatch keys;
  uint64_t zero = 0;
  benchmark::DoNotOptimize(zero);
  uint64_t offset = 0;
  while (state.KeepRunningBatch(kBatchKeys)) {
    for (size_t i = 0; i < kBatchKeys; ++i) keys.Set(i, random.Below(entries));
    for (size_t i = 0; i < kBatchKeys; ++i) {
      const std::string_view key(keys[i].data() + offset, keys[i].size());
      offset = static_cast<uint64_t>(layout->Get(key, TextHash()(key))) & zero;
    }
  }
  benchmark::DoNotOptimize(offset);
}

[[maybe_unused]] const bool registered = [] {
  ForEachLayout([]<typename Layout>(const std::string& name) {
    benchmark::RegisterBenchmark(("Layout/layout:" + name + "/measure:overlapped").c_str(), Overlapped<Layout>)
        ->ArgName("entries")
        ->ArgsProduct({{1'000, 20'000, 200'000, 1'000'000}});
    benchmark::RegisterBenchmark(("Layout/layout:" + name + "/measure:apart").c_str(), Apart<Layout>)
        ->ArgName("entries")
        ->ArgsProduct({{1'000, 20'000, 200'000, 1'000'000}});
  });
  return true;
}();

}  // namespace
}  // namespace shardmap::bench
