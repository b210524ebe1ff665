// What the copying of stored typed arrays into a caller's needs: see getInto and gather in lib/native.ts.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>

#include "binding/value_convert.h"
#include "core/value.h"

namespace shardmap {

// The memory that a typed array shows; nothing where it cannot be had.
struct ViewBytes {
  uint8_t* first = nullptr;
  size_t size = 0;

  ViewBytes(napi_env env, napi_value view) {
    napi_typedarray_type type;
    void* memory = nullptr;
    size_t length = 0;
    if (napi_get_typedarray_info(env, view, &type, &length, &memory, nullptr, nullptr) != napi_ok) return;
    first = static_cast<uint8_t*>(memory);
    size = length * ElementBytes(type);
  }
};

// What is returned in place of a count.
inline constexpr double kVectorAbsent = -1;
inline constexpr double kVectorNoRoom = -2;
inline constexpr double kVectorOther = -3;  // of gather, less the place of the key

// Whether a value is a typed array of `kind`. A Buffer is a Uint8Array.
inline bool HasElementsOf(const ReadValue& value, ValueKind kind) {
  return value.kind() == kind || (value.kind() == ValueKind::kBuffer && kind == ValueKind::kUint8Array);
}

}  // namespace shardmap
