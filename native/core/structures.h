// The structures of a store: the names of properties of the objects in it, as a text that the JavaScript side makes and
// understands (lib/plain.ts), kept once for all threads.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"

namespace shardmap {

class Structures {
 public:
  // Empty where nothing was saved. Throws std::bad_alloc.
  std::optional<std::string> Load() const SHARDMAP_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return text_;
  }

  // Replaces the text if it is still `expected`; returns whether it was. So of two threads that add to it at once, one
  // learns that it has to look again.
  bool Save(const std::optional<std::string>& expected, std::string text) SHARDMAP_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (text_ != expected) return false;
    text_ = std::move(text);
    return true;
  }

 private:
  mutable Mutex mutex_;
  std::optional<std::string> text_ SHARDMAP_GUARDED_BY(mutex_);
};

}  // namespace shardmap
