#include "binding/key_reader.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/utf16.h"
#include "binding/environment.h"
#include "binding/node_api.h"

namespace shardmap {

namespace {

// The key of `count` units, narrowed into `bytes` if they allow it.
Key StringKey(const char16_t* units, size_t count, uint8_t* bytes) {
  if (NarrowUtf16(units, count, bytes)) return {KeyKind::kOneByteString, bytes, count};
  return {KeyKind::kTwoByteString, reinterpret_cast<const uint8_t*>(units), count * sizeof(char16_t)};
}

}  // namespace

bool KeyReader::ReadShortString(napi_env env, napi_value value, char16_t* units, uint8_t* bytes, Key* key) {
  size_t count = 0;
  if (napi_get_value_string_utf16(env, value, units, kShortUnits, &count) != napi_ok) return false;
  if (count + 1 == kShortUnits) return false;  // it may go on
  *key = StringKey(units, count, bytes);
  return true;
}

void KeyReader::ReadOther(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  if (ReadOtherPrimitive(env, value, type)) return;
  if (type != napi_object) return Refuse(env, value);
  ReadObject(env, value);
}

bool KeyReader::ReadOtherPrimitive(napi_env env, napi_value value, napi_valuetype type) {
  bool boolean = false;
  double number = 0;
  switch (type) {
    case napi_string:
      ReadLongString(env, value);
      return true;
    case napi_number:
      napi_get_value_double(env, value, &number);
      ReadNumber(number);
      return true;
    case napi_bigint:
      ReadBigInt(env, value);
      return true;
    case napi_boolean:
      napi_get_value_bool(env, value, &boolean);
      key_ = {boolean ? KeyKind::kTrue : KeyKind::kFalse, nullptr, 0};
      return true;
    case napi_null:
      key_ = {KeyKind::kNull, nullptr, 0};
      return true;
    case napi_undefined:
      key_ = {KeyKind::kUndefined, nullptr, 0};
      return true;
    default:
      return false;
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
  key_ = StringKey(units, count, long_buffer_.get() + units_bytes);
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

void KeyReader::ReadObject(napi_env env, napi_value value) {
  bool is_kind = false;
  napi_is_typedarray(env, value, &is_kind);
  if (is_kind) return ReadBytes(env, value);
  napi_is_array(env, value, &is_kind);
  if (is_kind) return ReadArray(env, value);
  Refuse(env, value);
}

void KeyReader::ReadBytes(napi_env env, napi_value value) {
  napi_typedarray_type type;
  size_t size = 0;
  void* bytes = nullptr;
  napi_get_typedarray_info(env, value, &type, &size, &bytes, nullptr, nullptr);
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

// The length is read once: of an array that a getter makes shorter, the parts that are missing are undefined.
void KeyReader::ReadArray(napi_env env, napi_value value) {
  uint32_t parts = 0;
  napi_get_array_length(env, value, &parts);
  if (parts > kKeyPartsMax) {
    status_ = Status(Code::kKeyTooLong, "The key has " + std::to_string(parts) + " parts; at most " +
                                            std::to_string(kKeyPartsMax) + " are allowed");
    return;
  }
  composite_.emplace();
  for (uint32_t index = 0; index < parts && ok(); ++index) {
    napi_value part = nullptr;
    if (napi_get_element(env, value, index, &part) != napi_ok) {
      status_ = Status(Code::kInvalidKey, "The part [" + std::to_string(index) + "] of the key could not be read");
      return;
    }
    AppendPart(env, part, index);
  }
  key_ = composite_->key();
}

void KeyReader::ReadPair(napi_env env, napi_value value, const napi_value* pair) {
  bool is_array = false;
  napi_is_array(env, value, &is_array);
  if (!is_array) return Refuse(env, value);  // a Proxy of one, which JavaScript cannot tell from it
  composite_.emplace();
  for (uint32_t index = 0; index < 2 && ok(); ++index) AppendPart(env, pair[index], index);
  key_ = composite_->key();
}

void KeyReader::AppendPart(napi_env env, napi_value part, uint32_t index) {
  if (!ReadShortString(env, part)) {
    napi_valuetype type;
    napi_typeof(env, part, &type);
    if (!ReadOtherPrimitive(env, part, type)) return RefusePart(env, part, index);
    if (!ok()) return;
  }
  composite_->Append(key_);
  const size_t bytes = composite_->key().size;
  if (bytes > kKeyBytesMax) RefuseTooLong(bytes);
}

void KeyReader::Refuse(napi_env env, napi_value value) {
  status_ = Status(Code::kInvalidKey, std::string("A key must be a string, number, bigint, boolean, null, undefined, a "
                                                  "Uint8Array or an array of primitives, not ") +
                                          TypeName(env, value));
}

void KeyReader::RefusePart(napi_env env, napi_value value, uint32_t index) {
  status_ = Status(Code::kInvalidKey, "The part [" + std::to_string(index) +
                                          "] of a key must be a string, number, bigint, boolean, null or undefined, "
                                          "not " +
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

// Made by a call of `collect`: elements that are set one by one would be given to setters that a user may have put on
// Array.prototype.
napi_value PartsToJs(napi_env env, const Key& key) {
  Napi::EscapableHandleScope scope(env);
  napi_value parts[kKeyPartsMax];
  size_t count = 0;
  CompositeKeyReader reader(key);
  for (Key part; count < kKeyPartsMax && reader.Next(&part); ++count) parts[count] = KeyToJs(env, part);
  napi_value array = nullptr;
  napi_call_function(env, Undefined(env), Environment::Of(env)->collect().Value(), count, parts, &array);
  if (array == nullptr) return nullptr;
  return scope.Escape(array);
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
    case KeyKind::kComposite:
      return PartsToJs(env, key);
  }
  return nullptr;
}

}  // namespace shardmap
