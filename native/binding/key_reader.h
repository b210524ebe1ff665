// Reads a JavaScript value as a key, in one Node-API call for a short string.
#pragma once

#include <node_api.h>

#include <memory>

#include "base/status.h"
#include "core/key.h"

namespace shardmap {

class KeyReader {
 public:
  // Reads `value`; ok() tells whether it is a key. Object (but Uint8Array), function and symbol are not. Throws
  // std::bad_alloc.
  KeyReader(napi_env env, napi_value value) {
    if (!ReadShortString(env, value)) ReadOther(env, value);
  }
  KeyReader(const KeyReader&) = delete;
  KeyReader& operator=(const KeyReader&) = delete;

  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }
  // Lives as long as the reader.
  const Key& key() const { return key_; }

 private:
  static constexpr size_t kShortUnits = 512;

  bool ReadShortString(napi_env env, napi_value value);
  void ReadOther(napi_env env, napi_value value);
  void ReadLongString(napi_env env, napi_value value);
  void ReadNumber(double number);
  void ReadBigInt(napi_env env, napi_value value);
  void ReadBytes(napi_env env, napi_value value);
  // The key of `count` units, narrowed into `bytes` if they allow it.
  void SetStringKey(const char16_t* units, size_t count, uint8_t* bytes);
  void Refuse(napi_env env, napi_value value);
  void RefuseTooLong(size_t bytes);

  Key key_{KeyKind::kUndefined, nullptr, 0};
  Status status_;
  std::unique_ptr<uint8_t[]> long_buffer_;
  // Left uninitialised: most keys use a few bytes of them.
  alignas(8) char16_t short_units_[kShortUnits];
  alignas(8) uint8_t short_bytes_[kShortUnits];
};

// The JavaScript value of a key.
napi_value KeyToJs(napi_env env, const Key& key);

}  // namespace shardmap
