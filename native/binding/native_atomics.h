// Operations that read and write an entry in one step, as functions of the addon.
#pragma once

#include <napi.h>

namespace shardmap {

void AddAtomicFunctions(Napi::Env env, Napi::Object exports);

}  // namespace shardmap
