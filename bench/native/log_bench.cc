// What a log costs who writes: overwrites and inserts of a store with a log on a real directory, beside one without.
#include <benchmark/benchmark.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/posix_directory.h"
#include "core/store.h"
#include "log/log.h"
#include "log/recovery.h"

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
    RecoveryOptions recovery;
    recovery.apply = [](const Record&, uint64_t) { return Status(); };
    auto recovered = Recover(*directory_, recovery);
    if (!recovered.ok()) std::abort();
    LogOptions options;
    options.policy = policy;
    log_ = std::make_unique<Log>(*directory_, std::move(recovered.value()), options);
  }
  ~TemporaryLog() {
    log_.reset();
    std::filesystem::remove_all(path_);
  }
  Log& log() { return *log_; }

 private:
  const std::string path_;
  std::unique_ptr<Directory> directory_;
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

}  // namespace
}  // namespace shardmap::bench
