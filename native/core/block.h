// A piece of heap memory that lock-free readers may still be looking at after it was unlinked: it can wait in a list
// until they have gone (see epoch.h) without anything being allocated for that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/region_heap.h"

namespace shardmap {

#if defined(SHARDMAP_BLOCKS_BY_MALLOC)
inline constexpr bool kBlocksInRegions = false;
#else
inline constexpr bool kBlocksInRegions = kHasRegions;
#endif

struct Block {
  Block* next;   // while retired; nobody reads it before
  size_t bytes;  // of the payload; constant

  uint8_t* payload() { return reinterpret_cast<uint8_t*>(this + 1); }
  const uint8_t* payload() const { return reinterpret_cast<const uint8_t*>(this + 1); }
  size_t total_bytes() const { return bytes + sizeof(Block); }

  // Uninitialised payload aligned to 16 bytes, or nullptr when there is no memory. Behind it is room for `slack` bytes
  // that whoever fills it may write, and nobody counts or reads.
  static Block* Allocate(size_t bytes, size_t slack = 0) {
    const size_t all = sizeof(Block) + bytes + slack;
    void* memory = IsInRegion(bytes) ? RegionHeap::OfThread().Allocate(all) : std::malloc(all);
    return memory == nullptr ? nullptr : new (memory) Block{nullptr, bytes};
  }
  // The same, zeroed; large ones cost nothing until touched.
  static Block* AllocateZeroed(size_t bytes) {
    if (IsInRegion(bytes)) {
      Block* block = Allocate(bytes);
      if (block != nullptr) std::memset(block->payload(), 0, bytes);
      return block;
    }
    void* memory = std::calloc(1, sizeof(Block) + bytes);
    return memory == nullptr ? nullptr : new (memory) Block{nullptr, bytes};
  }
  static void Free(Block* block) { IsInRegion(block->bytes) ? RegionHeap::Free(block) : std::free(block); }

 private:
  static constexpr size_t kSlackMax = 64;
  // Known of a block by its size alone, so that it need not be written down.
  static bool IsInRegion(size_t bytes) {
    return kBlocksInRegions && bytes <= RegionHeap::kBytesMax - sizeof(Block) - kSlackMax;
  }
};

}  // namespace shardmap
