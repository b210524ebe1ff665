// Applies what a log tells to some of a store's shards, whoever applies it to the others meanwhile.
//
// It walks through all records, in their order, and applies those whose keys are in its shards. So every part numbers
// the records alike, from 1, and an inserted entry gets its record's number: entries come in the log's order, whichever
// part inserted them. Used by one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "core/store.h"
#include "log/log_format.h"

namespace shardmap {

class ReplayPart {
 public:
  // Of all shards. `clock_offset_ns` is that of the store's clock: nanoseconds since 1970 at its zero. Throws
  // std::bad_alloc.
  ReplayPart(Store& store, uint64_t clock_offset_ns)
      : store_(store), session_(store.OpenSession()), clock_offset_ns_(clock_offset_ns), end_shard_(store.shards()) {}
  ~ReplayPart() { store_.CloseSession(session_); }
  ReplayPart(const ReplayPart&) = delete;
  ReplayPart& operator=(const ReplayPart&) = delete;

  // Becomes that of the shards from `first` on, up to the one before `end`, where so many records were walked through.
  void Own(size_t first_shard, size_t end_shard, uint64_t records) {
    first_shard_ = first_shard;
    end_shard_ = end_shard;
    records_ = records;
  }

  // Walks through the payload of a frame, all of which is records (CheckRecords). Deadlines that have passed are kept:
  // a later record may put them off. Errors: kOutOfMemory. Throws std::bad_alloc.
  Status Walk(std::span<const uint8_t> payload);
  // All has been applied: removes what has expired.
  void Expire();

  uint64_t records() const { return records_; }

 private:
  // Applied together, so that the waits for their memory overlap.
  static constexpr size_t kGroupMax = BatchGroup::kKeysMax;

  bool IsOwn(const HashedKey& key) const {
    const size_t shard = store_.ShardOf(key);
    return first_shard_ <= shard && shard < end_shard_;
  }
  // Takes the record behind the group into it, if it is to be applied here.
  Status Add(uint64_t clock_offset_ns);
  Status ApplyGroup(uint64_t clock_offset_ns);
  Status Apply(const Record& record, const HashedKey& key, const Restoration& restoration);
  // Of one without a key.
  void ApplyToAll(const Record& record);
  Deadline Translate(Deadline deadline, uint64_t clock_offset_ns) const;

  Store& store_;
  Session* const session_;
  const uint64_t clock_offset_ns_;
  size_t first_shard_ = 0;
  size_t end_shard_;
  uint64_t records_ = 0;  // walked through

  // The group that is being filled.
  size_t count_ = 0;
  std::array<Record, kGroupMax> group_;
  std::array<HashedKey, kGroupMax> keys_;
  std::array<uint64_t, kGroupMax> numbers_;
};

}  // namespace shardmap
