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
  MutexLock lock(mutex_);
  if (name.has_value()) {
    if (std::shared_ptr<OpenStore> found = FindByNameLocked(*name)) {
      const size_t has = found->store.shards();
      if (shards == 0 || shards == has) return found;
      return Status(Code::kOptionsConflict, "The store of this name is open with " + std::to_string(has) +
                                                " shards, not " + std::to_string(shards));
    }
  }
  return AddLocked(std::move(name), shards);
}

std::shared_ptr<OpenStore> Registry::Find(std::string_view id) {
  MutexLock lock(mutex_);
  const auto found = by_id_.find(std::string(id));
  return found == by_id_.end() ? nullptr : found->second.lock();
}

std::shared_ptr<OpenStore> Registry::FindByNameLocked(const std::u16string& name) {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.lock();
}

std::shared_ptr<OpenStore> Registry::AddLocked(std::optional<std::u16string> name, size_t shards) {
  StoreOptions options;
  options.shards = shards;
  std::shared_ptr<OpenStore> store(new OpenStore(RandomId(), std::move(name), options),
                                   [this](OpenStore* last) { Destroy(last); });
  by_id_.insert_or_assign(store->id, store);
  if (store->name.has_value()) by_name_.insert_or_assign(*store->name, store);
  return store;
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
