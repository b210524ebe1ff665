// Asks for a cache line that will be needed soon.
#pragma once

#if defined(_MSC_VER) && !defined(__clang__) && defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace shardmap {

// Only a hint: any address is allowed, also one where there is no memory.
inline void Prefetch(const void* address) {
#if defined(__GNUC__)
  __builtin_prefetch(address);
#elif defined(_MSC_VER) && defined(_M_X64)
  _mm_prefetch(static_cast<const char*>(address), _MM_HINT_T0);
#else
  (void)address;
#endif
}

// The same of one that will be written to, so that the store need not wait for it then.
inline void PrefetchForWrite(const void* address) {
#if defined(__GNUC__)
  __builtin_prefetch(address, 1);
#else
  Prefetch(address);
#endif
}

}  // namespace shardmap
