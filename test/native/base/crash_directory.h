// A directory in memory that loses power, tears writes, fails at any call and fills up, as a test says.
//
// It is a machine of its own: programs see what was written and named, and the medium has what was synced, and of the
// rest whatever a crash copy draws. Every call of Directory and File counts, from 0, also those that fail.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/crash_content.h"
#include "base/directory.h"
#include "random_input.h"

namespace shardmap {

// Thread-safe. Files and locks may outlive it.
class CrashDirectory final : public Directory {
 public:
  enum class Kind : uint8_t {
    kOpen,
    kRead,
    kWrite,
    kSetSize,
    kGetSize,
    kSync,
    kRename,
    kRemove,
    kList,
    kSyncDirectory,
    kLock,
  };
  struct Call {
    uint64_t number;
    Kind kind;
    std::string_view name;  // of the file when it was opened; of a rename the old one; of the directory none
  };
  using Hook = std::function<void(const Call&)>;
  enum class Lasting : uint8_t { kOnce, kForEver };

  // Short calls follow from the test's seed and the stream.
  explicit CrashDirectory(uint64_t stream = 0);
  ~CrashDirectory() override;

  std::error_code Open(std::string_view name, OpenMode mode, std::unique_ptr<File>* file) override;
  std::error_code Rename(std::string_view from, std::string_view to) override;
  std::error_code Remove(std::string_view name) override;
  std::error_code List(std::vector<std::string>* names) override;
  std::error_code Sync() override;
  std::error_code Lock(std::string_view name, std::string_view self, std::string* holder,
                       std::unique_ptr<DirectoryLock>* lock) override;
  std::error_code LockShared(std::string_view name, std::string* holder, std::unique_ptr<DirectoryLock>* lock) override;

  // Copies begin unlocked, with no calls counted, no faults and no hook, and as large a medium. They share nothing that
  // changes.

  // After power loss at this moment. The same words of `random` draw the same copy.
  std::unique_ptr<CrashDirectory> CrashCopy(Random& random, const CrashOptions& options = {}) const;
  // As other processes find it when this one was killed: nothing is lost yet, and nothing more is durable.
  std::unique_ptr<CrashDirectory> KillCopy() const;

  uint64_t calls() const;

  // The call of that number, or each from it on, has no effect but to return the error; a failed sync leaves what it
  // was to sync lost or not, whatever is synced later, unless it was merely interrupted.
  void Fail(uint64_t call, std::errc error, Lasting lasting);
  // That call, or each from it on, writes or reads only a part where it has two bytes or more to do.
  void Shorten(uint64_t call, Lasting lasting);
  // Calls go well from now on.
  void Heal();

  // Called before each call has any effect, in its thread and without a lock: it may copy the directory, and it may
  // make this very call fail. It makes no calls itself.
  void SetHook(Hook hook);
  // Of all files together, those removed but still open too. Without, there is room for everything.
  void SetCapacity(uint64_t bytes);

  // What a file holds, or nothing where there is none, and a file as if it had always been there. Neither is a call.
  std::optional<std::string> ContentOf(std::string_view name) const;
  void Put(std::string_view name, std::string_view content);

 private:
  class Machine;
  class OpenFile;
  class HeldLock;

  explicit CrashDirectory(std::shared_ptr<Machine> machine);

  const std::shared_ptr<Machine> machine_;
};

}  // namespace shardmap
