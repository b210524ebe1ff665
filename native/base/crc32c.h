// CRC-32C, which finds every burst of up to 32 flipped bits: the checksum of G. Castagnoli, S. Bräuer and M. Herrmann,
// "Optimization of cyclic redundancy-check codes with 24 and 32 parity bits", 1993, as RFC 3720 (iSCSI) defines it. By
// the processor's own instruction where it has one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shardmap {

// That of what `crc` is the checksum of, followed by these bytes; 0 is that of nothing.
uint32_t ExtendCrc32c(uint32_t crc, const void* bytes, size_t size);

inline uint32_t Crc32c(const void* bytes, size_t size) { return ExtendCrc32c(0, bytes, size); }

namespace internal {
// Without the instruction.
uint32_t ExtendCrc32cByTable(uint32_t crc, const void* bytes, size_t size);
}  // namespace internal

}  // namespace shardmap
