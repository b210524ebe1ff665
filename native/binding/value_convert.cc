#include "binding/value_convert.h"

#include <cstdlib>
#include <new>
#include <string>
#include <utility>

#include "base/utf16.h"
#include "binding/environment.h"
#include "binding/node_api.h"

namespace shardmap {
namespace {

// Node-API ends with a zero what it writes.
constexpr size_t kTerminatorBytes = sizeof(char16_t);

// Throws std::bad_alloc.
Block* AllocateBlock(size_t bytes, size_t slack = 0) {
  Block* block = Block::Allocate(bytes, slack);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

std::string TooLongMessage(size_t bytes) {
  return "The value takes at least " + std::to_string(bytes) + " bytes; at most " + std::to_string(kValueBytesMax) +
         " are allowed";
}

}  // namespace

bool ValueReader::ReadShortString(napi_env env, napi_value value) {
  size_t count = 0;
  if (napi_get_value_string_utf16(env, value, short_units_, kShortUnits, &count) != napi_ok) return false;
  if (count + 1 == kShortUnits) return false;  // it may go on
  Block* const block = count > kInlineValueBytesMax ? AllocateBlock(count) : nullptr;
  Value one_byte = block == nullptr ? Value(ValueKind::kOneByteString, short_bytes_, count)
                                    : Value(ValueKind::kOneByteString, block);
  if (NarrowUtf16(short_units_, count, block == nullptr ? short_bytes_ : block->payload())) {
    value_ = std::move(one_byte);
  } else {
    value_ = Value(ValueKind::kTwoByteString, short_units_, count * sizeof(char16_t));
  }
  return true;
}

void ValueReader::ReadOther(napi_env env, napi_value value, Bytes bytes) {
  if (bytes == Bytes::kPlain && ReadPlain(env, value)) return;
  napi_valuetype type;
  napi_typeof(env, value, &type);
  bool boolean = false;
  switch (type) {
    case napi_string:
      return ReadLongString(env, value);
    case napi_bigint:
      return ReadBigInt(env, value);
    case napi_boolean:
      napi_get_value_bool(env, value, &boolean);
      value_ = Value(boolean ? ValueKind::kTrue : ValueKind::kFalse);
      return;
    case napi_null:
      value_ = Value(ValueKind::kNull);
      return;
    case napi_undefined:
      return;
    default:
      status_ = Status(Code::kInvalidArgument, std::string("A value of type ") + TypeName(env, value) +
                                                   " reached the addon without being encoded");
  }
}

bool ValueReader::ReadPlain(napi_env env, napi_value value) {
  napi_typedarray_type type;
  size_t size = 0;
  void* first = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &size, &first, nullptr, nullptr) != napi_ok) return false;
  if (type != napi_uint8_array) return false;
  if (size > kValueBytesMax) {
    RefuseTooLong(size);
  } else {
    value_ = Value(ValueKind::kPlain, static_cast<const uint8_t*>(first), size);
  }
  return true;
}

void ValueReader::ReadLongString(napi_env env, napi_value value) {
  size_t count = 0;
  napi_get_value_string_utf16(env, value, nullptr, 0, &count);
  if (count > kValueBytesMax) return RefuseTooLong(count);
  Block* const wide = AllocateBlock(count * sizeof(char16_t), kTerminatorBytes);
  Value two_byte(ValueKind::kTwoByteString, wide);
  auto* const units = reinterpret_cast<char16_t*>(wide->payload());
  napi_get_value_string_utf16(env, value, units, count + 1, nullptr);
  Block* const narrow = AllocateBlock(count);
  Value one_byte(ValueKind::kOneByteString, narrow);
  if (NarrowUtf16(units, count, narrow->payload())) {
    value_ = std::move(one_byte);
  } else if (two_byte.size() > kValueBytesMax) {
    RefuseTooLong(two_byte.size());
  } else {
    value_ = std::move(two_byte);
  }
}

void ValueReader::ReadBigInt(napi_env env, napi_value value) {
  size_t words = 0;
  napi_get_value_bigint_words(env, value, nullptr, &words, nullptr);
  if (words * 8 > kValueBytesMax) return RefuseTooLong(words * 8);
  Block* block = words * 8 > sizeof short_bytes_ ? AllocateBlock(words * 8) : nullptr;
  uint8_t* bytes = block == nullptr ? short_bytes_ : block->payload();
  int is_negative = 0;
  napi_get_value_bigint_words(env, value, &is_negative, &words, reinterpret_cast<uint64_t*>(bytes));
  const ValueKind kind = is_negative != 0 ? ValueKind::kNegativeBigInt : ValueKind::kBigInt;
  value_ = block == nullptr ? Value(kind, bytes, words * 8) : Value(kind, block);
}

