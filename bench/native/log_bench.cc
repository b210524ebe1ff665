// What a log costs who writes: overwrites and inserts of a store with a log on a real directory, beside one without.
// And how long it takes to make a store of its files again, by the number of threads that replay.
#include <benchmark/benchmark.h>

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/posix_directory.h"
#include "core/store.h"
#include "log/compaction.h"
#include "log/log.h"
#include "log/recovery.h"
#include "log/replay.h"

namespace shardmap::bench {
namespace {

constexpr size_t kKeys = 200'000;

// A directory that is gone with its user.
class TemporaryLog {
 public:
  explicit TemporaryLog(SyncPolicy policy)
      : path_(
            (std::filesystem::temp_directory_path() / ("shardmap-log-bench-" + std::to_string(::getpid()))).string()) {
    std::filesystem::remove_all(path_);
    if (PosixDirectory::Open(path_, PosixDirectory::IfMissing::kCreate, &directory_)) std::abort();
    auto recovered = Recover(*directory_, {});
    if (!recovered.ok()) std::abort();
    manifest_ = recovered.value()->manifest;
    LogOptions options;
    options.policy = policy;
    log_ = std::make_unique<Log>(*directory_, std::move(recovered.value()), options);
  }
  ~TemporaryLog() {
    log_.reset();
    std::filesystem::remove_all(path_);
  }
  Log& log() { return *log_; }
  Directory& directory() { return *directory_; }

  // Makes the log short, and writes to it no more.
  void Compact(Store& store) {
    const std::atomic<bool> is_cancelled{false};
    Session* const session = store.OpenSession();
    if (!shardmap::Compact(*directory_, *log_, store, *session, &manifest_, is_cancelled, {}).ok()) std::abort();
    store.CloseSession(session);
  }

 private:
  const std::string path_;
  std::unique_ptr<Directory> directory_;
  Manifest manifest_;
  std::unique_ptr<Log> log_;
};

// Argument: 0 without a log, 1 never, 2 interval, 3 always.
void Overwrite(benchmark::State& state) {
  std::unique_ptr<TemporaryLog> log;
  Store store(StoreOptions{.shards = 512});
  if (state.range(0) != 0) {
    constexpr SyncPolicy kPolicies[] = {SyncPolicy::kNever, SyncPolicy::kInterval, SyncPolicy::kAlways};
    log = std::make_unique<TemporaryLog>(kPolicies[state.range(0) - 1]);
    store.LogTo(log->log());
  }
  std::vector<std::string> keys;
  for (size_t i = 0; i < kKeys; ++i) keys.push_back("key:" + std::to_string(i * 2654435761u % kKeys));
  Session* const session = store.OpenSession();
  double number = 0;
  const auto set = [&](const std::string& key) {
    number += 1;
    const Key view{KeyKind::kOneByteString, reinterpret_cast<const uint8_t*>(key.data()), key.size()};
    if (!store.Set(*session, view, Value(ValueKind::kNumber, &number, sizeof number)).ok()) std::abort();
  };
  for (const std::string& key : keys) set(key);
  size_t next = 0;
  for (auto _ : state) {
    set(keys[next]);
    if (++next == kKeys) next = 0;
  }
  state.SetItemsProcessed(state.iterations());
  store.CloseSession(session);
}
BENCHMARK(Overwrite)->ArgName("policy")->DenseRange(0, 3)->UseRealTime();

// Arguments: entries; whether there is a snapshot of them, and not a log; threads, 0 being the recovering one alone.
void Open(benchmark::State& state) {
  const auto entries = static_cast<uint64_t>(state.range(0));
  TemporaryLog log(SyncPolicy::kNever);
  {
    Store store(StoreOptions{.shards = 512});
    store.LogTo(log.log());
    Session* const session = store.OpenSession();
    for (uint64_t i = 0; i < entries; ++i) {
      std::string key = "session:" + std::to_string(i * 2654435761u % entries);
      key.resize(21, '.');
      const Key view{KeyKind::kOneByteString, reinterpret_cast<const uint8_t*>(key.data()), key.size()};
      const auto number = static_cast<double>(i);
      if (!store.Set(*session, view, Value(ValueKind::kNumber, &number, sizeof number)).ok()) std::abort();
    }
    store.CloseSession(session);
    if (state.range(1) != 0) log.Compact(store);
    if (!log.log().Close().ok()) std::abort();
  }
  for (auto _ : state) {
    auto store = std::make_unique<Store>(StoreOptions{.shards = 512});
    {
      Replay replay(*store, 0, {.threads_max = static_cast<size_t>(state.range(2))});
      RecoveryOptions options;
      options.is_readonly = true;
      options.apply = [&](std::span<const uint8_t> payload) { return replay.Apply(payload); };
      options.await = [&] { return replay.Await(); };
      if (!Recover(log.directory(), options).ok()) std::abort();
      replay.Finish();
    }
    if (store->Size() != entries) std::abort();
    state.PauseTiming();
    store.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Open)
    ->ArgNames({"entries", "snapshot", "threads"})
    ->ArgsProduct({{1'000'000, 5'000'000}, {0, 1}, {0, 1, 2}})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace shardmap::bench
