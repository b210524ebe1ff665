// The names in a CrashDirectory, and the files they refer to: as programs see them, and as the medium might have them
// after power loss.
//
// It knows the names as of the last sync and each change since. Not thread-safe: the directory's mutex guards it, and
// its files with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/crash_content.h"
#include "random_input.h"

namespace shardmap {

// A file, apart from its names.
struct CrashFile {
  CrashContent content;
  size_t names = 0;
  size_t opens = 0;
};

class CrashNames {
 public:
  using FileRef = std::shared_ptr<CrashFile>;
  using Map = std::map<std::string, FileRef, std::less<>>;

  const Map& map() const { return map_; }
  // Or nothing.
  FileRef Find(std::string_view name) const;

  FileRef Create(std::string_view name);
  // As if it had always been there.
  FileRef CreateSynced(std::string_view name);
  // There is a file `from`. Gives what had the name `to`, or nothing.
  FileRef Rename(std::string_view from, std::string_view to);
  // There is such a file, which it gives.
  FileRef Remove(std::string_view name);

  void Sync();
  // What was to be synced may be on the medium or not, and no later sync tells.
  void FailSync();

  // With files of their own.
  CrashNames AfterPowerLoss(Random& random, const CrashOptions& options,
                            std::span<const CrashContent::PageRef> removed) const;
  CrashNames AfterKill() const;

 private:
  struct Change {
    enum class State : uint8_t {
      kPending,  // the next sync makes it durable
      kUnsure,   // its sync failed
      kDurable,  // and behind one that is not
    };

    std::string name;  // refers to the file from now on, or to nothing
    FileRef file;
    std::string from;  // of a rename: the name that goes
    State state;
  };

  static void Apply(const Change& change, bool from_lingers, Map* map);
  void Add(Change change);
  Map DrawMap(Random& random, const CrashOptions& options) const;

  Map map_;
  Map synced_;
  std::vector<Change> changes_;  // from synced_ to map_
};

}  // namespace shardmap
