// Layouts that the store's tables could have: models of them for one thread that only reads, with 512 shards as the
// store has, and everything in place beforehand. They show what a lookup waits for, and nothing else: no growth, no
// deletion, no other threads.
//
// A layout is made for a number of entries, is given each once, and then finds their values.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "core/key.h"
#include "keys.h"
#include "maps/text_hash.h"

namespace shardmap::bench {

enum class Pages : uint8_t { kSmall, kHuge };

// Zeroed memory of its own pages.
class Pool {
 public:
  Pool(size_t bytes, Pages pages) : bytes_((bytes + kHugeBytes - 1) / kHugeBytes * kHugeBytes + kHugeBytes) {
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    if (pages == Pages::kHuge) madvise(memory_, bytes_, MADV_HUGEPAGE);
    const uintptr_t address = reinterpret_cast<uintptr_t>(memory_);
    begin_ = reinterpret_cast<uint8_t*>((address + kHugeBytes - 1) & ~(kHugeBytes - 1));
  }
  ~Pool() { munmap(memory_, bytes_); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  uint8_t* begin() const { return begin_; }

 private:
  static constexpr size_t kHugeBytes = size_t{2} << 20;

  const size_t bytes_;
  void* memory_;
  uint8_t* begin_;
};

struct ModelEntry {
  uint64_t key_bytes;  // 0: no entry
  double value;
  std::array<uint8_t, 24> key;

  bool Matches(std::string_view text) const {
    return key_bytes == text.size() && SameBytes(key.data(), reinterpret_cast<const uint8_t*>(text.data()), key_bytes);
  }
  void Assign(std::string_view text, double number) {
    std::copy(text.begin(), text.end(), key.begin());
    value = number;
    key_bytes = text.size();
  }
};

inline constexpr size_t kModelShards = 512;
inline constexpr unsigned kModelShardBits = 9;
inline constexpr size_t kModelLine = 8;

// Slots of each shard: the next power of two that has room for the fullest shard.
inline size_t ModelCapacity(size_t entries) {
  const double in_shard = static_cast<double>(entries) / kModelShards + 1;
  return std::bit_ceil(static_cast<size_t>(in_shard + 5 * std::sqrt(in_shard)));
}

// Bits of the hash that are used neither for the shard nor for the position.
inline uint64_t ModelTag(uint64_t hash) { return hash >> 30; }

inline size_t ModelShardOf(uint64_t hash) { return hash >> (64 - kModelShardBits); }

// The store's: a slot is an address with a tag of the hash; eight to a line; a probe begins at its home slot.
template <Pages kPages = Pages::kSmall>
class AddressSlots {
 public:
  explicit AddressSlots(size_t entries)
      : mask_(ModelCapacity(entries) - 1),
        slots_(bytes_of_slots(), kPages),
        entries_(entries * sizeof(ModelEntry), kPages),
        next_(reinterpret_cast<ModelEntry*>(entries_.begin())) {}

  void Insert(std::string_view key, uint64_t hash, double value) {
    uint64_t* const slots = SlotsOf(hash);
    size_t position = hash & mask_;
    while (slots[position] != 0) position = Next(position, hash);
    next_->Assign(key, value);
    slots[position] = (ModelTag(hash) << 48) | reinterpret_cast<uintptr_t>(next_++);
  }
  double Get(std::string_view key, uint64_t hash) const {
    const uint64_t* const slots = SlotsOf(hash);
    for (size_t position = hash & mask_;; position = Next(position, hash)) {
      const uint64_t slot = slots[position];
      if (((slot ^ (ModelTag(hash) << 48)) >> 48) != 0) continue;
      const auto* entry = reinterpret_cast<const ModelEntry*>(slot & ((uint64_t{1} << 48) - 1));
      if (entry != nullptr && entry->Matches(key)) return entry->value;
    }
  }
  size_t bytes_of_slots() const { return kModelShards * (mask_ + 1) * sizeof(uint64_t); }

 protected:
  uint64_t* SlotsOf(uint64_t hash) const {
    return reinterpret_cast<uint64_t*>(slots_.begin()) + ModelShardOf(hash) * (mask_ + 1);
  }
  // Around the line, then on to the next.
  size_t Next(size_t position, uint64_t hash) const {
    const size_t line = position & ~(kModelLine - 1);
    const size_t next = line | ((position + 1) & (kModelLine - 1));
    return next != (line | (hash & (kModelLine - 1))) ? next : (next + kModelLine) & mask_;
  }

