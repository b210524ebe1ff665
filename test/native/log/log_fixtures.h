// A history of mutations that tests stage, write and recover, and that tells what is a prefix of it.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/crash_directory.h"
#include "base/directory.h"
#include "log/each_record.h"
#include "log/log_writer.h"
#include "log/recovery.h"
#include "log/staging.h"
#include "random_input.h"

namespace shardmap {

// Mutation number `i` of a history: all of it follows from the number.
struct NumberedMutation {
  std::string key;
  std::string value;
  Deadline deadline;

  explicit NumberedMutation(uint64_t i) : key(sizeof i, '\0') {
    std::memcpy(key.data(), &i, sizeof i);
    const uint64_t draw = Mix(i ^ 0x5eed);
    const size_t size = draw % 64 == 0 ? 3000 : draw % 100;
    value.assign(size, static_cast<char>(draw >> 8));
    if (draw % 3 == 0) deadline = Deadline::At((draw >> 3) + 1, draw % 2 == 0);
  }
};

// Mutations by several sessions, one after the other: each happened before the next.
class History {
 public:
  History() {
    for (Stage*& stage : stages_) stage = staging_.Open();
  }

  Staging& staging() { return staging_; }
  uint64_t size() const { return size_; }
  // Goes on from what was recovered of another.
  void set_size(uint64_t size) { size_ = size; }

  void Append(Random& random) {
    const NumberedMutation mutation(size_);
    const Key key{KeyKind::kBytes, reinterpret_cast<const uint8_t*>(mutation.key.data()), mutation.key.size()};
    const Value value(ValueKind::kBuffer, mutation.value.data(), mutation.value.size());
    Stage& stage = *stages_[random.Below(stages_.size())];
    const bool comes_late = mutation.value.size() <= kInlineValueBytesMax && random.OneIn(3);
    ASSERT_TRUE(stage.Reserve(&key, comes_late ? nullptr : &value, kInlineValueBytesMax).ok());
    if (random.OneIn(10)) {
      stage.Release();
      ASSERT_TRUE(stage.Reserve(&key, &value, 0).ok());
    }
    stage.Append({Mutation::Kind::kInsert, &key, &value, mutation.deadline, ++stamp_});
    ++size_;
  }

 private:
  Staging staging_{size_t{64} << 20, [] {}};
  std::array<Stage*, 3> stages_;
  uint64_t size_ = 0;
  uint64_t stamp_ = 0;
};

// Recovers, and checks that what comes is a prefix of a history: mutations 0, 1, 2 and so on, each whole.
class PrefixCheck {
 public:
  static constexpr uint64_t kClockOffset = 1'700'000'000'000'000'000;

  Result<std::unique_ptr<RecoveredLog>> Recover(Directory& directory, RecoveryMode mode = RecoveryMode::kTail,
                                                bool is_readonly = false) {
    size_ = 0;
    RecoveryOptions options;
    options.mode = mode;
    options.is_readonly = is_readonly;
    options.apply = EachRecord([this](const Record& record, uint64_t clock_offset_ns) {
      const NumberedMutation expected(size_++);
      const auto text = [](const uint8_t* bytes, size_t size) {
        return std::string_view(reinterpret_cast<const char*>(bytes), size);
      };
      const bool is_next = record.kind == Mutation::Kind::kInsert && clock_offset_ns == kClockOffset &&
                           text(record.key.bytes, record.key.size) == expected.key &&
                           text(record.value.data(), record.value.size()) == expected.value &&
                           record.deadline == expected.deadline;
      if (!is_next) ADD_FAILURE() << "mutation " << size_ - 1 << " is another, seed " << TestSeed();
      return is_next ? Status() : Status(Code::kInvalidArgument, "another mutation");
    });
    return shardmap::Recover(directory, options);
  }
  // Of what was recovered.
  uint64_t size() const { return size_; }

 private:
  uint64_t size_ = 0;
};

}  // namespace shardmap
