// Items on their way to JavaScript, many in one call: an array. Encoded values are there only with their kinds.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <vector>

#include "binding/value_view.h"

namespace shardmap {

class ValueList {
 public:
  // A value is an item as it is; or it is two, `kind, value`, and the first item of all is an ArrayBuffer with the
  // encoded values, or undefined. Then `kind` is 0 for a value that is what it is, and an encoded one begins at the
  // offset `value` with the number of its bytes (four of them, the lowest first).
  enum class Form : uint8_t { kPlain, kWithKinds };

  ValueList(napi_env env, Form form) : env_(env), has_kinds_(form == Form::kWithKinds) {
    if (has_kinds_) items_.push_back(nullptr);
  }
  ValueList(const ValueList&) = delete;
  ValueList& operator=(const ValueList&) = delete;

  bool has_kinds() const { return has_kinds_; }
  // So many items are to come. Throws std::bad_alloc.
  void Reserve(size_t items) { items_.reserve(items); }
  bool empty() const { return items_.size() == (has_kinds_ ? 1 : 0); }
  // Throw std::bad_alloc. From the first encoded value on, values have their kinds: an Append before is for kWithKinds.
  void Append(napi_value item) { items_.push_back(item); }
  void AppendValue(const ValueView& value);
  void AppendUndefined();

  // The array; nullptr with an exception pending where V8 could not make an item, as when its thread is terminated.
  napi_value ToJs();
  // The same for one who decodes the values before the next call of the addon: they may be in Environment's scratch.
  napi_value ToJsForNow();

 private:
  void AddKinds();
  napi_value Collect(napi_value bytes);
  napi_value MakeBytes() const;

  const napi_env env_;
  bool has_kinds_;
  bool runs_code_ = false;  // decoding some may run code of the user's, which may call the addon
  std::vector<napi_value> items_;
  std::vector<uint8_t> bytes_;  // of the ArrayBuffer
};

}  // namespace shardmap
