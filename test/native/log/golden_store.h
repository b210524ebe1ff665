// The stores whose files are in test/golden: what is in them, and how their files were written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/directory.h"
#include "fixtures.h"
#include "log/log_format.h"

namespace shardmap {

// A record with its bytes.
struct GoldenRecord {
  Mutation::Kind kind;
  OwnedKey key;  // {kUndefined, ""} where there is none, as DecodeRecord has it
  ValueKind value_kind = ValueKind::kUndefined;
  std::string value = {};
  Deadline deadline = {};
  uint64_t clock_offset_ns = 0;

  bool operator==(const GoldenRecord&) const = default;
};

struct GoldenFrame {
  uint64_t clock_offset_ns;
  bool ends_cut;
  uint64_t synced_sequence;
  std::vector<GoldenRecord> records;
};

struct GoldenFile {
  FileHeader header;
  uint64_t first_sequence;
  std::vector<GoldenFrame> frames;  // of records
  bool is_sealed;

  std::string name() const;
  // Of the frame after its last.
  uint64_t next_sequence() const { return first_sequence + frames.size() + (is_sealed ? 1 : 0); }
};

struct GoldenStore {
  std::string folder;  // of test/golden
  FileHeader manifest_header;
  Manifest manifest;
  std::vector<GoldenFile> files;  // but the manifest, in the order in which they are read

  // The first, v1.
  GoldenStore();
  // v1-compressed.
  static GoldenStore WithCompressed();
  // All names, that of the manifest among them.
  std::vector<std::string> Names() const;
  // The records of all files, in their order.
  std::vector<GoldenRecord> Records() const;
  // Fails the test where the files cannot be written.
  void WriteTo(Directory& directory) const;
};

}  // namespace shardmap
