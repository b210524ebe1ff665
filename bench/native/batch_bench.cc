// What an operation costs in a batch, and by itself: one after the other, where the processor overlaps each with the
// next as far as it sees, and apart, where each waits for the one before, as between two calls from JavaScript.
//
// `by-shard` is a batch that comes sorted by shard, so that each shard is locked once for all of its keys: the most
// that sorting could save, as the sorting itself is not in the time.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "core/store.h"
#include "keys.h"
#include "random.h"
#include "stopwatch.h"

namespace shardmap::bench {
namespace {

constexpr uint64_t kOperations = uint64_t{1} << 20;
const HashSeed kSeed = {{0x9e37'79b9'7f4a'7c15, 0xd134'2543'de82'ef95, 0xbf58'476d'1ce4'e5b9, 0x94d0'49bb'1331'11eb}};

enum class Way : uint8_t { kOne, kApart, kMany, kByShard };

Key KeyOf(std::string_view text) {
  return {KeyKind::kOneByteString, reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// The store, filled, and what a batch needs.
class Batches {
 public:
  Batches(uint64_t entries, size_t value_bytes, size_t batch)
      : store_(Options()),
        session_(*store_.OpenSession()),
        value_(value_bytes, 'v'),
        texts_((batch + kBatchKeys - 1) / kBatchKeys),
        keys_(batch),
        values_(batch),
        found_(std::make_unique<bool[]>(batch)) {
    for (uint64_t i = 0; i < entries; ++i) {
      texts_[0].Set(0, i);
      if (!store_.Set(session_, KeyOf(texts_[0][0]), value()).ok()) std::abort();
    }
  }
  ~Batches() { store_.CloseSession(&session_); }

  // Makes the batch one of these numbers.
  template <typename NumberOf>
  void Make(Way way, NumberOf number_of) {
    for (size_t i = 0; i < keys_.size(); ++i) {
      KeyBatch& texts = texts_[i / kBatchKeys];
      texts.Set(i % kBatchKeys, number_of(i));
      keys_[i] = KeyOf(texts[i % kBatchKeys]);
    }
    if (way == Way::kByShard) {
      const int shift = 64 - std::countr_zero(store_.shards());
      std::stable_sort(keys_.begin(), keys_.end(), [=](const Key& a, const Key& b) {
        return a.HashWith(kSeed) >> shift < b.HashWith(kSeed) >> shift;
      });
    }
    entries_.clear();
    for (const Key& key : keys_) entries_.push_back({key, value()});
  }

  uint64_t Get(Way way) {
    const ReadGuard guard(session_);
    if (way == Way::kMany) {
      store_.GetMany(guard, keys_, values_.data(), found_.get());
      return std::accumulate(values_.begin(), values_.end(), uint64_t{0},
                             [](uint64_t sum, const ReadValue& value) { return sum + value.first_word(); });
    }
    uint64_t sum = 0;
    for (Key key : keys_) {
      if (way == Way::kApart) key.bytes += sum & zero_;
      ReadValue value;
      if (store_.Get(guard, key, &value)) sum += value.first_word();
    }
    return sum;
  }

  // Copies every value out, as for a matrix with a row for each.
  uint64_t Gather(Way way) {
    constexpr size_t kPiece = BatchGroup::kKeysMax;
    rows_.resize(keys_.size() * value_.size());
    for (size_t first = 0; first < keys_.size(); first += kPiece) {
      const ReadGuard guard(session_);
      const size_t size = std::min(kPiece, keys_.size() - first);
      if (way == Way::kMany) store_.GetMany(guard, {&keys_[first], size}, &values_[first], &found_[first]);
      for (size_t i = first; i < first + size; ++i) {
        if (way != Way::kMany) found_[i] = store_.Get(guard, keys_[i], &values_[i]);
        if (found_[i]) std::memcpy(&rows_[i * value_.size()], values_[i].bytes(), value_.size());
      }
    }
    return rows_[0];
  }

  void Set(Way way) {
    if (way == Way::kOne) {
      for (BatchEntry& entry : entries_) {
        if (!store_.Set(session_, entry.key, std::move(entry.value)).ok()) std::abort();
      }
      return;
    }
    size_t failed = 0;
    if (!store_.SetMany(session_, entries_, &failed).ok()) std::abort();
  }

  size_t Delete(Way way) {
    size_t deleted = 0;
    if (way != Way::kOne) {
      (void)store_.DeleteMany(session_, keys_, &deleted);
    } else {
      for (const Key& key : keys_) deleted += store_.Delete(session_, key).value() ? 1 : 0;
    }
    return deleted;
  }

 private:
  static StoreOptions Options() {
    StoreOptions options;
    options.seed = kSeed;
    return options;
  }
  Value value() const { return Value(ValueKind::kNumber, value_.data(), value_.size()); }

  Store store_;
  Session& session_;
  const std::string value_;
  std::vector<KeyBatch> texts_;
  std::vector<Key> keys_;
  std::vector<BatchEntry> entries_;
  std::vector<ReadValue> values_;
  std::unique_ptr<bool[]> found_;
  std::string rows_;
  uint64_t zero_ = [] {
    uint64_t zero = 0;
    benchmark::DoNotOptimize(zero);
    return zero;
  }();
};

enum class Work : uint8_t { kGet, kGather, kOverwrite, kFill, kDelete };

struct Named {
  const char* name;
  Work work;
  Way way;
};

constexpr Named kBatches[] = {
    {"work:get/way:one", Work::kGet, Way::kOne},
    {"work:get/way:apart", Work::kGet, Way::kApart},
    {"work:get/way:many", Work::kGet, Way::kMany},
    {"work:gather/way:one", Work::kGather, Way::kOne},
    {"work:gather/way:many", Work::kGather, Way::kMany},
    {"work:overwrite/way:one", Work::kOverwrite, Way::kOne},
    {"work:overwrite/way:many", Work::kOverwrite, Way::kMany},
    {"work:overwrite/way:by-shard", Work::kOverwrite, Way::kByShard},
    {"work:fill/way:one", Work::kFill, Way::kOne},
    {"work:fill/way:many", Work::kFill, Way::kMany},
    {"work:fill/way:by-shard", Work::kFill, Way::kByShard},
    {"work:delete/way:one", Work::kDelete, Way::kOne},
    {"work:delete/way:many", Work::kDelete, Way::kMany},
    {"work:delete/way:by-shard", Work::kDelete, Way::kByShard},
};

void Perform(Batches& batches, const Named& named) {
  switch (named.work) {
    case Work::kGet:
      benchmark::DoNotOptimize(batches.Get(named.way));
      return;
    case Work::kGather:
      benchmark::DoNotOptimize(batches.Gather(named.way));
      return;
    case Work::kOverwrite:
    case Work::kFill:
      return batches.Set(named.way);
    case Work::kDelete:
      benchmark::DoNotOptimize(batches.Delete(named.way));
      return;
  }
}

// The time is that inside the calls.
void Batch(benchmark::State& state, const Named& named) {
  const auto entries = static_cast<uint64_t>(state.range(0));
  const auto batch = static_cast<uint64_t>(state.range(1));
  const bool is_fill = named.work == Work::kFill;
  const bool uses_each_once = is_fill || named.work == Work::kDelete;
  const uint64_t operations = uses_each_once ? entries : std::max(kOperations, batch);
  const size_t value_bytes = named.work == Work::kGather ? 512 : 8;
  std::unique_ptr<Batches> batches;
  double total_seconds = 0;
  uint64_t total_operations = 0;
  for (auto _ : state) {
    if (batches == nullptr || uses_each_once) {
      batches = nullptr;
      batches = std::make_unique<Batches>(is_fill ? 0 : entries, value_bytes, batch);
    }
    Random random(entries);
    double seconds = 0;
    for (uint64_t done = 0; done + batch <= operations; done += batch) {
      batches->Make(named.way, [&](uint64_t i) { return uses_each_once ? done + i : random.Below(entries); });
      const Stopwatch stopwatch;
      Perform(*batches, named);
      seconds += stopwatch.Seconds();
    }
    state.SetIterationTime(seconds);
    total_seconds += seconds;
    total_operations += operations / batch * batch;
  }
  state.counters["operation_ns"] = total_seconds * 1e9 / static_cast<double>(total_operations);
}

[[maybe_unused]] const bool registered = [] {
  for (const Named& named : kBatches) {
    benchmark::RegisterBenchmark((std::string("Batch/") + named.name).c_str(),
                                 [&](benchmark::State& state) { Batch(state, named); })
        ->ArgNames({"entries", "batch"})
        ->ArgsProduct({{200'000, 1'000'000}, {100, 10'000, 200'000}})
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond)
        ->Iterations(1);
  }
  return true;
}();

}  // namespace
}  // namespace shardmap::bench
