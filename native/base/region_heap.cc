#include "base/region_heap.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace shardmap {
namespace {

constexpr size_t kAlignment = 16;
constexpr size_t kTagBytes = sizeof(size_t);

uint8_t* At(void* start, size_t offset) { return static_cast<uint8_t*>(start) + offset; }

#if defined(__linux__)

// Two regions have an aligned one inside; the rest goes back. The last one, as the kernel goes downwards: so regions
// adjoin and are one mapping to it.
void* MapAligned() {
  void* const memory = mmap(nullptr, 2 * kRegionBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  const size_t after = reinterpret_cast<uintptr_t>(memory) & (kRegionBytes - 1);
  const size_t before = kRegionBytes - after;
  munmap(memory, before);
  if (after != 0) munmap(At(memory, before + kRegionBytes), after);
  return At(memory, before);
}
void Unmap(void* region) { munmap(region, kRegionBytes); }
// Kernels without huge pages refuse, and nothing is lost.
void AdviseHuge(void* region) { (void)madvise(region, kRegionBytes, MADV_HUGEPAGE); }

#else

void* MapAligned() { return nullptr; }
void Unmap(void*) {}
void AdviseHuge(void*) {}

#endif

}  // namespace

constexpr RegionSource kSystemRegions = {MapAligned, Unmap, AdviseHuge};

// What is in a region, one behind the other: pieces, used or free, from the first tag to the last one, of a piece
// without bytes that is never free. A tag is the piece's size, itself included, with two flags. Memory that is handed
// out begins behind the tag, at a multiple of 16; the last word of a free piece is its size again, for the piece
// behind.
struct RegionHeap::Piece {
  static constexpr size_t kIsFree = 1;
  static constexpr size_t kFollowsFree = 2;
  static constexpr size_t kFlags = kAlignment - 1;

  size_t tag;
  // While it is free.
  Piece* next;
  Piece* previous;

  static Piece* Of(void* memory) { return reinterpret_cast<Piece*>(At(memory, 0) - kTagBytes); }
  void* memory() { return At(this, kTagBytes); }
  size_t bytes() const { return tag & ~kFlags; }
  bool is_free() const { return (tag & kIsFree) != 0; }
  bool follows_free() const { return (tag & kFollowsFree) != 0; }
  Piece* behind() { return reinterpret_cast<Piece*>(At(this, bytes())); }
  Piece* before() {
    return reinterpret_cast<Piece*>(At(this, 0) - *reinterpret_cast<size_t*>(At(this, 0) - kTagBytes));
  }

  // Neighbours of a free piece are never free, so each state says what the flag of the piece behind is.
  void MarkFree(size_t size) {
    tag = size | kIsFree;
    *reinterpret_cast<size_t*>(At(this, size) - kTagBytes) = size;
    behind()->tag |= kFollowsFree;
  }
  void MarkUsed(size_t size) {
    tag = size;
    behind()->tag &= ~kFollowsFree;
  }
};

// The head of a region.
struct RegionHeap::Region {
  RegionHeap* const heap;
  bool is_advised;

  static constexpr size_t kFirstPiece = 4 * kAlignment - kTagBytes;
  static constexpr size_t kPieceBytes = kRegionBytes - kFirstPiece - kTagBytes;
  // Up to here it is filled page by page, if it is.
  static constexpr size_t kNearlyAll = kRegionBytes - kRegionBytes / 16;

