// Danger: two owners are given the same bytes, in one thread or where one frees what another allocated; memory that
// nobody uses is kept; a small process is charged for pages that it never touched.
#include "base/region_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "random_input.h"

namespace shardmap {
namespace {

constexpr size_t kUnlimited = SIZE_MAX;

// Regions of the test's own, and what was done to them.
std::atomic<size_t> g_mapped{0};
std::atomic<size_t> g_limit{kUnlimited};
std::set<void*> g_advised;  // used by tests of one thread only
std::atomic<bool> g_notes_advice{false};

void* MapForTest() {
  if (g_mapped.load() >= g_limit.load()) return nullptr;
  void* const region = std::aligned_alloc(kRegionBytes, kRegionBytes);
  if (region == nullptr) return nullptr;
  std::memset(region, 0, kRegionBytes);
  ++g_mapped;
  return region;
}
void UnmapForTest(void* region) {
  if (g_notes_advice) g_advised.erase(region);
  --g_mapped;
  std::free(region);
}
void AdviseForTest(void* region) {
  if (g_notes_advice) g_advised.insert(region);
}

constexpr RegionSource kTestRegions = {MapForTest, UnmapForTest, AdviseForTest};

// A piece of memory whose bytes tell whose it is.
struct Owned {
  uint8_t* memory;
  size_t bytes;
  uint8_t mark;

  bool IsIntact() const {
    return std::all_of(memory, memory + bytes, [this](uint8_t byte) { return byte == mark; });
  }
};

class RegionHeapTest : public testing::Test {
 protected:
  RegionHeapTest() {
    g_limit = kUnlimited;
    g_notes_advice = true;
  }
  ~RegionHeapTest() override {
    EXPECT_EQ(heap_.regions(), 0u);
    EXPECT_EQ(g_mapped.load(), 0u) << "regions that hold nothing were kept";
    g_notes_advice = false;
    g_advised.clear();
  }

  Owned Allocate(size_t bytes, uint8_t mark = 0) {
    void* const memory = heap_.Allocate(bytes);
    EXPECT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 16, 0u);
    std::memset(memory, mark, bytes);
    return {static_cast<uint8_t*>(memory), bytes, mark};
  }
  // As many pieces as a region has room for.
  std::vector<void*> FillRegion(size_t bytes) {
    std::vector<void*> pieces{heap_.Allocate(bytes)};
    const size_t regions = heap_.regions();
    while (true) {
      pieces.push_back(heap_.Allocate(bytes));
      if (heap_.regions() == regions) continue;
      RegionHeap::Free(pieces.back());
      pieces.pop_back();
      return pieces;
    }
  }
  static void FreeAll(const std::vector<void*>& pieces) {
    for (void* piece : pieces) RegionHeap::Free(piece);
  }

