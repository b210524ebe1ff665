#include "base/crash_directory.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/crash_names.h"
#include "base/mutex.h"

namespace shardmap {
namespace {

constexpr size_t kRemovedPagesMax = 16;

using FileRef = CrashNames::FileRef;

std::error_code ErrorOf(std::errc error) { return std::make_error_code(error); }

struct Fault {
  uint64_t call;
  CrashDirectory::Lasting lasting;
  std::error_code error;  // none: the call is short

  bool Meets(uint64_t number) const {
    return lasting == CrashDirectory::Lasting::kOnce ? number == call : number >= call;
  }
};

// What is to become of a call.
struct Fate {
  std::error_code error;
  bool is_short = false;
};

}  // namespace

// What all files and locks of a directory share.
class CrashDirectory::Machine {
 public:
  explicit Machine(uint64_t stream) : random_(stream) {}

  // Counts the call, and hears the hook.
  Fate Begin(Kind kind, std::string_view name) SHARDMAP_EXCLUDES(mutex) {
    uint64_t number = 0;
    std::shared_ptr<const Hook> hook;
    {
      MutexLock lock(mutex);
      number = calls++;
      hook = hook_;
    }
    if (hook) (*hook)({number, kind, name});
    Fate fate;
    MutexLock lock(mutex);
    for (const Fault& fault : faults) {
      if (!fault.Meets(number)) continue;
      if (!fault.error) fate.is_short = true;
      if (fault.error && !fate.error) fate.error = fault.error;
    }
    return fate;
  }

  void SetHook(Hook hook) SHARDMAP_EXCLUDES(mutex) {
    auto shared = hook ? std::make_shared<const Hook>(std::move(hook)) : nullptr;
    MutexLock lock(mutex);
    hook_ = std::move(shared);
  }

  // What has neither a name nor is open any more gives back its room, and its pages lie about.
  void ReleaseLocked(const CrashFile& file) SHARDMAP_REQUIRES(mutex) {
    if (file.names != 0 || file.opens != 0) return;
    used -= file.content.size();
    for (CrashContent::PageRef& page : file.content.Pages()) {
      if (removed.size() == kRemovedPagesMax) removed.erase(removed.begin());
      removed.push_back(std::move(page));
    }
  }

  // How much of a file that is to end there has room.
  uint64_t EndWithRoomLocked(const CrashContent& content, uint64_t end) const SHARDMAP_REQUIRES(mutex) {
    return std::max(std::min(end, content.size() + (capacity - std::min(used, capacity))),
                    std::min(end, content.size()));
  }

  void WriteLocked(CrashFile* file, uint64_t offset, std::span<const uint8_t> bytes) SHARDMAP_REQUIRES(mutex) {
    used -= file->content.size();
    file->content.Write(offset, bytes);
    used += file->content.size();
  }

  void SetSizeLocked(CrashFile* file, uint64_t size) SHARDMAP_REQUIRES(mutex) {
    used -= file->content.size();
    file->content.SetSize(size);
    used += file->content.size();
  }

  // Something, and less than all where that is two bytes or more.
  size_t PartLocked(size_t size, bool is_short) SHARDMAP_REQUIRES(mutex) {
    return is_short && size >= 2 ? 1 + random_.Below(size - 1) : size;
  }

  // Begins a copy, which has the names given and no past.
  std::unique_ptr<CrashDirectory> CopyLocked(uint64_t stream, CrashNames copied) const SHARDMAP_REQUIRES(mutex);

  mutable Mutex mutex;
  CrashNames names SHARDMAP_GUARDED_BY(mutex);
  std::vector<CrashContent::PageRef> removed SHARDMAP_GUARDED_BY(mutex);  // newest last
  struct Held {
    std::string holder;
    size_t sharers;  // 0: it is the holder's alone
  };
  std::map<std::string, Held, std::less<>> locks SHARDMAP_GUARDED_BY(mutex);  // by name
  uint64_t capacity SHARDMAP_GUARDED_BY(mutex) = UINT64_MAX;
  uint64_t used SHARDMAP_GUARDED_BY(mutex) = 0;
  uint64_t calls SHARDMAP_GUARDED_BY(mutex) = 0;
  std::vector<Fault> faults SHARDMAP_GUARDED_BY(mutex);