  const size_t mask_;

 private:
  const Pool slots_;
  const Pool entries_;
  ModelEntry* next_;
};

// The same, but all eight slots of a line are compared at once, without a branch that the processor could guess wrong.
class WholeLines : public AddressSlots<> {
 public:
  using AddressSlots::AddressSlots;

  double Get(std::string_view key, uint64_t hash) const {
    const uint64_t* const slots = SlotsOf(hash);
    for (size_t line = hash & mask_ & ~(kModelLine - 1);; line = (line + kModelLine) & mask_) {
      unsigned candidates = 0;
      for (unsigned i = 0; i < kModelLine; ++i) {
        candidates |= static_cast<unsigned>((slots[line + i] >> 48) == (ModelTag(hash) & 0xffff)) << i;
      }
      for (; candidates != 0; candidates &= candidates - 1) {
        const uint64_t slot = slots[line + static_cast<size_t>(std::countr_zero(candidates))];
        const auto* entry = reinterpret_cast<const ModelEntry*>(slot & ((uint64_t{1} << 48) - 1));
        if (entry != nullptr && entry->Matches(key)) return entry->value;
      }
    }
  }
};

// The home slot first, then all of its line at once.
class HomeThenLine : public WholeLines {
 public:
  using WholeLines::WholeLines;

  double Get(std::string_view key, uint64_t hash) const {
    const uint64_t slot = SlotsOf(hash)[hash & mask_];
    if ((slot >> 48) == (ModelTag(hash) & 0xffff)) {
      const auto* entry = reinterpret_cast<const ModelEntry*>(slot & ((uint64_t{1} << 48) - 1));
      if (entry != nullptr && entry->Matches(key)) return entry->value;
    }
    return WholeLines::Get(key, hash);
  }
};

// Slots of half the size: a tag of 12 bits and the entry's place in its shard's own memory, whose address is one more
// thing to look up. Sixteen to a line.
class OffsetSlots {
 public:
  explicit OffsetSlots(size_t entries)
      : mask_(ModelCapacity(entries) - 1),
        shard_entries_(entries / kModelShards * 5 / 4 + 64),
        slots_(bytes_of_slots(), Pages::kSmall),
        entries_(kModelShards * shard_entries_ * sizeof(ModelEntry), Pages::kSmall) {
    for (size_t i = 0; i < kModelShards; ++i) {
      shards_[i] = reinterpret_cast<ModelEntry*>(entries_.begin()) + i * shard_entries_;
    }
  }

  void Insert(std::string_view key, uint64_t hash, double value) {
    uint32_t* const slots = SlotsOf(hash);
    size_t position = hash & mask_;
    while (slots[position] != 0) position = (position + 1) & mask_;
    const size_t shard = ModelShardOf(hash);
    shards_[shard][taken_[shard]].Assign(key, value);
    slots[position] = static_cast<uint32_t>(ModelTag(hash) << kPlaceBits) | ++taken_[shard];
  }
  double Get(std::string_view key, uint64_t hash) const {
    const uint32_t* const slots = SlotsOf(hash);
    const ModelEntry* const entries = shards_[ModelShardOf(hash)];
    for (size_t position = hash & mask_;; position = (position + 1) & mask_) {
      const uint32_t slot = slots[position];
      if (((slot ^ static_cast<uint32_t>(ModelTag(hash) << kPlaceBits)) >> kPlaceBits) != 0) continue;
      const uint32_t place = slot & ((uint32_t{1} << kPlaceBits) - 1);
      if (place != 0 && entries[place - 1].Matches(key)) return entries[place - 1].value;
    }
  }
  size_t bytes_of_slots() const { return kModelShards * (mask_ + 1) * sizeof(uint32_t); }

 private:
  static constexpr unsigned kPlaceBits = 20;

  uint32_t* SlotsOf(uint64_t hash) const {
    return reinterpret_cast<uint32_t*>(slots_.begin()) + ModelShardOf(hash) * (mask_ + 1);
  }

