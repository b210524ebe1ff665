// Keys, or entries, that were read from JavaScript piece by piece and wait for one operation on all of them.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "core/batch.h"
#include "core/key.h"
#include "core/value.h"

namespace shardmap {

// Memory for many short byte strings, which stay where they are until it is cleared.
class ByteArena {
 public:
  // Throws std::bad_alloc.
  const uint8_t* Copy(const uint8_t* bytes, size_t size);
  // Room for `size` bytes, of which Keep keeps the first. Throws std::bad_alloc.
  uint8_t* Reserve(size_t size) {
    if (size > room_) AddChunk(size);
    return next_;
  }
  void Keep(size_t size) {
    const size_t padded = (size + 7) & ~size_t{7};
    next_ += padded;
    room_ -= padded;
  }
  // Keeps one chunk.
  void Clear();

 private:
  static constexpr size_t kChunkBytes = size_t{16} << 10;

  void AddChunk(size_t size);

  std::vector<std::unique_ptr<uint8_t[]>> chunks_;
  uint8_t* next_ = nullptr;
  size_t room_ = 0;
};

class Batch {
 public:
  Batch() = default;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // Add what `items` are: keys; keys and values in turn, which are primitive or bytes that encode a plain tree; a key
  // and an encoded value as ReadEncodedValue reads it. Where one cannot be a key, or a value, the status names its
  // place in the batch, and nothing of `items` is added. Reading keys may run code of the user's. Throw std::bad_alloc.
  Status AddKeys(napi_env env, std::span<const napi_value> items);
  Status AddEntries(napi_env env, std::span<const napi_value> items);
  Status AddEncoded(napi_env env, std::span<const napi_value> items);

  // From which place on the next items are, in errors.
  void StartAt(size_t place) { first_place_ = place; }

  std::span<const Key> keys() const { return keys_; }
  std::span<BatchEntry> entries() { return entries_; }
  // Forgets the first entries, which were set.
  void DropEntries(size_t count) {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  void Clear();

 private:
  // A short string goes from V8 into the arena with nothing in between.
  bool ReadShortKey(napi_env env, napi_value item, Key* key);
  Status ReadOtherKey(napi_env env, napi_value item, size_t place, Key* key);
  Status ReadKey(napi_env env, napi_value item, size_t place, Key* key) {
    return ReadShortKey(env, item, key) ? Status() : ReadOtherKey(env, item, place, key);
  }
  void AddEntry(const Key& key, Value value);

  size_t first_place_ = 0;
  std::vector<Key> keys_;
  std::vector<BatchEntry> entries_;
  ByteArena arena_;
};

}  // namespace shardmap