void ValueReader::RefuseTooLong(size_t bytes) { status_ = Status(Code::kValueTooLong, TooLongMessage(bytes)); }

size_t ElementBytes(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 0;
  }
}

Result<std::optional<Value>> ReadEncodedValue(napi_env env, const napi_value* args) {
  uint32_t kind = 0;
  napi_typedarray_type type;
  size_t length = 0;
  void* bytes = nullptr;
  double start = 0;
  double end = 0;
  const bool is_read = napi_get_value_uint32(env, args[0], &kind) == napi_ok &&
                       napi_get_typedarray_info(env, args[1], &type, &length, &bytes, nullptr, nullptr) == napi_ok &&
                       napi_get_value_double(env, args[2], &start) == napi_ok &&
                       napi_get_value_double(env, args[3], &end) == napi_ok;
  const bool is_inside = is_read && kind <= UINT8_MAX && IsEncoded(static_cast<ValueKind>(kind)) && start >= 0 &&
                         start <= end && end <= static_cast<double>(length * ElementBytes(type));
  if (!is_inside) return Status(Code::kInvalidArgument, "An encoded value is a kind and bytes of a typed array");
  if (end - start > static_cast<double>(kValueBytesMax)) {
    return Status(Code::kValueTooLong, TooLongMessage(static_cast<size_t>(end - start)));
  }
  const uint8_t* first = static_cast<const uint8_t*>(bytes) + static_cast<size_t>(start);
  return std::optional<Value>(Value(static_cast<ValueKind>(kind), first, static_cast<size_t>(end - start)));
}

napi_value ValueToJs(napi_env env, const ValueView& value) {
  napi_value result = nullptr;
  switch (value.kind) {
    case ValueKind::kNumber: {
      double number;
      std::memcpy(&number, value.bytes, sizeof number);
      napi_create_double(env, number, &result);
      return result;
    }
    case ValueKind::kOneByteString:
      napi_create_string_latin1(env, reinterpret_cast<const char*>(value.bytes), value.size, &result);
      return result;
    case ValueKind::kTwoByteString:
      napi_create_string_utf16(env, reinterpret_cast<const char16_t*>(value.bytes), value.size / 2, &result);
      return result;
    case ValueKind::kUndefined:
      return Undefined(env);
    case ValueKind::kNull:
      napi_get_null(env, &result);
      return result;
    case ValueKind::kFalse:
    case ValueKind::kTrue:
      return ToJs(env, value.kind == ValueKind::kTrue);
    case ValueKind::kBigInt:
    case ValueKind::kNegativeBigInt:
      napi_create_bigint_words(env, value.kind == ValueKind::kNegativeBigInt, value.size / 8,
                               reinterpret_cast<const uint64_t*>(value.bytes), &result);
      return result;
    default:
      return Environment::Of(env)->Reply(value);
  }
}

Napi::Object ValueKinds(Napi::Env env) {
  static constexpr std::pair<const char*, ValueKind> kKinds[] = {
      {"oneByteString", ValueKind::kOneByteString},
      {"twoByteString", ValueKind::kTwoByteString},
      {"plain", ValueKind::kPlain},
      {"clone", ValueKind::kClone},
      {"custom", ValueKind::kCustom},
      {"compressed", ValueKind::kCompressed},
      {"ArrayBuffer", ValueKind::kArrayBuffer},
      {"DataView", ValueKind::kDataView},
      {"Buffer", ValueKind::kBuffer},
      {"Int8Array", ValueKind::kInt8Array},
      {"Uint8Array", ValueKind::kUint8Array},
      {"Uint8ClampedArray", ValueKind::kUint8ClampedArray},
      {"Int16Array", ValueKind::kInt16Array},
      {"Uint16Array", ValueKind::kUint16Array},
      {"Int32Array", ValueKind::kInt32Array},
      {"Uint32Array", ValueKind::kUint32Array},
      {"Float16Array", ValueKind::kFloat16Array},
      {"Float32Array", ValueKind::kFloat32Array},
      {"Float64Array", ValueKind::kFloat64Array},
      {"BigInt64Array", ValueKind::kBigInt64Array},
      {"BigUint64Array", ValueKind::kBigUint64Array},
  };
  Napi::Object kinds = Napi::Object::New(env);
  for (const auto& [name, kind] : kKinds) kinds.Set(name, static_cast<double>(kind));
  return kinds;
}

}  // namespace shardmap
