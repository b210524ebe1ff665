// Memory on huge pages: an allocator for pieces of up to a third of a region, which is 2 MiB that the kernel may back
// with one page. A lookup at random then waits for the memory and no longer for the walk to its page as well
// (docs/performance.md, huge pages).
//
// Within regions it is a good-fit heap: free pieces in lists by size, sixteen to each power of two, a bitmap of those
// that are not empty, neighbours merged at once by boundary tags. (M. Masmano et al., "TLSF: a new dynamic memory
// allocator for real-time systems", 2004, its two levels of bitmaps made one; tags: D. Knuth, "The Art of Computer
// Programming", 2.5.) A piece costs 8 bytes, as malloc's does. Taking and freeing one takes bounded time but where a
// region comes or goes.
//
// What is resident is what was used, to a few percent: the first regions of a heap are filled page by page, and only
// then may the kernel make them huge, in its own time; later ones are huge at once, being small beside what there is. A
// region that holds nothing any more goes back to the kernel.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/mutex.h"

namespace shardmap {

inline constexpr size_t kRegionBytes = size_t{2} << 20;

// Where regions come from: the kernel, or a test.
struct RegionSource {
  void* (*map)();  // zeroed and aligned to its size; nullptr when there is no memory
  void (*unmap)(void* region);
  void (*advise)(void* region);  // that a huge page is welcome
};

// Whether this system has such pages: elsewhere there are no regions, and malloc is as good.
#if defined(__linux__)
inline constexpr bool kHasRegions = true;
#else
inline constexpr bool kHasRegions = false;
#endif
extern const RegionSource kSystemRegions;

// Thread-safe. Pieces are freed by any thread, and must be before their heap goes.
class RegionHeap {
 public:
  static constexpr size_t kBytesMax = kRegionBytes / 3 - 64;

  explicit RegionHeap(const RegionSource& source = kSystemRegions) : source_(source) {}
  RegionHeap(const RegionHeap&) = delete;
  RegionHeap& operator=(const RegionHeap&) = delete;

  // One of a few heaps of the process, which threads share evenly.
  static RegionHeap& OfThread();

  // At most kBytesMax bytes, uninitialised and aligned to 16, or nullptr when there is no memory.
  void* Allocate(size_t bytes);
  // Gives back what any heap allocated.
  static void Free(void* memory);

  size_t regions();

 private:
  struct Region;
  struct Piece;

  // Filled page by page. At most an eighth of what there is has never been used, then.
  static constexpr size_t kRegionsBeforeHuge = 8;
  static constexpr size_t kLists = 224;

  static size_t ListOf(size_t bytes);

  // A free piece of at least so many bytes, taken out of its list, or nullptr.
  Piece* TakeLocked(size_t bytes) SHARDMAP_REQUIRES(mutex_);
  // A whole region as one piece that is in no list, or nullptr.
  Piece* MapLocked() SHARDMAP_REQUIRES(mutex_);
  // Whether the region holds nothing any more: it is in no list then, and the caller's to unmap.
  bool FreeLocked(Piece* piece) SHARDMAP_REQUIRES(mutex_);
  void InsertLocked(Piece* piece) SHARDMAP_REQUIRES(mutex_);
  void RemoveLocked(Piece* piece) SHARDMAP_REQUIRES(mutex_);

  const RegionSource& source_;
  Mutex mutex_;
  std::array<Piece*, kLists> free_ SHARDMAP_GUARDED_BY(mutex_) = {};
  std::array<uint64_t, (kLists + 63) / 64> has_free_ SHARDMAP_GUARDED_BY(mutex_) = {};  // a bit for each list
  size_t regions_ SHARDMAP_GUARDED_BY(mutex_) = 0;
};

}  // namespace shardmap