  RegionHeap heap_{kTestRegions};
};

// Sizes up to the largest, small ones as often as large ones.
size_t AnySize(Random& random) {
  const size_t limit = std::min(RegionHeap::kBytesMax, size_t{1} << random.Below(21));
  return random.OneIn(8) ? limit : random.Below(limit + 1);
}

TEST_F(RegionHeapTest, SizesAtBordersAreWholeAndApart) {
  std::vector<Owned> pieces;
  const auto take = [&](size_t bytes) { pieces.push_back(Allocate(bytes, static_cast<uint8_t>(pieces.size()))); };
  for (size_t step = 16; step <= RegionHeap::kBytesMax; step += std::max<size_t>(16, step / 16)) {
    for (size_t bytes : {step - 9, step - 8, step - 7, step}) take(bytes);
  }
  for (size_t bytes : {size_t{0}, size_t{1}, RegionHeap::kBytesMax - 1, RegionHeap::kBytesMax}) take(bytes);
  for (const Owned& piece : pieces) {
    EXPECT_TRUE(piece.IsIntact()) << piece.bytes << " bytes";
    RegionHeap::Free(piece.memory);
  }
}

TEST_F(RegionHeapTest, RandomUseKeepsAllBytesAndGivesAllBack) {
  Random random(1);
  std::vector<Owned> pieces;
  for (size_t i = 0; i < Scaled(20'000); ++i) {
    if (pieces.size() < 200 || random.OneIn(2)) {
      pieces.push_back(Allocate(AnySize(random), static_cast<uint8_t>(random.Word())));
      if (pieces.size() < 400) continue;
    }
    std::swap(pieces[random.Below(pieces.size())], pieces.back());
    ASSERT_TRUE(pieces.back().IsIntact()) << pieces.back().bytes << " bytes, seed " << TestSeed();
    RegionHeap::Free(pieces.back().memory);
    pieces.pop_back();
  }
  for (const Owned& piece : pieces) RegionHeap::Free(piece.memory);
}

TEST_F(RegionHeapTest, NeighboursMergeInWhateverOrderTheyAreFreed) {
  std::array<size_t, 4> order = {0, 1, 2, 3};
  do {
    std::array<void*, 4> pieces;
    for (void*& piece : pieces) piece = heap_.Allocate(RegionHeap::kBytesMax / 2);
    void* const last = heap_.Allocate(16);
    for (size_t i : order) RegionHeap::Free(pieces[i]);
    // Where four were, side by side, there is room for two of twice their size.
    void* const first = heap_.Allocate(RegionHeap::kBytesMax);
    void* const second = heap_.Allocate(RegionHeap::kBytesMax);
    EXPECT_EQ(heap_.regions(), 1u);
    for (void* piece : {first, second, last}) RegionHeap::Free(piece);
    EXPECT_EQ(heap_.regions(), 0u);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(RegionHeapTest, APieceCostsEightBytes) {
  for (size_t bytes : {40, 56, 520, 2040}) {
    const std::vector<void*> pieces = FillRegion(bytes);
    EXPECT_EQ(pieces.size(), (kRegionBytes - 64) / (bytes + 8)) << bytes << " bytes";
    FreeAll(pieces);
  }
}

TEST_F(RegionHeapTest, ThreeOfTheLargestFitARegion) {
  const std::vector<void*> pieces = FillRegion(RegionHeap::kBytesMax);
  EXPECT_EQ(pieces.size(), 3u);
  FreeAll(pieces);
}

TEST_F(RegionHeapTest, WhatWasFreedIsUsedAgain) {
  std::vector<void*> pieces = FillRegion(528);
  for (size_t i = 0; i < pieces.size(); i += 2) RegionHeap::Free(pieces[i]);
  for (size_t i = 0; i < pieces.size(); i += 2) pieces[i] = heap_.Allocate(528);
  EXPECT_EQ(heap_.regions(), 1u);
  FreeAll(pieces);
}

TEST_F(RegionHeapTest, RefusedRegionsAreNoMemoryAndNothingIsLost) {
  g_limit = 0;
  EXPECT_EQ(heap_.Allocate(100), nullptr);
  g_limit = 1;
  std::vector<void*> pieces;
  while (void* piece = heap_.Allocate(1000)) pieces.push_back(piece);
  EXPECT_EQ(heap_.regions(), 1u);
  EXPECT_NE(pieces.back() = (RegionHeap::Free(pieces.back()), heap_.Allocate(1000)), nullptr);
  g_limit = 2;
  pieces.push_back(heap_.Allocate(1000));
  EXPECT_NE(pieces.back(), nullptr);
  FreeAll(pieces);
}

TEST_F(RegionHeapTest, FirstRegionsAreHugeOnceFullAndLaterOnesAtOnce) {
  std::vector<void*> small = FillRegion(1000);
  EXPECT_EQ(g_advised.size(), 1u);
  small.push_back(heap_.Allocate(1000));
  EXPECT_EQ(g_advised.size(), 1u) << "a region was advised that hardly anything is in";
  std::vector<void*> large;
  while (heap_.regions() < 8) large.push_back(heap_.Allocate(RegionHeap::kBytesMax));
  const size_t advised = g_advised.size();
  while (heap_.regions() < 9) large.push_back(heap_.Allocate(RegionHeap::kBytesMax));
  EXPECT_GT(g_advised.size(), advised);
  FreeAll(small);
  FreeAll(large);
}

TEST_F(RegionHeapTest, ThreadsFreeWhatOthersAllocated) {
  constexpr size_t kThreads = 4;
  constexpr size_t kPlaces = 64;
  g_notes_advice = false;
  RegionHeap other(kTestRegions);
  // Each place has a piece that begins with its size; who exchanges it checks it and frees it.
  std::array<std::atomic<uint8_t*>, kPlaces> places = {};
  std::atomic<size_t> torn{0};
  const auto free_checked = [&](uint8_t* piece) {
    if (piece == nullptr) return;
    size_t bytes;
    std::memcpy(&bytes, piece, sizeof bytes);
    const auto mark = static_cast<uint8_t>(bytes);
    if (!std::all_of(piece + sizeof bytes, piece + bytes, [=](uint8_t byte) { return byte == mark; })) ++torn;
    RegionHeap::Free(piece);
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      Random random(i);
      for (size_t round = 0; round < Scaled(50'000); ++round) {
        const size_t bytes = sizeof(size_t) + random.Below(random.OneIn(16) ? 20'000 : 600);
        auto* const piece = static_cast<uint8_t*>((random.OneIn(2) ? heap_ : other).Allocate(bytes));
        std::memcpy(piece, &bytes, sizeof bytes);
        std::memset(piece + sizeof bytes, static_cast<uint8_t>(bytes), bytes - sizeof bytes);
        free_checked(places[random.Below(kPlaces)].exchange(piece, std::memory_order_acq_rel));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::atomic<uint8_t*>& place : places) free_checked(place.load());
  EXPECT_EQ(torn.load(), 0u);
  EXPECT_EQ(other.regions(), 0u);
}

TEST(RegionHeapOfThreadTest, RegionsOfTheSystemWorkAndGoBack) {
  if (!kHasRegions) GTEST_SKIP() << "this system has no huge pages to ask for";
  RegionHeap& heap = RegionHeap::OfThread();
  EXPECT_EQ(&heap, &RegionHeap::OfThread());
  std::thread([&heap] { EXPECT_NE(&heap, &RegionHeap::OfThread()); }).join();
  const size_t before = heap.regions();
  std::vector<void*> pieces;
  for (size_t i = 0; i < 40; ++i) {
    pieces.push_back(heap.Allocate(RegionHeap::kBytesMax));
    ASSERT_NE(pieces.back(), nullptr);
    std::memset(pieces.back(), static_cast<int>(i), RegionHeap::kBytesMax);
  }
  EXPECT_EQ(heap.regions(), before + 14);
  std::thread([&pieces] {
    for (void* piece : pieces) RegionHeap::Free(piece);
  }).join();
  EXPECT_EQ(heap.regions(), before);
}

}  // namespace
}  // namespace shardmap
