// Danger: bytes that are no record are taken for one, or a record says one thing to who reads it and another to who
// writes it: the log and what is staged for it must have the same bytes for the same mutation.
//
// The input is the payload of a frame, without its clock offset.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/coding.h"
#include "core/store.h"
#include "fixtures.h"
#include "fuzz/requirement.h"
#include "log/log_format.h"
#include "log/replay_part.h"
#include "log/staging.h"

namespace shardmap {
namespace {

bool HasValue(const Record& record) {
  return record.kind == Mutation::Kind::kInsert || record.kind == Mutation::Kind::kOverwrite ||
         record.kind == Mutation::Kind::kStructures;
}

std::vector<uint8_t> Encoded(const Record& record) {
  std::vector<uint8_t> bytes(RecordBytesMax(record.key.size, record.value.size()));
  uint8_t* p = EncodeRecordHead(record.kind, record.deadline, bytes.data());
  if (record.has_key()) p = EncodeRecordKey(record.key, p);
  if (HasValue(record)) p = EncodeRecordValue(record.value_kind, record.value, p);
  p = EncodeRecordDeadline(record.deadline, p);
  bytes.resize(static_cast<size_t>(p - bytes.data()));
  return bytes;
}

// As a session stages it.
void Append(Stage& stage, const Record& record, uint64_t stamp) {
  const Value value(record.value_kind, record.value.data(), record.value.size());
  const Key* const key = record.has_key() ? &record.key : nullptr;
  const Value* const own = HasValue(record) ? &value : nullptr;
  const bool comes_late = own != nullptr && value.size() <= kInlineValueBytesMax && stamp % 2 == 0;
  const size_t late_bytes = comes_late ? value.size() : 0;
  Require(stage.Reserve(key, comes_late ? nullptr : own, late_bytes).ok(), "there is room");
  stage.Append({record.kind, key, own, record.deadline, stamp});
}

// What a record of an entry says is what the store then has.
void RequireApplied(Store& store, Session& session, ReplayPart& replay, const Record& record,
                    std::span<const uint8_t> encoded) {
  std::vector<uint8_t> payload(kClockOffsetBytes);
  payload.insert(payload.end(), encoded.begin(), encoded.end());
  Require(CheckRecords(payload).is_whole, "a record is none in a payload");
  Require(replay.Walk(payload).ok(), "a record can be applied");
  const ReadGuard guard(session);
  ReadValue value;
  if (record.kind == Mutation::Kind::kClear) Require(store.Size() == 0, "a clear leaves nothing");
  if (record.kind == Mutation::Kind::kDelete) Require(!store.Has(guard, record.key), "what is deleted is gone");
  if (!record.has_key() || !HasValue(record)) return;
  const bool has_passed = record.deadline.HasPassed(store.clock().NowNanos());
  Require(store.Get(guard, record.key, &value) == !has_passed, "an entry is there until its deadline");
  if (has_passed) return;
  const std::span<const uint8_t> bytes(value.bytes(), value.size());
  Require(value.kind() == record.value_kind && value.deadline() == record.deadline &&
              std::equal(bytes.begin(), bytes.end(), record.value.begin(), record.value.end()),
          "an entry has the record's value and deadline");
}

void Check(std::span<const uint8_t> input) {
  HandTurnedClock clock;
  StoreOptions options;
  options.shards = 1;
  options.clock = &clock;
  options.seed = {{1, 2, 3, 4}};
  Store store(options);
  const OpenedSession session(store);
  ReplayPart replay(store, 0);
  Staging staging(size_t{64} << 20, [] {});
  Stage& stage = *staging.Open();

  std::vector<std::span<const uint8_t>> records;
  Decoder decoder(input);
  Record record;
  for (size_t at = 0; decoder.left() != 0; at = input.size() - decoder.left()) {
    if (!DecodeRecord(&decoder, &record)) break;
    const std::span<const uint8_t> bytes = input.subspan(at, input.size() - decoder.left() - at);
    const std::vector<uint8_t> encoded = Encoded(record);
    Require(std::equal(bytes.begin(), bytes.end(), encoded.begin(), encoded.end()), "a record is encoded otherwise");
    records.push_back(bytes);
    Append(stage, record, records.size());
    RequireApplied(store, *session, replay, record, bytes);
  }

  staging.BeginCut();
  size_t taken = 0;
  staging.TakeCut([&](std::span<const uint8_t> bytes) {
    Require(
        taken < records.size() && std::equal(bytes.begin(), bytes.end(), records[taken].begin(), records[taken].end()),
        "a record is staged otherwise");
    ++taken;
  });
  Require(taken == records.size(), "a cut has all");
}

}  // namespace
}  // namespace shardmap

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  shardmap::Check({bytes, size});
  return 0;
}
