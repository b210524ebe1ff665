// Makes a store of what a log tells, record by record.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "core/store.h"
#include "log/log_format.h"

namespace shardmap {

class Replay {
 public:
  // Of a store that has no sink yet and that nobody else uses. `clock_offset_ns` is that of its clock: nanoseconds
  // since 1970 at its zero.
  Replay(Store& store, uint64_t clock_offset_ns)
      : store_(store), session_(store.OpenSession()), clock_offset_ns_(clock_offset_ns) {}
  ~Replay() { store_.CloseSession(session_); }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // `clock_offset_ns` is that of the record's deadline. Deadlines that have passed are kept: a later record may put
  // them off. Throws std::bad_alloc.
  Status Apply(const Record& record, uint64_t clock_offset_ns);
  // These are applied soon: asks for the memory that they need.
  void Expect(std::span<const Record> records);
  // All has been applied: removes what has expired.
  void Finish();

 private:
  Deadline Translate(Deadline deadline, uint64_t clock_offset_ns) const;

  Store& store_;
  Session* const session_;
  const uint64_t clock_offset_ns_;
};

}  // namespace shardmap
