#include "base/utf16.h"

#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace shardmap {
namespace {

constexpr size_t kStep = 16;  // code units a vector step takes

// Narrows 16 units and returns their high bytes or-ed together somehow: zero when all units fit a byte.
#if defined(__SSE2__) || defined(_M_X64)
inline int Narrow16(const char16_t* units, uint8_t* bytes) {
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(units));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(units + 8));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), _mm_packus_epi16(low, high));
  const __m128i wide = _mm_and_si128(_mm_or_si128(low, high), _mm_set1_epi16(static_cast<short>(0xFF00)));
  return _mm_movemask_epi8(_mm_cmpeq_epi8(wide, _mm_setzero_si128())) ^ 0xFFFF;
}
#elif defined(__ARM_NEON)
inline int Narrow16(const char16_t* units, uint8_t* bytes) {
  const uint16x8_t low = vld1q_u16(reinterpret_cast<const uint16_t*>(units));
  const uint16x8_t high = vld1q_u16(reinterpret_cast<const uint16_t*>(units + 8));
  vst1q_u8(bytes, vcombine_u8(vmovn_u16(low), vmovn_u16(high)));
  const uint16x8_t wide = vshrq_n_u16(vorrq_u16(low, high), 8);
  const uint64x2_t words = vreinterpretq_u64_u16(wide);
  return (vgetq_lane_u64(words, 0) | vgetq_lane_u64(words, 1)) != 0;
}
#else
inline int Narrow16(const char16_t* units, uint8_t* bytes) {
  unsigned all = 0;
  for (size_t i = 0; i < kStep; ++i) {
    all |= units[i];
    bytes[i] = static_cast<uint8_t>(units[i]);
  }
  return static_cast<int>(all >> 8);
}
#endif

}  // namespace

bool NarrowUtf16(const char16_t* units, size_t count, uint8_t* bytes) {
  size_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    if (Narrow16(units + i, bytes + i) != 0) return false;
  }
  unsigned all = 0;
  for (; i < count; ++i) {
    const char16_t unit = units[i];
    all |= unit;
    bytes[i] = static_cast<uint8_t>(unit);
  }
  return all < 256;
}

}  // namespace shardmap
