// YCSB's core workloads A, B, C, D and F, for all maps (B. Cooper et al., "Benchmarking cloud serving systems with
// YCSB", SoCC 2010): its mixes and its distributions, our keys and number values. E scans ranges of an order that hash
// maps do not have.

#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "keys.h"
#include "maps/roster.h"
#include "random.h"
#include "script.h"
#include "shared_map.h"
#include "threads.h"
#include "zipf.h"

namespace shardmap::bench {
namespace {

constexpr int64_t kEntries = int64_t{1} << 20;
constexpr int64_t kOperations = int64_t{1} << 20;  // of each thread

enum class Operation : uint8_t { kRead, kUpdate, kInsert, kReadModifyWrite };
enum class Popularity : uint8_t { kScattered, kLatest };  // which entries are the popular ones

struct Workload {
  const char* name;
  double reads;     // share of gets
  Operation other;  // what the rest are
  Popularity popular;
};

constexpr Workload kWorkloads[] = {{"A", 0.50, Operation::kUpdate, Popularity::kScattered},
                                   {"B", 0.95, Operation::kUpdate, Popularity::kScattered},
                                   {"C", 1.00, Operation::kRead, Popularity::kScattered},
                                   {"D", 0.95, Operation::kInsert, Popularity::kLatest},
                                   {"F", 0.50, Operation::kReadModifyWrite, Popularity::kScattered}};

// What one thread does.
class Script {
 public:
  Script(const Workload& workload, int thread, int threads)
      : workload_(workload), random_(static_cast<uint64_t>(thread) + 1), stride_(static_cast<uint64_t>(threads)) {
    draw_ = Draws().size() / stride_ * static_cast<uint64_t>(thread);
    next_insert_ = kEntries + static_cast<uint64_t>(thread);
  }

  Operation Next(uint64_t* number) {
    const Operation operation = random_.Fraction() < workload_.reads ? Operation::kRead : workload_.other;
    if (operation == Operation::kInsert) {
      *number = next_insert_;
      next_insert_ += stride_;
    } else {
      *number = Existing();
    }
    return operation;
  }

  template <typename Thread>
  static double Perform(Thread& thread, Operation operation, std::string_view key, double number) {
    if (operation == Operation::kUpdate || operation == Operation::kInsert) {
      thread.Set(key, number);
      return 0;
    }
    double read = 0;
    thread.Get(key, &read);
    if (operation == Operation::kReadModifyWrite) thread.Set(key, read + 1);
    return read;
  }

 private:
  static const ZipfDraws& Draws() {
    static const ZipfDraws draws(kEntries, size_t{1} << 22);
    return draws;
  }

  uint64_t Existing() {
    const uint64_t rank = Draws()[draw_++];
    if (workload_.popular == Popularity::kScattered) return Random(rank).Next() % kEntries;
    // Threads insert in turn. What another thread was to insert may not be there yet: a rare miss.
    return next_insert_ - stride_ - rank;
  }

  const Workload& workload_;
  Random random_;
  const uint64_t stride_;
  size_t draw_;
  uint64_t next_insert_;
};

template <typename Map>
void Ycsb(benchmark::State& state, const Workload& workload) {
  typename Map::Thread thread(SharedMap<Map>::Get());
  Script script(workload, state.thread_index(), state.threads());
  RunScript(state, thread, script);
}

[[maybe_unused]] const bool registered = [] {
  ForEachMap([]<typename Map>(const std::string& name) {
    for (const Workload& workload : kWorkloads) {
      const std::string full_name = "Ycsb/map:" + name + "/workload:" + workload.name;
      benchmark::RegisterBenchmark(full_name.c_str(), [&](benchmark::State& state) { Ycsb<Map>(state, workload); })
          ->ArgName("entries")
          ->Arg(kEntries)
          ->Iterations(kOperations)
          ->Apply(SharedMap<Map>::Attach)
          ->Apply(UseThreads);
    }
  });
  return true;
}();

}  // namespace
}  // namespace shardmap::bench
