// How long a shard's lock is held, at most, by what keeps it longest: a program of its own, built with a mutex that
// measures (timed/base/mutex.h). Every figure includes about 0.2 us of the clock.
//
// A run does the same several times and tells the least of their longest holds: what happens every time is the store's,
// the rest is the machine's. The longest of all is told beside it.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "histogram.h"
#include "keys.h"
#include "maps/shard_map.h"
#include "random.h"
#include "shared_map.h"

namespace shardmap {
namespace {

// Of the thread that measures. Others are there to be in the way.
thread_local bench::Histogram t_holds;

}  // namespace

uint64_t ThreadNanos() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void NoteLockHold(uint64_t nanos) { t_holds.Add(nanos); }

}  // namespace shardmap

namespace shardmap::bench {
namespace {

constexpr uint64_t kGrown = uint64_t{1} << 20;
constexpr int kRounds = 5;
// From when an entry gets its deadline until it is due.
constexpr uint64_t kDueNs = 1'000'000'000;

// --- What is done ----------------------------------------------------------------------------------------------------

void Nothing(ShardMap&) {}
void FillMillion(ShardMap& map) { Fill(map, kGrown); }

void Grow(ShardMap& map) { Fill(map, kGrown); }

void Shrink(ShardMap& map) {
  ShardMap::Thread thread(map);
  KeyBatch keys;
  // In an order that leaves every chunk of entries sparse before any is empty.
  constexpr uint64_t kStride = 101;
  for (uint64_t i = 0; i < kGrown; ++i) {
    keys.Set(0, i * kStride % kGrown);
    thread.Delete(keys[0]);
  }
}

// Calls `perform(session, keys)` with a thousand keys at a time.
template <typename Perform>
void InBatches(ShardMap& map, Perform perform) {
  constexpr size_t kPieces = 16;
  Session* session = map.store().OpenSession();
  std::vector<KeyBatch> texts(kPieces);
  std::vector<Key> keys;
  for (uint64_t first = 0; first < kGrown; first += kPieces * kBatchKeys) {
    keys.clear();
    for (uint64_t i = 0; i < kPieces * kBatchKeys; ++i) {
      KeyBatch& piece = texts[i / kBatchKeys];
      piece.Set(i % kBatchKeys, first + i);
      const std::string_view text = piece[i % kBatchKeys];
      keys.push_back({KeyKind::kOneByteString, reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    }
    perform(*session, keys);
  }
  map.store().CloseSession(session);
}

void GrowInBatches(ShardMap& map) {
  std::vector<BatchEntry> entries;
  const double number = 1;
  InBatches(map, [&](Session& session, const std::vector<Key>& keys) {
    entries.clear();
    for (const Key& key : keys) entries.push_back({key, Value(ValueKind::kNumber, &number, sizeof number)});
    size_t failed = 0;
    (void)map.store().SetMany(session, entries, &failed);
  });
}

void ShrinkInBatches(ShardMap& map) {
  InBatches(map, [&](Session& session, const std::vector<Key>& keys) {
    size_t deleted = 0;
    (void)map.store().DeleteMany(session, keys, &deleted);
  });
}

void Overwrite(ShardMap& map) {
  ShardMap::Thread thread(map);
  Random random(1);
  KeyBatch keys;
  for (uint64_t i = 0; i < kGrown; ++i) {
    keys.Set(0, random.Below(kGrown));
    thread.Set(keys[0], 0);
  }
}

// Every entry in pages of a hundred, as iteration does.
void Scan(ShardMap& map) {
  Session* session = map.store().OpenSession();
  std::vector<ScannedEntry> page;
  uint64_t after = 0;
  do {
    const ReadGuard guard(*session);
    map.store().Scan(guard, after, 100, &page);
    if (!page.empty()) after = page.back().sequence;
  } while (!page.empty());
  map.store().CloseSession(session);
}

void Clear(ShardMap& map) {
  Session* session = map.store().OpenSession();
  (void)map.store().Clear(*session);
  map.store().CloseSession(session);
}

// Into eight times as many shards; the locks of the new ones, which only who copies takes, are among the holds.
void Reshard(ShardMap& map) {
  const std::atomic<bool> is_cancelled{false};
  Session* session = map.store().OpenSession();
  (void)map.store().Reshard(*session, 8 * map.store().shards(), is_cancelled);
  map.store().CloseSession(session);
}

void Stats(ShardMap& map) { benchmark::DoNotOptimize(map.store().Stats().entries); }

// Of all entries, which have been set without one.
void GiveDeadlines(ShardMap& map) {
  InBatches(map, [&](Session& session, const std::vector<Key>& keys) {
    for (const Key& key : keys) (void)map.store().SetLifetime(session, key, Lifetime::For(kDueNs));
  });
}

void FillMillionAndGiveDeadlines(ShardMap& map) {
  FillMillion(map);
  GiveDeadlines(map);
}

// All of them due, one shard after the other, as the process's thread goes about it.
void Expire(ShardMap& map) {
  std::this_thread::sleep_for(std::chrono::nanoseconds(kDueNs + (uint64_t{2} << TimerWheel::kTickShift)));
  Session* session = map.store().OpenSession();
  for (size_t shard = 0; shard < map.store().shards(); ++shard) {
    while (map.store().ExpireSome(*session, shard) != kForever) continue;
  }
  map.store().CloseSession(session);
}

struct Work {
  const char* name;
  void (*prepare)(ShardMap&);
  void (*perform)(ShardMap&);
};

constexpr Work kWorks[] = {{"grow", Nothing, Grow},
                           {"grow-in-batches", Nothing, GrowInBatches},
                           {"shrink", FillMillion, Shrink},
                           {"shrink-in-batches", FillMillion, ShrinkInBatches},
                           {"overwrite", FillMillion, Overwrite},
                           {"overwrite-in-batches", FillMillion, GrowInBatches},
                           {"give-deadlines", FillMillion, GiveDeadlines},
                           {"expire", FillMillionAndGiveDeadlines, Expire},
                           {"scan", FillMillion, Scan},
                           {"clear", FillMillion, Clear},
                           {"clear-with-deadlines", FillMillionAndGiveDeadlines, Clear},
                           {"reshard", FillMillion, Reshard},
                           {"stats", FillMillion, Stats}};

// --- The measurement -------------------------------------------------------------------------------------------------

void LockHold(benchmark::State& state, const Work& work) {
  Histogram all;
  uint64_t least_longest = UINT64_MAX;
  for (auto _ : state) {
    for (int round = 0; round < kRounds; ++round) {
      ShardMap map(static_cast<size_t>(state.range(0)));
      work.prepare(map);
      t_holds = {};
      work.perform(map);
      all.Add(t_holds);
      least_longest = std::min(least_longest, t_holds.longest());
    }
  }
  state.counters["holds"] = static_cast<double>(all.total());
  state.counters["p50_ns"] = all.Quantile(0.5);
  state.counters["p99_ns"] = all.Quantile(0.99);
  state.counters["p9999_ns"] = all.Quantile(0.9999);
  state.counters["max_ns"] = static_cast<double>(all.longest());
  state.counters["least_max_ns"] = static_cast<double>(least_longest);
}

[[maybe_unused]] const bool registered = [] {
  for (const Work& work : kWorks) {
    const std::string name = std::string("LockHold/work:") + work.name;
    auto* const registration =
        benchmark::RegisterBenchmark(name.c_str(), [&](benchmark::State& state) { LockHold(state, work); });
    // All of them at once.
    if (work.perform == Clear) registration->Arg(static_cast<int64_t>(Store::kShardsMax));
    registration->ArgName("shards")
        ->Arg(1)
        ->Arg(static_cast<int64_t>(Store::DefaultShards()))
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  }
  return true;
}();

}  // namespace
}  // namespace shardmap::bench
