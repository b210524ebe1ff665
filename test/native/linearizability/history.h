// A history: what threads asked of single keys, when, and what they were told.
//
// Every value is a number that is written once, so a result tells which write it comes from. Times are of one monotonic
// clock for all threads. An operation on many keys is one operation on each: to a key, a clear is a deletion that tells
// nothing, and a scan is a get.
//
// As text, which a recorder in another language can write, an operation is a line:
//
//   thread key invoked_ns returned_ns name [expected] [argument] [= result]
//
//   0 2 100 180 set 17           1 2 150 170 get = 17         1 2 190 200 delete = 1
//   0 2 210 250 insert 18 = 0    1 2 230 240 has = 0          1 2 260 - clear
//   0 2 270 280 exchange 19 = 0  1 2 290 300 take = 19        1 2 310 320 replace 0 20 = 1
//   0 2 330 340 remove 20 = 1
//
// `replace` is a compare-and-set, `remove` a compare-and-delete, and a read with the write that depends on it an
// exchange.
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

  enum class Kind : uint8_t { kGet, kHas, kSet, kInsert, kDelete, kClear, kExchange, kTake, kReplace, kRemove };
  static constexpr size_t kKinds = 10;

  Kind kind;
  uint32_t thread;
  uint64_t key;
  uint64_t invoked_ns;
  uint64_t returned_ns;
  uint64_t argument;      // the value to write
  uint64_t result;        // the value that was there, or kAbsent; has, delete, replace, remove: 1 or 0
  uint64_t expected = 0;  // replace, remove: the value, or kAbsent

  bool is_pending() const { return returned_ns == kPending; }
  bool is_read() const { return kind == Kind::kGet || kind == Kind::kHas; }
  bool is_write_of_value() const {
    return kind == Kind::kSet || kind == Kind::kInsert || kind == Kind::kExchange || kind == Kind::kReplace;
  }
  // Whether the result is the value that was there, or whether something was there, or done.
  bool tells_value() const {
    return kind == Kind::kGet || kind == Kind::kInsert || kind == Kind::kExchange || kind == Kind::kTake;
  }
  bool tells_outcome() const {
    return kind == Kind::kHas || kind == Kind::kDelete || kind == Kind::kReplace || kind == Kind::kRemove;
  }
};

using History = std::vector<Operation>;

// Nothing if a line is not of the form above.
std::optional<History> ParseHistory(const std::string& text);
std::ostream& operator<<(std::ostream& out, const Operation& operation);

}  // namespace shardmap
