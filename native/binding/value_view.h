// A value that is to become one of JavaScript, wherever its bytes are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/value.h"

namespace shardmap {

struct ValueView {
  ValueKind kind;
  const uint8_t* bytes;  // aligned for what the kind has: double, char16_t, uint64_t
  size_t size;

  ValueView(ValueKind value_kind, const uint8_t* value_bytes, size_t value_size)
      : kind(value_kind), bytes(value_bytes), size(value_size) {}
  ValueView(const ReadValue& value)  // NOLINT: implicit by intent, as most are read from a store
      : ValueView(value.kind(), value.bytes(), value.size()) {}
};

}  // namespace shardmap
