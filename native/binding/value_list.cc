#include "binding/value_list.h"

#include <algorithm>
#include <cstring>

#include "binding/environment.h"
#include "binding/node_api.h"
#include "binding/value_convert.h"

namespace shardmap {

void ValueList::AppendValue(const ReadValue& value) {
  const bool is_encoded = IsEncoded(value.kind());
  if (has_kinds_) items_.push_back(shardmap::ToJs(env_, is_encoded ? static_cast<double>(value.kind()) : 0));
  if (!is_encoded) return items_.push_back(ValueToJs(env_, value));
  items_.push_back(shardmap::ToJs(env_, static_cast<double>(bytes_.size())));
  for (unsigned shift = 0; shift < 32; shift += 8) bytes_.push_back(static_cast<uint8_t>(value.size() >> shift));
  bytes_.insert(bytes_.end(), value.bytes(), value.bytes() + value.size());
}

void ValueList::AppendUndefined() {
  if (has_kinds_) items_.push_back(shardmap::ToJs(env_, 0.0));
  items_.push_back(Undefined(env_));
}

napi_value ValueList::ToJs() {
  if (has_kinds_) {
    void* memory = nullptr;
    items_[0] = Undefined(env_);
    if (!bytes_.empty() && napi_create_arraybuffer(env_, bytes_.size(), &memory, &items_[0]) == napi_ok) {
      std::memcpy(memory, bytes_.data(), bytes_.size());
    }
  }
  if (std::find(items_.begin(), items_.end(), nullptr) != items_.end()) return nullptr;
  napi_value array = nullptr;
  napi_call_function(env_, Undefined(env_), Environment::Of(env_)->collect().Value(), items_.size(), items_.data(),
                     &array);
  return array;
}

}  // namespace shardmap
