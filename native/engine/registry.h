// The process's open stores: made here, found here by id, name or directory from any thread, gone with their last
// handle.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/condition.h"
#include "base/mutex.h"
#include "base/status.h"
#include "core/store.h"
#include "engine/durability.h"
#include "engine/expiry_feed.h"
#include "engine/log_feed.h"
#include "engine/resharder.h"

namespace shardmap {

// What is asked of a store, as in StoreOptions. A default asks for nothing.
struct OpenOptions {
  size_t shards = 0;
  bool grows = false;  // begins with few shards, and adds more by itself; then `shards` means nothing
  uint64_t ttl_ns = kForever;
  bool slides = false;
};

// A store with the names it goes by and with what serves it. Lives while any handle holds it.
struct OpenStore {
  // Throws std::bad_alloc.
  OpenStore(std::string id_hex, std::optional<std::u16string> store_name, const OpenOptions& options);
  // Flushes one that is durable: may take as long as the medium does.
  ~OpenStore();
  // Once, before anybody uses it. With a path the store is that of this directory; errors and `on_progress` as with
  // Durability::Open.
  Status Start(const std::string& path, const DurabilityOptions& options,
               std::function<void(const RecoveryProgress&)> on_progress);
  OpenStore(const OpenStore&) = delete;
  OpenStore& operator=(const OpenStore&) = delete;

  const std::string id;  // 128 random bits in hexadecimal
  const std::optional<std::u16string> name;
  ExpiryFeed expiry_feed;  // of the store, which it outlives
  LogFeed log_feed;        // likewise
  Store store;
  const bool grows;
  const size_t first_shards;  // that the store was made with
  Resharder resharder;
  std::unique_ptr<Durability> durability;  // or nullptr
  std::string directory;                   // its real path, where it is durable
  bool is_served = false;                  // by the expiry thread
};

// Thread-safe. Never destroyed, as threads may outlive the process's statics.
class Registry {
 public:
  static Registry& OfProcess();

  // A new store or, with a name, the open store of that name, which must be what the options ask for. Errors:
  // kOptionsConflict; kInvalidArgument where a new store is to slide without a ttl. Throws std::bad_alloc.
  Result<std::shared_ptr<OpenStore>> Create(std::optional<std::u16string> name, const OpenOptions& options = {})
      SHARDMAP_EXCLUDES(mutex_);

  // The store of a directory: the open one, or else what is in its files. The directory is made where it is missing.
  // What an open store has must be what the options ask for, its name too where one is given. Takes as long as reading
  // the files; waits where another thread opens or closes the same directory. Errors: those of Create and of
  // Durability::Open. Throws std::bad_alloc, std::system_error.
  Result<std::shared_ptr<OpenStore>> Open(const std::string& path, std::optional<std::u16string> name,
                                          const OpenOptions& options, const DurabilityOptions& durability,
                                          std::function<void(const RecoveryProgress&)> on_progress = {})
      SHARDMAP_EXCLUDES(mutex_);

  // The open store with this id, or nullptr.
  std::shared_ptr<OpenStore> Find(std::string_view id) SHARDMAP_EXCLUDES(mutex_);

 private:
  Registry() = default;

  // Called by the last handle to let go.
  void Destroy(OpenStore* store) SHARDMAP_EXCLUDES(mutex_);
  std::shared_ptr<OpenStore> Own(std::unique_ptr<OpenStore> store);
  void AddLocked(const std::shared_ptr<OpenStore>& store) SHARDMAP_REQUIRES(mutex_);
  void LetGoOf(const std::string& directory) SHARDMAP_EXCLUDES(mutex_);
  // Lets go of a directory that is busy, at its end.
  struct Busy {
    Busy(Registry& its_registry, const std::string& its_directory) : registry(its_registry), directory(its_directory) {}
    ~Busy() { registry.LetGoOf(directory); }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

    Registry& registry;
    const std::string directory;
  };

  Mutex mutex_;
  Condition directory_is_free_;
  std::unordered_map<std::string, std::weak_ptr<OpenStore>> by_directory_ SHARDMAP_GUARDED_BY(mutex_);
  std::unordered_set<std::string> busy_directories_ SHARDMAP_GUARDED_BY(mutex_);  // being opened or closed
  std::unordered_map<std::string, std::weak_ptr<OpenStore>> by_id_ SHARDMAP_GUARDED_BY(mutex_);
  std::unordered_map<std::u16string, std::weak_ptr<OpenStore>> by_name_ SHARDMAP_GUARDED_BY(mutex_);
};

// One thread's open handle of a store, with its session. Used and destroyed by that thread.
class Handle {
 public:
  explicit Handle(std::shared_ptr<OpenStore> open_store)
      : open_store_(std::move(open_store)), session_(open_store_->store.OpenSession()) {}
  ~Handle() { store().CloseSession(session_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  const OpenStore& open_store() const { return *open_store_; }
  Store& store() { return open_store_->store; }
  Session& session() { return *session_; }
  ExpiryFeed& expiry_feed() { return open_store_->expiry_feed; }
  LogFeed& log_feed() { return open_store_->log_feed; }
  Resharder& resharder() { return open_store_->resharder; }

 private:
  const std::shared_ptr<OpenStore> open_store_;
  Session* const session_;
};

}  // namespace shardmap
