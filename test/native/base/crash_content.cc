#include "base/crash_content.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace shardmap {
namespace {

const CrashContent::Page kZeroPage = {};

const uint8_t* BytesOf(const CrashContent::PageRef& page) { return page ? page->data() : kZeroPage.data(); }

std::shared_ptr<CrashContent::Page> CopyOf(const CrashContent::PageRef& page) {
  return std::make_shared<CrashContent::Page>(page ? *page : kZeroPage);
}

}  // namespace

size_t CrashContent::Read(uint64_t offset, std::span<uint8_t> bytes) const {
  if (offset >= size_) return 0;
  const size_t size = static_cast<size_t>(std::min<uint64_t>(bytes.size(), size_ - offset));
  for (size_t done = 0; done < size;) {
    const size_t index = static_cast<size_t>((offset + done) / kPageBytes);
    const size_t inside = static_cast<size_t>((offset + done) % kPageBytes);
    const size_t part = std::min(size - done, kPageBytes - inside);
    const uint8_t* const page = index < pages_.size() ? BytesOf(pages_[index].current()) : kZeroPage.data();
    std::memcpy(bytes.data() + done, page + inside, part);
    done += part;
  }
  return size;
}

void CrashContent::Write(uint64_t offset, std::span<const uint8_t> bytes) {
  if (bytes.empty()) return;
  const uint64_t end = offset + bytes.size();
  const auto pages = static_cast<size_t>((end + kPageBytes - 1) / kPageBytes);
  if (pages_.size() < pages) pages_.resize(pages);
  while (!bytes.empty()) {
    const size_t index = static_cast<size_t>(offset / kPageBytes);
    const size_t inside = static_cast<size_t>(offset % kPageBytes);
    const size_t part = std::min(bytes.size(), kPageBytes - inside);
    const auto page = CopyOf(pages_[index].current());
    std::memcpy(page->data() + inside, bytes.data(), part);
    Replace(index, page);
    offset += part;
    bytes = bytes.subspan(part);
  }
  if (end > size_) ChangeSize(end);
}

void CrashContent::SetSize(uint64_t size) {
  const bool is_shorter = size < size_;
  if (size != size_) ChangeSize(size);
  if (is_shorter) CutPagesToSize();
}

void CrashContent::Replace(size_t index, PageRef page) {
  VersionedPage& versioned = pages_[index];
  versioned.is_dirty = true;
  versioned.since.push_back(std::move(page));
  if (versioned.since.size() <= kVersionsMax) return;
  versioned.since.erase(versioned.since.begin() + static_cast<ptrdiff_t>(Mix(++versions_) % kVersionsMax));
}

void CrashContent::ChangeSize(uint64_t size) {
  size_ = size;
  size_min_ = std::min(size_min_, size);
  size_max_ = std::max(size_max_, size);
  is_size_dirty_ = true;
}

void CrashContent::CutPagesToSize() {
  const auto full = static_cast<size_t>(size_ / kPageBytes);
  const size_t inside = static_cast<size_t>(size_ % kPageBytes);
  for (size_t index = full; index < pages_.size(); ++index) {
    const size_t kept = index == full ? inside : 0;
    if (!pages_[index].current()) continue;
    if (kept == 0) {
      Replace(index, nullptr);
    } else {
      const auto page = CopyOf(pages_[index].current());
      std::fill(page->begin() + static_cast<ptrdiff_t>(kept), page->end(), uint8_t{0});
      Replace(index, page);
    }
  }
}

void CrashContent::Sync() {
  for (VersionedPage& page : pages_) {
    if (!page.is_dirty) continue;
    page.synced = page.current();
    page.since.clear();
    page.is_dirty = false;
  }
  if (is_size_dirty_) synced_size_ = size_min_ = size_max_ = size_;
  is_size_dirty_ = false;
}

void CrashContent::FailSync() {
  for (VersionedPage& page : pages_) page.is_dirty = false;
  is_size_dirty_ = false;
}

