#include "binding/value_convert.h"

#include <cstdlib>
#include <new>
#include <string>

#include "base/utf16.h"
#include "binding/node_api.h"

namespace shardmap {
namespace {

// Throws std::bad_alloc.
Block* AllocateBlock(size_t bytes) {
  Block* block = Block::Allocate(bytes);
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
  if (NarrowUtf16(short_units_, count, short_bytes_)) {
    value_ = Value(ValueKind::kOneByteString, short_bytes_, count);
  } else {
    value_ = Value(ValueKind::kTwoByteString, short_units_, count * sizeof(char16_t));
  }
  return true;
}

void ValueReader::ReadOther(napi_env env, napi_value value) {
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

void ValueReader::ReadLongString(napi_env env, napi_value value) {
  size_t count = 0;
  napi_get_value_string_utf16(env, value, nullptr, 0, &count);
  if (count > kValueBytesMax) return RefuseTooLong(count);
  const auto units = std::make_unique_for_overwrite<char16_t[]>(count + 1);  // Node-API ends it with a zero
  napi_get_value_string_utf16(env, value, units.get(), count + 1, &count);
  Block* narrow = AllocateBlock(count);
  if (NarrowUtf16(units.get(), count, narrow->payload())) {
    value_ = Value(ValueKind::kOneByteString, narrow);
    return;
  }
  Block::Free(narrow);
  if (count * sizeof(char16_t) > kValueBytesMax) return RefuseTooLong(count * sizeof(char16_t));
  Block* wide = AllocateBlock(count * sizeof(char16_t));
  std::memcpy(wide->payload(), units.get(), wide->bytes);
  value_ = Value(ValueKind::kTwoByteString, wide);
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

Result<std::optional<Value>> ReadEncodedValue(napi_env env, napi_value value) {
  bool is_typed_array = false;
  napi_is_typedarray(env, value, &is_typed_array);
  napi_typedarray_type type = napi_float64_array;
  size_t size = 0;
  void* bytes = nullptr;
  if (is_typed_array) napi_get_typedarray_info(env, value, &type, &size, &bytes, nullptr, nullptr);
  if (type != napi_uint8_array) return Status(Code::kInvalidArgument, "An encoded value must be a Uint8Array");
  if (size > kValueBytesMax) return Status(Code::kValueTooLong, TooLongMessage(size));
  Block* block = Block::Allocate(size);
  if (block == nullptr) return Status::OutOfMemory();
  if (size != 0) std::memcpy(block->payload(), bytes, size);
  return std::optional<Value>(Value(ValueKind::kEncoded, block));
}

napi_value ValueToJs(napi_env env, const ReadValue& value) {
  napi_value result = nullptr;
  switch (value.kind()) {
    case ValueKind::kNumber: {
      const uint64_t word = value.first_word();
      double number;
      std::memcpy(&number, &word, sizeof number);
      napi_create_double(env, number, &result);
      return result;
    }
    case ValueKind::kOneByteString:
      napi_create_string_latin1(env, reinterpret_cast<const char*>(value.bytes()), value.size(), &result);
      return result;
    case ValueKind::kTwoByteString:
      napi_create_string_utf16(env, reinterpret_cast<const char16_t*>(value.bytes()), value.size() / 2, &result);
      return result;
    case ValueKind::kUndefined:
      return Undefined(env);
    case ValueKind::kNull:
      napi_get_null(env, &result);
      return result;
    case ValueKind::kFalse:
    case ValueKind::kTrue:
      return ToJs(env, value.kind() == ValueKind::kTrue);
    case ValueKind::kBigInt:
    case ValueKind::kNegativeBigInt:
      napi_create_bigint_words(env, value.kind() == ValueKind::kNegativeBigInt, value.size() / 8,
                               reinterpret_cast<const uint64_t*>(value.bytes()), &result);
      return result;
    case ValueKind::kEncoded: {
      void* bytes = nullptr;
      if (napi_create_arraybuffer(env, value.size(), &bytes, &result) != napi_ok) return nullptr;
      if (value.size() != 0) std::memcpy(bytes, value.bytes(), value.size());
      return result;
    }
  }
  return nullptr;
}

}  // namespace shardmap
