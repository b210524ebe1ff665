// An addon with every way in which the characters of a key could come to native code: each reads a key and returns a
// hash of it, so that nothing but the way differs. bench/suites/routes.mjs compares them.
#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/utf16.h"
#include "core/hash.h"

namespace {

constexpr size_t kUnits = 512;
constexpr shardmap::HashSeed kSeed = {{1, 2, 3, 4}};

napi_value HashOf(napi_env env, const void* bytes, size_t size) {
  napi_value result = nullptr;
  const uint64_t hash = shardmap::Hash(kSeed, 0, static_cast<const uint8_t*>(bytes), size);
  napi_create_int32(env, static_cast<int32_t>(hash & 0xffff), &result);
  return result;
}

napi_value Argument(napi_env env, napi_callback_info info, void** data = nullptr) {
  napi_value argument = nullptr;
  size_t count = 1;
  napi_get_cb_info(env, info, &count, &argument, nullptr, data);
  return argument;
}

// The store's way: UTF-16, lossless, narrowed to a byte a character where all fit.
napi_value Utf16(napi_env env, napi_callback_info info) {
  char16_t units[kUnits];
  uint8_t bytes[kUnits];
  size_t count = 0;
  napi_get_value_string_utf16(env, Argument(env, info), units, kUnits, &count);
  if (shardmap::NarrowUtf16(units, count, bytes)) return HashOf(env, bytes, count);
  return HashOf(env, units, count * sizeof(char16_t));
}

// Cuts two-byte characters in half, so no way to take.
napi_value Latin1(napi_env env, napi_callback_info info) {
  char bytes[kUnits];
  size_t count = 0;
  napi_get_value_string_latin1(env, Argument(env, info), bytes, kUnits, &count);
  return HashOf(env, bytes, count);
}

// Makes one of all lone surrogates, so no way to take.
napi_value Utf8(napi_env env, napi_callback_info info) {
  char bytes[3 * kUnits];
  size_t count = 0;
  napi_get_value_string_utf8(env, Argument(env, info), bytes, sizeof bytes, &count);
  return HashOf(env, bytes, count);
}

// As wrappers do: asks for the length, then copies into a string of its own.
napi_value StdString(napi_env env, napi_callback_info info) {
  const napi_value argument = Argument(env, info);
  size_t count = 0;
  napi_get_value_string_utf8(env, argument, nullptr, 0, &count);
  std::string text(count, '\0');
  napi_get_value_string_utf8(env, argument, text.data(), count + 1, &count);
  return HashOf(env, text.data(), count);
}

// The key is in the shared buffer already; the argument is how many bytes it takes.
napi_value Shared(napi_env env, napi_callback_info info) {
  void* buffer = nullptr;
  uint32_t size = 0;
  napi_get_value_uint32(env, Argument(env, info, &buffer), &size);
  return HashOf(env, buffer, size);
}

napi_value Init(napi_env env, napi_value exports) {
  static thread_local uint8_t buffer[3 * kUnits];
  const auto add = [&](const char* name, napi_callback callback) {
    napi_value function = nullptr;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, buffer, &function);
    napi_set_named_property(env, exports, name, function);
  };
  add("utf16", Utf16);
  add("latin1", Latin1);
  add("utf8", Utf8);
  add("stdString", StdString);
  add("shared", Shared);
  napi_value memory = nullptr;
  napi_create_external_arraybuffer(env, buffer, sizeof buffer, nullptr, nullptr, &memory);
  napi_set_named_property(env, exports, "buffer", memory);
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, Init)
