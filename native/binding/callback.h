// How functions on a store become Node-API callbacks.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <new>

#include "base/status.h"
#include "binding/environment.h"
#include "binding/key_reader.h"
#include "binding/node_api.h"

namespace shardmap {

using Method = napi_value (*)(napi_env, Attachment&, const napi_value* args);
// `args` are those after the key.
using KeyedMethod = napi_value (*)(napi_env, Attachment&, const Key&, const napi_value* args);

// Reads the arguments of a callback, undefined where missing; the first is a slot. `count` is how many there is room
// for, and then how many were given.
inline Environment* ReadArguments(napi_env env, napi_callback_info info, napi_value* args, size_t* count,
                                  uint32_t* slot) {
  void* environment = nullptr;
  napi_get_cb_info(env, info, count, args, nullptr, &environment);
  *slot = 0;
  napi_get_value_uint32(env, args[0], slot);
  return static_cast<Environment*>(environment);
}

// Turns a method into a Node-API callback: gets the store of the slot in the first argument, and `kArguments` more.
template <size_t kArguments, Method kMethod>
napi_value Callback(napi_env env, napi_callback_info info) {
  napi_value args[1 + kArguments];
  size_t count = std::size(args);
  uint32_t slot;
  const Environment* environment = ReadArguments(env, info, args, &count, &slot);
  Attachment* attachment = environment->AttachmentAt(slot);
  if (attachment == nullptr) return ThrowClosed(env);
  try {
    return kMethod(env, *attachment, args + 1);
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

// The same for a method whose second argument is a key; `kArguments` more follow, and both elements of the key where it
// is an array of two and they were read already. The store is looked up after the key
// was read: that may run code of the user's, which may close the slot or even have another store opened in it. The
// arguments after the key are read by calls that run none.
template <size_t kArguments, KeyedMethod kMethod>
napi_value KeyedCallback(napi_env env, napi_callback_info info) {
  constexpr size_t kPair = 2 + kArguments;
  napi_value args[kPair + 2];
  size_t count = std::size(args);
  uint32_t slot;
  const Environment* environment = ReadArguments(env, info, args, &count, &slot);
  const uint64_t opening = environment->OpeningAt(slot);
  try {
    const KeyReader key(env, args[1], count >= std::size(args) ? args + kPair : nullptr);
    if (!key.ok()) return Throw(env, key.status());
    Attachment* attachment = environment->AttachmentAt(slot);
    if (attachment == nullptr || environment->OpeningAt(slot) != opening) return ThrowClosed(env);
    return kMethod(env, *attachment, key.key(), args + 2);
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

// Adds functions that get their Environment with each call.
class FunctionAdder {
 public:
  FunctionAdder(napi_env env, Napi::Object exports) : env_(env), exports_(exports) {}

  void operator()(const char* name, napi_callback callback) const {
    napi_value function = nullptr;
    napi_create_function(env_, name, NAPI_AUTO_LENGTH, callback, Environment::Of(env_), &function);
    napi_set_named_property(env_, exports_, name, function);
  }

 private:
  const napi_env env_;
  const napi_value exports_;
};

}  // namespace shardmap
