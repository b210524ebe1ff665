// Danger: a snapshot that holds whatever bytes crashes who opens it, or is taken for whole when it is not.
#include <cstddef>
#include <cstdint>

#include "fuzz/fuzzed_directory.h"
#include "fuzz/fuzzed_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const shardmap::FuzzedDirectory directory(shardmap::SnapshotName(1));
  const std::string content = FuzzedFile({bytes, size}, directory.header(), directory.first_sequence());
  if (directory.Check(content).ok()) directory.RequireWhole(content, size + bytes[size - 1]);
  return 0;
}
