// The seam through which a log learns of every change: core owns the interface and never knows who implements it.
//
// A mutation must reach the log while its shard is locked, or the order per key is lost; but nothing may wait, fail or
// do I/O there. So each session has a stage of its own: room is reserved on it before the lock, where it may wait or
// refuse, and the mutation is appended under the lock, where it may do neither.
//
// It is appended before anybody can see its effect. So whoever appends because of what it saw does so afterwards.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"
#include "core/key.h"
#include "core/lifetime.h"
#include "core/value.h"

namespace shardmap {

// The effect of one change, not the operation that had it: replaying effects is idempotent.
struct Mutation {
  // Numbers are in files of logs, and are never given to another kind.
  enum class Kind : uint8_t {
    kInsert = 1,     // an entry that was not there comes last
    kOverwrite = 2,  // one that was there keeps its place
    kDelete = 3,
    kDeadline = 4,    // one that was there gets another deadline, or none
    kClear = 5,       // all entries go
    kStructures = 6,  // the store's structures are another text
  };
  Kind kind;
  const Key* key;      // nullptr for kClear and kStructures
  const Value* value;  // that the entry then has, kInsert and kOverwrite; kStructures: the text, as a string
  Deadline deadline;   // that the entry then has, or none; kInsert, kOverwrite and kDeadline
  // Puts the mutations of all stages in an order that is right for each key, for clears, and for the places that
  // inserted entries have: strictly rising within a stage, and within a shard. Of one stamp, those of the lower shard
  // come first, as scans show their entries.
  uint64_t stamp;
  uint32_t place = 0;  // of the key's hash (PlaceOf): in the order of shards, however many there are
};

// Where one session's mutations go. Used by one thread at a time.
class MutationStage {
 public:
  MutationStage() = default;
  virtual ~MutationStage() = default;
  MutationStage(const MutationStage&) = delete;
  MutationStage& operator=(const MutationStage&) = delete;

  // Reserves room for one mutation, without any lock held. `key` is its key, or nullptr. `value` is its value, and is
  // copied at once if it is long; where that is nullptr, one of at most `value_bytes_max` bytes, and at most
  // kInlineValueBytesMax, may come. May wait; a status that is not ok refuses the change, which is then not made.
  virtual Status Reserve(const Key* key, const Value* value, size_t value_bytes_max) = 0;
  // Takes the mutation of the reservation, under the lock of its shard. Must not wait, fail, or call back.
  virtual void Append(const Mutation& mutation) = 0;
  // Gives back a reservation whose change turned out to be none (a key to delete that was absent, say).
  virtual void Release() = 0;
};

class MutationSink {
 public:
  virtual ~MutationSink() = default;
  // For a session that opens. Throws std::bad_alloc.
  virtual MutationStage* OpenStage() = 0;
  // For one that closes: what it appended stays.
  virtual void CloseStage(MutationStage* stage) = 0;
};

}  // namespace shardmap
