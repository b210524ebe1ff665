#include "binding/environment.h"

#include <utility>

namespace shardmap {

Attachment::Attachment(napi_env env, std::shared_ptr<OpenStore> open_store)
    : env_(env),
      handle_(std::move(open_store)),
      external_bytes_(static_cast<int64_t>(handle_.store().shards() * sizeof(Shard))) {
  napi_value buffer = nullptr;
  napi_value control = nullptr;
  void* memory = nullptr;
  napi_create_arraybuffer(env_, sizeof(uint32_t), &memory, &buffer);
  napi_create_typedarray(env_, napi_uint32_array, 1, buffer, 0, &control);
  napi_create_reference(env_, control, 1, &control_);
  mutations_ = static_cast<uint32_t*>(memory);
  // So that V8 knows that collecting an object frees memory outside its heap.
  int64_t adjusted = 0;
  napi_adjust_external_memory(env_, external_bytes_, &adjusted);
}

Attachment::~Attachment() {
  napi_delete_reference(env_, control_);
  int64_t adjusted = 0;
  napi_adjust_external_memory(env_, -external_bytes_, &adjusted);
}

napi_value Attachment::Control() const {
  napi_value control = nullptr;
  napi_get_reference_value(env_, control_, &control);
  return control;
}

Environment* Environment::Create(napi_env env) {
  auto* environment = new Environment(env);
  napi_set_instance_data(env, environment, nullptr, nullptr);
  napi_add_env_cleanup_hook(env, CleanUp, environment);
  return environment;
}

Environment* Environment::Of(napi_env env) {
  void* environment = nullptr;
  napi_get_instance_data(env, &environment);
  return static_cast<Environment*>(environment);
}

void Environment::CleanUp(void* environment) {
  auto* self = static_cast<Environment*>(environment);
  napi_set_instance_data(self->env_, nullptr, nullptr, nullptr);
  delete self;
}

Environment::~Environment() {
  for (NativeStore* store : native_stores_) {
    store->attachment.reset();
    store->environment = nullptr;
  }
}

void Environment::SetHooks(napi_value fail, napi_value collect) {
  if (fail_ != nullptr) napi_delete_reference(env_, fail_);
  if (collect_ != nullptr) napi_delete_reference(env_, collect_);
  napi_create_reference(env_, fail, 1, &fail_);
  napi_create_reference(env_, collect, 1, &collect_);
}

napi_value Environment::Deref(napi_ref ref) const {
  napi_value value = nullptr;
  if (ref != nullptr) napi_get_reference_value(env_, ref, &value);
  return value;
}

std::shared_ptr<Attachment> Environment::Attach(std::shared_ptr<OpenStore> open_store) {
  std::weak_ptr<Attachment>& known = attachments_[open_store.get()];
  if (std::shared_ptr<Attachment> attachment = known.lock()) return attachment;
  auto attachment = std::make_shared<Attachment>(env_, std::move(open_store));
  known = attachment;
  return attachment;
}

NativeStore* Environment::NewNativeStore(std::shared_ptr<Attachment> attachment) {
  auto store = std::make_unique<NativeStore>(NativeStore{this, std::move(attachment)});
  native_stores_.insert(store.get());
  return store.release();
}

void Environment::Close(NativeStore* store) {
  if (store->attachment == nullptr) return;
  const OpenStore* open_store = &store->attachment->open_store();
  store->attachment.reset();
  const auto known = attachments_.find(open_store);
  if (known != attachments_.end() && known->second.expired()) attachments_.erase(known);
}

void Environment::Forget(NativeStore* store) {
  native_stores_.erase(store);
  const bool is_open_by_name = store->attachment != nullptr && store->attachment->open_store().name.has_value();
  if (is_open_by_name) kept_.push_back(std::move(store->attachment));
  Close(store);
}

}  // namespace shardmap
