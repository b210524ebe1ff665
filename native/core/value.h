// A value as the core sees it: a kind and bytes, which the core copies and never interprets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/prefetch.h"
#include "core/block.h"
#include "core/lifetime.h"

namespace shardmap {

// Numbers are never given to another kind: bytes of kClone have those of views in them.
enum class ValueKind : uint8_t {
  kUndefined = 0,
  kNull = 1,
  kFalse = 2,
  kTrue = 3,
  kNumber = 4,  // an IEEE 754 double
  kOneByteString = 5,
  kTwoByteString = 6,
  kBigInt = 7,  // magnitude in 64-bit words, as in key.h
  kNegativeBigInt = 8,
  // Encoded: the JavaScript side knows what they are (lib/codec.ts).
  kPlain = 16,       // MessagePack with the store's structures
  kClone = 17,       // V8's serialisation format
  kCustom = 18,      // of a user's codec
  kCompressed = 19,  // another kind's bytes, compressed (lib/compression.ts)
  // Bytes as they are in memory.
  kArrayBuffer = 32,
  kDataView = 33,
  kBuffer = 34,
  kInt8Array = 35,
  kUint8Array = 36,
  kUint8ClampedArray = 37,
  kInt16Array = 38,
  kUint16Array = 39,
  kInt32Array = 40,
  kUint32Array = 41,
  kFloat16Array = 42,
  kFloat32Array = 43,
  kFloat64Array = 44,
  kBigInt64Array = 45,
  kBigUint64Array = 46,
};

inline bool IsEncoded(ValueKind kind) { return kind >= ValueKind::kPlain; }

// The longest string V8 can make takes a little less.
inline constexpr size_t kValueBytesMax = size_t{1} << 30;

// Values up to this many bytes live inside their entry; longer ones in a block of their own.
inline constexpr size_t kInlineValueBytesMax = 64;

// A value on its way into a store: either borrowed bytes, or a block that it owns and the store can adopt uncopied.
class Value {
 public:
  // Borrows `bytes` until the call that the value is passed to returns.
  Value(ValueKind kind, const void* bytes, size_t size)
      : kind_(kind), bytes_(static_cast<const uint8_t*>(bytes)), size_(size) {}
  explicit Value(ValueKind kind) : Value(kind, nullptr, 0) {}
  // Owns `block`.
  Value(ValueKind kind, Block* block) : kind_(kind), bytes_(block->payload()), size_(block->bytes), block_(block) {}
  Value(Value&& other) noexcept
      : kind_(other.kind_), bytes_(other.bytes_), size_(other.size_), block_(std::exchange(other.block_, nullptr)) {}
  Value& operator=(Value&& other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    std::swap(block_, other.block_);
    return *this;
  }
  ~Value() {
    if (block_ != nullptr) Block::Free(block_);
  }

  ValueKind kind() const { return kind_; }
  const uint8_t* bytes() const { return bytes_; }
  size_t size() const { return size_; }

  // Gives the bytes in a block that the caller then owns, or nullptr when there is no memory.
  Block* TakeBlock() {
    if (block_ != nullptr) return std::exchange(block_, nullptr);
    Block* block = Block::Allocate(size_);
    if (block != nullptr && size_ != 0) std::memcpy(block->payload(), bytes_, size_);
    return block;
  }

  // Makes sure that a value too long for any entry is in a block, so that nothing is copied under a lock.
  [[nodiscard]] bool PrepareForStore() {
    if (size_ <= kInlineValueBytesMax || block_ != nullptr) return true;
    block_ = TakeBlock();
    return block_ != nullptr;
  }

 private:
  ValueKind kind_;
  const uint8_t* bytes_;
  size_t size_;
  Block* block_ = nullptr;
};

// A value read from a store: a copy where it is short, else a view of its block, which the reader's ReadGuard keeps.
class ReadValue {
 public:
  ValueKind kind() const { return kind_; }
  size_t size() const { return block_ == nullptr ? size_ : block_->bytes; }
  const uint8_t* bytes() const {
    return block_ == nullptr ? reinterpret_cast<const uint8_t*>(words_) : block_->payload();
  }
  uint64_t first_word() const { return words_[0]; }
  // That of the entry, when it had the value.
  Deadline deadline() const { return deadline_; }

  // Starts loading the beginning of a value that is not copied. More lines of it gain nothing that could be measured
  // (docs/performance.md, batches).
  void PrefetchBlock() const {
    if (block_ != nullptr) Prefetch(block_);
  }

 private:
  friend class Entry;

  ValueKind kind_ = ValueKind::kUndefined;
  size_t size_ = 0;
  const Block* block_ = nullptr;
  Deadline deadline_;
  alignas(16) uint64_t words_[kInlineValueBytesMax / 8];
};

}  // namespace shardmap
