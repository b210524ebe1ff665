// The core without Node: fill, get, overwrite and mixes of both with several threads and shard counts, against
// std::unordered_map under one mutex; and the longest time that one insertion takes while a shard grows.
//
// Build and run as bench/README.md says. Threads share one map; figures a second are of all threads together.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/store.h"

namespace {

using shardmap::Key;
using shardmap::KeyKind;
using shardmap::ReadGuard;
using shardmap::ReadValue;
using shardmap::Session;
using shardmap::Store;
using shardmap::StoreOptions;
using shardmap::Value;
using shardmap::ValueKind;

constexpr size_t kEntries = size_t{1} << 18;
constexpr size_t kKeyBytes = 21;

// Keys side by side, so that reading one is one cache miss at most, the same for all maps.
class Keys {
 public:
  explicit Keys(size_t count) : bytes_(count * kKeyBytes) {
    char key[kKeyBytes + 1];
    for (size_t i = 0; i < count; ++i) {
      std::snprintf(key, sizeof key, "session:%013u", static_cast<uint32_t>(i) * 0x9e3779b1u);
      std::copy_n(key, kKeyBytes, bytes_.begin() + static_cast<std::ptrdiff_t>(i * kKeyBytes));
    }
  }
  const char* operator[](size_t index) const { return bytes_.data() + index * kKeyBytes; }

 private:
  std::vector<char> bytes_;
};

const Keys& AllKeys() {
  static const Keys keys(kEntries);
  return keys;
}

// --- The maps: each has a Thread, through which one thread uses it ---------------------------------------------------

class ShardMapUnderTest {
 public:
  explicit ShardMapUnderTest(size_t shards) : store_(Options(shards)) {}

  class Thread {
   public:
    explicit Thread(ShardMapUnderTest& map) : store_(map.store_), session_(*store_.OpenSession()) {}
    ~Thread() { store_.CloseSession(&session_); }
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;

    double Get(const char* key) {
      const ReadGuard guard(session_);
      ReadValue value;
      if (!store_.Get(guard, KeyOf(key), &value)) return 0;
      double number;
      std::memcpy(&number, value.bytes(), sizeof number);
      return number;
    }
    void Set(const char* key, double number) {
      if (!store_.Set(session_, KeyOf(key), Value(ValueKind::kNumber, &number, sizeof number)).ok()) std::abort();
    }

   private:
    static Key KeyOf(const char* key) {
      return {KeyKind::kOneByteString, reinterpret_cast<const uint8_t*>(key), kKeyBytes};
    }

    Store& store_;
    Session& session_;
  };

 private:
  static StoreOptions Options(size_t shards) {
    StoreOptions options;
    options.shards = shards;
    return options;
  }

  Store store_;
};

class MutexMap {
 public:
  explicit MutexMap(size_t) {}

  class Thread {
   public:
    explicit Thread(MutexMap& map) : map_(map) {}
    double Get(const char* key) {
      const std::lock_guard lock(map_.mutex_);
      const auto found = map_.map_.find(std::string_view(key, kKeyBytes));
      return found == map_.map_.end() ? 0 : found->second;
    }
    void Set(const char* key, double number) {
      const std::lock_guard lock(map_.mutex_);
      const auto found = map_.map_.find(std::string_view(key, kKeyBytes));
      if (found != map_.map_.end()) {
        found->second = number;
      } else {
        map_.map_.emplace(std::string(key, kKeyBytes), number);
      }
    }

   private:
    MutexMap& map_;
  };