 private:
  std::shared_ptr<const Hook> hook_ SHARDMAP_GUARDED_BY(mutex);
  Random random_ SHARDMAP_GUARDED_BY(mutex);
};

std::unique_ptr<CrashDirectory> CrashDirectory::Machine::CopyLocked(uint64_t stream, CrashNames copied) const {
  const auto copy = std::make_shared<Machine>(stream);
  MutexLock lock(copy->mutex);
  copy->names = std::move(copied);
  copy->removed = removed;
  copy->capacity = capacity;
  std::set<const CrashFile*> counted;  // two names may be of one
  for (const auto& [name, file] : copy->names.map()) {
    if (counted.insert(file.get()).second) copy->used += file->content.size();
  }
  return std::unique_ptr<CrashDirectory>(new CrashDirectory(copy));
}

class CrashDirectory::OpenFile final : public File {
 public:
  // The file counts it already.
  OpenFile(std::shared_ptr<Machine> machine, FileRef file, std::string_view name, OpenMode mode)
      : machine_(std::move(machine)), file_(std::move(file)), name_(name), mode_(mode) {}
  ~OpenFile() override {
    MutexLock lock(machine_->mutex);
    --file_->opens;
    machine_->ReleaseLocked(*file_);
  }

  std::error_code WriteAt(uint64_t offset, std::span<const uint8_t> bytes, size_t* written) override {
    *written = 0;
    const Fate fate = machine_->Begin(Kind::kWrite, name_);
    if (fate.error) return fate.error;
    if (mode_ == OpenMode::kRead) return ErrorOf(std::errc::bad_file_descriptor);
    if (bytes.empty()) return {};
    MutexLock lock(machine_->mutex);
    const uint64_t end = machine_->EndWithRoomLocked(file_->content, offset + bytes.size());
    if (end <= offset) return ErrorOf(std::errc::no_space_on_device);
    *written = machine_->PartLocked(static_cast<size_t>(end - offset), fate.is_short);
    machine_->WriteLocked(file_.get(), offset, bytes.first(*written));
    return {};
  }

  std::error_code ReadAt(uint64_t offset, std::span<uint8_t> bytes, size_t* read) override {
    *read = 0;
    const Fate fate = machine_->Begin(Kind::kRead, name_);
    if (fate.error) return fate.error;
    MutexLock lock(machine_->mutex);
    *read = file_->content.Read(offset, bytes.first(machine_->PartLocked(bytes.size(), fate.is_short)));
    return {};
  }

  std::error_code SetSize(uint64_t bytes) override {
    const Fate fate = machine_->Begin(Kind::kSetSize, name_);
    if (fate.error) return fate.error;
    if (mode_ == OpenMode::kRead) return ErrorOf(std::errc::bad_file_descriptor);
    MutexLock lock(machine_->mutex);
    if (machine_->EndWithRoomLocked(file_->content, bytes) < bytes) return ErrorOf(std::errc::no_space_on_device);
    machine_->SetSizeLocked(file_.get(), bytes);
    return {};
  }

  std::error_code GetSize(uint64_t* bytes) override {
    const Fate fate = machine_->Begin(Kind::kGetSize, name_);
    if (fate.error) return fate.error;
    MutexLock lock(machine_->mutex);
    *bytes = file_->content.size();
    return {};
  }

  std::error_code Sync() override {
    const Fate fate = machine_->Begin(Kind::kSync, name_);
    MutexLock lock(machine_->mutex);
    if (!fate.error) {
      file_->content.Sync();
    } else if (fate.error != std::errc::interrupted) {
      file_->content.FailSync();
    }
    return fate.error;
  }

