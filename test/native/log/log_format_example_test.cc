// Danger: the example of the document shows other bytes than the code writes, or says of them what they are not; and
// what a newer version wrote is taken for damage, or for something that is known.
#include <gtest/gtest.h>

#include <bit>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "base/crash_directory.h"
#include "base/crc32c.h"
#include "fixtures.h"
#include "log/format_document.h"
#include "log/frame_reader.h"
#include "log/frame_writer.h"
#include "log/log_format.h"

namespace shardmap {
namespace {

constexpr uint32_t kSalt = 0x5ca1ab1e;
constexpr uint64_t kClockOffset = 1'700'000'000'000'000'000;
constexpr uint64_t kMinute = 60'000'000'000;

FileHeader ExampleHeader() {
  FileHeader header{FileKind::kSegment, {}, 1, kSalt};
  for (size_t i = 0; i < header.store.size(); ++i) header.store[i] = static_cast<uint8_t>(0xa0 + i);
  return header;
}

std::string BytesOf(double number) { return std::string(reinterpret_cast<const char*>(&number), sizeof number); }

void AddRecord(FrameWriter& writer, Mutation::Kind kind, const OwnedKey& key,
               std::optional<std::pair<ValueKind, std::string>> value, Deadline deadline) {
  uint8_t* p = writer.Extend(RecordBytesMax(key.bytes.size(), value ? value->second.size() : 0));
  p = EncodeRecordHead(kind, deadline, p);
  p = EncodeRecordKey(key.key(), p);
  if (value) {
    const auto* const bytes = reinterpret_cast<const uint8_t*>(value->second.data());
    p = EncodeRecordValue(value->first, {bytes, value->second.size()}, p);
  }
  writer.ShrinkTo(EncodeRecordDeadline(deadline, p));
}

// Writes the segment that the document shows.
void WriteExample(Directory& directory) {
  auto created = FrameWriter::Create(directory, SegmentName(1), ExampleHeader(), 1);
  ASSERT_TRUE(created.ok());
  FrameWriter& writer = *created.value();
  StoreLittle64(writer.Extend(kClockOffsetBytes), kClockOffset);
  AddRecord(writer, Mutation::Kind::kInsert, OwnedKey("ann"), std::pair(ValueKind::kOneByteString, "hi"),
            Deadline::At(kMinute, false));
  AddRecord(writer, Mutation::Kind::kOverwrite, {KeyKind::kNumber, BytesOf(7)},
            std::pair(ValueKind::kNumber, BytesOf(1.5)), Deadline());
  AddRecord(writer, Mutation::Kind::kDelete, OwnedKey("ann"), {}, Deadline());
  writer.EndFrame(FrameKind::kRecords, true, 0);
  writer.EndFrame(FrameKind::kSeal, true, 1);
  ASSERT_TRUE(writer.Write().ok());
  ASSERT_TRUE(writer.Publish(directory).ok());
}

std::string BytesOf(const std::vector<ExampleField>& fields) {
  std::string bytes;
  for (const ExampleField& field : fields) bytes += field.bytes;
  return bytes;
}

// Whether bytes are what a line says: a text in quotes, a number with a point, or one without.
bool Says(const ExampleField& field) {
  if (field.value.starts_with('"')) return field.value == '"' + field.bytes + '"';
  if (field.value.find('.') != std::string::npos) return BytesOf(std::stod(field.value)) == field.bytes;
  uint64_t number = 0;
  for (size_t i = field.bytes.size(); i-- != 0;) number = number << 8 | static_cast<uint8_t>(field.bytes[i]);
  return std::stoull(field.value, nullptr, 0) == number;
}

TEST(LogFormatExampleTest, TheExampleSaysWhatItsBytesAre) {
  size_t end = 0;
  for (const ExampleField& field : FormatDocument().Example()) {
    EXPECT_EQ(field.offset, end) << field.name;
    end += field.bytes.size();
    // Of the store there is nothing to say but its bytes.
    if (field.name == "store") continue;
    ASSERT_FALSE(field.value.empty()) << field.name;
    EXPECT_TRUE(Says(field)) << field.name << ": " << field.value;
  }
}

TEST(LogFormatExampleTest, TheExampleIsWhatIsWritten) {
  if (std::endian::native != std::endian::little) GTEST_SKIP() << "the document shows a little-endian machine's bytes";
  CrashDirectory directory;
  ASSERT_NO_FATAL_FAILURE(WriteExample(directory));
  EXPECT_EQ(BytesOf(FormatDocument().Example()), directory.ContentOf(SegmentName(1)));
}

// The names and sizes of the fields of a file, as it is read.
class FieldLister {
 public:
  struct Field {
    std::string name;
    size_t bytes;

    bool operator==(const Field&) const = default;
  };

  explicit FieldLister(const FormatDocument& document)
      : file_header_(document.TableBelow("File header")), frame_header_(document.TableBelow("Frame header")) {}

  void AddFile(Directory& directory) {
    auto opened = FrameReader::Open(directory, Directory::OpenMode::kRead, SegmentName(1), FileKind::kSegment, 1, 1);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    AddHeader(file_header_);
    Frame frame;
    for (;;) {
      auto outcome = opened.value()->Next(&frame);
      ASSERT_TRUE(outcome.ok()) << outcome.status().message();
      if (outcome.value() == FrameReader::Outcome::kEnd) return;
      ASSERT_EQ(outcome.value(), FrameReader::Outcome::kFrame) << opened.value()->damage();
      AddHeader(frame_header_);
      if (frame.header.kind != FrameKind::kRecords) continue;
      ASSERT_NO_FATAL_FAILURE(AddPayload(frame.payload));
    }
  }
  const std::vector<Field>& fields() const { return fields_; }

