// Makes a file of a fuzzer's input: the input is what the file holds, or it says which frames the file has, and these
// get right checksums, so that what is behind them is reached.
//
//   input = choice, content            choice even
//   input = choice, frame…             choice odd
//   frame = control, size, payload     1 byte, 2 bytes (little-endian), as many as are left at most
//
// Of the control byte:
//
//   bits 0 and 1   records that end a cut, records that do not, a seal, a kind that nobody knows
//   bits 2 and 3   what it says was synced: nothing, all before it, itself, the frame after it
//   bit 4          ignorable
//   bit 5, bit 6   a bit of the header, of the payload, is another
//   bit 7          its sequence is one too high
//
// The choice's bits 1 to 7 are for the target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "log/log_format.h"

namespace shardmap {

// `kind` is that of frames of the first kind above. Of an empty input, an empty file.
std::string FuzzedFile(std::span<const uint8_t> input, const FileHeader& header, uint64_t first_sequence,
                       FrameKind kind = FrameKind::kRecords);

// The other way round, for seeds: the frames of a file that is whole, as an input.
std::string FramedInputOf(std::span<const uint8_t> file, uint8_t choice);

}  // namespace shardmap
