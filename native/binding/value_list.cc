#include "binding/value_list.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "binding/environment.h"
#include "binding/node_api.h"
#include "binding/value_convert.h"

namespace shardmap {

void ValueList::AppendValue(const ValueView& value) {
  const bool is_encoded = IsEncoded(value.kind);
  if (is_encoded && !has_kinds_) AddKinds();
  if (has_kinds_) items_.push_back(shardmap::ToJs(env_, is_encoded ? static_cast<double>(value.kind) : 0));
  if (!is_encoded) return items_.push_back(ValueToJs(env_, value));
  runs_code_ |= value.kind == ValueKind::kCustom || value.kind == ValueKind::kCompressed;
  const size_t offset = bytes_.size();
  items_.push_back(shardmap::ToJs(env_, static_cast<double>(offset)));
  for (unsigned shift = 0; shift < 32; shift += 8) bytes_.push_back(static_cast<uint8_t>(value.size >> shift));
  bytes_.insert(bytes_.end(), value.bytes, value.bytes + value.size);
}

void ValueList::AppendUndefined() {
  if (has_kinds_) items_.push_back(shardmap::ToJs(env_, 0.0));
  items_.push_back(Undefined(env_));
}

void ValueList::AddKinds() {
  std::vector<napi_value> items{nullptr};
  items.reserve(1 + 2 * items_.capacity());
  const napi_value kind = shardmap::ToJs(env_, 0.0);
  for (napi_value item : items_) {
    items.push_back(kind);
    items.push_back(item);
  }
  items_ = std::move(items);
  has_kinds_ = true;
}

napi_value ValueList::ToJs() { return Collect(has_kinds_ ? MakeBytes() : nullptr); }

napi_value ValueList::ToJsForNow() {
  if (!has_kinds_) return Collect(nullptr);
  const Environment& environment = *Environment::Of(env_);
  const std::span<uint8_t> scratch = environment.scratch_bytes();
  if (runs_code_ || bytes_.size() > scratch.size()) return Collect(MakeBytes());
  if (!bytes_.empty()) std::memcpy(scratch.data(), bytes_.data(), bytes_.size());
  return Collect(environment.scratch());
}

// Undefined where there are none.
napi_value ValueList::MakeBytes() const {
  void* memory = nullptr;
  napi_value bytes = Undefined(env_);
  if (!bytes_.empty() && napi_create_arraybuffer(env_, bytes_.size(), &memory, &bytes) == napi_ok) {
    std::memcpy(memory, bytes_.data(), bytes_.size());
  }
  return bytes;
}

napi_value ValueList::Collect(napi_value bytes) {
  if (has_kinds_) items_[0] = bytes;
  if (std::find(items_.begin(), items_.end(), nullptr) != items_.end()) return nullptr;
  napi_value array = nullptr;
  napi_call_function(env_, Undefined(env_), Environment::Of(env_)->collect().Value(), items_.size(), items_.data(),
                     &array);
  return array;
}

}  // namespace shardmap
