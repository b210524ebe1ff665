// What is in the files of a durable store, byte by byte: docs/log-format.md has the tables, and this is their one
// implementation.
//
// Every file is a file header and frames; a frame is a frame header and its payload. Both headers have a checksum of
// their own, so that a length is trusted only after it was checked. All checksums of a file begin with its salt, a
// random number: bytes that another file left on the medium are never taken for its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/key.h"
#include "core/lifetime.h"
#include "core/mutation_sink.h"
#include "core/value.h"

namespace shardmap {

inline constexpr uint16_t kFormatVersion = 1;

enum class FileKind : uint8_t { kSegment = 1, kSnapshot = 2, kManifest = 3 };

using StoreId = std::array<uint8_t, 16>;

struct FileHeader {
  static constexpr size_t kBytes = 48;

  FileKind kind;
  StoreId store;    // random; the same in all files of a store
  uint64_t number;  // from 1 in each kind
  uint32_t salt;
};

enum class FrameKind : uint8_t {
  kRecords = 1,   // a clock offset and records
  kSeal = 2,      // the last of a file: nothing follows
  kManifest = 3,  // see Manifest
};

struct FrameHeader {
  static constexpr size_t kBytes = 32;

  FrameKind kind;
  // The cut ends with this frame: of one that has no end nothing happened.
  bool ends_cut = false;
  uint32_t payload_bytes;
  uint64_t sequence;         // rises by one from frame to frame: through all segments, or in another file from 1
  uint64_t synced_sequence;  // up to here all was on the medium when this was written
  uint32_t payload_crc;
  // Among its values are some of kCompressed, which the first versions of the library did not know.
  bool has_compressed = false;
};

// Why bytes that should be a header are none.
enum class HeaderFault : uint8_t {
  kNone,
  kDamaged,  // its checksum, or what it says, is wrong
  kForeign,  // not of this kind of file at all
  kNewer,    // of a version, with a feature, or of a kind that this program does not know
};

void EncodeFileHeader(const FileHeader& header, std::span<uint8_t, FileHeader::kBytes> bytes);
HeaderFault DecodeFileHeader(std::span<const uint8_t, FileHeader::kBytes> bytes, FileHeader* header);

void EncodeFrameHeader(const FrameHeader& header, uint32_t salt, std::span<uint8_t, FrameHeader::kBytes> bytes);
// `*is_ignorable` is whether a frame of a kind that is not known (kNewer) may be passed over.
HeaderFault DecodeFrameHeader(std::span<const uint8_t, FrameHeader::kBytes> bytes, uint32_t salt, FrameHeader* header,
                              bool* is_ignorable);

uint32_t SaltedCrc(uint32_t salt, std::span<const uint8_t> bytes);

// --- Records ---------------------------------------------------------------------------------------------------------

// The payload of kRecords begins with eight bytes: nanoseconds since 1970 at the zero of the deadlines in it.
inline constexpr size_t kClockOffsetBytes = 8;

// A mutation in a file, whose key and value are views of its bytes.
struct Record {
  Mutation::Kind kind;
  Key key;
  ValueKind value_kind = ValueKind::kUndefined;
  std::span<const uint8_t> value;
  Deadline deadline;

  bool has_key() const { return kind != Mutation::Kind::kClear && kind != Mutation::Kind::kStructures; }
};

// At most this many bytes make a record of a key and a value of these sizes.
constexpr size_t RecordBytesMax(size_t key_bytes, size_t value_bytes) { return 32 + key_bytes + value_bytes; }

// Each returns where the next byte goes. A record is its head; the key where there is one; the value where there is
// one; the deadline where there is one. So what is known before a shard is locked can be encoded before, but the head.
uint8_t* EncodeRecordHead(Mutation::Kind kind, Deadline deadline, uint8_t* p);
uint8_t* EncodeRecordKey(const Key& key, uint8_t* p);
uint8_t* EncodeRecordValue(ValueKind kind, std::span<const uint8_t> value, uint8_t* p);
uint8_t* EncodeRecordDeadline(Deadline deadline, uint8_t* p);
inline constexpr size_t kRecordHeadBytes = 1;
// Whether the value of a record that was encoded, if it has one, is of kCompressed.
bool HasCompressedValue(std::span<const uint8_t> record);

class Decoder;
// Takes the next record. False where the bytes are none.
bool DecodeRecord(Decoder* decoder, Record* record);

// What is in the payload of a frame of records.
struct PayloadCheck {
  std::span<const uint8_t> whole;  // up to where it is none
  uint64_t records;
  bool is_whole;
};
PayloadCheck CheckRecords(std::span<const uint8_t> payload);

// --- Files -----------------------------------------------------------------------------------------------------------

// Which files make the store.
struct Manifest {
  static constexpr size_t kBytes = 24;

  uint64_t first_segment = 1;   // those before it are not needed any more
  uint64_t snapshot = 0;        // the state before the first segment; 0: it was empty
  uint64_t first_sequence = 1;  // of the first frame in the first segment
};

void EncodeManifest(const Manifest& manifest, std::span<uint8_t, Manifest::kBytes> bytes);
bool DecodeManifest(std::span<const uint8_t> bytes, Manifest* manifest);

inline constexpr std::string_view kManifestName = "MANIFEST";
inline constexpr std::string_view kLockName = "LOCK";
// What a file is called until it is whole.
inline constexpr std::string_view kTemporarySuffix = ".tmp";
// Where the tail of a segment is kept that recovery cut off.
inline constexpr std::string_view kTailSuffix = ".tail";
// What a file is called that was damaged, after what can be read of it was written anew.
inline constexpr std::string_view kDamagedSuffix = ".damaged";

std::string SegmentName(uint64_t number);
std::string SnapshotName(uint64_t number);
// The number of a segment or a snapshot of this name, if it is one.
std::optional<uint64_t> SegmentNumber(std::string_view name);
std::optional<uint64_t> SnapshotNumber(std::string_view name);

}  // namespace shardmap