  const size_t mask_;
  const size_t shard_entries_;
  const Pool slots_;
  const Pool entries_;
  std::array<ModelEntry*, kModelShards> shards_;
  std::array<uint32_t, kModelShards> taken_{};
};

#if defined(__SSE2__)
// Groups of sixteen one-byte tags, compared by one instruction, as in Abseil's flat_hash_map; addresses in an array
// beside them. The tags of many entries fit the second-level cache, for one more line to load where they do.
class TagGroups {
 public:
  explicit TagGroups(size_t entries)
      : mask_(std::max(kGroup, ModelCapacity(entries)) - 1),
        tags_(kModelShards * (mask_ + 1), Pages::kSmall),
        places_(kModelShards * (mask_ + 1) * sizeof(ModelEntry*), Pages::kSmall),
        entries_(entries * sizeof(ModelEntry), Pages::kSmall),
        next_(reinterpret_cast<ModelEntry*>(entries_.begin())) {}

  void Insert(std::string_view key, uint64_t hash, double value) {
    uint8_t* const tags = TagsOf(hash);
    size_t position = hash & mask_ & ~(kGroup - 1);
    while (tags[position] != 0) position = (position + 1) & mask_;
    next_->Assign(key, value);
    tags[position] = Tag(hash);
    PlacesOf(hash)[position] = next_++;
  }
  double Get(std::string_view key, uint64_t hash) const {
    const uint8_t* const tags = TagsOf(hash);
    const __m128i wanted = _mm_set1_epi8(static_cast<char>(Tag(hash)));
    for (size_t group = hash & mask_ & ~(kGroup - 1);; group = (group + kGroup) & mask_) {
      const __m128i found = _mm_load_si128(reinterpret_cast<const __m128i*>(tags + group));
      auto candidates = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(found, wanted)));
      for (; candidates != 0; candidates &= candidates - 1) {
        const ModelEntry* entry = PlacesOf(hash)[group + static_cast<size_t>(std::countr_zero(candidates))];
        if (entry->Matches(key)) return entry->value;
      }
    }
  }
  size_t bytes_of_slots() const { return kModelShards * (mask_ + 1) * (1 + sizeof(ModelEntry*)); }

 private:
  static constexpr size_t kGroup = 16;

  static uint8_t Tag(uint64_t hash) { return static_cast<uint8_t>(0x80 | (ModelTag(hash) & 0x7f)); }
  uint8_t* TagsOf(uint64_t hash) const { return tags_.begin() + ModelShardOf(hash) * (mask_ + 1); }
  ModelEntry** PlacesOf(uint64_t hash) const {
    return reinterpret_cast<ModelEntry**>(places_.begin()) + ModelShardOf(hash) * (mask_ + 1);
  }

  const size_t mask_;
  const Pool tags_;
  const Pool places_;
  const Pool entries_;
  ModelEntry* next_;
};
#endif

// No index at all: entries lie in the table. One thing to wait for, but room for entries that are not there.
class InlineEntries {
 public:
  explicit InlineEntries(size_t entries)
      : mask_(ModelCapacity(entries) - 1), entries_(kModelShards * (mask_ + 1) * sizeof(ModelEntry), Pages::kSmall) {
    unused_bytes_ = (kModelShards * (mask_ + 1) - entries) * sizeof(ModelEntry);
  }

  void Insert(std::string_view key, uint64_t hash, double value) {
    ModelEntry* const entries = EntriesOf(hash);
    size_t position = hash & mask_;
    while (entries[position].key_bytes != 0) position = (position + 1) & mask_;
    entries[position].Assign(key, value);
  }
  double Get(std::string_view key, uint64_t hash) const {
    const ModelEntry* const entries = EntriesOf(hash);
    size_t position = hash & mask_;
    while (!entries[position].Matches(key)) position = (position + 1) & mask_;
    return entries[position].value;
  }
  size_t bytes_of_slots() const { return unused_bytes_; }

 private:
  ModelEntry* EntriesOf(uint64_t hash) const {
    return reinterpret_cast<ModelEntry*>(entries_.begin()) + ModelShardOf(hash) * (mask_ + 1);
  }

  const size_t mask_;
  size_t unused_bytes_;
  const Pool entries_;
};

// Calls `visit.operator()<Layout>(name)` for each.
template <typename Visit>
void ForEachLayout(Visit visit) {
  visit.template operator()<AddressSlots<>>("address-slots");
  visit.template operator()<WholeLines>("whole-lines");
  visit.template operator()<HomeThenLine>("home-then-line");
  visit.template operator()<OffsetSlots>("offset-slots");
#if defined(__SSE2__)
  visit.template operator()<TagGroups>("tag-groups");
#endif
  visit.template operator()<InlineEntries>("inline-entries");
  visit.template operator()<AddressSlots<Pages::kHuge>>("huge-pages");
}

}  // namespace shardmap::bench
