#include "log/replay.h"

#include <array>
#include <string>

#include "core/batch.h"

namespace shardmap {

Status Replay::Apply(const Record& record, uint64_t clock_offset_ns) {
  const Deadline deadline = Translate(record.deadline, clock_offset_ns);
  switch (record.kind) {
    case Mutation::Kind::kInsert:
    case Mutation::Kind::kOverwrite: {
      const auto mode = record.kind == Mutation::Kind::kInsert ? RestoreMode::kInsert : RestoreMode::kOverwrite;
      return store_.Restore(*session_, record.key, Value(record.value_kind, record.value.data(), record.value.size()),
                            deadline, mode);
    }
    case Mutation::Kind::kDelete:
      return store_.Delete(*session_, record.key).TakeStatus();
    case Mutation::Kind::kDeadline:
      return store_.RestoreDeadline(*session_, record.key, deadline);
    case Mutation::Kind::kClear:
      return store_.Clear(*session_);
    case Mutation::Kind::kStructures:
      store_.structures().Restore(std::string(record.value.begin(), record.value.end()));
      return Status();
  }
  return Status();
}

void Replay::Expect(std::span<const Record> records) {
  std::array<Key, BatchGroup::kKeysMax> keys;
  size_t count = 0;
  for (const Record& record : records) {
    if (record.key.bytes != nullptr && count < keys.size()) keys[count++] = record.key;
  }
  store_.Expect(*session_, {keys.data(), count});
}

// A deadline from before the store's clock began has passed as much as one of its first moment.
Deadline Replay::Translate(Deadline deadline, uint64_t clock_offset_ns) const {
  if (!deadline.exists()) return deadline;
  constexpr int64_t kLast = INT64_MAX;
  const int64_t shift = static_cast<int64_t>(clock_offset_ns - clock_offset_ns_);
  const auto ns = static_cast<int64_t>(deadline.ns());
  if (shift > 0 && ns > kLast - shift) return Deadline::At(kLast, deadline.slides());
  return Deadline::At(static_cast<uint64_t>(ns + shift > 0 ? ns + shift : 1), deadline.slides());
}

void Replay::Finish() {
  const uint64_t now_ns = store_.clock().NowNanos();
  for (size_t shard = 0; shard < store_.shards(); ++shard) {
    uint64_t due_ns = 0;
    while (due_ns <= now_ns) due_ns = store_.ExpireSome(*session_, shard);
  }
}

}  // namespace shardmap
