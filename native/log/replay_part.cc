#include "log/replay_part.h"

#include <string>
#include <utility>

#include "base/coding.h"

namespace shardmap {

Status ReplayPart::Walk(std::span<const uint8_t> payload) {
  Decoder decoder(payload);
  uint64_t clock_offset_ns = 0;
  (void)decoder.Take64(&clock_offset_ns);
  while (decoder.left() != 0 && DecodeRecord(&decoder, &group_[count_])) {
    ++records_;
    Status status = Add(clock_offset_ns);
    if (!status.ok()) return status;
  }
  return ApplyGroup(clock_offset_ns);
}

Status ReplayPart::Add(uint64_t clock_offset_ns) {
  const Record& record = group_[count_];
  if (!record.has_key()) {
    Status status = ApplyGroup(clock_offset_ns);
    if (status.ok()) ApplyToAll(record);
    return status;
  }
  keys_[count_] = store_.Hashed(record.key);
  if (!IsOwn(keys_[count_])) return Status();
  numbers_[count_] = records_;
  return ++count_ < kGroupMax ? Status() : ApplyGroup(clock_offset_ns);
}

Status ReplayPart::ApplyGroup(uint64_t clock_offset_ns) {
  const size_t count = std::exchange(count_, 0);
  store_.Expect(*session_, {keys_.data(), count});
  for (size_t i = 0; i < count; ++i) {
    const RestoreMode mode = group_[i].kind == Mutation::Kind::kInsert ? RestoreMode::kInsert : RestoreMode::kOverwrite;
    Status status = Apply(group_[i], keys_[i], {mode, Translate(group_[i].deadline, clock_offset_ns), numbers_[i]});
    if (!status.ok()) return status;
  }
  return Status();
}

Status ReplayPart::Apply(const Record& record, const HashedKey& key, const Restoration& restoration) {
  switch (record.kind) {
    case Mutation::Kind::kInsert:
    case Mutation::Kind::kOverwrite:
      return store_.Restore(*session_, key, Value(record.value_kind, record.value.data(), record.value.size()),
                            restoration);
    case Mutation::Kind::kDelete:
      return store_.Delete(*session_, record.key).TakeStatus();
    case Mutation::Kind::kDeadline:
      return store_.RestoreDeadline(*session_, key, restoration.deadline);
    default:
      return Status();
  }
}

void ReplayPart::ApplyToAll(const Record& record) {
  if (record.kind == Mutation::Kind::kClear) {
    store_.RestoreClear(*session_, first_shard_, end_shard_);
  } else if (record.kind == Mutation::Kind::kStructures && first_shard_ == 0) {
    store_.structures().Restore(std::string(record.value.begin(), record.value.end()));
  }
}

// A deadline from before the store's clock began has passed as much as one of its first moment.
Deadline ReplayPart::Translate(Deadline deadline, uint64_t clock_offset_ns) const {
  if (!deadline.exists()) return deadline;
  constexpr int64_t kLast = INT64_MAX;
  const int64_t shift = static_cast<int64_t>(clock_offset_ns - clock_offset_ns_);
  const auto ns = static_cast<int64_t>(deadline.ns());
  if (shift > 0 && ns > kLast - shift) return Deadline::At(kLast, deadline.slides());
  return Deadline::At(static_cast<uint64_t>(ns + shift > 0 ? ns + shift : 1), deadline.slides());
}

void ReplayPart::Expire() {
  const uint64_t now_ns = store_.clock().NowNanos();
  for (size_t shard = first_shard_; shard < end_shard_; ++shard) {
    uint64_t due_ns = 0;
    while (due_ns <= now_ns) due_ns = store_.ExpireSome(*session_, shard);
  }
}

}  // namespace shardmap
