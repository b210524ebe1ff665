#include "log/log_format.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/coding.h"
#include "base/crc32c.h"
#include "core/composite_key.h"

namespace shardmap {
namespace {

constexpr uint8_t kMagic[8] = {'s', 'h', 'a', 'r', 'd', 'm', 'a', 'p'};
constexpr uint32_t kFeatures = 0;  // none yet that a reader would have to know

constexpr uint8_t kFrameIsIgnorable = 1 << 0;
constexpr uint8_t kFrameEndsCut = 1 << 1;
constexpr uint8_t kFrameHasCompressed = 1 << 2;

// Of a record's head.
constexpr uint8_t kKindMask = 0x0f;
constexpr uint8_t kHasDeadline = 1 << 7;
constexpr uint8_t kSlides = 1 << 6;

constexpr std::string_view kSegmentPrefix = "segment-";
constexpr std::string_view kSnapshotPrefix = "snapshot-";
constexpr size_t kNumberDigits = 12;

bool HasValue(Mutation::Kind kind) {
  return kind == Mutation::Kind::kInsert || kind == Mutation::Kind::kOverwrite || kind == Mutation::Kind::kStructures;
}
bool MayHaveDeadline(const Record& record) { return record.has_key() && record.kind != Mutation::Kind::kDelete; }

// Whether there can be keys and values of these kinds and sizes: who reads them later relies on it.
bool HasKeySize(KeyKind kind, size_t bytes) {
  switch (kind) {
    case KeyKind::kOneByteString:
    case KeyKind::kBytes:
      return true;
    case KeyKind::kTwoByteString:
      return bytes % 2 == 0;
    case KeyKind::kNumber:
      return bytes == sizeof(double);
    case KeyKind::kBigInt:
    case KeyKind::kNegativeBigInt:
      return bytes % sizeof(uint64_t) == 0;
    default:
      return bytes == 0;
  }
}

bool IsWellFormed(const Key& key) {
  if (key.kind != KeyKind::kComposite) return HasKeySize(key.kind, key.size);
  CompositeKeyReader reader(key);
  for (size_t parts = 0; !reader.at_end(); ++parts) {
    Key part;
    if (parts == kKeyPartsMax || !reader.Next(&part) || !HasKeySize(part.kind, part.size)) return false;
  }
  return true;
}

size_t UnitBytes(ValueKind kind) {
  switch (kind) {
    case ValueKind::kTwoByteString:
    case ValueKind::kInt16Array:
    case ValueKind::kUint16Array:
    case ValueKind::kFloat16Array:
      return 2;
    case ValueKind::kInt32Array:
    case ValueKind::kUint32Array:
    case ValueKind::kFloat32Array:
      return 4;
    case ValueKind::kNumber:
    case ValueKind::kBigInt:
    case ValueKind::kNegativeBigInt:
    case ValueKind::kFloat64Array:
    case ValueKind::kBigInt64Array:
    case ValueKind::kBigUint64Array:
      return 8;
    default:
      return 1;
  }
}

bool IsWellFormed(ValueKind kind, size_t bytes) {
  if (kind <= ValueKind::kTrue) return bytes == 0;
  if (kind == ValueKind::kNumber) return bytes == sizeof(double);
  return bytes % UnitBytes(kind) == 0;
}

bool IsKeyKind(uint8_t byte) { return byte <= static_cast<uint8_t>(KeyKind::kComposite); }
bool IsValueKind(uint8_t byte) {
  return byte <= static_cast<uint8_t>(ValueKind::kNegativeBigInt) ||
         (byte >= static_cast<uint8_t>(ValueKind::kPlain) && byte <= static_cast<uint8_t>(ValueKind::kCompressed)) ||
         (byte >= static_cast<uint8_t>(ValueKind::kArrayBuffer) &&
          byte <= static_cast<uint8_t>(ValueKind::kBigUint64Array));
}

std::string NumberedName(std::string_view prefix, uint64_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, kNumberDigits - std::min(kNumberDigits, digits.size()), '0');
  return std::string(prefix) + digits;
}

std::optional<uint64_t> NumberOf(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  uint64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + prefix.size(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || NumberedName(prefix, number) != name) return std::nullopt;
  return number;
}

}  // namespace

uint32_t SaltedCrc(uint32_t salt, std::span<const uint8_t> bytes) {
  uint8_t salt_bytes[4];
  StoreLittle32(salt_bytes, salt);
  return ExtendCrc32c(Crc32c(salt_bytes, sizeof salt_bytes), bytes.data(), bytes.size());
}

