// A log that keeps what it is told, stage by stage, and a store that is told to it from the beginning.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/mutation_sink.h"
#include "core/store.h"
#include "fixtures.h"

namespace shardmap {

struct LoggedStore : Store {
  LoggedStore(const StoreOptions& options, MutationSink& sink) : Store(options) { LogTo(sink); }
};

struct RecordedMutation {
  Mutation::Kind kind;
  uint64_t stamp;
  uint32_t place;
  Deadline deadline;
  OwnedKey key;
  ValueKind value_kind = ValueKind::kUndefined;
  std::string value;

  Value AsValue() const { return BorrowedValue(value_kind, value); }
};

class RecordingSink;

class RecordingStage final : public MutationStage {
 public:
  explicit RecordingStage(RecordingSink& sink) : sink_(sink) {}

  Status Reserve(const Key* key, const Value* value, size_t value_bytes_max) override;
  void Append(const Mutation& mutation) override;
  void Release() override {
    EXPECT_TRUE(reserved_.has_value()) << "released what was not reserved";
    reserved_.reset();
  }

  bool has_reservation() const { return reserved_.has_value(); }

  std::vector<RecordedMutation> records;
  bool is_open = true;

 private:
  struct Reserved {
    std::optional<OwnedKey> key;
    std::optional<std::string> value;
    size_t value_bytes_max;
  };

  RecordingSink& sink_;
  std::optional<Reserved> reserved_;
};

// Stages have no lock and stay when they are closed: ThreadSanitizer sees one that two threads use.
class RecordingSink final : public MutationSink {
 public:
  MutationStage* OpenStage() override {
    const std::scoped_lock lock(mutex_);
    if (refuses_stages) throw std::bad_alloc();
    stages_.push_back(std::make_unique<RecordingStage>(*this));
    return stages_.back().get();
  }
  void CloseStage(MutationStage* stage) override {
    const std::scoped_lock lock(mutex_);
    auto& closed = static_cast<RecordingStage&>(*stage);
    EXPECT_TRUE(closed.is_open);
    EXPECT_FALSE(closed.has_reservation());
    closed.is_open = false;
  }

  // The rest is for when nobody uses a stage.

  const std::vector<std::unique_ptr<RecordingStage>>& stages() const { return stages_; }
  bool HasReservation() const {
    return std::any_of(stages_.begin(), stages_.end(), [](const auto& stage) { return stage->has_reservation(); });
  }
  size_t CountRecords() const {
    size_t count = 0;
    for (const auto& stage : stages_) count += stage->records.size();
    return count;
  }
  // As a log would replay them.
  std::vector<RecordedMutation> RecordsByStamp() const {
    std::vector<RecordedMutation> all;
    for (const auto& stage : stages_) all.insert(all.end(), stage->records.begin(), stage->records.end());
    std::sort(all.begin(), all.end(), [](const RecordedMutation& a, const RecordedMutation& b) {
      return std::tie(a.stamp, a.place) < std::tie(b.stamp, b.place);
    });
    return all;
  }

  std::atomic<int> refuse_after{-1};  // refuses once this many more were granted; negative: never
  bool refuses_stages = false;
  const Store* store = nullptr;                    // whose locks must be free when room is reserved
  std::function<void(const Mutation&)> on_append;  // under the lock

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<RecordingStage>> stages_;
};

inline std::string TextOf(const Value& value) { return {reinterpret_cast<const char*>(value.bytes()), value.size()}; }

inline Status RecordingStage::Reserve(const Key* key, const Value* value, size_t value_bytes_max) {
  EXPECT_FALSE(reserved_.has_value()) << "a second reservation";
  if (sink_.store != nullptr) (void)sink_.store->Stats();  // takes every shard's lock, so none may be held
  if (sink_.refuse_after.load() >= 0 && sink_.refuse_after.fetch_sub(1) <= 0) {
    return Status(Code::kClosed, "refused " + std::to_string(value_bytes_max));
  }
  reserved_ = Reserved{{}, {}, value_bytes_max};
  if (key != nullptr) reserved_->key = OwnedKey::Of(*key);
  if (value != nullptr) reserved_->value = TextOf(*value);
  EXPECT_TRUE(value == nullptr ? value_bytes_max <= kInlineValueBytesMax : value_bytes_max == value->size());
  return Status();
}

inline void RecordingStage::Append(const Mutation& mutation) {
  if (sink_.on_append) sink_.on_append(mutation);
  RecordedMutation record{mutation.kind, mutation.stamp, mutation.place, mutation.deadline, {}, {}, {}};
  if (mutation.value != nullptr) {
    record.value_kind = mutation.value->kind();
    record.value = TextOf(*mutation.value);
  }
  ASSERT_TRUE(reserved_.has_value()) << "appended without a reservation";
  EXPECT_EQ(reserved_->key.has_value(), mutation.key != nullptr);
  if (mutation.key != nullptr) {
    record.key = OwnedKey::Of(*mutation.key);
    EXPECT_EQ(reserved_->key, record.key);
  }
  if (reserved_->value.has_value()) {
    EXPECT_EQ(*reserved_->value, record.value);
  } else {
    EXPECT_LE(record.value.size(), reserved_->value_bytes_max);
  }
  const bool has_no_key = mutation.kind == Mutation::Kind::kClear || mutation.kind == Mutation::Kind::kStructures;
  EXPECT_EQ(mutation.key == nullptr, has_no_key);
  if (!records.empty()) {
    EXPECT_GT(mutation.stamp, records.back().stamp) << "stamps of a stage rise";
  }
  reserved_.reset();
  records.push_back(std::move(record));
}

// Makes the store what the records say, as a log that is opened does.
inline void Replay(const std::vector<RecordedMutation>& records, Store& store, Session& session) {
  uint64_t number = 0;
  for (const RecordedMutation& record : records) {
    const HashedKey key = store.Hashed(record.key.key());
    ++number;
    switch (record.kind) {
      case Mutation::Kind::kInsert:
        ASSERT_TRUE(
            store.Restore(session, key, record.AsValue(), {RestoreMode::kInsert, record.deadline, number}).ok());
        break;
      case Mutation::Kind::kOverwrite:
        ASSERT_TRUE(
            store.Restore(session, key, record.AsValue(), {RestoreMode::kOverwrite, record.deadline, number}).ok());
        break;
      case Mutation::Kind::kDelete:
        ASSERT_TRUE(store.Delete(session, key.key).ok());
        break;
      case Mutation::Kind::kDeadline:
        ASSERT_TRUE(store.RestoreDeadline(session, key, record.deadline).ok());
        break;
      case Mutation::Kind::kClear:
        store.RestoreClear(session, 0, store.shards());
        break;
      case Mutation::Kind::kStructures:
        store.structures().Restore(record.value);
    }
  }
  store.EndRestore(number);
}

// An entry as a scan shows it.
struct Shown {
  OwnedKey key;
  std::string value;
  uint64_t deadline_word;
  auto operator<=>(const Shown&) const = default;
};

// All entries in insertion order.
inline std::vector<Shown> ShownBy(const Store& store, Session& session) {
  std::vector<Shown> all;
  const ReadGuard guard(session);
  std::vector<ScannedEntry> page;
  store.Scan(guard, 0, SIZE_MAX / 4, &page);
  for (const ScannedEntry& scanned : page) {
    ReadValue value;
    if (!store.ReadScanned(guard, scanned, &value)) continue;
    all.push_back({OwnedKey::Of(scanned.entry->key()), std::string(BytesOf(value)), value.deadline().word()});
  }
  return all;
}

}  // namespace shardmap
