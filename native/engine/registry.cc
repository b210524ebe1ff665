#include "engine/registry.h"

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/posix_directory.h"
#include "base/random.h"
#include "engine/expiry_thread.h"
#include "log/file_error.h"

namespace shardmap {
namespace {

std::string RandomId() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string id;
  for (int word = 0; word < 2; ++word) {
    const uint64_t bits = RandomWord();
    for (int shift = 60; shift >= 0; shift -= 4) id.push_back(kDigits[(bits >> shift) & 15]);
  }
  return id;
}

std::string Millis(uint64_t nanos) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g ms", static_cast<double>(nanos) / 1e6);
  return text;
}

Status Conflict(const std::string& has, const std::string& wanted) {
  return Status(Code::kOptionsConflict, "The store of this name is open " + has + ", not " + wanted);
}

// Whether what is wanted of a store contradicts what it is.
Status CheckOptions(const OpenStore& open, const OpenOptions& wanted) {
  const Store& store = open.store;
  const bool is_fixed = wanted.shards != 0 && !wanted.grows;
  // All who open a store say the same, however many shards it has been given since.
  const bool has_count = !open.grows && (wanted.shards == open.first_shards || wanted.shards == store.shards());
  if ((is_fixed && !has_count) || (wanted.grows && !open.grows)) {
    return Conflict(open.grows ? "with 'auto' shards" : "with " + std::to_string(store.shards()) + " shards",
                    wanted.grows ? "with 'auto'" : "with " + std::to_string(wanted.shards));
  }
  if (wanted.ttl_ns != kForever && wanted.ttl_ns != store.ttl_ns()) {
    const bool has_ttl = store.ttl_ns() != kForever;
    return Conflict(has_ttl ? "with a ttl of " + Millis(store.ttl_ns()) : "without a ttl",
                    has_ttl ? Millis(wanted.ttl_ns) : "with one of " + Millis(wanted.ttl_ns));
  }
  if (wanted.slides && !store.slides()) return Conflict("without touch", "with it");
  return Status();
}

Status CheckNewOptions(const OpenOptions& options) {
  if (!options.slides || options.ttl_ns != kForever) return Status();
  return Status(Code::kInvalidArgument, "A store whose ttl is renewed by touch needs a ttl");
}

StoreOptions StoreOptionsOf(const OpenOptions& options) {
  StoreOptions store_options;
  store_options.shards = options.grows ? Store::kGrowingShardsMin : options.shards;
  store_options.ttl_ns = options.ttl_ns;
  store_options.slides = options.slides;
  store_options.scheduler = &ExpiryThread::OfProcess();
  return store_options;
}

// Whether what is wanted contradicts what an open store of the directory is.
Status CheckDurability(const OpenStore& store, const std::optional<std::u16string>& name,
                       const DurabilityOptions& wanted) {
  const auto conflict = [&](const std::string& what) {
    return Status(Code::kOptionsConflict, "The store of " + store.directory + " is open " + what);
  };
  const DurabilityOptions& has = store.durability->options();
  if (name.has_value() && name != store.name) return conflict("under another name");
  if (wanted.is_readonly != has.is_readonly) return conflict(has.is_readonly ? "to be read only" : "to be written");
  if (has.is_readonly) return Status();
  if (wanted.policy != has.policy) return conflict("with another fsync");
  if (wanted.interval_ns != has.interval_ns) return conflict("with a flushInterval of " + Millis(has.interval_ns));
  return Status();
}

// The directory's one name, however it is called; it is made where it is missing and may be changed.
Result<std::string> RealPath(const std::string& path, bool is_readonly) {
  const auto if_missing = is_readonly ? PosixDirectory::IfMissing::kFail : PosixDirectory::IfMissing::kCreate;
  std::unique_ptr<Directory> directory;
  std::error_code error = PosixDirectory::Open(path, if_missing, &directory);
  if (error) return FileError(path, "opened", error);
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  if (error) return FileError(path, "opened", error);
  return real.string();
}

}  // namespace

OpenStore::OpenStore(std::string id_hex, std::optional<std::u16string> store_name, const OpenOptions& options)
    : id(std::move(id_hex)),
      name(std::move(store_name)),
      expiry_feed(store),
      store(StoreOptionsOf(options)),
      grows(options.grows),
      first_shards(store.shards()),
      resharder(store) {}

OpenStore::~OpenStore() {
  resharder.Close();
  if (is_served) ExpiryThread::OfProcess().Remove(store);
}

