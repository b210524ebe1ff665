#include "binding/key_reader.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/utf16.h"
#include "binding/node_api.h"

namespace shardmap {

bool KeyReader::ReadShortString(napi_env env, napi_value value) {
  size_t units = 0;
  if (napi_get_value_string_utf16(env, value, short_units_, kShortUnits, &units) != napi_ok) return false;
  if (units + 1 == kShortUnits) return false;  // it may go on
  SetStringKey(short_units_, units, short_bytes_);
  return true;
}

void KeyReader::SetStringKey(const char16_t* units, size_t count, uint8_t* bytes) {
  if (NarrowUtf16(units, count, bytes)) {
    key_ = {KeyKind::kOneByteString, bytes, count};
  } else {
    key_ = {KeyKind::kTwoByteString, reinterpret_cast<const uint8_t*>(units), count * sizeof(char16_t)};
  }
}

void KeyReader::ReadOther(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  bool boolean = false;
  double number = 0;
  switch (type) {
    case napi_string:
      return ReadLongString(env, value);
    case napi_number:
      napi_get_value_double(env, value, &number);
      return ReadNumber(number);
    case napi_bigint:
      return ReadBigInt(env, value);
    case napi_boolean:
      napi_get_value_bool(env, value, &boolean);
      key_ = {boolean ? KeyKind::kTrue : KeyKind::kFalse, nullptr, 0};
      return;
    case napi_null:
      key_ = {KeyKind::kNull, nullptr, 0};
      return;
    case napi_undefined:
      key_ = {KeyKind::kUndefined, nullptr, 0};
      return;
    case napi_object:
      return ReadBytes(env, value);
    default:
      return Refuse(env, value);
  }
}

void KeyReader::ReadLongString(napi_env env, napi_value value) {
  size_t count = 0;
  napi_get_value_string_utf16(env, value, nullptr, 0, &count);
  if (count > kKeyBytesMax) return RefuseTooLong(count);
  const size_t units_bytes = (count + 1) * sizeof(char16_t);  // Node-API ends it with a zero
  long_buffer_ = std::make_unique_for_overwrite<uint8_t[]>(units_bytes + count);
  auto* units = reinterpret_cast<char16_t*>(long_buffer_.get());
  napi_get_value_string_utf16(env, value, units, count + 1, &count);
  SetStringKey(units, count, long_buffer_.get() + units_bytes);
}

void KeyReader::ReadNumber(double number) {
  double canonical = number == 0 ? 0 : number;  // +0 for -0
  if (std::isnan(number)) canonical = std::numeric_limits<double>::quiet_NaN();
  std::memcpy(short_bytes_, &canonical, sizeof canonical);
  key_ = {KeyKind::kNumber, short_bytes_, sizeof canonical};
}

void KeyReader::ReadBigInt(napi_env env, napi_value value) {
  size_t words = 0;
  napi_get_value_bigint_words(env, value, nullptr, &words, nullptr);
  if (words * 8 > kKeyBytesMax) return RefuseTooLong(words * 8);
  uint8_t* bytes = short_bytes_;
  if (words * 8 > sizeof short_bytes_) {
    long_buffer_ = std::make_unique_for_overwrite<uint8_t[]>(words * 8);
    bytes = long_buffer_.get();
  }
  int is_negative = 0;
  napi_get_value_bigint_words(env, value, &is_negative, &words, reinterpret_cast<uint64_t*>(bytes));
  key_ = {is_negative != 0 ? KeyKind::kNegativeBigInt : KeyKind::kBigInt, bytes, words * 8};
}

void KeyReader::ReadBytes(napi_env env, napi_value value) {
  bool is_typed_array = false;
  napi_is_typedarray(env, value, &is_typed_array);
  napi_typedarray_type type = napi_float64_array;
  size_t size = 0;
  void* bytes = nullptr;
  if (is_typed_array) napi_get_typedarray_info(env, value, &type, &size, &bytes, nullptr, nullptr);
  if (type != napi_uint8_array) return Refuse(env, value);
  if (size > kKeyBytesMax) return RefuseTooLong(size);
  // Copied, because another thread may be writing to a shared buffer.
  uint8_t* copy = short_bytes_;
  if (size > sizeof short_bytes_) {
    long_buffer_ = std::make_unique_for_overwrite<uint8_t[]>(size);
    copy = long_buffer_.get();
  }
  if (size != 0) std::memcpy(copy, bytes, size);
  key_ = {KeyKind::kBytes, copy, size};
}

void KeyReader::Refuse(napi_env env, napi_value value) {
  status_ = Status(Code::kInvalidKey,
                   std::string("A key must be a string, number, bigint, boolean, null, undefined or Uint8Array, not ") +
                       TypeName(env, value));
}

void KeyReader::RefuseTooLong(size_t bytes) {
  status_ = Status(Code::kKeyTooLong, "The key takes at least " + std::to_string(bytes) + " bytes; at most " +
                                          std::to_string(kKeyBytesMax) + " are allowed");
}

namespace {

napi_value BytesToJs(napi_env env, const Key& key) {
  void* bytes = nullptr;
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  if (napi_create_arraybuffer(env, key.size, &bytes, &buffer) != napi_ok) return nullptr;
  if (key.size != 0) std::memcpy(bytes, key.bytes, key.size);
  napi_create_typedarray(env, napi_uint8_array, key.size, buffer, 0, &array);
  return array;
}

}  // namespace

napi_value KeyToJs(napi_env env, const Key& key) {
  napi_value result = nullptr;
  switch (key.kind) {
    case KeyKind::kOneByteString:
      napi_create_string_latin1(env, reinterpret_cast<const char*>(key.bytes), key.size, &result);
      return result;
    case KeyKind::kTwoByteString:
      napi_create_string_utf16(env, reinterpret_cast<const char16_t*>(key.bytes), key.size / 2, &result);
      return result;
    case KeyKind::kNumber: {
      double number;
      std::memcpy(&number, key.bytes, sizeof number);
      return ToJs(env, number);
    }
    case KeyKind::kBigInt:
    case KeyKind::kNegativeBigInt:
      napi_create_bigint_words(env, key.kind == KeyKind::kNegativeBigInt, key.size / 8,
                               reinterpret_cast<const uint64_t*>(key.bytes), &result);
      return result;
    case KeyKind::kBytes:
      return BytesToJs(env, key);
    case KeyKind::kFalse:
    case KeyKind::kTrue:
      return ToJs(env, key.kind == KeyKind::kTrue);
    case KeyKind::kNull:
      napi_get_null(env, &result);
      return result;
    case KeyKind::kUndefined:
      return Undefined(env);
  }
  return nullptr;
}

}  // namespace shardmap
