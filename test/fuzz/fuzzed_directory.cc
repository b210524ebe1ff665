#include "fuzz/fuzzed_directory.h"

#include <algorithm>
#include <atomic>
#include <span>

#include "core/store.h"
#include "fixtures.h"
#include "fuzz/requirement.h"
#include "log/each_record.h"
#include "log/frame_reader.h"
#include "log/log_writer.h"
#include "log/replay.h"
#include "log/snapshot.h"
#include "log/staging.h"
#include "random_input.h"

namespace shardmap {
namespace {

// Of the store's clock: the golden deadlines are later.
constexpr uint64_t kClockOffset = 1'800'000'000'000'000'000;
constexpr HashSeed kSeed = {{1, 2, 3, 4}};

std::string RecordOf(const Record& record, uint64_t clock_offset_ns) {
  std::string text = std::to_string(static_cast<int>(record.kind)) + ' ' + std::to_string(clock_offset_ns) + ' ' +
                     std::to_string(record.deadline.word()) + ' ' + std::to_string(static_cast<int>(record.key.kind)) +
                     ' ' + std::to_string(static_cast<int>(record.value_kind)) + ' ' + std::to_string(record.key.size);
  text.append(reinterpret_cast<const char*>(record.key.bytes), record.key.size);
  text.append(record.value.begin(), record.value.end());
  return text;
}

// A store, and the log that made it.
class RecoveredStore {
 public:
  explicit RecoveredStore(Directory& directory, RecoveryMode mode = RecoveryMode::kTail) {
    Replay replay(store_, kClockOffset);
    RecoveryOptions options;
    options.mode = mode;
    const auto note = EachRecord([&](const Record& record, uint64_t clock_offset_ns) {
      state_.records.push_back(RecordOf(record, clock_offset_ns));
      return Status();
    });
    options.apply = [&](std::span<const uint8_t> payload) {
      Status status = note(payload);
      return status.ok() ? replay.Apply(payload) : std::move(status);
    };
    options.await = [&] { return replay.Await(); };
    auto recovered = Recover(directory, options);
    state_.code = recovered.status().code();
    if (!recovered.ok()) {
      state_.message = recovered.status().message();
      return;
    }
    log_ = std::move(recovered.value());
    state_.tail_bytes = log_->tail_bytes;
    replay.Finish();
    ReadRows();
    state_.structures = store_.structures().Load();
  }

  const RecoveredState& state() const { return state_; }
  Store& store() { return store_; }
  std::unique_ptr<RecoveredLog> TakeLog() { return std::move(log_); }

 private:
  static StoreOptions OptionsOf(const Clock& clock) {
    StoreOptions options;
    options.shards = 2;
    options.clock = &clock;
    options.seed = kSeed;
    return options;
  }
  void ReadRows() {
    const OpenedSession session(store_);
    const ReadGuard guard(*session);
    std::vector<ScannedEntry> entries;
    store_.Scan(guard, 0, SIZE_MAX / 4, &entries);
    for (const ScannedEntry& scanned : entries) {
      ReadValue value;
      if (!store_.ReadScanned(guard, scanned, &value)) continue;  // expired within the last tick of the timers
      state_.rows.push_back({OwnedKey::Of(scanned.entry->key()), value.kind(),
                             std::string(reinterpret_cast<const char*>(value.bytes()), value.size()),
                             value.deadline().word()});
    }
    Require(entries.size() == store_.Size(), "a scan meets all entries");
  }

