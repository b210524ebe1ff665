// The JavaScript object through which lib/ works on one store: its methods are raw Node-API callbacks that carry the
// store as their data, which is the cheapest call there is (docs/performance.md, crossings).
#pragma once

#include <napi.h>

#include <memory>

#include "engine/registry.h"

namespace shardmap {

// A new object for the store; lib/native.ts declares its shape. Throws std::bad_alloc.
Napi::Object NewNativeStoreObject(Napi::Env env, std::shared_ptr<OpenStore> open_store);

}  // namespace shardmap
