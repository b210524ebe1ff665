// Entries that come and go, for all maps: the mixes of conc-map-bench, the bench that Rust's concurrent maps are
// compared by. Each thread inserts keys of its own, removes the oldest of them, and reads and updates any of them.

#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "keys.h"
#include "maps/roster.h"
#include "random.h"
#include "script.h"
#include "shared_map.h"
#include "threads.h"

namespace shardmap::bench {
namespace {

constexpr int64_t kOperations = int64_t{1} << 20;  // of each thread

enum class Operation : uint8_t { kRead, kInsert, kRemove, kUpdate };

struct Mix {
  const char* name;
  int64_t entries;                // at the start, of all threads together
  uint64_t read, insert, remove;  // of 100 operations; the rest update
};

constexpr Mix kMixes[] = {{"read-heavy", int64_t{1} << 19, 98, 1, 1},
                          {"exchange", int64_t{1} << 19, 10, 40, 40},
                          {"rapid-grow", 0, 5, 80, 5}};

// What one thread does: its keys are the numbers from oldest_ to below next_.
class Script {
 public:
  Script(const Mix& mix, int thread, int threads)
      : mix_(mix),
        random_(static_cast<uint64_t>(thread) + 1),
        oldest_(static_cast<uint64_t>(thread) << 32),
        next_(oldest_ + static_cast<uint64_t>(mix.entries / threads)) {}

  uint64_t oldest() const { return oldest_; }
  uint64_t next() const { return next_; }

  Operation Next(uint64_t* number) {
    const Operation operation = oldest_ == next_ ? Operation::kInsert : Draw();
    switch (operation) {
      case Operation::kInsert:
        *number = next_++;
        break;
      case Operation::kRemove:
        *number = oldest_++;
        break;
      default:
        *number = oldest_ + random_.Below(next_ - oldest_);
    }
    return operation;
  }

  template <typename Thread>
  static double Perform(Thread& thread, Operation operation, std::string_view key, double number) {
    double read = 0;
    switch (operation) {
      case Operation::kRead:
        thread.Get(key, &read);
        break;
      case Operation::kRemove:
        thread.Delete(key);
        break;
      default:
        thread.Set(key, number);
    }
    return read;
  }

 private:
  Operation Draw() {
    const uint64_t draw = random_.Below(100);
    if (draw < mix_.read) return Operation::kRead;
    if (draw < mix_.read + mix_.insert) return Operation::kInsert;
    return draw < mix_.read + mix_.insert + mix_.remove ? Operation::kRemove : Operation::kUpdate;
  }

  const Mix& mix_;
  Random random_;
  uint64_t oldest_;
  uint64_t next_;
};

template <typename Map>
void Churn(benchmark::State& state, const Mix& mix) {
  typename Map::Thread thread(SharedMap<Map>::Get());
  Script script(mix, state.thread_index(), state.threads());
  FillRange(thread, script.oldest(), script.next());
  RunScript(state, thread, script);
}

[[maybe_unused]] const bool registered = [] {
  ForEachMap([]<typename Map>(const std::string& name) {
    for (const Mix& mix : kMixes) {
      const std::string full_name = "Churn/map:" + name + "/mix:" + mix.name;
      benchmark::RegisterBenchmark(full_name.c_str(), [&](benchmark::State& state) { Churn<Map>(state, mix); })
          ->Iterations(kOperations)
          ->Apply(SharedMap<Map>::AttachEmpty)
          ->Apply(UseThreads);
    }
  });
  return true;
}();

}  // namespace
}  // namespace shardmap::bench
