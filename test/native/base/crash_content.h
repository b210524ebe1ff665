// What one file of a CrashDirectory holds: what programs read, and what the medium might have of it after power loss.
//
// A page knows its bytes as of the last sync and each version since. Power loss leaves every sector as in one of them,
// or torn between two. Pages never change once made, so that copies share them, in any thread. Not thread-safe itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "random_input.h"

namespace shardmap {

// What a medium may do. All is as bad as it gets unless told otherwise: a log that lives through the defaults assumes
// nothing but that what was synced stays.
struct CrashOptions {
  // What is written or lost as a whole, but where it tears: 512, 4096, or 0 for one of these, drawn for each copy.
  size_t sector_bytes = 0;
  // A sector may be of one version up to any byte, and of another behind it.
  bool tears_sectors = true;
  // A sector of new size that was not written may hold what a file held that was removed, instead of zeros.
  bool shows_removed_files = true;
  // Names reach the medium in the order of the calls, as a journal makes them; else half the copies keep that order,
  // and half keep or lose each call by itself.
  bool keeps_order_of_names = false;
};

class CrashContent {
 public:
  static constexpr size_t kPageBytes = 4096;
  using Page = std::array<uint8_t, kPageBytes>;
  using PageRef = std::shared_ptr<const Page>;  // of none, all is zero

  uint64_t size() const { return size_; }
  size_t Read(uint64_t offset, std::span<uint8_t> bytes) const;
  void Write(uint64_t offset, std::span<const uint8_t> bytes);
  void SetSize(uint64_t size);

  void Sync();
  // A sync failed: kernels take the pages for clean then. What they held may be on the medium or not, and no sync says
  // so until they are written again.
  void FailSync();

  // Draws what the medium has. `options.sector_bytes` is not 0; `removed` is what unwritten sectors may show.
  CrashContent AfterPowerLoss(Random& random, const CrashOptions& options, std::span<const PageRef> removed) const;

  // The pages that hold anything.
  std::vector<PageRef> Pages() const;

 private:
  // More are not told apart: one of the older ones is forgotten.
  static constexpr size_t kVersionsMax = 8;

  struct VersionedPage {
    PageRef synced;
    std::vector<PageRef> since;  // the last one is what programs read
    bool is_dirty = false;       // the next sync makes it durable

    const PageRef& current() const { return since.empty() ? synced : since.back(); }
  };
  class Medium;

  void Replace(size_t index, PageRef page);
  void ChangeSize(uint64_t size);
  uint64_t SizeAfterPowerLoss(Random& random, size_t sector_bytes) const;
  // Zero from the size on, as programs and media have it.
  void CutPagesToSize();

  std::vector<VersionedPage> pages_;  // those behind are zero
  uint64_t size_ = 0;
  uint64_t synced_size_ = 0;
  uint64_t size_min_ = 0;  // since the sync
  uint64_t size_max_ = 0;
  bool is_size_dirty_ = false;
  uint64_t versions_ = 0;
};

}  // namespace shardmap
