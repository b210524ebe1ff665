#include "engine/registry.h"

#include <utility>

#include "base/random.h"

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

}  // namespace

Registry& Registry::OfProcess() {
  static Registry* const registry = new Registry();
  return *registry;
}

Result<std::shared_ptr<OpenStore>> Registry::Create(std::optional<std::u16string> name, size_t shards) {
  // Declared before the lock, to be let go of after it: the last reference to a store takes the lock when it goes.
  std::shared_ptr<OpenStore> store;
  MutexLock lock(mutex_);
  if (name.has_value()) {
    const auto known = by_name_.find(*name);
    if (known != by_name_.end()) store = known->second.lock();
  }
  if (store == nullptr) {
    StoreOptions options;
    options.shards = shards;
    store = std::shared_ptr<OpenStore>(new OpenStore(RandomId(), std::move(name), options),
                                       [this](OpenStore* last) { Destroy(last); });
    by_id_.insert_or_assign(store->id, store);
    if (store->name.has_value()) by_name_.insert_or_assign(*store->name, store);
  } else if (shards != 0 && shards != store->store.shards()) {
    return Status(Code::kOptionsConflict, "The store of this name is open with " +
                                              std::to_string(store->store.shards()) + " shards, not " +
                                              std::to_string(shards));
  }
  return store;
}

std::shared_ptr<OpenStore> Registry::Find(std::string_view id) {
  MutexLock lock(mutex_);
  const auto found = by_id_.find(std::string(id));
  return found == by_id_.end() ? nullptr : found->second.lock();
}

void Registry::Destroy(OpenStore* store) {
  {
    MutexLock lock(mutex_);
    by_id_.erase(store->id);
    // Another store may have taken the name since this one's last handle let go.
    if (store->name.has_value()) {
      const auto found = by_name_.find(*store->name);
      if (found != by_name_.end() && found->second.expired()) by_name_.erase(found);
    }
  }
  delete store;
}

}  // namespace shardmap
