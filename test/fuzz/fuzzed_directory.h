// The directory of the golden store (test/golden), in which a fuzzer chooses what one file holds; and what must be true
// of it, whatever that is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/crash_directory.h"
#include "base/status.h"
#include "log/golden_store.h"
#include "log/recovery.h"

namespace shardmap {

// What recovery tells of a directory.
struct RecoveredState {
  struct Row {
    OwnedKey key;
    ValueKind kind;
    std::string value;
    uint64_t deadline_word;
    bool operator==(const Row&) const = default;
  };

  Code code = Code::kOk;
  std::string message;
  uint64_t tail_bytes = 0;
  std::vector<std::string> records;  // told to the store, in their order
  std::vector<Row> rows;             // that the store then has, in theirs
  std::optional<std::string> structures;

  bool ok() const { return code == Code::kOk; }
  bool HasSameStore(const RecoveredState& other) const { return rows == other.rows && structures == other.structures; }
};

class FuzzedDirectory {
 public:
  explicit FuzzedDirectory(std::string name);

  // The header that the golden file has.
  const FileHeader& header() const { return header_; }
  uint64_t first_sequence() const { return first_sequence_; }

  // What is recovered where the file holds this. Requires that
  // - the directory is refused as damaged or newer, and stays as it was; or
  // - what was recovered is recovered again, in strict mode too, and after a loss of power;
  // - the log goes on in it, and a snapshot can take its place;
  // - whatever it is, it is salvaged, unless it is newer, and stays as it was; and whole, if it is that.
  RecoveredState Check(const std::string& content) const;
  // Requires that the file is refused where it is cut off at, or has another bit at, a place that follows from `draw`.
  void RequireWhole(const std::string& content, uint64_t draw) const;
  // Requires that no damage of that kind shows a record that is not told, in this order, without it.
  void RequirePrefix(const std::string& content, const RecoveredState& state, uint64_t draw) const;

 private:
  std::unique_ptr<CrashDirectory> With(const std::string& content) const;
  RecoveredState RecoverWith(const std::string& content) const;
  void RequireSalvage(const std::string& content, const RecoveredState& strict) const;

  const std::string name_;
  CrashDirectory golden_;
  FileHeader header_;
  uint64_t first_sequence_ = 1;
};

}  // namespace shardmap
