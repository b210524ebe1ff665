// The structures of a store: the names of properties of the objects in it, as a text that the JavaScript side makes and
// understands (lib/plain.ts), kept once for all threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "core/mutation_sink.h"
#include "core/session.h"
#include "core/value.h"

namespace shardmap {

class Structures {
 public:
  // The text as a value, for a log: its bytes, borrowed.
  static Value AsValue(const std::string& text) { return Value(ValueKind::kOneByteString, text.data(), text.size()); }

  // Empty where nothing was saved. Throws std::bad_alloc.
  std::optional<std::string> Load() const SHARDMAP_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return text_;
  }

  // Replaces the text if it is still `expected`; returns whether it was. So of two threads that add to it at once, one
  // learns that it has to look again. The session's stage, if it has one, has room for the text reserved.
  bool Save(Session& session, const std::optional<std::string>& expected, std::string text) SHARDMAP_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (text_ != expected) return false;
    if (MutationStage* const stage = session.stage()) {
      last_stamp_ = session.NextStamp(last_stamp_);
      const Value value = AsValue(text);
      stage->Append({Mutation::Kind::kStructures, nullptr, &value, {}, last_stamp_});
    }
    text_ = std::move(text);
    return true;
  }

  // Replaces the text, whatever it is: for a log that is replayed.
  void Restore(std::string text) SHARDMAP_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    text_ = std::move(text);
  }

 private:
  mutable Mutex mutex_;
  std::optional<std::string> text_ SHARDMAP_GUARDED_BY(mutex_);
  uint64_t last_stamp_ SHARDMAP_GUARDED_BY(mutex_) = 0;
};

}  // namespace shardmap