  HandTurnedClock clock_;
  Store store_{OptionsOf(clock_)};
  RecoveredState state_;
  std::unique_ptr<RecoveredLog> log_;
};

void RequireSame(const RecoveredState& again, const RecoveredState& state, const std::string& when) {
  Require(again.ok(), when + " it is refused: " + again.message);
  Require(again.HasSameStore(state), when + " it is another store");
}

// What has changed but its temporary files: nothing may, where it is refused.
void RequireUntouched(const CrashDirectory& before, CrashDirectory& after) {
  std::vector<std::string> names;
  Require(!after.List(&names), "a directory can be listed");
  for (const std::string& name : names) {
    if (name.ends_with(kTemporarySuffix)) continue;
    Require(after.ContentOf(name) == before.ContentOf(name), name + " was changed, and the store refused");
  }
}

// One more entry, of which the log is told, and its end.
void RequireThatTheLogGoesOn(CrashDirectory& directory) {
  RecoveredStore recovered(directory);
  RecoveredState expected = recovered.state();
  const OwnedKey key(KeyKind::kBytes, "a key that nobody has");
  const Key own = key.key();
  const auto has_key = [&](const RecoveredState::Row& row) { return row.key == key; };
  if (std::any_of(expected.rows.begin(), expected.rows.end(), has_key)) return;
  Staging staging(size_t{1} << 20, [] {});
  Stage* const stage = staging.Open();
  const Value value(ValueKind::kTrue);
  Require(stage->Reserve(&own, &value, 0).ok(), "there is room");
  stage->Append({Mutation::Kind::kInsert, &own, &value, {}, 1});
  {
    LogWriter writer(directory, recovered.TakeLog(), 10'000);
    Require(writer.WriteCut(staging, kClockOffset).ok() && writer.Finish(kClockOffset).ok(), "the log goes on");
  }
  expected.rows.push_back({key, ValueKind::kTrue, {}, 0});
  RequireSame(RecoveredStore(directory, RecoveryMode::kStrict).state(), expected, "with one entry more");
}

void RequireThatASnapshotIsTheSame(CrashDirectory& directory) {
  RecoveredStore recovered(directory);
  auto log = recovered.TakeLog();
  const OpenedSession session(recovered.store());
  CrashDirectory other;
  const std::atomic<bool> is_cancelled{false};
  const auto written = WriteSnapshot(other, log->store, 1, recovered.store(), *session, UINT64_MAX - 1, kClockOffset,
                                     is_cancelled, [] { return Status(); });
  Require(written.ok(), "a snapshot can be written");
  const FileHeader header = NewFileHeader(FileKind::kSegment, log->store, 1);
  auto segment = FrameWriter::Create(other, SegmentName(1), header, 1);
  Require(segment.ok() && segment.value()->Publish(other).ok(), "a segment can be written");
  Require(ReplaceManifest(other, log->store, {.first_segment = 1, .snapshot = 1, .first_sequence = 1}).ok(),
          "a manifest can be written");
  RequireSame(RecoveredStore(other, RecoveryMode::kStrict).state(), recovered.state(), "as a snapshot");
}

}  // namespace

FuzzedDirectory::FuzzedDirectory(std::string name) : name_(std::move(name)) {
  const GoldenStore store;
  store.WriteTo(golden_);
  header_ = store.manifest_header;
  for (const GoldenFile& file : store.files) {
    if (file.name() != name_) continue;
    header_ = file.header;
    first_sequence_ = file.first_sequence;
  }
}

std::unique_ptr<CrashDirectory> FuzzedDirectory::With(const std::string& content) const {
  auto copy = golden_.KillCopy();
  copy->Put(name_, content);
  return copy;
}

RecoveredState FuzzedDirectory::RecoverWith(const std::string& content) const {
  return RecoveredStore(*With(content)).state();
}

RecoveredState FuzzedDirectory::Check(const std::string& content) const {
  const auto directory = With(content);
  const RecoveredState state = RecoveredStore(*directory).state();
  const auto strict_directory = With(content);
  const RecoveredState strict = RecoveredStore(*strict_directory, RecoveryMode::kStrict).state();
  RequireSalvage(content, strict);
  if (!state.ok()) {
    Require(state.code == Code::kCorrupt || state.code == Code::kNewerFormat, "another error: " + state.message);
    Require(!strict.ok(), "strict mode takes what is refused");
    RequireUntouched(*With(content), *directory);
    return state;
  }
  if (strict.ok()) {
    Require(strict.records == state.records && state.tail_bytes == 0, "strict mode takes a tail");
  } else {
    Require(strict.code == Code::kCorrupt, "another error: " + strict.message);
    RequireUntouched(*With(content), *strict_directory);
  }
  RequireSame(RecoveredStore(*directory->KillCopy(), RecoveryMode::kStrict).state(), state, "the second time");
  Random random(content.size());
  RequireSame(RecoveredStore(*directory->CrashCopy(random)).state(), state, "after a loss of power");
  RequireThatASnapshotIsTheSame(*directory->KillCopy());
  RequireThatTheLogGoesOn(*directory);
  return state;
}

void FuzzedDirectory::RequireSalvage(const std::string& content, const RecoveredState& strict) const {
  const auto directory = With(content);
  const RecoveredState salvaged = RecoveredStore(*directory, RecoveryMode::kSalvage).state();
  Require(salvaged.ok() || salvaged.code == Code::kNewerFormat, "salvage gives up: " + salvaged.message);
  RequireUntouched(*With(content), *directory);
  if (strict.ok()) RequireSame(salvaged, strict, "salvaged");
}

void FuzzedDirectory::RequireWhole(const std::string& content, uint64_t draw) const {
  if (content.empty()) return;
  const size_t at = static_cast<size_t>(Mix(draw) % content.size());
  Require(!RecoverWith(content.substr(0, at)).ok(), "it is cut off at " + std::to_string(at) + ", and taken");
  std::string flipped = content;
  flipped[at] = static_cast<char>(flipped[at] ^ 1 << Mix(draw + 1) % 8);
  Require(!RecoverWith(flipped).ok(), "a bit at " + std::to_string(at) + " is another, and it is taken");
}

void FuzzedDirectory::RequirePrefix(const std::string& content, const RecoveredState& state, uint64_t draw) const {
  if (content.empty()) return;
  const size_t at = static_cast<size_t>(Mix(draw) % content.size());
  std::string flipped = content;
  flipped[at] = static_cast<char>(flipped[at] ^ 1 << Mix(draw + 1) % 8);
  for (const std::string& damaged : {content.substr(0, at), flipped}) {
    const RecoveredState part = RecoverWith(damaged);
    if (!part.ok()) continue;
    const bool is_prefix = part.records.size() <= state.records.size() &&
                           std::equal(part.records.begin(), part.records.end(), state.records.begin());
    Require(is_prefix, "it is damaged at " + std::to_string(at) + ", and tells what did not happen");
  }
}

}  // namespace shardmap
