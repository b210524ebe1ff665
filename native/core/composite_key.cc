#include "core/composite_key.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace shardmap {
namespace {

constexpr int kTagBits = 4;
constexpr uint64_t kTagMask = (1 << kTagBits) - 1;
constexpr uint64_t kIntegerTag = 15;
static_assert(static_cast<uint64_t>(KeyKind::kComposite) < kIntegerTag);

constexpr double kIntegerMax = 9007199254740992;  // 2^53

constexpr size_t kVarintBytesMax = 10;

uint8_t* WriteVarint(uint64_t number, uint8_t* to) {
  for (; number >= 0x80; number >>= 7) *to++ = static_cast<uint8_t>(number | 0x80);
  *to++ = static_cast<uint8_t>(number);
  return to;
}

// Returns where it ends, or nullptr where it does not end before `end` or has more than 64 bits.
const uint8_t* ReadVarint(const uint8_t* from, const uint8_t* end, uint64_t* number) {
  *number = 0;
  for (int shift = 0; from != end && shift < 64; shift += 7) {
    const uint64_t bits = *from & 0x7f;
    if (bits << shift >> shift != bits) return nullptr;
    *number |= bits << shift;
    if ((*from++ & 0x80) == 0) return from;
  }
  return nullptr;
}

uint64_t ZigZag(int64_t number) { return static_cast<uint64_t>(number) << 1 ^ static_cast<uint64_t>(number >> 63); }
int64_t UnZigZag(uint64_t number) { return static_cast<int64_t>(number >> 1 ^ (0 - (number & 1))); }

// Whether a number is written as an integer, and which.
bool ReadInteger(double number, int64_t* integer) {
  if (!(number >= -kIntegerMax && number <= kIntegerMax)) return false;
  *integer = static_cast<int64_t>(number);
  return static_cast<double>(*integer) == number;
}

// Whether a part of this kind can have content of this size.
bool IsPart(KeyKind kind, uint64_t size) {
  switch (kind) {
    case KeyKind::kOneByteString:
      return true;
    case KeyKind::kTwoByteString:
      return size % sizeof(char16_t) == 0;
    case KeyKind::kNumber:
      return size == sizeof(double);
    case KeyKind::kBigInt:
    case KeyKind::kNegativeBigInt:
      return size % sizeof(uint64_t) == 0;
    case KeyKind::kFalse:
    case KeyKind::kTrue:
    case KeyKind::kNull:
    case KeyKind::kUndefined:
      return size == 0;
    case KeyKind::kBytes:
    case KeyKind::kComposite:
      return false;
  }
  return false;
}

}  // namespace

void CompositeKeyWriter::Append(const Key& part) {
  assert(IsPart(part.kind, part.size));
  if (part.kind == KeyKind::kNumber) {
    double number;
    int64_t integer;
    std::memcpy(&number, part.bytes, sizeof number);
    if (ReadInteger(number, &integer)) return Append(ZigZag(integer) << kTagBits | kIntegerTag, nullptr, 0);
  }
  Append(uint64_t{part.size} << kTagBits | static_cast<uint64_t>(part.kind), part.bytes, part.size);
}

void CompositeKeyWriter::Append(uint64_t head, const uint8_t* content, size_t size) {
  if (capacity_ - size_ < kVarintBytesMax + size) Reserve(size_ + kVarintBytesMax + size);
  uint8_t* end = WriteVarint(head, bytes_ + size_);
  if (size != 0) std::memcpy(end, content, size);
  size_ = static_cast<size_t>(end - bytes_) + size;
}

void CompositeKeyWriter::Reserve(size_t bytes) {
  const size_t capacity = std::max(bytes, 2 * capacity_);
  auto grown = std::make_unique_for_overwrite<uint8_t[]>(capacity);
  std::memcpy(grown.get(), bytes_, size_);
  grown_bytes_ = std::move(grown);
  bytes_ = grown_bytes_.get();
  capacity_ = capacity;
}

bool CompositeKeyReader::Next(Key* part) {
  uint64_t head = 0;
  const uint8_t* const content = ReadVarint(next_, end_, &head);
  if (content == nullptr) return false;
  const uint64_t number = head >> kTagBits;
  if ((head & kTagMask) == kIntegerTag) {
    const auto integer = static_cast<double>(UnZigZag(number));
    std::memcpy(short_bytes_, &integer, sizeof integer);
    *part = {KeyKind::kNumber, short_bytes_, sizeof integer};
    next_ = content;
    return true;
  }
  const auto kind = static_cast<KeyKind>(head & kTagMask);
  if (!IsPart(kind, number) || number > static_cast<size_t>(end_ - content)) return false;
  const auto size = static_cast<size_t>(number);
  *part = {kind, kind == KeyKind::kOneByteString ? content : Aligned(content, size), size};
  next_ = content + size;
  return true;
}

const uint8_t* CompositeKeyReader::Aligned(const uint8_t* bytes, size_t size) {
  uint8_t* copy = short_bytes_;
  if (size > kShortBytes) {
    long_words_ = std::make_unique_for_overwrite<uint64_t[]>((size + 7) / 8);
    copy = reinterpret_cast<uint8_t*>(long_words_.get());
  }
  if (size != 0) std::memcpy(copy, bytes, size);
  return copy;
}

}  // namespace shardmap