void EncodeFileHeader(const FileHeader& header, std::span<uint8_t, FileHeader::kBytes> bytes) {
  uint8_t* p = std::copy(std::begin(kMagic), std::end(kMagic), bytes.data());
  p = StoreLittle16(p, kFormatVersion);
  p = StoreLittle16(p, static_cast<uint16_t>(header.kind));
  p = StoreLittle32(p, kFeatures);
  p = std::copy(header.store.begin(), header.store.end(), p);
  p = StoreLittle64(p, header.number);
  p = StoreLittle32(p, header.salt);
  StoreLittle32(p, Crc32c(bytes.data(), static_cast<size_t>(p - bytes.data())));
}

HeaderFault DecodeFileHeader(std::span<const uint8_t, FileHeader::kBytes> bytes, FileHeader* header) {
  const uint8_t* p = bytes.data();
  if (!std::equal(std::begin(kMagic), std::end(kMagic), p)) return HeaderFault::kForeign;
  constexpr size_t kCrcAt = FileHeader::kBytes - 4;
  if (LoadLittle32(p + kCrcAt) != Crc32c(p, kCrcAt)) return HeaderFault::kDamaged;
  const uint16_t kind = LoadLittle16(p + 10);
  if (LoadLittle16(p + 8) != kFormatVersion || LoadLittle32(p + 12) != kFeatures) return HeaderFault::kNewer;
  if (kind < static_cast<uint16_t>(FileKind::kSegment) || kind > static_cast<uint16_t>(FileKind::kManifest)) {
    return HeaderFault::kNewer;
  }
  header->kind = static_cast<FileKind>(kind);
  std::copy_n(p + 16, header->store.size(), header->store.begin());
  header->number = LoadLittle64(p + 32);
  header->salt = LoadLittle32(p + 40);
  return HeaderFault::kNone;
}

void EncodeFrameHeader(const FrameHeader& header, uint32_t salt, std::span<uint8_t, FrameHeader::kBytes> bytes) {
  uint8_t* p = bytes.data();
  *p++ = static_cast<uint8_t>(header.kind);
  *p++ =
      static_cast<uint8_t>((header.ends_cut ? kFrameEndsCut : 0) | (header.has_compressed ? kFrameHasCompressed : 0));
  p = StoreLittle16(p, 0);
  p = StoreLittle32(p, header.payload_bytes);
  p = StoreLittle64(p, header.sequence);
  p = StoreLittle64(p, header.synced_sequence);
  p = StoreLittle32(p, header.payload_crc);
  StoreLittle32(p, SaltedCrc(salt, bytes.first(static_cast<size_t>(p - bytes.data()))));
}

HeaderFault DecodeFrameHeader(std::span<const uint8_t, FrameHeader::kBytes> bytes, uint32_t salt, FrameHeader* header,
                              bool* is_ignorable) {
  const uint8_t* p = bytes.data();
  constexpr size_t kCrcAt = FrameHeader::kBytes - 4;
  if (LoadLittle32(p + kCrcAt) != SaltedCrc(salt, bytes.first(kCrcAt))) return HeaderFault::kDamaged;
  const uint8_t kind = p[0];
  const uint8_t flags = p[1];
  *is_ignorable = (flags & kFrameIsIgnorable) != 0;
  header->kind = static_cast<FrameKind>(kind);
  header->ends_cut = (flags & kFrameEndsCut) != 0;
  header->has_compressed = (flags & kFrameHasCompressed) != 0;
  header->payload_bytes = LoadLittle32(p + 4);
  header->sequence = LoadLittle64(p + 8);
  header->synced_sequence = LoadLittle64(p + 16);
  header->payload_crc = LoadLittle32(p + 24);
  const bool is_known =
      kind >= static_cast<uint8_t>(FrameKind::kRecords) && kind <= static_cast<uint8_t>(FrameKind::kManifest) &&
      (flags & ~(kFrameIsIgnorable | kFrameEndsCut | kFrameHasCompressed)) == 0 && LoadLittle16(p + 2) == 0;
  return is_known ? HeaderFault::kNone : HeaderFault::kNewer;
}

uint8_t* EncodeRecordHead(Mutation::Kind kind, Deadline deadline, uint8_t* p) {
  *p++ = static_cast<uint8_t>(static_cast<uint8_t>(kind) | (deadline.exists() ? kHasDeadline : 0) |
                              (deadline.slides() ? kSlides : 0));
  return p;
}

uint8_t* EncodeRecordKey(const Key& key, uint8_t* p) {
  *p++ = static_cast<uint8_t>(key.kind);
  p = StoreVarint(p, key.size);
  if (key.size != 0) std::memcpy(p, key.bytes, key.size);
  return p + key.size;
}

uint8_t* EncodeRecordValue(ValueKind kind, std::span<const uint8_t> value, uint8_t* p) {
  *p++ = static_cast<uint8_t>(kind);
  p = StoreVarint(p, value.size());
  if (!value.empty()) std::memcpy(p, value.data(), value.size());
  return p + value.size();
}

