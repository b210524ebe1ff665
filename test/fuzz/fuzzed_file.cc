#include "fuzz/fuzzed_file.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/coding.h"
#include "fuzz/requirement.h"

namespace shardmap {
namespace {

constexpr uint8_t kIgnorable = 1 << 4;
constexpr uint8_t kDamagesHeader = 1 << 5;
constexpr uint8_t kDamagesPayload = 1 << 6;
constexpr uint8_t kSkipsSequence = 1 << 7;
constexpr size_t kDescriptionBytes = 3;

// As in the frame's header, whose encoder knows what is known only.
constexpr uint8_t kUnknownKind = 200;
constexpr uint8_t kIgnorableFlag = 1;

std::array<uint8_t, FrameHeader::kBytes> HeaderOf(uint8_t control, FrameKind kind, std::span<const uint8_t> payload,
                                                  uint32_t salt, uint64_t sequence) {
  const uint8_t shape = control & 3;
  const uint64_t synced[] = {0, sequence - 1, sequence, sequence + 1};
  const FrameHeader header{
      .kind = shape == 2 ? FrameKind::kSeal : kind,
      .ends_cut = shape != 1,
      .payload_bytes = static_cast<uint32_t>(payload.size()),
      .sequence = sequence + ((control & kSkipsSequence) != 0 ? 1 : 0),
      .synced_sequence = synced[control >> 2 & 3],
      .payload_crc = SaltedCrc(salt, payload),
  };
  std::array<uint8_t, FrameHeader::kBytes> bytes;
  EncodeFrameHeader(header, salt, bytes);
  if (shape == 3) bytes[0] = kUnknownKind;
  if ((control & kIgnorable) != 0) bytes[1] |= kIgnorableFlag;
  StoreLittle32(bytes.data() + 28, SaltedCrc(salt, std::span(bytes).first(28)));
  if ((control & kDamagesHeader) != 0) bytes[4] ^= 1;
  return bytes;
}

}  // namespace

std::string FuzzedFile(std::span<const uint8_t> input, const FileHeader& header, uint64_t first_sequence,
                       FrameKind kind) {
  if (input.empty()) return {};
  std::span<const uint8_t> left = input.subspan(1);
  if (input[0] % 2 == 0) return {left.begin(), left.end()};
  uint8_t header_bytes[FileHeader::kBytes];
  EncodeFileHeader(header, header_bytes);
  std::string file(std::begin(header_bytes), std::end(header_bytes));
  for (uint64_t sequence = first_sequence; left.size() >= kDescriptionBytes; ++sequence) {
    const uint8_t control = left[0];
    const size_t size = LoadLittle16(left.data() + 1);
    left = left.subspan(kDescriptionBytes);
    std::vector<uint8_t> payload(left.begin(), left.begin() + static_cast<ptrdiff_t>(std::min(size, left.size())));
    left = left.subspan(payload.size());
    const auto frame = HeaderOf(control, kind, payload, header.salt, sequence);
    if ((control & kDamagesPayload) != 0 && !payload.empty()) payload.back() ^= 1;
    file.append(frame.begin(), frame.end());
    file.append(payload.begin(), payload.end());
  }
  return file;
}

std::string FramedInputOf(std::span<const uint8_t> file, uint8_t choice) {
  std::string input(1, static_cast<char>(choice | 1));
  FileHeader file_header;
  const HeaderFault fault = DecodeFileHeader(file.first<FileHeader::kBytes>(), &file_header);
  Require(fault == HeaderFault::kNone, "a seed is a file that is whole");
  for (std::span<const uint8_t> left = file.subspan(FileHeader::kBytes); !left.empty();) {
    FrameHeader header;
    bool is_ignorable;
    const HeaderFault found =
        DecodeFrameHeader(left.first<FrameHeader::kBytes>(), file_header.salt, &header, &is_ignorable);
    Require(found == HeaderFault::kNone && header.payload_bytes <= UINT16_MAX, "a seed's frames are short");
    const uint8_t shape = header.kind == FrameKind::kSeal ? 2 : header.ends_cut ? 0 : 1;
    const uint8_t synced = header.synced_sequence == 0 ? 0 : 1;
    input.push_back(static_cast<char>(shape | synced << 2));
    uint8_t size[2];
    StoreLittle16(size, static_cast<uint16_t>(header.payload_bytes));
    input.append(std::begin(size), std::end(size));
    const auto payload = left.subspan(FrameHeader::kBytes, header.payload_bytes);
    input.append(payload.begin(), payload.end());
    left = left.subspan(FrameHeader::kBytes + payload.size());
  }
  return input;
}

}  // namespace shardmap
