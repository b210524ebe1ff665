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
#include "core/lifetime.h"

namespace shardmap {

using Method = napi_value (*)(napi_env, Attachment&, const napi_value* args);
// `args` are those after the key.
using KeyedMethod = napi_value (*)(napi_env, Attachment&, const Key&, const napi_value* args);
using PutMethod = napi_value (*)(napi_env, Attachment&, const Key&, const napi_value* args, const Lifetime& lifetime);

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

// The arguments of a method whose second argument is a key; `kArguments` more follow, and both elements of the key
// where it is an array of two and they were read already.
template <size_t kArguments>
struct KeyedArguments {
  static constexpr size_t kPair = 2 + kArguments;

  KeyedArguments(napi_env env, napi_callback_info info)
      : environment(ReadArguments(env, info, values, &count, &slot)) {}

  const napi_value* pair() const { return count >= std::size(values) ? values + kPair : nullptr; }

  napi_value values[kPair + 2];
  size_t count = std::size(values);
  uint32_t slot;
  Environment* environment;
};

// Reads the key and calls `method(attachment, key, arguments after the key)`. The store is looked up after the key was
// read: that may run code of the user's, which may close the slot or even have another store opened in it. The
// arguments after the key are read by calls that run none.
template <size_t kArguments, typename KeyMethod>
napi_value CallWithKey(napi_env env, const KeyedArguments<kArguments>& given, KeyMethod method) {
  const uint64_t opening = given.environment->OpeningAt(given.slot);
  try {
    const KeyReader key(env, given.values[1], given.pair());
    if (!key.ok()) return Throw(env, key.status());
    Attachment* attachment = given.environment->AttachmentAt(given.slot);
    if (attachment == nullptr || given.environment->OpeningAt(given.slot) != opening) return ThrowClosed(env);
    return method(*attachment, key.key(), given.values + 2);
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

// The same as Callback for a method with a key.
template <size_t kArguments, KeyedMethod kMethod>
napi_value KeyedCallback(napi_env env, napi_callback_info info) {
  const KeyedArguments<kArguments> given(env, info);
  return CallWithKey(env, given, [env](Attachment& attachment, const Key& key, const napi_value* args) {
    return kMethod(env, attachment, key, args);
  });
}

// The same for one that puts an entry; `kDefault` is its lifetime where none is given.
template <size_t kArguments, PutMethod kMethod, Lifetime kDefault = Lifetime{}>
napi_value PutCallback(napi_env env, napi_callback_info info) {
  const KeyedArguments<kArguments> given(env, info);
  const Lifetime lifetime = given.environment->TakeLifetime(kDefault);
  return CallWithKey(env, given, [env, &lifetime](Attachment& attachment, const Key& key, const napi_value* args) {
    return kMethod(env, attachment, key, args, lifetime);
  });
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