std::vector<CrashContent::PageRef> CrashContent::Pages() const {
  std::vector<PageRef> pages;
  for (const VersionedPage& page : pages_) {
    if (page.current()) pages.push_back(page.current());
  }
  return pages;
}

// Draws the pages of one file. How much a file keeps is drawn first, so that all and nothing are as likely as a mix.
class CrashContent::Medium {
 public:
  Medium(Random& random, const CrashOptions& options, std::span<const PageRef> removed, uint64_t synced_size)
      : random_(random), options_(options), removed_(removed), synced_size_(synced_size) {
    constexpr size_t kShares[] = {0, 1, 8, 15, 16};
    kept_of_16_ = kShares[random.Below(std::size(kShares))];
    tears_ = options.tears_sectors && random.OneIn(2);
    shows_removed_ = options.shows_removed_files && !removed.empty() && random.OneIn(4);
  }

  PageRef Draw(const VersionedPage& page, uint64_t offset) {
    if (page.since.empty()) return page.synced;
    if (kept_of_16_ == 0 && !tears_ && !shows_removed_) return page.synced;
    if (kept_of_16_ == 16 && !tears_) return page.since.back();
    const auto drawn = std::make_shared<Page>();
    for (size_t sector = 0; sector < kPageBytes; sector += options_.sector_bytes) {
      std::memcpy(drawn->data() + sector, DrawSector(page, offset, sector), options_.sector_bytes);
      if (tears_ && random_.OneIn(8)) Tear(page, sector, drawn->data());
    }
    return drawn;
  }

 private:
  const uint8_t* DrawSector(const VersionedPage& page, uint64_t offset, size_t sector) {
    if (random_.Below(16) < kept_of_16_) {
      return BytesOf(random_.OneIn(4) ? page.since[random_.Below(page.since.size())] : page.since.back()) + sector;
    }
    if (shows_removed_ && offset + sector >= synced_size_ && random_.OneIn(2)) {
      return BytesOf(removed_[random_.Below(removed_.size())]) + sector;
    }
    return BytesOf(page.synced) + sector;
  }

  // What is behind any byte of the sector is of any version.
  void Tear(const VersionedPage& page, size_t sector, uint8_t* drawn) {
    const size_t version = random_.Below(page.since.size() + 1);
    const size_t end = sector + options_.sector_bytes;
    const size_t cut = sector + random_.Below(options_.sector_bytes);
    std::memcpy(drawn + cut, BytesOf(version == 0 ? page.synced : page.since[version - 1]) + cut, end - cut);
  }

  Random& random_;
  const CrashOptions& options_;
  const std::span<const PageRef> removed_;
  const uint64_t synced_size_;
  size_t kept_of_16_;
  bool tears_;
  bool shows_removed_;
};

uint64_t CrashContent::SizeAfterPowerLoss(Random& random, size_t sector_bytes) const {
  if (size_min_ == size_max_) return size_;
  const uint64_t between = size_min_ + random.Word() % (size_max_ - size_min_ + 1);
  switch (random.Below(4)) {
    case 0:
      return synced_size_;
    case 1:
      return size_;
    case 2:
      return between;
    default:
      return std::max(size_min_, between / sector_bytes * sector_bytes);
  }
}

CrashContent CrashContent::AfterPowerLoss(Random& random, const CrashOptions& options,
                                          std::span<const PageRef> removed) const {
  assert(options.sector_bytes == 512 || options.sector_bytes == kPageBytes);
  CrashContent after;
  after.size_ = SizeAfterPowerLoss(random, options.sector_bytes);
  const uint64_t pages = std::min<uint64_t>((after.size_ + kPageBytes - 1) / kPageBytes, pages_.size());
  after.pages_.resize(static_cast<size_t>(pages));
  Medium medium(random, options, removed, synced_size_);
  for (size_t index = 0; index < after.pages_.size(); ++index) {
    after.pages_[index].synced = medium.Draw(pages_[index], index * uint64_t{kPageBytes});
  }
  if (after.size_ < size_max_) after.CutPagesToSize();
  after.is_size_dirty_ = true;
  after.Sync();
  return after;
}

}  // namespace shardmap