 private:
  const std::shared_ptr<Machine> machine_;
  const FileRef file_;
  const std::string name_;
  const OpenMode mode_;
};

class CrashDirectory::HeldLock final : public DirectoryLock {
 public:
  HeldLock(std::shared_ptr<Machine> machine, std::string_view name) : machine_(std::move(machine)), name_(name) {}
  ~HeldLock() override {
    MutexLock lock(machine_->mutex);
    const auto held = machine_->locks.find(name_);
    if (held->second.sharers <= 1) {
      machine_->locks.erase(held);
    } else {
      --held->second.sharers;
    }
  }

 private:
  const std::shared_ptr<Machine> machine_;
  const std::string name_;
};

CrashDirectory::CrashDirectory(uint64_t stream) : machine_(std::make_shared<Machine>(stream)) {}
CrashDirectory::CrashDirectory(std::shared_ptr<Machine> machine) : machine_(std::move(machine)) {}
CrashDirectory::~CrashDirectory() = default;

// --- The calls -------------------------------------------------------------------------------------------------------

std::error_code CrashDirectory::Open(std::string_view name, OpenMode mode, std::unique_ptr<File>* file) {
  const Fate fate = machine_->Begin(Kind::kOpen, name);
  if (fate.error) return fate.error;
  MutexLock lock(machine_->mutex);
  FileRef found = machine_->names.Find(name);
  const bool creates = mode == OpenMode::kCreate;
  if (creates && found) return ErrorOf(std::errc::file_exists);
  if (!creates && !found) return ErrorOf(std::errc::no_such_file_or_directory);
  if (creates) found = machine_->names.Create(name);
  ++found->opens;
  *file = std::make_unique<OpenFile>(machine_, std::move(found), name, mode);
  return {};
}

std::error_code CrashDirectory::Rename(std::string_view from, std::string_view to) {
  const Fate fate = machine_->Begin(Kind::kRename, from);
  if (fate.error) return fate.error;
  MutexLock lock(machine_->mutex);
  if (!machine_->names.Find(from)) return ErrorOf(std::errc::no_such_file_or_directory);
  if (const FileRef replaced = machine_->names.Rename(from, to)) machine_->ReleaseLocked(*replaced);
  return {};
}

std::error_code CrashDirectory::Remove(std::string_view name) {
  const Fate fate = machine_->Begin(Kind::kRemove, name);
  if (fate.error) return fate.error;
  MutexLock lock(machine_->mutex);
  if (!machine_->names.Find(name)) return ErrorOf(std::errc::no_such_file_or_directory);
  machine_->ReleaseLocked(*machine_->names.Remove(name));
  return {};
}

std::error_code CrashDirectory::List(std::vector<std::string>* names) {
  const Fate fate = machine_->Begin(Kind::kList, {});
  if (fate.error) return fate.error;
  MutexLock lock(machine_->mutex);
  names->clear();
  for (const auto& [name, file] : machine_->names.map()) names->push_back(name);
  return {};
}

std::error_code CrashDirectory::Sync() {
  const Fate fate = machine_->Begin(Kind::kSyncDirectory, {});
  MutexLock lock(machine_->mutex);
  if (!fate.error) {
    machine_->names.Sync();
  } else if (fate.error != std::errc::interrupted) {
    machine_->names.FailSync();
  }
  return fate.error;
}

std::error_code CrashDirectory::Lock(std::string_view name, std::string_view self, std::string* holder,
                                     std::unique_ptr<DirectoryLock>* lock) {
  const Fate fate = machine_->Begin(Kind::kLock, name);
  if (fate.error) return fate.error;
  MutexLock mutex_lock(machine_->mutex);
  FileRef file = machine_->names.Find(name);
  if (!file) file = machine_->names.Create(name);
  const auto [held, is_free] = machine_->locks.try_emplace(std::string(name), Machine::Held{std::string(self), 0});
  if (!is_free) {
    *holder = held->second.holder;
    return ErrorOf(std::errc::resource_unavailable_try_again);
  }
  machine_->SetSizeLocked(file.get(), 0);
  machine_->WriteLocked(file.get(), 0, {reinterpret_cast<const uint8_t*>(self.data()), self.size()});
  *lock = std::make_unique<HeldLock>(machine_, name);
  return {};
}

std::error_code CrashDirectory::LockShared(std::string_view name, std::string* holder,
                                           std::unique_ptr<DirectoryLock>* lock) {
  const Fate fate = machine_->Begin(Kind::kLock, name);
  if (fate.error) return fate.error;
  MutexLock mutex_lock(machine_->mutex);
  if (!machine_->names.Find(name)) return ErrorOf(std::errc::no_such_file_or_directory);
  const auto [held, is_free] = machine_->locks.try_emplace(std::string(name), Machine::Held{std::string(kSharers), 0});
  if (!is_free && held->second.sharers == 0) {
    *holder = held->second.holder;
    return ErrorOf(std::errc::resource_unavailable_try_again);
  }
  ++held->second.sharers;
  *lock = std::make_unique<HeldLock>(machine_, name);
  return {};
}

// --- Copies ----------------------------------------------------------------------------------------------------------

std::unique_ptr<CrashDirectory> CrashDirectory::CrashCopy(Random& random, const CrashOptions& options) const {
  CrashOptions drawn = options;
  if (drawn.sector_bytes == 0) drawn.sector_bytes = random.OneIn(2) ? 512 : CrashContent::kPageBytes;
  MutexLock lock(machine_->mutex);
  CrashNames after = machine_->names.AfterPowerLoss(random, drawn, machine_->removed);
  return machine_->CopyLocked(random.Word(), std::move(after));
}

std::unique_ptr<CrashDirectory> CrashDirectory::KillCopy() const {
  MutexLock lock(machine_->mutex);
  return machine_->CopyLocked(machine_->calls, machine_->names.AfterKill());
}

// --- What a test arranges --------------------------------------------------------------------------------------------

uint64_t CrashDirectory::calls() const {
  MutexLock lock(machine_->mutex);
  return machine_->calls;
}

void CrashDirectory::Fail(uint64_t call, std::errc error, Lasting lasting) {
  MutexLock lock(machine_->mutex);
  machine_->faults.push_back({call, lasting, ErrorOf(error)});
}

void CrashDirectory::Shorten(uint64_t call, Lasting lasting) {
  MutexLock lock(machine_->mutex);
  machine_->faults.push_back({call, lasting, {}});
}

void CrashDirectory::Heal() {
  MutexLock lock(machine_->mutex);
  machine_->faults.clear();
}

void CrashDirectory::SetHook(Hook hook) { machine_->SetHook(std::move(hook)); }

void CrashDirectory::SetCapacity(uint64_t bytes) {
  MutexLock lock(machine_->mutex);
  machine_->capacity = bytes;
}

std::optional<std::string> CrashDirectory::ContentOf(std::string_view name) const {
  MutexLock lock(machine_->mutex);
  const FileRef file = machine_->names.Find(name);
  if (!file) return std::nullopt;
  std::string content(static_cast<size_t>(file->content.size()), '\0');
  file->content.Read(0, {reinterpret_cast<uint8_t*>(content.data()), content.size()});
  return content;
}

void CrashDirectory::Put(std::string_view name, std::string_view content) {
  MutexLock lock(machine_->mutex);
  FileRef file = machine_->names.Find(name);
  if (!file) file = machine_->names.CreateSynced(name);
  machine_->SetSizeLocked(file.get(), 0);
  file->content = CrashContent();
  machine_->WriteLocked(file.get(), 0, {reinterpret_cast<const uint8_t*>(content.data()), content.size()});
  file->content.Sync();
}

}  // namespace shardmap
