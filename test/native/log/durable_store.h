// A store with its log, as the engine puts them together, for tests.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/directory.h"
#include "core/store_fixtures.h"
#include "fixtures.h"
#include "log/compaction.h"
#include "log/log.h"
#include "log/recovery.h"
#include "log/replay.h"

namespace shardmap {

class DurableStore {
 public:
  // Recovers what is in the directory. With `wrap` the store is told to what that makes of the log.
  DurableStore(
      Directory& directory, size_t shards, LogOptions options = {}, const Clock* clock = nullptr,
      const std::function<MutationSink&(Log&)>& wrap = [](Log& log) -> MutationSink& { return log; },
      RecoveryOptions recovery = {})
      : directory_(directory), store_(OptionsOf(shards, clock)) {
    options.clock = clock;
    auto recovered = Replayed(std::move(recovery));
    status_ = recovered.status().Copy();
    if (!status_.ok()) return;
    manifest_ = recovered.value()->manifest;
    losses_ = recovered.value()->losses;
    log_ = std::make_unique<Log>(directory, std::move(recovered.value()), options);
    store_.LogTo(wrap(*log_));
  }

  const Status& status() const { return status_; }
  const std::vector<Loss>& losses() const { return losses_; }
  const Manifest& manifest() const { return manifest_; }
  Store& store() { return store_; }
  Log& log() { return *log_; }
  Status Compact(const std::set<std::string>& kept = {}) {
    const OpenedSession session(store_);
    return shardmap::Compact(directory_, *log_, store_, *session, &manifest_, is_cancelled_, kept).TakeStatus();
  }
  // Compactions end soon from now on.
  void Cancel() { is_cancelled_ = true; }

  Status Set(std::string_view key, const std::string& value) {
    const OpenedSession session(store_);
    return store_.Set(*session, OwnedKey(key).key(), BorrowedValue(ValueKind::kOneByteString, value));
  }
  std::optional<std::string> Get(std::string_view key) {
    const OpenedSession session(store_);
    const ReadGuard guard(*session);
    ReadValue value;
    if (!store_.Get(guard, OwnedKey(key).key(), &value)) return std::nullopt;
    return std::string(BytesOf(value));
  }

  struct Row {
    OwnedKey key;
    std::string value;
    bool has_deadline;
    bool operator==(const Row&) const = default;
  };
  // In insertion order.
  std::vector<Row> Rows() {
    std::vector<Row> rows;
    const OpenedSession session(store_);
    const ReadGuard guard(*session);
    ForEachEntry(store_, guard, [&](const ScannedEntry& scanned) {
      ReadValue value;
      if (!store_.ReadScanned(guard, scanned, &value)) return;
      rows.push_back({OwnedKey::Of(scanned.entry->key()), std::string(BytesOf(value)), value.deadline().exists()});
    });
    return rows;
  }

 private:
  Result<std::unique_ptr<RecoveredLog>> Replayed(RecoveryOptions options) {
    Replay replay(store_, UnixNanosAtZero(store_.clock()), ReplayInTurn());
    options.apply = [&](std::span<const uint8_t> payload) { return replay.Apply(payload); };
    options.await = [&] { return replay.Await(); };
    auto recovered = Recover(directory_, options);
    if (recovered.ok()) replay.Finish();
    return recovered;
  }
  // Each store is replayed by another number of threads than the one before, from its first record on.
  static ReplayOptions ReplayInTurn() {
    static std::atomic<size_t> stores{0};
    constexpr size_t kThreads[] = {2, 0, 4, 1};
    return {.threads_max = kThreads[stores++ % std::size(kThreads)], .bytes_before_threads = 0};
  }
  static StoreOptions OptionsOf(size_t shards, const Clock* clock) {
    StoreOptions options = OptionsFor(shards);
    options.clock = clock;
    return options;
  }

  Directory& directory_;
  Store store_;
  Status status_;
  Manifest manifest_;
  std::vector<Loss> losses_;
  std::atomic<bool> is_cancelled_{false};
  std::unique_ptr<Log> log_;
};

}  // namespace shardmap