  static Region* Of(void* inside) {
    return reinterpret_cast<Region*>(reinterpret_cast<uintptr_t>(inside) & ~(kRegionBytes - 1));
  }
  Piece* first() { return reinterpret_cast<Piece*>(At(this, kFirstPiece)); }
};

namespace {

constexpr size_t kHeaps = 8;
constexpr size_t kPieceBytesMin = 2 * kAlignment;  // tag, links and size of a free piece

}  // namespace

RegionHeap& RegionHeap::OfThread() {
  thread_local RegionHeap* const heap = [] {
    static RegionHeap heaps[kHeaps];
    static std::atomic<size_t> threads{0};
    return &heaps[threads.fetch_add(1, std::memory_order_relaxed) % kHeaps];
  }();
  return *heap;
}

void* RegionHeap::Allocate(size_t bytes) {
  assert(bytes <= kBytesMax);
  const size_t size = std::max((bytes + kTagBytes + kAlignment - 1) & ~(kAlignment - 1), kPieceBytesMin);
  MutexLock lock(mutex_);
  Piece* piece = TakeLocked(size);
  if (piece == nullptr) piece = MapLocked();
  if (piece == nullptr) return nullptr;
  const size_t rest = piece->bytes() - size;
  piece->MarkUsed(rest < kPieceBytesMin ? piece->bytes() : size);
  Region* const region = Region::Of(piece);
  if (rest >= kPieceBytesMin) {
    piece->behind()->MarkFree(rest);
    InsertLocked(piece->behind());
  }
  if (!region->is_advised && piece->behind() > reinterpret_cast<Piece*>(At(region, Region::kNearlyAll))) {
    region->is_advised = true;
    source_.advise(region);
  }
  return piece->memory();
}

void RegionHeap::Free(void* memory) {
  Region* const region = Region::Of(memory);
  RegionHeap* const heap = region->heap;
  bool is_empty = false;
  {
    MutexLock lock(heap->mutex_);
    is_empty = heap->FreeLocked(Piece::Of(memory));
  }
  if (is_empty) heap->source_.unmap(region);
}

bool RegionHeap::FreeLocked(Piece* piece) {
  size_t size = piece->bytes();
  if (Piece* const behind = piece->behind(); behind->is_free()) {
    RemoveLocked(behind);
    size += behind->bytes();
  }
  if (piece->follows_free()) {
    piece = piece->before();
    RemoveLocked(piece);
    size += piece->bytes();
  }
  if (size == Region::kPieceBytes) {
    --regions_;
    return true;
  }
  piece->MarkFree(size);
  InsertLocked(piece);
  return false;
}

size_t RegionHeap::regions() {
  MutexLock lock(mutex_);
  return regions_;
}

// The list of free pieces from so many bytes on, up to those of the next list: each size its own up to 512 bytes.
size_t RegionHeap::ListOf(size_t bytes) {
  const size_t units = bytes / kAlignment;
  const auto shift = static_cast<size_t>(std::max(static_cast<int>(std::bit_width(units)) - 5, 0));
  return 16 * shift + (units >> shift);
}

RegionHeap::Piece* RegionHeap::TakeLocked(size_t bytes) {
  const size_t list = ListOf(bytes);
  // In its own list a piece may be too small, in those behind none is.
  Piece* found = free_[list];
  if (found == nullptr || found->bytes() < bytes) {
    size_t word = (list + 1) / 64;
    uint64_t bits = word < has_free_.size() ? has_free_[word] & (~uint64_t{0} << ((list + 1) % 64)) : 0;
    while (bits == 0 && ++word < has_free_.size()) bits = has_free_[word];
    if (bits == 0) return nullptr;
    found = free_[64 * word + static_cast<size_t>(std::countr_zero(bits))];
  }
  RemoveLocked(found);
  return found;
}

RegionHeap::Piece* RegionHeap::MapLocked() {
  void* const memory = source_.map();
  if (memory == nullptr) return nullptr;
  const bool is_huge = regions_ >= kRegionsBeforeHuge;
  if (is_huge) source_.advise(memory);
  ++regions_;
  Piece* const piece = (new (memory) Region{this, is_huge})->first();
  piece->MarkFree(Region::kPieceBytes);
  return piece;
}

void RegionHeap::InsertLocked(Piece* piece) {
  const size_t list = ListOf(piece->bytes());
  piece->previous = nullptr;
  piece->next = free_[list];
  if (piece->next != nullptr) piece->next->previous = piece;
  free_[list] = piece;
  has_free_[list / 64] |= uint64_t{1} << (list % 64);
}

void RegionHeap::RemoveLocked(Piece* piece) {
  const size_t list = ListOf(piece->bytes());
  (piece->previous == nullptr ? free_[list] : piece->previous->next) = piece->next;
  if (piece->next != nullptr) piece->next->previous = piece->previous;
  if (free_[list] == nullptr) has_free_[list / 64] &= ~(uint64_t{1} << (list % 64));
}

}  // namespace shardmap
