// The seam through which a log learns of every change: core owns the interface and never knows who implements it.
//
// A mutation must reach the log while its shard is locked, or the order per key is lost; but nothing may wait, fail or
// do I/O there. So space is reserved before the lock, where the sink may wait or refuse, and the mutation is appended
// under it, where it may do neither.
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
  enum class Kind : uint8_t { kPut, kDelete, kDeadline, kClearShard };
  Kind kind;
  const Key* key;      // nullptr for kClearShard
  const Value* value;  // the value that the entry then has; kPut only
  Deadline deadline;   // the deadline that it then has, or none; kPut and kDeadline only
};

class MutationSink {
 public:
  virtual ~MutationSink() = default;
  // Reserves room for a mutation of a key of this size and a value of at most that, without any lock held. May wait; a
  // status that is not ok refuses the change, which is then not made.
  virtual Status Reserve(size_t key_bytes, size_t value_bytes) = 0;
  // Takes the mutation of a reservation, under the lock of `shard`. Must not wait, fail, or call back.
  virtual void Append(size_t shard, const Mutation& mutation) = 0;
  // Gives back a reservation whose change turned out to be none (a key to delete that was absent, say).
  virtual void Release() = 0;
};

}  // namespace shardmap
