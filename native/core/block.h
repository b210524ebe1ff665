// A piece of heap memory that lock-free readers may still be looking at after it was unlinked: it can wait in a list
// until they have gone (see epoch.h) without anything being allocated for that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace shardmap {

struct Block {
  Block* next;   // while retired; nobody reads it before
  size_t bytes;  // of the payload; constant

  uint8_t* payload() { return reinterpret_cast<uint8_t*>(this + 1); }
  const uint8_t* payload() const { return reinterpret_cast<const uint8_t*>(this + 1); }
  size_t total_bytes() const { return bytes + sizeof(Block); }

  // Uninitialised payload aligned to 16 bytes, or nullptr when there is no memory. Behind it is room for `slack` bytes
  // that whoever fills it may write, and nobody counts or reads.
  static Block* Allocate(size_t bytes, size_t slack = 0) {
    void* memory = std::malloc(sizeof(Block) + bytes + slack);
    return memory == nullptr ? nullptr : new (memory) Block{nullptr, bytes};
  }
  // The same, zeroed; large ones cost nothing until touched.
  static Block* AllocateZeroed(size_t bytes) {
    void* memory = std::calloc(1, sizeof(Block) + bytes);
    return memory == nullptr ? nullptr : new (memory) Block{nullptr, bytes};
  }
  static void Free(Block* block) { std::free(block); }
};

}  // namespace shardmap
