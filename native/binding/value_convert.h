// Converts values between JavaScript and the core.
#pragma once

#include <napi.h>

#include <optional>

#include "base/status.h"
#include "binding/value_view.h"
#include "core/value.h"

namespace shardmap {

// Reads a JavaScript primitive (but a symbol) as a value, in one Node-API call for a number and two for a short string.
class ValueReader {
 public:
  // What becomes of a Uint8Array: no value that was not encoded is one.
  enum class Bytes : uint8_t { kRefused, kPlain };

  // Throws std::bad_alloc.
  ValueReader(napi_env env, napi_value value, Bytes bytes = Bytes::kRefused) {
    if (!ReadNumber(env, value) && !ReadShortString(env, value)) ReadOther(env, value, bytes);
  }
  ValueReader(const ValueReader&) = delete;
  ValueReader& operator=(const ValueReader&) = delete;

  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }
  // To be taken once. Refers to the reader, or to the memory of the Uint8Array.
  Value TakeValue() { return std::move(value_); }

 private:
  static constexpr size_t kShortUnits = 256;

  bool ReadNumber(napi_env env, napi_value value) {
    if (napi_get_value_double(env, value, &number_) != napi_ok) return false;
    value_ = Value(ValueKind::kNumber, &number_, sizeof number_);
    return true;
  }
  bool ReadShortString(napi_env env, napi_value value);
  void ReadOther(napi_env env, napi_value value, Bytes bytes);
  bool ReadPlain(napi_env env, napi_value value);
  void ReadLongString(napi_env env, napi_value value);
  void ReadBigInt(napi_env env, napi_value value);
  void RefuseTooLong(size_t bytes);

  Value value_{ValueKind::kUndefined};
  Status status_;
  double number_;
  // Left uninitialised: most values use a few bytes of them.
  alignas(8) char16_t short_units_[kShortUnits];
  alignas(8) uint8_t short_bytes_[kShortUnits];
};

// Reads an encoded value: `args` are the number of its kind, a typed array, and where in its bytes the value begins and
// ends. Refers to the array's memory. Errors: kInvalidArgument.
Result<std::optional<Value>> ReadEncodedValue(napi_env env, const napi_value* args);

// The JavaScript value; an encoded one is left where Environment::Reply says.
napi_value ValueToJs(napi_env env, const ValueView& value);

// 0 for one that is not known yet.
size_t ElementBytes(napi_typedarray_type type);

// { plain: 16, … }: the numbers of the kinds of values that lib/native.ts has names for.
Napi::Object ValueKinds(Napi::Env env);

}  // namespace shardmap
