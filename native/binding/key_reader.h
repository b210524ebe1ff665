// Reads a JavaScript value as a key, in one Node-API call for a short string.
#pragma once

#include <node_api.h>

#include <memory>
#include <optional>

#include "base/status.h"
#include "core/composite_key.h"
#include "core/key.h"

namespace shardmap {

class KeyReader {
 public:
  // Reads `value`; ok() tells whether it is a key. Objects but Uint8Arrays and arrays, functions and symbols are not.
  // Reading an array runs getters that a user may have defined in place of elements: what was true before may be false
  // then, and an exception of theirs pending. Throws std::bad_alloc.
  //
  // Where `pair` is not null it points to both elements of `value`, an array of two that JavaScript has read: handing
  // them over costs it far less than reading them costs us (docs/performance.md, crossings).
  KeyReader(napi_env env, napi_value value, const napi_value* pair = nullptr) {
    if (pair != nullptr) {
      ReadPair(env, value, pair);
    } else if (!ReadShortString(env, value)) {
      ReadOther(env, value);
    }
  }
  KeyReader(const KeyReader&) = delete;
  KeyReader& operator=(const KeyReader&) = delete;

  // Reads no more than a string of fewer than kShortUnits characters, in less time: into `units`, and into `bytes`
  // where it has one-byte characters only. Both have room for kShortUnits. False for anything else.
  static constexpr size_t kShortUnits = 512;
  static bool ReadShortString(napi_env env, napi_value value, char16_t* units, uint8_t* bytes, Key* key);

  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }
  // Lives as long as the reader.
  const Key& key() const { return key_; }

 private:
  bool ReadShortString(napi_env env, napi_value value) {
    return ReadShortString(env, value, short_units_, short_bytes_, &key_);
  }
  void ReadOther(napi_env env, napi_value value);
  // False for what is no primitive, or a symbol.
  bool ReadOtherPrimitive(napi_env env, napi_value value, napi_valuetype type);
  void ReadLongString(napi_env env, napi_value value);
  void ReadNumber(double number);
  void ReadBigInt(napi_env env, napi_value value);
  void ReadObject(napi_env env, napi_value value);
  void ReadBytes(napi_env env, napi_value value);
  void ReadArray(napi_env env, napi_value value);
  void ReadPair(napi_env env, napi_value value, const napi_value* pair);
  void AppendPart(napi_env env, napi_value part, uint32_t index);
  void Refuse(napi_env env, napi_value value);
  void RefusePart(napi_env env, napi_value value, uint32_t index);
  void RefuseTooLong(size_t bytes);

  Key key_{KeyKind::kUndefined, nullptr, 0};
  Status status_;
  std::optional<CompositeKeyWriter> composite_;
  std::unique_ptr<uint8_t[]> long_buffer_;
  // Left uninitialised: most keys use a few bytes of them.
  alignas(8) char16_t short_units_[kShortUnits];
  alignas(8) uint8_t short_bytes_[kShortUnits];
};

// The JavaScript value of a key.
napi_value KeyToJs(napi_env env, const Key& key);

}  // namespace shardmap
