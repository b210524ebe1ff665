// Keys of several parts, such as [user, token]: how parts become the key's canonical bytes, and are taken out again.
//
// The bytes are those of the parts, one behind the other; those of a part are a head and its content. The head is a
// varint (seven bits a byte, lowest first, the highest bit set in all bytes but the last, as few bytes as possible) of
//
//   size of the content in bytes:60 | kind:4   any part but an integer; kind and content as of a key of its own
//   zigzag of the number:60         | 15:4     an integer from -2^53 to 2^53; no content
//
// Equal parts have equal bytes, and no part's bytes begin another's: two keys have equal bytes exactly if they have
// equal parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/key.h"

namespace shardmap {

// More parts than anybody wants, and few enough to be the arguments of one call.
inline constexpr size_t kKeyPartsMax = 1024;

// Parts go in, a key comes out.
class CompositeKeyWriter {
 public:
  CompositeKeyWriter() = default;
  CompositeKeyWriter(const CompositeKeyWriter&) = delete;
  CompositeKeyWriter& operator=(const CompositeKeyWriter&) = delete;

  // Appends a part, of any kind but kBytes and kComposite. Throws std::bad_alloc, and has then changed nothing.
  void Append(const Key& part);
  // Lives as long as the writer, until the next part.
  Key key() const { return {KeyKind::kComposite, bytes_, size_}; }

 private:
  static constexpr size_t kInlineBytes = 256;

  void Append(uint64_t head, const uint8_t* content, size_t size);
  void Reserve(size_t bytes);

  uint8_t* bytes_ = inline_bytes_;
  size_t size_ = 0;
  size_t capacity_ = kInlineBytes;
  std::unique_ptr<uint8_t[]> grown_bytes_;
  // Left uninitialised: most keys use a few bytes of them.
  uint8_t inline_bytes_[kInlineBytes];
};

// A composite key goes in, its parts come out.
class CompositeKeyReader {
 public:
  // Borrows the key's bytes.
  explicit CompositeKeyReader(const Key& key) : next_(key.bytes), end_(key.bytes + key.size) {}
  CompositeKeyReader(const CompositeKeyReader&) = delete;
  CompositeKeyReader& operator=(const CompositeKeyReader&) = delete;

  bool at_end() const { return next_ == end_; }
  // The next part, its bytes aligned as those of a key of its own. They live as long as the reader and its key, until
  // the next call. False, and nothing is read, where what follows is no part. Throws std::bad_alloc.
  bool Next(Key* part);

 private:
  static constexpr size_t kShortBytes = 64;

  const uint8_t* Aligned(const uint8_t* bytes, size_t size);

  const uint8_t* next_;
  const uint8_t* end_;
  std::unique_ptr<uint64_t[]> long_words_;
  alignas(8) uint8_t short_bytes_[kShortBytes];
};

}  // namespace shardmap
