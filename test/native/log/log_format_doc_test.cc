// Danger: the document of the format says one thing and the code does another, and whoever trusts the document reads
// files wrongly, or changes the format without knowing.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/coding.h"
#include "log/format_document.h"
#include "log/kind_names.h"
#include "log/log_format.h"

namespace shardmap {
namespace {

// Offsets follow one another, and sizes sum up to this.
void ExpectSizes(const std::vector<TableRow>& rows, std::string_view offset, std::string_view size, size_t sum) {
  size_t end = 0;
  for (const TableRow& row : rows) {
    EXPECT_EQ(NumberIn(row, offset), end) << row.at("name");
    end += NumberIn(row, size);
  }
  EXPECT_EQ(end, sum);
}

// The table's rows are the kinds that `is_kind` knows of `numbers`, each once, rising, by their names.
template <typename Kind, typename IsKind>
void ExpectKinds(const std::vector<TableRow>& rows, std::string_view column, size_t numbers, IsKind is_kind) {
  std::vector<size_t> told;
  std::vector<size_t> known;
  for (const TableRow& row : rows) {
    told.push_back(NumberIn(row, "number"));
    const char* const name = NameOf(static_cast<Kind>(told.back()));
    ASSERT_NE(name, nullptr) << told.back();
    EXPECT_EQ(row.find(column)->second, name) << told.back();
  }
  for (size_t number = 0; number < numbers; ++number) {
    if (is_kind(number)) known.push_back(number);
    EXPECT_EQ(is_kind(number), NameOf(static_cast<Kind>(number)) != nullptr) << number;
  }
  EXPECT_EQ(told, known);
}

// Whether the cell "any", "8" or "multiple of 8" allows so many bytes.
bool IsSize(const std::string& cell, size_t bytes) {
  constexpr std::string_view kMultiple = "multiple of ";
  if (cell == "any") return true;
  if (cell.starts_with(kMultiple)) return bytes % std::stoul(cell.substr(kMultiple.size())) == 0;
  return bytes == std::stoul(cell);
}

// A record of zeros but for these: whether it is one, and all of it.
bool IsRecord(uint8_t head, std::optional<std::pair<uint8_t, size_t>> key,
              std::optional<std::pair<uint8_t, size_t>> value, uint64_t deadline) {
  std::vector<uint8_t> bytes(200);
  uint8_t* p = bytes.data();
  *p++ = head;
  for (const auto& part : {key, value}) {
    if (!part) continue;
    *p++ = part->first;
    p = StoreVarint(p, part->second) + part->second;
  }
  if (deadline != 0) p = StoreLittle64(p, deadline);
  bytes.resize(static_cast<size_t>(p - bytes.data()));
  Decoder decoder(bytes);
  Record record;
  return DecodeRecord(&decoder, &record) && decoder.left() == 0;
}

constexpr size_t kSizes = 40;  // of keys and values that are tried

template <typename IsOne>
void ExpectRecordSizes(const std::vector<TableRow>& rows, IsOne is_one) {
  for (const TableRow& row : rows) {
    const size_t kind = NumberIn(row, "number");
    for (size_t size = 0; size < kSizes; ++size) {
      EXPECT_EQ(is_one(kind, size), IsSize(row.at("size"), size)) << "kind " << kind << ", " << size << " bytes";
    }
  }
}

TEST(LogFormatDocTest, BytesOfTablesSumUp) {
  const FormatDocument document;
  ExpectSizes(document.TableBelow("File header"), "offset", "bytes", FileHeader::kBytes);
  ExpectSizes(document.TableBelow("Frame header"), "offset", "bytes", FrameHeader::kBytes);
  ExpectSizes(document.TableBelow("Manifest"), "offset", "bytes", Manifest::kBytes);
  ExpectSizes(document.TableBelow("Flags of frames"), "bit", "bits", 8);
  ExpectSizes(document.TableBelow("A record's head"), "bit", "bits", 8);
}

TEST(LogFormatDocTest, NamesOfFilesAreThoseOfTheCode) {
  const FormatDocument document;
  std::set<std::string> told;
  for (const TableRow& row : document.TableBelow("Files")) told.insert(row.at("name"));
  const auto quoted = [](std::string_view name) { return "`" + std::string(name) + "`"; };
  const std::string any = "…";
  EXPECT_EQ(told,
            (std::set<std::string>{quoted(kManifestName), quoted(kLockName), quoted(SegmentName(1)),
                                   quoted(SnapshotName(1)), quoted(any + std::string(kTemporarySuffix)),
                                   quoted(any + std::string(kTailSuffix)), quoted(any + std::string(kDamagedSuffix))}));
}

TEST(LogFormatDocTest, KindsOfFilesAndFramesAreListedOnce) {
  const FormatDocument document;
  ExpectKinds<FileKind>(document.TableBelow("Kinds of files"), "file", 256, [](size_t number) {
    uint8_t bytes[FileHeader::kBytes];
    EncodeFileHeader({static_cast<FileKind>(number), {}, 1, 0}, bytes);
    FileHeader header;
    return DecodeFileHeader(bytes, &header) == HeaderFault::kNone;
  });
  ExpectKinds<FrameKind>(document.TableBelow("Kinds of frames"), "frame", 256, [](size_t number) {
    uint8_t bytes[FrameHeader::kBytes];
    EncodeFrameHeader({static_cast<FrameKind>(number), false, 0, 1, 0, 0}, 0, bytes);
    FrameHeader header;
    bool is_ignorable;
    return DecodeFrameHeader(bytes, 0, &header, &is_ignorable) == HeaderFault::kNone;
  });
}

TEST(LogFormatDocTest, KindsOfRecordsAreListedOnceWithWhatTheyHave) {
  const FormatDocument document;
  const std::vector<TableRow> rows = document.TableBelow("Kinds of records");
  const std::pair<uint8_t, size_t> some{static_cast<uint8_t>(ValueKind::kOneByteString), 3};
  const std::pair<uint8_t, size_t> some_key{static_cast<uint8_t>(KeyKind::kOneByteString), 3};
  // With a key or without, with a value or without.
  ExpectKinds<Mutation::Kind>(rows, "record", 16, [&](size_t number) {
    const auto head = static_cast<uint8_t>(number);
    return IsRecord(head, {}, {}, 0) || IsRecord(head, some_key, {}, 0) || IsRecord(head, {}, some, 0) ||
           IsRecord(head, some_key, some, 0);
  });
  for (const TableRow& row : rows) {
    const auto head = static_cast<uint8_t>(NumberIn(row, "number"));
    const auto key = row.at("key") == "yes" ? std::optional(some_key) : std::nullopt;
    const auto value = row.at("value") == "yes" ? std::optional(some) : std::nullopt;
    const bool may = row.at("deadline") == "may";
    EXPECT_TRUE(IsRecord(head, key, value, 0)) << row.at("record");
    EXPECT_EQ(IsRecord(head | 0x80, key, value, 1), may) << row.at("record");
    EXPECT_EQ(IsRecord(head | 0xc0, key, value, INT64_MAX), may) << row.at("record");
    EXPECT_FALSE(IsRecord(head | 0x80, key, value, uint64_t{1} << 63)) << row.at("record");
    EXPECT_FALSE(IsRecord(head | 0x40, key, value, 0)) << row.at("record");
    EXPECT_FALSE(IsRecord(head | 0x10, key, value, 0)) << row.at("record");
    EXPECT_FALSE(IsRecord(head | 0x20, key, value, 0)) << row.at("record");
  }
}

TEST(LogFormatDocTest, KindsOfKeysAndValuesAreListedOnceWithTheirSizes) {
  const FormatDocument document;
  const auto is_key = [](size_t kind, size_t size) {
    return IsRecord(static_cast<uint8_t>(Mutation::Kind::kDelete), std::pair(static_cast<uint8_t>(kind), size), {}, 0);
  };
  const auto is_value = [](size_t kind, size_t size) {
    return IsRecord(static_cast<uint8_t>(Mutation::Kind::kStructures), {}, std::pair(static_cast<uint8_t>(kind), size),
                    0);
  };
  const auto has_size = [](const auto& is_one) {
    return [&is_one](size_t kind) { return is_one(kind, 0) || is_one(kind, 8); };
  };
  const std::vector<TableRow> keys = document.TableBelow("Keys");
  ExpectKinds<KeyKind>(keys, "key", 256, has_size(is_key));
  ExpectRecordSizes(keys, is_key);
  const std::vector<TableRow> values = document.TableBelow("Values");
  ExpectKinds<ValueKind>(values, "value", 256, has_size(is_value));
  ExpectRecordSizes(values, is_value);
}

}  // namespace
}  // namespace shardmap