uint8_t* EncodeRecordDeadline(Deadline deadline, uint8_t* p) {
  return deadline.exists() ? StoreLittle64(p, deadline.ns()) : p;
}

bool HasCompressedValue(std::span<const uint8_t> bytes) {
  Decoder decoder(bytes);
  Record record;
  uint8_t byte = 0;
  uint64_t size;
  if (!decoder.Take8(&byte)) return false;
  record.kind = static_cast<Mutation::Kind>(byte & kKindMask);
  if (!HasValue(record.kind)) return false;
  std::span<const uint8_t> key;
  if (record.has_key() && !(decoder.Take8(&byte) && decoder.TakeVarint(&size) && decoder.TakeBytes(size, &key))) {
    return false;
  }
  return decoder.Take8(&byte) && byte == static_cast<uint8_t>(ValueKind::kCompressed);
}

bool DecodeRecord(Decoder* decoder, Record* record) {
  uint8_t head;
  if (!decoder->Take8(&head)) return false;
  const uint8_t kind = head & kKindMask;
  const bool has_deadline = (head & kHasDeadline) != 0;
  const bool slides = (head & kSlides) != 0;
  if (kind < static_cast<uint8_t>(Mutation::Kind::kInsert) ||
      kind > static_cast<uint8_t>(Mutation::Kind::kStructures) || (head & ~(kKindMask | kHasDeadline | kSlides)) != 0 ||
      (slides && !has_deadline)) {
    return false;
  }
  record->kind = static_cast<Mutation::Kind>(kind);
  if (has_deadline && !MayHaveDeadline(*record)) return false;
  record->key = {KeyKind::kUndefined, nullptr, 0};
  record->value_kind = ValueKind::kUndefined;
  record->value = {};
  record->deadline = Deadline();
  std::span<const uint8_t> bytes;
  uint8_t byte;
  uint64_t size;
  if (record->has_key()) {
    if (!decoder->Take8(&byte) || !IsKeyKind(byte) || !decoder->TakeVarint(&size) || size > kKeyBytesMax ||
        !decoder->TakeBytes(size, &bytes)) {
      return false;
    }
    record->key = {static_cast<KeyKind>(byte), bytes.data(), bytes.size()};
    if (!IsWellFormed(record->key)) return false;
  }
  if (HasValue(record->kind)) {
    if (!decoder->Take8(&byte) || !IsValueKind(byte) || !decoder->TakeVarint(&size) || size > kValueBytesMax ||
        !decoder->TakeBytes(size, &record->value)) {
      return false;
    }
    record->value_kind = static_cast<ValueKind>(byte);
    if (!IsWellFormed(record->value_kind, record->value.size())) return false;
  }
  if (has_deadline) {
    uint64_t ns;
    if (!decoder->Take64(&ns) || ns == 0 || ns >> 63 != 0) return false;
    record->deadline = Deadline::At(ns, slides);
  }
  return true;
}

PayloadCheck CheckRecords(std::span<const uint8_t> payload) {
  Decoder decoder(payload);
  uint64_t clock_offset_ns;
  PayloadCheck check{payload, 0, decoder.Take64(&clock_offset_ns)};
  if (!check.is_whole) check.whole = {};
  while (check.is_whole && decoder.left() != 0) {
    const size_t at = payload.size() - decoder.left();
    Record record;
    check.is_whole = DecodeRecord(&decoder, &record);
    if (check.is_whole) {
      ++check.records;
    } else {
      check.whole = payload.first(at);
    }
  }
  return check;
}

void EncodeManifest(const Manifest& manifest, std::span<uint8_t, Manifest::kBytes> bytes) {
  uint8_t* p = StoreLittle64(bytes.data(), manifest.first_segment);
  p = StoreLittle64(p, manifest.snapshot);
  StoreLittle64(p, manifest.first_sequence);
}

bool DecodeManifest(std::span<const uint8_t> bytes, Manifest* manifest) {
  if (bytes.size() != Manifest::kBytes) return false;
  manifest->first_segment = LoadLittle64(bytes.data());
  manifest->snapshot = LoadLittle64(bytes.data() + 8);
  manifest->first_sequence = LoadLittle64(bytes.data() + 16);
  return manifest->first_segment != 0 && manifest->first_sequence != 0;
}

std::string SegmentName(uint64_t number) { return NumberedName(kSegmentPrefix, number); }
std::string SnapshotName(uint64_t number) { return NumberedName(kSnapshotPrefix, number); }
std::optional<uint64_t> SegmentNumber(std::string_view name) { return NumberOf(kSegmentPrefix, name); }
std::optional<uint64_t> SnapshotNumber(std::string_view name) { return NumberOf(kSnapshotPrefix, name); }

}  // namespace shardmap