Status OpenStore::Start(const std::string& path, const DurabilityOptions& options,
                        std::function<void(const RecoveryProgress&)> on_progress) {
  if (!path.empty()) {
    const auto tell = [this](LogNews::Kind kind, const Status& status, const CompactionNews& compaction) {
      log_feed.Tell(kind, status, compaction);
    };
    auto opened = Durability::Open(path, options, store, {tell, std::move(on_progress)});
    if (!opened.ok()) return opened.TakeStatus();
    durability = std::move(opened.value());
    directory = path;
  }
  if (grows) store.GrowBy(resharder);
  ExpiryThread::OfProcess().Add(store);
  is_served = true;
  if (durability == nullptr) return Status();
  Session* const session = store.OpenSession();
  store.ScheduleExpiry(*session);
  store.CloseSession(session);
  return Status();
}

Registry& Registry::OfProcess() {
  static Registry* const registry = new Registry();
  return *registry;
}

Result<std::shared_ptr<OpenStore>> Registry::Create(std::optional<std::u16string> name, const OpenOptions& options) {
  // Declared before the lock, to be let go of after it: the last reference to a store takes the lock when it goes.
  std::shared_ptr<OpenStore> store;
  MutexLock lock(mutex_);
  if (name.has_value()) {
    const auto known = by_name_.find(*name);
    if (known != by_name_.end()) store = known->second.lock();
  }
  if (store != nullptr) {
    Status status = CheckOptions(*store, options);
    if (!status.ok()) return status;
    return store;
  }
  Status status = CheckNewOptions(options);
  if (!status.ok()) return status;
  store = Own(std::make_unique<OpenStore>(RandomId(), std::move(name), options));
  status = store->Start("", {}, {});
  if (!status.ok()) return status;
  AddLocked(store);
  return store;
}

Result<std::shared_ptr<OpenStore>> Registry::Open(const std::string& path, std::optional<std::u16string> name,
                                                  const OpenOptions& options, const DurabilityOptions& durability,
                                                  std::function<void(const RecoveryProgress&)> on_progress) {
  Result<std::string> real = RealPath(path, durability.is_readonly);
  if (!real.ok()) return real.TakeStatus();
  const std::string& directory = real.value();
  std::shared_ptr<OpenStore> store;
  {
    MutexLock lock(mutex_);
    for (;; directory_is_free_.Wait(mutex_)) {
      if (busy_directories_.contains(directory)) continue;
      const auto known = by_directory_.find(directory);
      if (known == by_directory_.end()) break;
      store = known->second.lock();
      if (store != nullptr) break;  // else its last handle has just let go, and Destroy is to come
    }
    if (store == nullptr) busy_directories_.insert(directory);
  }
  if (store != nullptr) {
    Status status = CheckOptions(*store, options);
    if (status.ok()) status = CheckDurability(*store, name, durability);
    if (!status.ok()) return status;
    return store;
  }
  const Busy busy(*this, directory);
  Status status = CheckNewOptions(options);
  if (!status.ok()) return status;
  auto opening = std::make_unique<OpenStore>(RandomId(), std::move(name), options);
  status = opening->Start(directory, durability, std::move(on_progress));
  if (!status.ok()) return status;
  MutexLock lock(mutex_);
  if (opening->name.has_value() && by_name_.contains(*opening->name) && !by_name_.at(*opening->name).expired()) {
    return Status(Code::kOptionsConflict, "A store of this name is open, and is not that of " + directory);
  }
  store = Own(std::move(opening));
  AddLocked(store);
  return store;
}

std::shared_ptr<OpenStore> Registry::Find(std::string_view id) {
  MutexLock lock(mutex_);
  const auto found = by_id_.find(std::string(id));
  return found == by_id_.end() ? nullptr : found->second.lock();
}

std::shared_ptr<OpenStore> Registry::Own(std::unique_ptr<OpenStore> store) {
  return std::shared_ptr<OpenStore>(store.release(), [this](OpenStore* last) { Destroy(last); });
}

void Registry::AddLocked(const std::shared_ptr<OpenStore>& store) {
  by_id_.insert_or_assign(store->id, store);
  if (store->name.has_value()) by_name_.insert_or_assign(*store->name, store);
  if (store->durability != nullptr) by_directory_.insert_or_assign(store->directory, store);
}

void Registry::LetGoOf(const std::string& directory) {
  MutexLock lock(mutex_);
  busy_directories_.erase(directory);
  directory_is_free_.NotifyAll();
}

void Registry::Destroy(OpenStore* store) {
  const std::string directory = store->directory;
  {
    MutexLock lock(mutex_);
    by_id_.erase(store->id);
    // Another store may have taken the name since this one's last handle let go.
    if (store->name.has_value()) {
      const auto found = by_name_.find(*store->name);
      if (found != by_name_.end() && found->second.expired()) by_name_.erase(found);
    }
    if (!directory.empty()) {
      // Who opens it meanwhile, and finds nothing open any more, waits until it is closed.
      by_directory_.erase(directory);
      busy_directories_.insert(directory);
    }
  }
  delete store;
  if (!directory.empty()) LetGoOf(directory);
}

}  // namespace shardmap
