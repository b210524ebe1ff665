#include "base/crc32c.h"

#include <array>

#include "base/coding.h"

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#define SHARDMAP_CRC32C_X86 1
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#define SHARDMAP_CRC32C_ARM 1
#include <arm_acle.h>
#endif

namespace shardmap {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // its bits reversed
constexpr size_t kSlices = 8;

using Tables = std::array<std::array<uint32_t, 256>, kSlices>;

// Table n is for a byte that n others follow (M. Kounavis and F. Berry, "Novel table lookup-based algorithms for
// high-performance CRC generation", 2008).
constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t slice = 1; slice < kSlices; ++slice) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

#if SHARDMAP_CRC32C_X86
__attribute__((target("sse4.2"))) uint32_t ExtendByInstruction(uint32_t crc, const uint8_t* p, size_t size) {
  uint64_t state = ~crc;
  for (; size >= 8; p += 8, size -= 8) state = _mm_crc32_u64(state, LoadLittle64(p));
  uint32_t rest = static_cast<uint32_t>(state);
  for (; size > 0; ++p, --size) rest = _mm_crc32_u8(rest, *p);
  return ~rest;
}
const bool kHasInstruction = __builtin_cpu_supports("sse4.2") != 0;
#elif SHARDMAP_CRC32C_ARM
uint32_t ExtendByInstruction(uint32_t crc, const uint8_t* p, size_t size) {
  uint32_t state = ~crc;
  for (; size >= 8; p += 8, size -= 8) state = __crc32cd(state, LoadLittle64(p));
  for (; size > 0; ++p, --size) state = __crc32cb(state, *p);
  return ~state;
}
constexpr bool kHasInstruction = true;
#else
uint32_t ExtendByInstruction(uint32_t crc, const uint8_t* p, size_t size) {
  return internal::ExtendCrc32cByTable(crc, p, size);
}
constexpr bool kHasInstruction = false;
#endif

}  // namespace

uint32_t internal::ExtendCrc32cByTable(uint32_t crc, const void* bytes, size_t size) {
  const uint8_t* p = static_cast<const uint8_t*>(bytes);
  uint32_t state = ~crc;
  for (; size >= kSlices; p += kSlices, size -= kSlices) {
    const uint64_t word = LoadLittle64(p) ^ state;
    state = 0;
    for (size_t i = 0; i < kSlices; ++i) state ^= kTables[kSlices - 1 - i][(word >> (8 * i)) & 0xff];
  }
  for (; size > 0; ++p, --size) state = (state >> 8) ^ kTables[0][(state ^ *p) & 0xff];
  return ~state;
}

uint32_t ExtendCrc32c(uint32_t crc, const void* bytes, size_t size) {
  if (kHasInstruction) return ExtendByInstruction(crc, static_cast<const uint8_t*>(bytes), size);
  return internal::ExtendCrc32cByTable(crc, bytes, size);
}

}  // namespace shardmap
