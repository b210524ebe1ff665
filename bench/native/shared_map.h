// The one map that all threads of a benchmark share: made and filled before they start.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>

#include "keys.h"

namespace shardmap::bench {

// Sets the keys of the numbers [first, last), in an order without a pattern that a cache could see.
template <typename Thread>
void FillRange(Thread& thread, uint64_t first, uint64_t last) {
  KeyBatch keys;
  for (uint64_t begin = first; begin < last; begin += kBatchKeys) {
    const uint64_t count = last - begin < kBatchKeys ? last - begin : kBatchKeys;
    for (uint64_t i = 0; i < count; ++i) keys.Set(i, begin + i);
    for (uint64_t i = 0; i < count; ++i) thread.Set(keys[i], static_cast<double>(begin + i));
  }
}

template <typename Map>
void Fill(Map& map, uint64_t entries) {
  typename Map::Thread thread(map);
  FillRange(thread, 0, entries);
}

template <typename Map>
class SharedMap {
 public:
  // For benchmarks whose first argument is the number of entries.
  static void Attach(benchmark::internal::Benchmark* benchmark) {
    benchmark->Setup([](const benchmark::State& state) { Make(static_cast<uint64_t>(state.range(0))); });
    benchmark->Teardown([](const benchmark::State&) { map_.reset(); });
  }
  // For those that leave the map as it was: Google Benchmark runs each several times to find out how often to repeat
  // it, and a fill takes longer than such a run.
  static void AttachKept(benchmark::internal::Benchmark* benchmark) {
    benchmark->Setup([](const benchmark::State& state) {
      const auto entries = static_cast<uint64_t>(state.range(0));
      if (map_ == nullptr || entries != entries_) Make(entries);
    });
  }
  static void AttachEmpty(benchmark::internal::Benchmark* benchmark) {
    benchmark->Setup([](const benchmark::State&) { Make(0); });
    benchmark->Teardown([](const benchmark::State&) { map_.reset(); });
  }
  static Map& Get() { return *map_; }

 private:
  static void Make(uint64_t entries) {
    map_ = std::make_unique<Map>();
    Fill(*map_, entries);
    entries_ = entries;
  }

  static inline std::unique_ptr<Map> map_;
  static inline uint64_t entries_;  // that it was filled with
};

}  // namespace shardmap::bench
