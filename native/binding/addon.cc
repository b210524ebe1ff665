// The addon's entry point: what lib/native.ts declares as `Addon`.

#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "binding/callback.h"
#include "binding/environment.h"
#include "binding/native_atomics.h"
#include "binding/native_batch.h"
#include "binding/native_durability.h"
#include "binding/native_expiry.h"
#include "binding/native_store.h"
#include "binding/node_api.h"
#include "binding/pin.h"
#include "binding/times.h"
#include "binding/value_convert.h"
#include "core/composite_key.h"
#include "core/store.h"
#include "engine/registry.h"

namespace shardmap {
namespace {

Napi::Value Setup(const Napi::CallbackInfo& info) {
  return Environment::Of(info.Env())->SetHooks(info[0].As<Napi::Object>());
}

Napi::Value Create(const Napi::CallbackInfo& info) {
  std::optional<std::u16string> name;
  if (info[0].IsString()) name = info[0].As<Napi::String>().Utf16Value();
  OpenOptions options;
  ReadShards(info[1], &options);
  const double ttl_ms = info[2].IsNumber() ? info[2].As<Napi::Number>().DoubleValue() : 0;
  if (ttl_ms > 0) options.ttl_ns = NanosOf(ttl_ms);
  options.slides = info[3].IsBoolean() && info[3].As<Napi::Boolean>().Value();
  if (options.shards != 0 && !Store::IsShardCount(options.shards)) {
    return Napi::Value(info.Env(), Throw(info.Env(), Status(Code::kInvalidArgument, "shards must be a power of two")));
  }
  auto store = Registry::OfProcess().Create(std::move(name), options);
  if (!store.ok()) return Napi::Value(info.Env(), Throw(info.Env(), store.status()));
  return NewNativeStore(info.Env(), std::move(store.value()));
}

Napi::Value Attach(const Napi::CallbackInfo& info) {
  auto store = Registry::OfProcess().Find(info[0].As<Napi::String>().Utf8Value());
  if (store == nullptr) return info.Env().Undefined();
  return NewNativeStore(info.Env(), std::move(store));
}

Napi::Object Limits(Napi::Env env) {
  Napi::Object limits = Napi::Object::New(env);
  limits.Set("keyBytesMax", static_cast<double>(kKeyBytesMax));
  limits.Set("keyPartsMax", static_cast<double>(kKeyPartsMax));
  limits.Set("valueBytesMax", static_cast<double>(kValueBytesMax));
  limits.Set("shardsMax", static_cast<double>(Store::kShardsMax));
  return limits;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  PinAddon();
  Environment::Create(env);
  exports.Set("setup", Napi::Function::New<Guarded<Setup>>(env, "setup"));
  exports.Set("create", Napi::Function::New<Guarded<Create>>(env, "create"));
  exports.Set("attach", Napi::Function::New<Guarded<Attach>>(env, "attach"));
  exports.Set("limits", Limits(env));
  exports.Set("valueKinds", ValueKinds(env));
  AddStoreFunctions(env, exports);
  AddBatchFunctions(env, exports);
  AddAtomicFunctions(env, exports);
  AddExpiryFunctions(env, exports);
  AddDurabilityFunctions(env, exports);
  return exports;
}

}  // namespace
}  // namespace shardmap

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) { return shardmap::Init(env, exports); }

NODE_API_MODULE(shardmap, InitAddon)
