#include "binding/environment.h"

#include <utility>

namespace shardmap {

Attachment::Attachment(napi_env env, std::shared_ptr<OpenStore> open_store)
    : env_(env), handle_(std::move(open_store)) {
  Napi::Uint32Array control = Napi::Uint32Array::New(env_, 1);
  mutations_ = control.Data();
  control_ = Napi::Persistent(control);
  ReportMemory();
}

Attachment::~Attachment() { Napi::MemoryManagement::AdjustExternalMemory(env_, -reported_bytes_); }

void Attachment::ReportMemory() {
  const auto bytes = static_cast<int64_t>(store().Stats().total_bytes());
  Napi::MemoryManagement::AdjustExternalMemory(env_, bytes - reported_bytes_);
  reported_bytes_ = bytes;
  unreported_bytes_ = 0;
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

void Environment::SetHooks(Napi::Function fail, Napi::Function collect) {
  fail_ = Napi::Persistent(fail);
  collect_ = Napi::Persistent(collect);
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
