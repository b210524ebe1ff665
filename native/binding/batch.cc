#include "binding/batch.h"

#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "binding/key_reader.h"
#include "binding/value_convert.h"

namespace shardmap {
namespace {

Status AtPlace(size_t place, const Status& status) {
  return Status(status.code(), "Item " + std::to_string(place) + " of the batch: " + std::string(status.message()));
}

// Takes back what was added to `items` in its time, unless all is kept.
template <typename Items>
class Addition {
 public:
  explicit Addition(Items& items) : items_(items), before_(items.size()) {}
  ~Addition() {
    if (!is_kept_) items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(before_), items_.end());
  }
  Addition(const Addition&) = delete;
  Addition& operator=(const Addition&) = delete;

  size_t before() const { return before_; }
  void Keep() { is_kept_ = true; }

 private:
  Items& items_;
  const size_t before_;
  bool is_kept_ = false;
};

}  // namespace

const uint8_t* ByteArena::Copy(const uint8_t* bytes, size_t size) {
  uint8_t* const copy = Reserve((size + 7) & ~size_t{7});
  if (size != 0) std::memcpy(copy, bytes, size);
  Keep(size);
  return copy;
}

void ByteArena::AddChunk(size_t size) {
  const size_t chunk = size > kChunkBytes ? size : kChunkBytes;
  chunks_.push_back(std::make_unique_for_overwrite<uint8_t[]>(chunk));
  next_ = chunks_.back().get();
  room_ = chunk;
}

void ByteArena::Clear() {
  if (chunks_.empty()) return;
  chunks_.resize(1);
  next_ = chunks_.front().get();
  room_ = kChunkBytes;
}

bool Batch::ReadShortKey(napi_env env, napi_value item, Key* key) {
  alignas(8) char16_t units[KeyReader::kShortUnits];
  uint8_t* const bytes = arena_.Reserve(KeyReader::kShortUnits);
  if (!KeyReader::ReadShortString(env, item, units, bytes, key)) return false;
  if (key->bytes == bytes) {
    arena_.Keep(key->size);
  } else {
    key->bytes = arena_.Copy(key->bytes, key->size);
  }
  return true;
}

Status Batch::ReadOtherKey(napi_env env, napi_value item, size_t place, Key* key) {
  const KeyReader reader(env, item);
  if (!reader.ok()) return AtPlace(first_place_ + place, reader.status());
  *key = reader.key();
  key->bytes = arena_.Copy(key->bytes, key->size);
  return Status();
}

Status Batch::AddKeys(napi_env env, std::span<const napi_value> items) {
  Addition addition(keys_);
  for (size_t i = 0; i < items.size(); ++i) {
    Key key;
    if (!ReadShortKey(env, items[i], &key)) {
      Status status = ReadOtherKey(env, items[i], addition.before() + i, &key);
      if (!status.ok()) return status;
    }
    keys_.push_back(key);
  }
  addition.Keep();
  return Status();
}

Status Batch::AddEntries(napi_env env, std::span<const napi_value> items) {
  Addition addition(entries_);
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    const size_t place = addition.before() + i / 2;
    Key key;
    Status status = ReadKey(env, items[i], place, &key);
    if (!status.ok()) return status;
    ValueReader value(env, items[i + 1], ValueReader::Bytes::kPlain);
    if (!value.ok()) return AtPlace(place, value.status());
    AddEntry(key, value.TakeValue());
  }
  addition.Keep();
  return Status();
}

Status Batch::AddEncoded(napi_env env, std::span<const napi_value> items) {
  if (items.size() != 5) return Status(Code::kInvalidArgument, "An encoded entry takes five items");
  Key key;
  Status status = ReadKey(env, items[0], entries_.size(), &key);
  if (!status.ok()) return status;
  Result<std::optional<Value>> value = ReadEncodedValue(env, items.data() + 1);
  if (!value.ok()) return AtPlace(entries_.size(), value.status());
  AddEntry(key, *std::move(value.value()));
  return Status();
}

void Batch::AddEntry(const Key& key, Value value) {
  if (value.size() <= kInlineValueBytesMax) {
    const uint8_t* bytes = arena_.Copy(value.bytes(), value.size());
    entries_.push_back({key, Value(value.kind(), bytes, value.size())});
    return;
  }
  const ValueKind kind = value.kind();
  Block* block = value.TakeBlock();
  if (block == nullptr) throw std::bad_alloc();
  Value owned(kind, block);
  entries_.push_back({key, std::move(owned)});
}

void Batch::Clear() {
  first_place_ = 0;
  keys_.clear();
  entries_.clear();
  arena_.Clear();
}

}  // namespace shardmap
