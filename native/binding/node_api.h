// Node-API, and the few things that every file of the binding says with it.
#pragma once

#include <node_api.h>

#include <cstddef>

#include "base/status.h"

namespace shardmap {

// Throws the JavaScript error for `status`, made by lib/errors.ts, unless an exception is pending: code of the user's
// threw that, and it goes first. Returns nullptr, for `return Throw(...)`.
napi_value Throw(napi_env env, const Status& status);

// That error. Returns nullptr where the thread is being terminated.
napi_value ErrorOf(napi_env env, const Status& status);

// What a callback that Node calls has thrown has nobody to catch it: it is an uncaughtException.
void ReportPendingException(napi_env env);

// Throws for a slot that is not open.
napi_value ThrowClosed(napi_env env);

napi_value ToJs(napi_env env, double number);
napi_value ToJs(napi_env env, bool value);
napi_value Undefined(napi_env env);

// A number as a size; 0 for any that is none.
size_t ReadSize(napi_env env, napi_value value);

// What `value` is, in the words of `typeof`.
const char* TypeName(napi_env env, napi_value value);

}  // namespace shardmap
