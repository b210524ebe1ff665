// Danger: a segment that holds whatever bytes a broken medium, or somebody, has put there crashes who opens it, or
// makes a store that is opened as another the next time.
//
// The choice's bit 1 says which segment: the last one, or one that has another behind it.
#include <cstddef>
#include <cstdint>

#include "fuzz/fuzzed_directory.h"
#include "fuzz/fuzzed_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using shardmap::FuzzedDirectory;
  static const FuzzedDirectory last(shardmap::SegmentName(3));
  static const FuzzedDirectory sealed(shardmap::SegmentName(2));
  const bool is_last = size == 0 || (bytes[0] & 2) == 0;
  const FuzzedDirectory& directory = is_last ? last : sealed;
  const std::string content = FuzzedFile({bytes, size}, directory.header(), directory.first_sequence());
  const shardmap::RecoveredState state = directory.Check(content);
  if (!state.ok()) return 0;
  if (is_last) {
    directory.RequirePrefix(content, state, size + bytes[size - 1]);
  } else {
    directory.RequireWhole(content, size + bytes[size - 1]);
  }
  return 0;
}
