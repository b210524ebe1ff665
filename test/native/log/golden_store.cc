#include "log/golden_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "base/coding.h"
#include "core/composite_key.h"
#include "log/frame_writer.h"

namespace shardmap {
namespace {

using Kind = Mutation::Kind;

// Nothing here is random or asks for the time: the same bytes come whenever it runs.
constexpr StoreId kStore = {0x60, 0x1d, 0x60, 0x1d, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
constexpr uint32_t kManifestSalt = 0xa0000001;
// The machine was started twice: each time its clock began anew.
constexpr uint64_t kFirstClock = 1'700'000'000'000'000'000;
constexpr uint64_t kSecondClock = 1'760'000'000'123'456'789;
// 100 years, and as long as a deadline can be.
constexpr uint64_t kFar = uint64_t{100} * 365 * 86400 * 1'000'000'000;
constexpr uint64_t kFarthest = INT64_MAX;

std::string BytesOf(double number) { return std::string(reinterpret_cast<const char*>(&number), sizeof number); }
std::string BytesOf(std::initializer_list<uint64_t> words) {
  return std::string(reinterpret_cast<const char*>(words.begin()), words.size() * sizeof(uint64_t));
}
std::string BytesOf(std::u16string_view units) {
  return std::string(reinterpret_cast<const char*>(units.data()), units.size() * sizeof(char16_t));
}
// 0, 1, 2 and so on, and from 0 again after 255.
std::string Rising(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i);
  return bytes;
}

OwnedKey CompositeOf(std::initializer_list<OwnedKey> parts) {
  CompositeKeyWriter writer;
  for (const OwnedKey& part : parts) writer.Append(part.key());
  return OwnedKey::Of(writer.key());
}

// Of each kind, in the order of their numbers; of some more than one.
std::vector<OwnedKey> Keys() {
  return {
      OwnedKey(""),
      OwnedKey("ann"),
      OwnedKey(std::string(200, 'k')),
      {KeyKind::kOneByteString, "caf\xe9"},
      {KeyKind::kTwoByteString, BytesOf(u"\u03c0\U0001f511")},
      {KeyKind::kNumber, BytesOf(0.0)},
      {KeyKind::kNumber, BytesOf(-2.5)},
      {KeyKind::kBigInt, ""},
      {KeyKind::kBigInt, BytesOf({0x0123456789abcdef, 1})},
      {KeyKind::kNegativeBigInt, BytesOf({1})},
      {KeyKind::kBytes, Rising(256)},
      {KeyKind::kFalse, ""},
      {KeyKind::kTrue, ""},
      {KeyKind::kNull, ""},
      {KeyKind::kUndefined, ""},
      CompositeOf({}),
      CompositeOf({OwnedKey("user"), {KeyKind::kNumber, BytesOf(7.0)}}),
      CompositeOf({{KeyKind::kNumber, BytesOf(-9007199254740992.0)},
                   {KeyKind::kNumber, BytesOf(0.5)},
                   {KeyKind::kTwoByteString, BytesOf(u"\u03c0")},
                   {KeyKind::kBigInt, BytesOf({5})},
                   {KeyKind::kNegativeBigInt, BytesOf({6})},
                   {KeyKind::kFalse, ""},
                   {KeyKind::kTrue, ""},
                   {KeyKind::kNull, ""},
                   {KeyKind::kUndefined, ""},
                   OwnedKey(std::string(100, 'p'))}),
  };
}

struct GoldenValue {
  ValueKind kind;
  std::string bytes;
};

// Of each kind, in the order of their numbers; of some more than one. What is encoded is opaque here.
std::vector<GoldenValue> Values() {
  return {
      {ValueKind::kUndefined, ""},
      {ValueKind::kNull, ""},
      {ValueKind::kFalse, ""},
      {ValueKind::kTrue, ""},
      {ValueKind::kNumber, BytesOf(3.25)},
      {ValueKind::kNumber, BytesOf(-0.0)},
      {ValueKind::kOneByteString, ""},
      {ValueKind::kOneByteString, "na\xefve"},
      {ValueKind::kOneByteString, std::string(300, 'v')},
      {ValueKind::kTwoByteString, BytesOf(u"\u65e5\u672c")},
      {ValueKind::kBigInt, BytesOf({0, 0, 1})},
      {ValueKind::kNegativeBigInt, BytesOf({42})},
      {ValueKind::kPlain, "\x93\x01\x02\x03"},
      {ValueKind::kClone, "\xff\x0f\x5f"},
      {ValueKind::kCustom, "custom"},
      {ValueKind::kArrayBuffer, Rising(5)},
      {ValueKind::kDataView, Rising(6)},
      {ValueKind::kBuffer, Rising(127)},
      {ValueKind::kBuffer, Rising(128)},
      {ValueKind::kInt8Array, Rising(3)},
      {ValueKind::kUint8Array, Rising(3)},
      {ValueKind::kUint8ClampedArray, Rising(3)},
      {ValueKind::kInt16Array, Rising(6)},
      {ValueKind::kUint16Array, Rising(6)},
      {ValueKind::kInt32Array, Rising(12)},
      {ValueKind::kUint32Array, Rising(12)},
      {ValueKind::kFloat16Array, Rising(6)},
      {ValueKind::kFloat32Array, Rising(12)},
      {ValueKind::kFloat64Array, Rising(24)},
      {ValueKind::kBigInt64Array, Rising(24)},
      {ValueKind::kBigUint64Array, Rising(24)},
  };
}

const OwnedKey kNoKey{KeyKind::kUndefined, ""};

GoldenRecord Put(Kind kind, OwnedKey key, ValueKind value_kind, std::string value, Deadline deadline = {}) {
  return {kind, std::move(key), value_kind, std::move(value), deadline};
}
GoldenRecord Delete(OwnedKey key) { return {Kind::kDelete, std::move(key)}; }
GoldenRecord SetDeadline(OwnedKey key, Deadline deadline) {
  return {Kind::kDeadline, std::move(key), ValueKind::kUndefined, "", deadline};
}
GoldenRecord Clear() { return {Kind::kClear, kNoKey}; }
GoldenRecord SaveStructures(std::string text) {
  return {Kind::kStructures, kNoKey, ValueKind::kOneByteString, std::move(text)};
}

GoldenFrame Frame(uint64_t clock_offset_ns, bool ends_cut, uint64_t synced, std::vector<GoldenRecord> records) {
  for (GoldenRecord& record : records) record.clock_offset_ns = clock_offset_ns;
  return {clock_offset_ns, ends_cut, synced, std::move(records)};
}

// An entry for each kind of key.
GoldenFile Snapshot() {
  std::vector<GoldenRecord> entries;
  for (const OwnedKey& key : Keys()) {
    const auto number = static_cast<double>(entries.size());
    entries.push_back(Put(Kind::kInsert, key, ValueKind::kNumber, BytesOf(number)));
  }
  return {
      {FileKind::kSnapshot, kStore, 1, 0xa0000002},
      1,
      {Frame(kFirstClock, true, 0, {SaveStructures("[[\"name\"]]")}), Frame(kFirstClock, true, 0, std::move(entries))},
      true};
}

// A clear, and an entry for each kind of value; then a cut of two frames with records of every kind.
GoldenFile SealedSegment() {
  std::vector<GoldenRecord> first = {Clear()};
  for (const GoldenValue& value : Values()) {
    first.push_back(Put(Kind::kInsert, NumberedKey("value", first.size()), value.kind, value.bytes));
  }
  return {{FileKind::kSegment, kStore, 2, 0xa0000003},
          7,
          {Frame(kFirstClock, true, 6, std::move(first)),
           Frame(kFirstClock, false, 6,
                 {SaveStructures("[[\"name\"],[\"name\",\"caf\xc3\xa9\"]]"),
                  Put(Kind::kOverwrite, NumberedKey("value", 1), ValueKind::kOneByteString, "again"),
                  Put(Kind::kOverwrite, NumberedKey("value", 2), ValueKind::kTrue, "", Deadline::At(kFar, false)),
                  Delete(NumberedKey("value", 3))}),
           Frame(kFirstClock, true, 7,
                 {SetDeadline(NumberedKey("value", 4), Deadline::At(kFarthest, true)),
                  SetDeadline(NumberedKey("value", 2), Deadline()),
                  Put(Kind::kInsert, OwnedKey("late"), ValueKind::kNumber, BytesOf(1), Deadline::At(kFar, true))})},
          true};
}

// After another start of the machine. Each kind of key with a deadline; deleted, one by one, but the last; and the mark
// with which a log ends.
GoldenFile OpenSegment() {
  std::vector<GoldenRecord> inserts;
  std::vector<GoldenRecord> deletes;
  for (const OwnedKey& key : Keys()) {
    const Deadline deadline = Deadline::At(kFar + inserts.size(), inserts.size() % 2 == 0);
    inserts.push_back(Put(Kind::kInsert, key, ValueKind::kBuffer, Rising(inserts.size()), deadline));
    deletes.push_back(Delete(key));
  }
  deletes.pop_back();
  return {{FileKind::kSegment, kStore, 3, 0xa0000004},
          11,
          {Frame(kSecondClock, true, 10, std::move(inserts)), Frame(kSecondClock, true, 10, std::move(deletes)),
           Frame(kSecondClock, true, 12, {})},
          false};
}

// 100 bytes of a Buffer, an `a` each, by each algorithm, in one frame, and a frame without.
GoldenFile CompressedSegment() {
  using namespace std::string_literals;
  const auto compressed = [](std::string name, std::string bytes) {
    return Put(Kind::kInsert, OwnedKey(name), ValueKind::kCompressed, std::move(bytes));
  };
  return {{FileKind::kSegment, kStore, 1, 0xa0000006},
          1,
          {Frame(kFirstClock, true, 0,
                 {Put(Kind::kInsert, OwnedKey("number"), ValueKind::kNumber, BytesOf(1)),
                  compressed("deflate", "\x22\x01\x64\x00\x00\x00\x4b\x4c\xa4\x3d\x00\x00"s),
                  compressed("brotli", "\x22\x02\x64\x00\x00\x00\x1b\x63\x00\xf8\x25\xc2\x02\xb1\x40\xa0\x03"s),
                  compressed("zstd",
                             "\x22\x03\x64\x00\x00\x00\x28\xb5\x2f\xfd\x20\x64\x45\x00\x00\x10\x61\x61"
                             "\x01\x00\x3f\x01\x2c"s)}),
           Frame(kFirstClock, true, 1, {Put(Kind::kInsert, OwnedKey("plain"), ValueKind::kBuffer, Rising(3))}),
           Frame(kFirstClock, true, 1, {})},
          false};
}

bool HasKey(Kind kind) { return kind != Kind::kClear && kind != Kind::kStructures; }
bool HasValue(Kind kind) { return kind == Kind::kInsert || kind == Kind::kOverwrite || kind == Kind::kStructures; }

void AddRecord(FrameWriter& writer, const GoldenRecord& record) {
  uint8_t* p = writer.Extend(RecordBytesMax(record.key.bytes.size(), record.value.size()));
  p = EncodeRecordHead(record.kind, record.deadline, p);
  if (HasKey(record.kind)) p = EncodeRecordKey(record.key.key(), p);
  const auto* const value = reinterpret_cast<const uint8_t*>(record.value.data());
  if (HasValue(record.kind)) p = EncodeRecordValue(record.value_kind, {value, record.value.size()}, p);
  writer.ShrinkTo(EncodeRecordDeadline(record.deadline, p));
  if (record.value_kind == ValueKind::kCompressed) writer.NoteCompressed();
}

void Publish(FrameWriter& writer, Directory& directory) {
  ASSERT_TRUE(writer.Write().ok());
  ASSERT_TRUE(writer.Publish(directory).ok());
}

void WriteFile(Directory& directory, const GoldenFile& file) {
  auto created = FrameWriter::Create(directory, file.name(), file.header, file.first_sequence);
  ASSERT_TRUE(created.ok()) << created.status().message();
  FrameWriter& writer = *created.value();
  for (const GoldenFrame& frame : file.frames) {
    StoreLittle64(writer.Extend(kClockOffsetBytes), frame.clock_offset_ns);
    for (const GoldenRecord& record : frame.records) AddRecord(writer, record);
    writer.EndFrame(FrameKind::kRecords, frame.ends_cut, frame.synced_sequence);
  }
  const bool is_segment = file.header.kind == FileKind::kSegment;
  if (file.is_sealed) writer.EndFrame(FrameKind::kSeal, true, is_segment ? writer.next_sequence() - 1 : 0);
  Publish(writer, directory);
}

}  // namespace

std::string GoldenFile::name() const {
  return header.kind == FileKind::kSegment ? SegmentName(header.number) : SnapshotName(header.number);
}

GoldenStore::GoldenStore()
    : folder("v1"),
      manifest_header{FileKind::kManifest, kStore, 1, kManifestSalt},
      manifest{.first_segment = 2, .snapshot = 1, .first_sequence = 7},
      files{Snapshot(), SealedSegment(), OpenSegment()} {}

GoldenStore GoldenStore::WithCompressed() {
  GoldenStore store;
  store.folder = "v1-compressed";
  store.manifest_header.salt = 0xa0000005;
  store.manifest = Manifest();
  store.files = {CompressedSegment()};
  return store;
}

std::vector<std::string> GoldenStore::Names() const {
  std::vector<std::string> names = {std::string(kManifestName)};
  for (const GoldenFile& file : files) names.push_back(file.name());
  return names;
}

std::vector<GoldenRecord> GoldenStore::Records() const {
  std::vector<GoldenRecord> records;
  for (const GoldenFile& file : files) {
    for (const GoldenFrame& frame : file.frames) {
      records.insert(records.end(), frame.records.begin(), frame.records.end());
    }
  }
  return records;
}

void GoldenStore::WriteTo(Directory& directory) const {
  for (const GoldenFile& file : files) ASSERT_NO_FATAL_FAILURE(WriteFile(directory, file));
  auto created = FrameWriter::Create(directory, std::string(kManifestName), manifest_header, 1);
  ASSERT_TRUE(created.ok()) << created.status().message();
  uint8_t bytes[Manifest::kBytes];
  EncodeManifest(manifest, bytes);
  std::copy(std::begin(bytes), std::end(bytes), created.value()->Extend(Manifest::kBytes));
  created.value()->EndFrame(FrameKind::kManifest, true, 0);
  Publish(*created.value(), directory);
}

}  // namespace shardmap
