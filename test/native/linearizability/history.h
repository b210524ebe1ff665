// A history: what threads asked of single keys, when, and what they were told.
//
// Every value is a number that is written once, so a result tells which write it comes from. Times are of one monotonic
// clock for all threads. An operation on many keys is one operation on each: to a key, a clear is a deletion that tells
// nothing, and a scan is a get.
//
// As text, which a recorder in another language can write, an operation is a line:
//
//   thread key invoked_ns returned_ns name [argument] [= result]
//
//   0 2 100 180 set 17           1 2 150 170 get = 17         1 2 190 200 delete = 1
//   0 2 210 250 insert 18 = 0    1 2 230 240 has = 0          1 2 260 - clear
//
// A pending operation has `-` for the time of its return, and no result. An empty line or one that begins with `#` says
// nothing.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace shardmap {

struct Operation {
  // What "no value" is, as a result and as the state of a key.
  static constexpr uint64_t kAbsent = 0;
  // Never returned: it may have happened, or happen at any time, or never.
  static constexpr uint64_t kPending = UINT64_MAX;

  enum class Kind : uint8_t { kGet, kHas, kSet, kInsert, kDelete, kClear };

  Kind kind;
  uint32_t thread;
  uint64_t key;
  uint64_t invoked_ns;
  uint64_t returned_ns;
  uint64_t argument;  // set, insert: the value to write
  uint64_t result;    // get, insert: the value that was there, or kAbsent; has, delete: 1 or 0

  bool is_pending() const { return returned_ns == kPending; }
  bool is_read() const { return kind == Kind::kGet || kind == Kind::kHas; }
  bool is_write_of_value() const { return kind == Kind::kSet || kind == Kind::kInsert; }
};

using History = std::vector<Operation>;

// Nothing if a line is not of the form above.
std::optional<History> ParseHistory(const std::string& text);
std::ostream& operator<<(std::ostream& out, const Operation& operation);

}  // namespace shardmap