 private:
  void AddHeader(const std::vector<TableRow>& rows) {
    for (const TableRow& row : rows) fields_.push_back({row.at("name"), NumberIn(row, "bytes")});
  }
  void AddPayload(std::span<const uint8_t> payload) {
    Decoder decoder(payload);
    uint64_t clock_offset;
    ASSERT_TRUE(decoder.Take64(&clock_offset));
    fields_.push_back({"clock offset", kClockOffsetBytes});
    while (decoder.left() != 0) {
      Record record;
      ASSERT_TRUE(DecodeRecord(&decoder, &record));
      fields_.push_back({"head", kRecordHeadBytes});
      AddPart("key", record.key.size);
      if (record.kind != Mutation::Kind::kDelete) AddPart("value", record.value.size());
      if (record.deadline.exists()) fields_.push_back({"deadline", sizeof(uint64_t)});
    }
  }
  void AddPart(const std::string& name, size_t bytes) {
    fields_.insert(fields_.end(), {{name + " kind", 1}, {name + " size", VarintBytes(bytes)}, {name, bytes}});
  }

  const std::vector<TableRow> file_header_;
  const std::vector<TableRow> frame_header_;
  std::vector<Field> fields_;
};

void PrintTo(const FieldLister::Field& field, std::ostream* out) { *out << field.name << " of " << field.bytes; }

TEST(LogFormatExampleTest, TheExampleIsReadAsItIsAnnotated) {
  const FormatDocument document;
  const std::vector<ExampleField> example = document.Example();
  CrashDirectory directory;
  directory.Put(SegmentName(1), BytesOf(example));
  FieldLister lister(document);
  ASSERT_NO_FATAL_FAILURE(lister.AddFile(directory));
  std::vector<FieldLister::Field> told;
  for (const ExampleField& field : example) told.push_back({field.name, field.bytes.size()});
  EXPECT_EQ(told, lister.fields());
}

// --- What a newer version wrote --------------------------------------------------------------------------------------

// Makes the checksum right again of a header that was changed.
void Seal(std::string* content, size_t at, size_t bytes, std::optional<uint32_t> salt) {
  auto* const p = reinterpret_cast<uint8_t*>(content->data()) + at;
  const std::span<const uint8_t> before(p, bytes - 4);
  StoreLittle32(p + bytes - 4, salt ? SaltedCrc(*salt, before) : Crc32c(before.data(), before.size()));
}

Result<FrameReader::Outcome> ReadFirst(const std::string& content, Frame* frame) {
  CrashDirectory directory;
  directory.Put(SegmentName(1), content);
  auto opened = FrameReader::Open(directory, Directory::OpenMode::kRead, SegmentName(1), FileKind::kSegment, 1, 1);
  if (!opened.ok()) return opened.TakeStatus();
  return opened.value()->Next(frame);
}

// Where a field is that the tables of the document name.
size_t OffsetOf(const std::string& heading, const std::string& name) {
  for (const TableRow& row : FormatDocument().TableBelow(heading)) {
    if (row.at("name") == name) return NumberIn(row, heading.starts_with("Flags") ? "bit" : "offset");
  }
  ADD_FAILURE() << "there is no " << name << " below " << heading;
  return 0;
}

TEST(LogFormatExampleTest, FilesOfANewerVersionAreRefused) {
  const std::string example = BytesOf(FormatDocument().Example());
  for (const char* const name : {"version", "features"}) {
    std::string content = example;
    content[OffsetOf("File header", name)] = 2;
    Frame frame;
    EXPECT_EQ(ReadFirst(content, &frame).status().code(), Code::kCorrupt) << name;
    Seal(&content, 0, FileHeader::kBytes, std::nullopt);
    EXPECT_EQ(ReadFirst(content, &frame).status().code(), Code::kNewerFormat) << name;
  }
}

TEST(LogFormatExampleTest, FramesThatAreNotKnownAreRefusedOrPassedOver) {
  const std::string example = BytesOf(FormatDocument().Example());
  const size_t flags = FileHeader::kBytes + OffsetOf("Frame header", "flags");
  const char ignorable = static_cast<char>(1 << OffsetOf("Flags of frames", "ignorable"));
  for (const char* const name : {"kind", "flags", "zero"}) {
    std::string content = example;
    content[FileHeader::kBytes + OffsetOf("Frame header", name)] |= 0x40;
    Frame frame;
    Seal(&content, FileHeader::kBytes, FrameHeader::kBytes, kSalt);
    EXPECT_EQ(ReadFirst(content, &frame).status().code(), Code::kNewerFormat) << name;
    content[flags] = static_cast<char>(content[flags] | ignorable);
    Seal(&content, FileHeader::kBytes, FrameHeader::kBytes, kSalt);
    auto outcome = ReadFirst(content, &frame);
    ASSERT_TRUE(outcome.ok()) << name << ": " << outcome.status().message();
    EXPECT_EQ(outcome.value(), FrameReader::Outcome::kFrame) << name;
    EXPECT_EQ(frame.header.kind, FrameKind::kSeal) << name;
    EXPECT_EQ(frame.header.sequence, 2u) << name;
  }
}

}  // namespace
}  // namespace shardmap
