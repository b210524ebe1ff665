// Danger: a manifest, or a header, that holds whatever bytes crashes who opens the store, or makes of its files
// another.
#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzz/fuzzed_directory.h"
#include "fuzz/fuzzed_file.h"
#include "fuzz/requirement.h"

namespace shardmap {
namespace {

// What is decoded is encoded to the same bytes.
void RequireCanonicalHeaders(std::span<const uint8_t> bytes, uint32_t salt) {
  FileHeader file;
  if (bytes.size() >= FileHeader::kBytes &&
      DecodeFileHeader(bytes.first<FileHeader::kBytes>(), &file) == HeaderFault::kNone) {
    uint8_t encoded[FileHeader::kBytes];
    EncodeFileHeader(file, encoded);
    Require(std::equal(std::begin(encoded), std::end(encoded), bytes.begin()), "a file header is another");
  }
  if (bytes.size() < FileHeader::kBytes + FrameHeader::kBytes) return;
  FrameHeader frame;
  bool is_ignorable = false;
  const auto candidate = bytes.subspan(FileHeader::kBytes).first<FrameHeader::kBytes>();
  if (DecodeFrameHeader(candidate, salt, &frame, &is_ignorable) != HeaderFault::kNone || is_ignorable) return;
  uint8_t encoded[FrameHeader::kBytes];
  EncodeFrameHeader(frame, salt, encoded);
  Require(std::equal(std::begin(encoded), std::end(encoded), candidate.begin()), "a frame's header is another");
}

}  // namespace
}  // namespace shardmap

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace shardmap;
  static const FuzzedDirectory directory{std::string(kManifestName)};
  const std::string content = FuzzedFile({bytes, size}, directory.header(), 1, FrameKind::kManifest);
  RequireCanonicalHeaders({reinterpret_cast<const uint8_t*>(content.data()), content.size()}, directory.header().salt);
  if (directory.Check(content).ok()) directory.RequireWhole(content, size + bytes[size - 1]);
  return 0;
}