 private:
  // Lets a key be looked up without a copy of it.
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::mutex mutex_;
  std::unordered_map<std::string, double, TextHash, std::equal_to<>> map_;
};

template <typename Map>
void FillWith(Map& map, size_t entries) {
  typename Map::Thread thread(map);
  for (size_t i = 0; i < entries; ++i) thread.Set(AllKeys()[i], static_cast<double>(i));
}

// --- Benchmarks ------------------------------------------------------------------------------------------------------

// Nanoseconds of the steady clock, or of this thread's time on a processor.
uint64_t NowNanos(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

template <typename Map>
void Fill(benchmark::State& state) {
  AllKeys();
  for (auto _ : state) {
    Map map(static_cast<size_t>(state.range(0)));
    const uint64_t start = NowNanos(CLOCK_MONOTONIC);
    FillWith(map, kEntries);
    state.SetIterationTime(static_cast<double>(NowNanos(CLOCK_MONOTONIC) - start) / 1e9);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kEntries));
}

// Gets and overwrites of random keys by all threads of the state; `reads` of 100 operations are gets.
template <typename Map>
void Mixed(benchmark::State& state) {
  static std::unique_ptr<Map> map;
  if (state.thread_index() == 0) {
    map = std::make_unique<Map>(static_cast<size_t>(state.range(0)));
    FillWith(*map, kEntries);
  }
  const auto reads_below = static_cast<uint32_t>(static_cast<double>(state.range(1)) / 100 * UINT32_MAX);
  std::minstd_rand random(static_cast<uint32_t>(state.thread_index()) + 1);
  std::vector<uint32_t> draws(1 << 16);
  for (uint32_t& draw : draws) draw = static_cast<uint32_t>(random()) * 0x9e3779b1u;
  std::unique_ptr<typename Map::Thread> thread;
  size_t next = 0;
  double sum = 0;
  for (auto _ : state) {
    if (thread == nullptr) thread = std::make_unique<typename Map::Thread>(*map);  // after the common start
    const uint32_t draw = draws[next++ & (draws.size() - 1)];
    const char* key = AllKeys()[(draw + next * 7919) & (kEntries - 1)];
    if (draw <= reads_below) {
      sum += thread->Get(key);
    } else {
      thread->Set(key, sum);
    }
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
  thread.reset();
}

// The longest a single insertion takes while one shard grows from nothing to a million entries, in this thread's own
// time. Of several fills the least is told: what happens in each of them is ours, the rest is the machine's.
void LongestInsertion(benchmark::State& state) {
  constexpr size_t kGrown = size_t{1} << 20;
  static const Keys keys(kGrown);
  uint64_t longest_ns = UINT64_MAX;
  for (auto _ : state) {
    ShardMapUnderTest map(1);
    ShardMapUnderTest::Thread thread(map);
    uint64_t longest_of_fill_ns = 0;
    uint64_t before = NowNanos(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; i < kGrown; ++i) {
      thread.Set(keys[i], 0);
      const uint64_t after = NowNanos(CLOCK_THREAD_CPUTIME_ID);
      longest_of_fill_ns = std::max(longest_of_fill_ns, after - before);
      before = after;
    }
    longest_ns = std::min(longest_ns, longest_of_fill_ns);
  }
  state.counters["longest_us"] = static_cast<double>(longest_ns) / 1000;
}

void Threads(benchmark::internal::Benchmark* benchmark) {
  benchmark->UseRealTime()->Threads(1)->Threads(2)->Threads(4);
}

void ShardCounts(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"shards", "reads"})->ArgsProduct({{1, 16, 64, 256, 512, 1024, 4096}, {100, 95, 50, 0}});
  Threads(benchmark);
}

void NoShards(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"shards", "reads"})->ArgsProduct({{0}, {100, 95, 50, 0}});
  Threads(benchmark);
}

BENCHMARK(Fill<ShardMapUnderTest>)->ArgName("shards")->Arg(1)->Arg(64)->Arg(512)->Arg(4096)->UseManualTime();
BENCHMARK(Fill<MutexMap>)->ArgName("shards")->Arg(0)->UseManualTime();
BENCHMARK(Mixed<ShardMapUnderTest>)->Apply(ShardCounts);
BENCHMARK(Mixed<MutexMap>)->Apply(NoShards);
BENCHMARK(LongestInsertion)->Iterations(10)->Unit(benchmark::kMillisecond);

}  // namespace
