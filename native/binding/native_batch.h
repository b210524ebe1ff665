// Functions that work on many keys of the store in a slot at once.
#pragma once

#include <napi.h>

namespace shardmap {

// Adds them to the addon's exports: see the section on batches of Addon in lib/native.ts.
void AddBatchFunctions(Napi::Env env, Napi::Object exports);

}  // namespace shardmap
