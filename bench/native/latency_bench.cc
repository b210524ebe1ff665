// How long single operations take, for all maps: under a load of gets and sets by all threads, and while a map grows
// from nothing to a million entries under a reader. Our store also with a single shard, so that one table grows.
//
// Time is the steady clock's, its own 20 to 40 ns included. The longest times are the machine's as well, when it takes
// a core away: what the same loop sees without a map is told under `none`.

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "histogram.h"
#include "keys.h"
#include "maps/roster.h"
#include "random.h"
#include "shared_map.h"

namespace shardmap::bench {
namespace {

constexpr int kThreads = 2;

class NoMap {
 public:
  class Thread {
   public:
    explicit Thread(NoMap&) {}
    bool Get(std::string_view, double*) { return false; }
    void Set(std::string_view, double) {}
  };
};

class OneShard : public ShardMap {
 public:
  OneShard() : ShardMap(1) {}
};

// What each thread saw; merged by the first when all have ended.
struct Seen {
  Histogram gets;
  Histogram sets;
};
std::array<Seen, kThreads> g_seen;

template <typename Operate>
void Time(Histogram& histogram, Operate operate) {
  const auto start = std::chrono::steady_clock::now();
  operate();
  histogram.Add(static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count()));
}

void Tell(benchmark::State& state, const std::string& operation, const Histogram& histogram) {
  if (histogram.total() == 0) return;
  state.counters[operation + "_p50_ns"] = histogram.Quantile(0.5);
  state.counters[operation + "_p99_ns"] = histogram.Quantile(0.99);
  state.counters[operation + "_p999_ns"] = histogram.Quantile(0.999);
  state.counters[operation + "_p9999_ns"] = histogram.Quantile(0.9999);
  state.counters[operation + "_max_ns"] = static_cast<double>(histogram.longest());
}

// By the first thread, after the loop: all threads leave it together.
void TellAll(benchmark::State& state) {
  if (state.thread_index() != 0) return;
  Seen all;
  for (const Seen& seen : g_seen) {
    all.gets.Add(seen.gets);
    all.sets.Add(seen.sets);
  }
  Tell(state, "get", all.gets);
  Tell(state, "set", all.sets);
}

// --- Under load ------------------------------------------------------------------------------------------------------

template <typename Map>
void Latency(benchmark::State& state) {
  const auto entries = static_cast<uint64_t>(state.range(0));
  const auto reads = static_cast<uint64_t>(state.range(1));
  typename Map::Thread thread(SharedMap<Map>::Get());
  Seen& seen = g_seen[static_cast<size_t>(state.thread_index())] = {};
  Random random(static_cast<uint64_t>(state.thread_index()) + 1);
  KeyBatch keys;
  double number = 0;
  while (state.KeepRunningBatch(kBatchKeys)) {
    for (size_t i = 0; i < kBatchKeys; ++i) keys.Set(i, random.Below(entries));
    for (size_t i = 0; i < kBatchKeys; ++i) {
      if (random.Below(100) < reads) {
        Time(seen.gets, [&] { thread.Get(keys[i], &number); });
      } else {
        Time(seen.sets, [&] { thread.Set(keys[i], number); });
      }
    }
  }
  TellAll(state);
}

// --- During growth ---------------------------------------------------------------------------------------------------

// How many entries the growing map has.
std::atomic<uint64_t> g_grown;

template <typename Map>
void Insert(benchmark::State& state, typename Map::Thread& thread, Histogram& sets) {
  KeyBatch keys;
  uint64_t next = 0;
  while (state.KeepRunningBatch(kBatchKeys)) {
    for (size_t i = 0; i < kBatchKeys; ++i) keys.Set(i, next + i);
    for (size_t i = 0; i < kBatchKeys; ++i) Time(sets, [&] { thread.Set(keys[i], 0); });
    next += kBatchKeys;
    g_grown.store(next, std::memory_order_relaxed);
  }
  g_grown.store(0, std::memory_order_relaxed);  // for the next run: the reader has left its loop too
}

// As many gets as there are insertions, at the same time.
template <typename Map>
void ReadWhatIsThere(benchmark::State& state, typename Map::Thread& thread, Histogram& gets) {
  KeyBatch keys;
  Random random(1);
  uint64_t done = 0;
  double number = 0;
  while (state.KeepRunningBatch(kBatchKeys)) {
    uint64_t grown = 0;
    do {
      grown = g_grown.load(std::memory_order_relaxed);
    } while (grown <= done);
    done += kBatchKeys;
    for (size_t i = 0; i < kBatchKeys; ++i) keys.Set(i, random.Below(grown));
    for (size_t i = 0; i < kBatchKeys; ++i) Time(gets, [&] { thread.Get(keys[i], &number); });
  }
}

template <typename Map>
void LatencyGrowth(benchmark::State& state) {
  typename Map::Thread thread(SharedMap<Map>::Get());
  Seen& seen = g_seen[static_cast<size_t>(state.thread_index())] = {};
  if (state.thread_index() == 0) {
    Insert<Map>(state, thread, seen.sets);
  } else {
    ReadWhatIsThere<Map>(state, thread, seen.gets);
  }
  TellAll(state);
}

template <typename Map>
void Register(const std::string& name) {
  benchmark::RegisterBenchmark(("Latency/map:" + name).c_str(), Latency<Map>)
      ->ArgNames({"entries", "reads"})
      ->ArgsProduct({{int64_t{1} << 18}, {95, 50}})
      ->Iterations(int64_t{1} << 20)
      ->Apply(SharedMap<Map>::Attach)
      ->Threads(kThreads)
      ->UseRealTime();
  benchmark::RegisterBenchmark(("LatencyGrowth/map:" + name).c_str(), LatencyGrowth<Map>)
      ->Iterations(int64_t{1} << 20)
      ->Apply(SharedMap<Map>::AttachEmpty)
      ->Threads(kThreads)
      ->UseRealTime();
}

[[maybe_unused]] const bool registered = [] {
  ForEachMap([]<typename Map>(const std::string& name) { Register<Map>(name); });
  Register<OneShard>("shardmap-1");
  Register<NoMap>("none");
  return true;
}();

}  // namespace
}  // namespace shardmap::bench
