// The process's open stores: made here, found here by id or name from any thread, gone with their last handle.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"
#include "base/status.h"
#include "core/store.h"
#include "engine/expiry_feed.h"

namespace shardmap {

// A store with the names it goes by and with what serves it. Lives while any handle holds it.
struct OpenStore {
  // Throws std::bad_alloc.
  OpenStore(std::string id_hex, std::optional<std::u16string> store_name, const StoreOptions& options);
  ~OpenStore();
  OpenStore(const OpenStore&) = delete;
  OpenStore& operator=(const OpenStore&) = delete;

  const std::string id;  // 128 random bits in hexadecimal
  const std::optional<std::u16string> name;
  ExpiryFeed expiry_feed;  // of the store, which it outlives
  Store store;
};

// What is asked of a store, as in StoreOptions. A default asks for nothing.
struct OpenOptions {
  size_t shards = 0;
  uint64_t ttl_ns = kForever;
  bool slides = false;
};

// Thread-safe. Never destroyed, as threads may outlive the process's statics.
class Registry {
 public:
  static Registry& OfProcess();

  // A new store or, with a name, the open store of that name, which must be what the options ask for. Errors:
  // kOptionsConflict; kInvalidArgument where a new store is to slide without a ttl. Throws std::bad_alloc.
  Result<std::shared_ptr<OpenStore>> Create(std::optional<std::u16string> name, const OpenOptions& options = {})
      SHARDMAP_EXCLUDES(mutex_);

  // The open store with this id, or nullptr.
  std::shared_ptr<OpenStore> Find(std::string_view id) SHARDMAP_EXCLUDES(mutex_);

 private:
  Registry() = default;

  // Called by the last handle to let go.
  void Destroy(OpenStore* store) SHARDMAP_EXCLUDES(mutex_);

  Mutex mutex_;
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

 private:
  const std::shared_ptr<OpenStore> open_store_;
  Session* const session_;
};

}  // namespace shardmap
