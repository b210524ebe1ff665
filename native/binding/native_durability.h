// What lib/native.ts declares about durable stores. What waits for the medium does so in Node's thread pool.
#pragma once

#include <napi.h>

namespace shardmap {

void AddDurabilityFunctions(Napi::Env env, Napi::Object exports);

}  // namespace shardmap
