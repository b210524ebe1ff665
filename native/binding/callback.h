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

using Function = Napi::Value (*)(const Napi::CallbackInfo&);

// A function that is about no slot.
template <Function kFunction>
Napi::Value Guarded(const Napi::CallbackInfo& info) {
  if (Environment::Of(info.Env()) == nullptr) return info.Env().Undefined();  // it is being torn down
  try {
    return kFunction(info);
  } catch (const std::bad_alloc&) {
    return Napi::Value(info.Env(), Throw(info.Env(), Status::OutOfMemory()));
  }
}

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

using SlotMethod = napi_value (*)(napi_env, Environment&, uint32_t slot, const napi_value* args);

// Turns a method that is about a slot, more than about its store, into a callback.
template <size_t kArguments, SlotMethod kMethod>
napi_value SlotCallback(napi_env env, napi_callback_info info) {
  napi_value args[1 + kArguments];
  size_t count = std::size(args);
  uint32_t slot;
  Environment* environment = ReadArguments(env, info, args, &count, &slot);
  if (environment->AttachmentAt(slot) == nullptr) return ThrowClosed(env);
  try {
    return kMethod(env, *environment, slot, args + 1);
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

// What KeyedCall does with a key: it is made of the environment before the key is read, and called with it.
template <KeyedMethod kMethod>
struct Keyed {
  explicit Keyed(const Environment&) {}
  napi_value operator()(napi_env env, Attachment& attachment, const Key& key, const napi_value* args) const {
    return kMethod(env, attachment, key, args);
  }
};

// The same for a method that puts an entry; `kDefault` is its lifetime where none is given.
template <PutMethod kMethod, Lifetime kDefault>
struct Put {
  explicit Put(Environment& environment) : lifetime(environment.TakeLifetime(kDefault)) {}
  napi_value operator()(napi_env env, Attachment& attachment, const Key& key, const napi_value* args) const {
    return kMethod(env, attachment, key, args, lifetime);
  }
  const Lifetime lifetime;
};

// The same as Callback for a method whose second argument is a key; `kArguments` more follow, and both elements of the
// key where it is an array of two and they were read already. The store is looked up after the key
// was read: that may run code of the user's, which may close the slot or even have another store opened in it. The
// arguments after the key are read by calls that run none. (All in one function: each call more costs the hottest
// ones.)
template <size_t kArguments, typename Operation>
napi_value KeyedCall(napi_env env, napi_callback_info info) {
  constexpr size_t kPair = 2 + kArguments;
  napi_value args[kPair + 2];
  size_t count = std::size(args);
  uint32_t slot;
  Environment* environment = ReadArguments(env, info, args, &count, &slot);
  const Operation operation(*environment);
  const uint64_t opening = environment->OpeningAt(slot);
  try {
    const KeyReader key(env, args[1], count >= std::size(args) ? args + kPair : nullptr);
    if (!key.ok()) return Throw(env, key.status());
    Attachment* attachment = environment->AttachmentAt(slot);
    if (attachment == nullptr || environment->OpeningAt(slot) != opening) return ThrowClosed(env);
    return operation(env, *attachment, key.key(), args + 2);
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

template <size_t kArguments, KeyedMethod kMethod>
constexpr napi_callback KeyedCallback = KeyedCall<kArguments, Keyed<kMethod>>;

template <size_t kArguments, PutMethod kMethod, Lifetime kDefault = Lifetime{}>
constexpr napi_callback PutCallback = KeyedCall<kArguments, Put<kMethod, kDefault>>;

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
