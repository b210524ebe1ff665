// Deadlines of entries, and news of those that have passed, as functions of the addon.
#pragma once

#include <napi.h>

namespace shardmap {

void AddExpiryFunctions(Napi::Env env, Napi::Object exports);

}  // namespace shardmap
