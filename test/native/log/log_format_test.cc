// Danger: bytes that mean one thing to the writer and another to the reader, or damaged ones that mean anything.
#include "log/log_format.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/coding.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

constexpr StoreId kStore = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

std::span<const uint8_t> BytesOf(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A mutation that owns its bytes.
struct OwnedRecord {
  Mutation::Kind kind;
  OwnedKey key;
  ValueKind value_kind = ValueKind::kUndefined;
  std::string value;
  Deadline deadline;

  bool HasKey() const { return kind != Mutation::Kind::kClear && kind != Mutation::Kind::kStructures; }
  bool HasValue() const {
    return kind == Mutation::Kind::kInsert || kind == Mutation::Kind::kOverwrite || kind == Mutation::Kind::kStructures;
  }
  std::vector<uint8_t> Encode() const {
    std::vector<uint8_t> bytes(RecordBytesMax(key.bytes.size(), value.size()));
    uint8_t* p = EncodeRecordHead(kind, deadline, bytes.data());
    if (HasKey()) p = EncodeRecordKey(key.key(), p);
    if (HasValue()) p = EncodeRecordValue(value_kind, BytesOf(value), p);
    p = EncodeRecordDeadline(deadline, p);
    EXPECT_LE(p, bytes.data() + bytes.size());
    bytes.resize(static_cast<size_t>(p - bytes.data()));
    return bytes;
  }
  bool IsSameAs(const Record& record) const {
    return record.kind == kind && record.deadline == deadline && record.value_kind == value_kind &&
           std::string(record.value.begin(), record.value.end()) == value &&
           (!HasKey() || OwnedKey::Of(record.key) == key);
  }
};

OwnedRecord RandomRecord(Random& random) {
  OwnedRecord record;
  record.kind = static_cast<Mutation::Kind>(1 + random.Below(6));
  const auto size = [&] { return random.OneIn(20) ? random.Below(40000) : random.Below(40); };
  if (record.HasKey()) record.key = {random.OneIn(2) ? KeyKind::kBytes : KeyKind::kOneByteString, random.Bytes(size())};
  if (record.HasValue()) {
    record.value_kind = random.OneIn(2) ? ValueKind::kClone : ValueKind::kOneByteString;
    record.value = random.Bytes(size());
  }
  if (record.HasKey() && record.kind != Mutation::Kind::kDelete && random.OneIn(2)) {
    record.deadline = Deadline::At(1 + random.Word() / 4, random.OneIn(2));
  }
  return record;
}

TEST(LogFormatTest, FileHeadersAreReadAsWrittenAndEveryFlippedBitIsFound) {
  const FileHeader header{FileKind::kSnapshot, kStore, 77, 0xdeadbeef};
  uint8_t bytes[FileHeader::kBytes];
  EncodeFileHeader(header, bytes);
  FileHeader read{};
  ASSERT_EQ(DecodeFileHeader(bytes, &read), HeaderFault::kNone);
  EXPECT_EQ(read.kind, header.kind);
  EXPECT_EQ(read.store, header.store);
  EXPECT_EQ(read.number, header.number);
  EXPECT_EQ(read.salt, header.salt);
  for (size_t bit = 0; bit < 8 * FileHeader::kBytes; ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    EXPECT_EQ(DecodeFileHeader(bytes, &read), bit < 64 ? HeaderFault::kForeign : HeaderFault::kDamaged) << bit;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
  }
}

TEST(LogFormatTest, FrameHeadersAreReadAsWrittenAndEveryFlippedBitIsFound) {
  const FrameHeader header{FrameKind::kRecords, true, 1234, 56, 55, 0xabcdef01};
  uint8_t bytes[FrameHeader::kBytes];
  EncodeFrameHeader(header, 7, bytes);
  FrameHeader read{};
  bool is_ignorable = true;
  ASSERT_EQ(DecodeFrameHeader(bytes, 7, &read, &is_ignorable), HeaderFault::kNone);
  EXPECT_FALSE(is_ignorable);
  EXPECT_EQ(read.kind, header.kind);
  EXPECT_TRUE(read.ends_cut);
  EXPECT_EQ(read.payload_bytes, header.payload_bytes);
  EXPECT_EQ(read.sequence, header.sequence);
  EXPECT_EQ(read.synced_sequence, header.synced_sequence);
  EXPECT_EQ(read.payload_crc, header.payload_crc);
  EXPECT_EQ(DecodeFrameHeader(bytes, 8, &read, &is_ignorable), HeaderFault::kDamaged) << "the salt of another file";
  for (size_t bit = 0; bit < 8 * FrameHeader::kBytes; ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    EXPECT_EQ(DecodeFrameHeader(bytes, 7, &read, &is_ignorable), HeaderFault::kDamaged) << bit;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
  }
}

TEST(LogFormatTest, WhatANewerVersionWroteIsToldFromDamage) {
  uint8_t bytes[FrameHeader::kBytes];
  FrameHeader read{};
  bool is_ignorable = true;
  EncodeFrameHeader({static_cast<FrameKind>(9), false, 0, 1, 0, 0}, 7, bytes);
  EXPECT_EQ(DecodeFrameHeader(bytes, 7, &read, &is_ignorable), HeaderFault::kNewer);
  EXPECT_FALSE(is_ignorable);
}

TEST(LogFormatTest, RecordsAreReadAsWritten) {
  Random random;
  for (size_t i = 0; i < Scaled(5000); ++i) {
    const OwnedRecord first = RandomRecord(random);
    const OwnedRecord second = RandomRecord(random);
    std::vector<uint8_t> bytes = first.Encode();
    const std::vector<uint8_t> more = second.Encode();
    bytes.insert(bytes.end(), more.begin(), more.end());
    Decoder decoder(bytes);
    Record record;
    ASSERT_TRUE(DecodeRecord(&decoder, &record)) << "seed " << TestSeed();
    EXPECT_TRUE(first.IsSameAs(record)) << "seed " << TestSeed();
    ASSERT_TRUE(DecodeRecord(&decoder, &record)) << "seed " << TestSeed();
    EXPECT_TRUE(second.IsSameAs(record)) << "seed " << TestSeed();
    EXPECT_EQ(decoder.left(), 0u);
  }
}

TEST(LogFormatTest, ARecordThatIsCutOffIsNone) {
  Random random;
  for (size_t i = 0; i < Scaled(500); ++i) {
    const std::vector<uint8_t> bytes = RandomRecord(random).Encode();
    for (size_t size = 0; size < bytes.size(); size += 1 + size / 64) {
      const std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
      Decoder decoder(cut);
      Record record;
      EXPECT_FALSE(DecodeRecord(&decoder, &record)) << "seed " << TestSeed();
    }
  }
}

// Under the address sanitizer: nothing outside of the bytes is looked at.
TEST(LogFormatTest, AnyBytesAreARecordOrNone) {
  Random random;
  size_t records = 0;
  for (size_t i = 0; i < Scaled(200'000); ++i) {
    const std::string text = random.Bytes(random.Below(40));
    const std::vector<uint8_t> bytes(text.begin(), text.end());
    Decoder decoder(bytes);
    Record record;
    while (decoder.left() != 0 && DecodeRecord(&decoder, &record)) ++records;
  }
  EXPECT_GT(records, 0u) << "seed " << TestSeed();
}

TEST(LogFormatTest, ManifestsAreReadAsWritten) {
  uint8_t bytes[Manifest::kBytes];
  EncodeManifest({3, 2, 99}, bytes);
  Manifest read;
  ASSERT_TRUE(DecodeManifest(bytes, &read));
  EXPECT_EQ(read.first_segment, 3u);
  EXPECT_EQ(read.snapshot, 2u);
  EXPECT_EQ(read.first_sequence, 99u);
  EXPECT_FALSE(DecodeManifest(std::span<const uint8_t>(bytes).first(Manifest::kBytes - 1), &read));
  EncodeManifest({0, 2, 99}, bytes);
  EXPECT_FALSE(DecodeManifest(bytes, &read));
}

TEST(LogFormatTest, NamesSortAsNumbersAndOthersAreNone) {
  EXPECT_EQ(SegmentName(7), "segment-000000000007");
  EXPECT_EQ(SnapshotName(1'000'000'000'000), "snapshot-1000000000000");
  for (const uint64_t number : {uint64_t{1}, uint64_t{999'999'999'999}, uint64_t{1'000'000'000'000}, UINT64_MAX}) {
    EXPECT_EQ(SegmentNumber(SegmentName(number)), number);
    EXPECT_EQ(SnapshotNumber(SnapshotName(number)), number);
  }
  for (const std::string& name :
       {std::string("segment-7"), std::string("segment-000000000007.tmp"), std::string(), std::string("segment-"),
        std::string("segment-00000000000x"), std::string("segment-99999999999999999999"), SnapshotName(7)}) {
    EXPECT_EQ(SegmentNumber(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace shardmap
