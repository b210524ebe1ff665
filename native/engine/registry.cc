#include "engine/registry.h"

#include <cstdio>
#include <utility>

#include "base/random.h"
#include "engine/expiry_thread.h"

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
Status CheckOptions(const Store& store, const OpenOptions& wanted) {
  if (wanted.shards != 0 && wanted.shards != store.shards()) {
    return Conflict("with " + std::to_string(store.shards()) + " shards", std::to_string(wanted.shards));
  }
  if (wanted.ttl_ns != kForever && wanted.ttl_ns != store.ttl_ns()) {
    const bool has_ttl = store.ttl_ns() != kForever;
    return Conflict(has_ttl ? "with a ttl of " + Millis(store.ttl_ns()) : "without a ttl",
                    has_ttl ? Millis(wanted.ttl_ns) : "with one of " + Millis(wanted.ttl_ns));
  }
  if (wanted.slides && !store.slides()) return Conflict("without touch", "with it");
  return Status();
}

}  // namespace

OpenStore::OpenStore(std::string id_hex, std::optional<std::u16string> store_name, const StoreOptions& options)
    : id(std::move(id_hex)), name(std::move(store_name)), expiry_feed(store), store(options) {
  ExpiryThread::OfProcess().Add(store);
}

OpenStore::~OpenStore() { ExpiryThread::OfProcess().Remove(store); }

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
    Status status = CheckOptions(store->store, options);
    if (!status.ok()) return status;
    return store;
  }
  if (options.slides && options.ttl_ns == kForever) {
    return Status(Code::kInvalidArgument, "A store whose ttl is renewed by touch needs a ttl");
  }
  StoreOptions store_options;
  store_options.shards = options.shards;
  store_options.ttl_ns = options.ttl_ns;
  store_options.slides = options.slides;
  store_options.scheduler = &ExpiryThread::OfProcess();
  store = std::shared_ptr<OpenStore>(new OpenStore(RandomId(), std::move(name), store_options),
                                     [this](OpenStore* last) { Destroy(last); });
  by_id_.insert_or_assign(store->id, store);
  if (store->name.has_value()) by_name_.insert_or_assign(*store->name, store);
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
