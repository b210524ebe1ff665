// Watches the C allocator from inside the test program: counts what is handed out, and refuses or interrupts on demand.
//
// Only where the allocator can be replaced: glibc, and no sanitizer that has replaced it already. Elsewhere the tests
// that need it are not built. Refusals and interruptions concern the calling thread alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "random_input.h"

#if defined(__GLIBC__) && !defined(SHARDMAP_TEST_THREAD_SANITIZER) && !defined(SHARDMAP_TEST_ADDRESS_SANITIZER)
#define SHARDMAP_TEST_ALLOCATION_PROBE 1
#endif

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)

namespace shardmap {

// What the whole process was handed since this was made, less what it gave back. One at a time. What is allocated once
// and kept for good, by a first exception or for the steady clock, does not count.
class AllocationCount {
 public:
  AllocationCount();
  ~AllocationCount();
  AllocationCount(const AllocationCount&) = delete;
  AllocationCount& operator=(const AllocationCount&) = delete;

  int64_t pieces() const;
  int64_t bytes() const;  // as the allocator rounds them up
};

// While it lives, the allocation after the next `granted` ones of this thread is refused, and all that follow.
class AllocationRefusal {
 public:
  explicit AllocationRefusal(uint64_t granted);
  ~AllocationRefusal();
  AllocationRefusal(const AllocationRefusal&) = delete;
  AllocationRefusal& operator=(const AllocationRefusal&) = delete;

  // How often memory was asked for and refused.
  uint64_t refused() const;
};

// While it lives, the next zeroed allocation of this thread, which is a table's, has `meanwhile` run first, as if other
// threads did it; what that allocates is not interrupted.
class AllocationInterruption {
 public:
  explicit AllocationInterruption(std::function<void()> meanwhile);
  ~AllocationInterruption();
  AllocationInterruption(const AllocationInterruption&) = delete;
  AllocationInterruption& operator=(const AllocationInterruption&) = delete;

  bool happened() const;

 private:
  const std::function<void()> meanwhile_;
};

}  // namespace shardmap

#endif
