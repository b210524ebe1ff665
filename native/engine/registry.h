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

namespace shardmap {

// A store with the names it goes by. Lives while any handle holds it.
struct OpenStore {
  OpenStore(std::string id_hex, std::optional<std::u16string> store_name, const StoreOptions& options)
      : id(std::move(id_hex)), name(std::move(store_name)), store(options) {}

  const std::string id;  // 128 random bits in hexadecimal
  const std::optional<std::u16string> name;
  Store store;
};

// Thread-safe. Never destroyed, as threads may outlive the process's statics.
class Registry {
 public:
  static Registry& OfProcess();

  // A new store or, with a name, the open store of that name. `shards` as in StoreOptions; with a name, 0 accepts what
  // the store has. Errors: kOptionsConflict. Throws std::bad_alloc.
  Result<std::shared_ptr<OpenStore>> Create(std::optional<std::u16string> name, size_t shards)
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

 private:
  const std::shared_ptr<OpenStore> open_store_;
  Session* const session_;
};

}  // namespace shardmap
