// What lib/native.ts declares about durable stores. What takes long is done by threads of the store's, or of its own,
// and not in Node's thread pool: an environment that ends waits for what is there.
#pragma once

#include <napi.h>

namespace shardmap {

void AddDurabilityFunctions(Napi::Env env, Napi::Object exports);

}  // namespace shardmap
