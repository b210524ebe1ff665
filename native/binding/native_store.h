// Stores as JavaScript sees them: an object that names a slot, and functions that work on the store in a slot.
#pragma once

#include <napi.h>

#include <memory>

#include "engine/registry.h"

namespace shardmap {

// A new object for the store; lib/native.ts declares its shape. Its finalizer closes its slot. Throws std::bad_alloc.
Napi::Object NewNativeStore(Napi::Env env, std::shared_ptr<OpenStore> open_store);

// Adds the functions that work on a slot to the addon's exports. They are raw Node-API callbacks: an argument read or a
// call through a wrapper class would cost more than the whole lookup (docs/performance.md, crossings).
void AddStoreFunctions(Napi::Env env, Napi::Object exports);

// Reads how many shards a store is to have: see `create` in lib/native.ts.
void ReadShards(Napi::Value shards, OpenOptions* options);

}  // namespace shardmap
