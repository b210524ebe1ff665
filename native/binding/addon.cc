// The addon's entry point: what lib/native.ts declares as `Addon`.

#include <cstdint>
#include <iterator>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "binding/environment.h"
#include "binding/native_store.h"
#include "binding/node_api.h"
#include "core/store.h"
#include "engine/registry.h"

namespace shardmap {
namespace {

template <napi_value (*kFunction)(napi_env, const napi_value* args)>
napi_value Callback(napi_env env, napi_callback_info info) {
  napi_value args[2];
  size_t count = std::size(args);
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  if (Environment::Of(env) == nullptr) return nullptr;  // the environment is being torn down
  try {
    return kFunction(env, args);
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

napi_value Setup(napi_env env, const napi_value* args) {
  napi_value fail = nullptr;
  napi_value collect = nullptr;
  napi_get_named_property(env, args[0], "fail", &fail);
  napi_get_named_property(env, args[0], "collect", &collect);
  Environment::Of(env)->SetHooks(fail, collect);
  return nullptr;
}

// The UTF-16 units of a string, or nothing for another type.
std::optional<std::u16string> ReadName(napi_env env, napi_value value) {
  size_t units = 0;
  if (napi_get_value_string_utf16(env, value, nullptr, 0, &units) != napi_ok) return std::nullopt;
  std::u16string name(units + 1, u'\0');  // Node-API ends it with a zero
  napi_get_value_string_utf16(env, value, name.data(), name.size(), &units);
  name.resize(units);
  return name;
}

napi_value Create(napi_env env, const napi_value* args) {
  uint32_t shards = 0;
  napi_get_value_uint32(env, args[1], &shards);
  if (shards != 0 && !Store::IsShardCount(shards)) {
    return Throw(env, Status(Code::kInvalidArgument, "shards must be a power of two"));
  }
  auto store = Registry::OfProcess().Create(ReadName(env, args[0]), shards);
  if (!store.ok()) return Throw(env, store.status());
  return NewNativeStoreObject(env, std::move(store.value()));
}

napi_value Attach(napi_env env, const napi_value* args) {
  char id[64];
  size_t size = 0;
  if (napi_get_value_string_latin1(env, args[0], id, sizeof id, &size) != napi_ok) return nullptr;
  std::shared_ptr<OpenStore> store = Registry::OfProcess().Find({id, size});
  return store == nullptr ? nullptr : NewNativeStoreObject(env, std::move(store));
}

napi_value Limits(napi_env env) {
  const std::pair<const char*, size_t> limits[] = {
      {"keyBytesMax", kKeyBytesMax}, {"valueBytesMax", kValueBytesMax}, {"shardsMax", Store::kShardsMax}};
  napi_value result = nullptr;
  napi_create_object(env, &result);
  for (const auto& [name, limit] : limits) {
    napi_set_named_property(env, result, name, ToJs(env, static_cast<double>(limit)));
  }
  return result;
}

napi_property_descriptor Function(const char* name, napi_callback callback) {
  return {name, nullptr, callback, nullptr, nullptr, nullptr, napi_enumerable, nullptr};
}

}  // namespace
}  // namespace shardmap

NAPI_MODULE_INIT() {
  using namespace shardmap;
  Environment::Create(env);
  const napi_property_descriptor properties[] = {
      Function("setup", Callback<Setup>),
      Function("create", Callback<Create>),
      Function("attach", Callback<Attach>),
      {"limits", nullptr, nullptr, nullptr, nullptr, Limits(env), napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, std::size(properties), properties);
  return exports;
}
