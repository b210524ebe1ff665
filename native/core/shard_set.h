// The shards of a store, as many as there are at one time: what all who use the store go through to a key's shard.
//
// A store whose shards were split keeps the sets of before, empty but for the shards themselves: a writer may still be
// on the way to one, and near caches look at their value versions. Each is at most half of the next, so all of them
// together are less than the last.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/clock.h"
#include "core/hash.h"
#include "core/index.h"
#include "core/shard.h"

namespace shardmap {

// Where the shards' value versions lie, for caches that check by themselves whether what they hold is current.
struct ValueVersions {
  const std::atomic<uint64_t>* first;  // that of shard 0
  size_t shards;
  size_t stride_bytes;                // from one shard's to the next
  std::shared_ptr<const void> owner;  // keeps them readable when the store has gone
};

class ShardSet {
 public:
  // `size` is a power of two, at most 2^kPlaceBits. Throws std::bad_alloc.
  ShardSet(size_t size, const Clock& clock)
      : log2_size_(static_cast<unsigned>(std::countr_zero(size))),
        tables_(std::make_unique<std::atomic<uint64_t>[]>(size)),
        shards_(new Shard[size]) {
    for (size_t shard = 0; shard < size; ++shard) shards_[shard].Attach(&tables_[shard], &clock);
  }
  ShardSet(const ShardSet&) = delete;
  ShardSet& operator=(const ShardSet&) = delete;

  size_t size() const { return size_t{1} << log2_size_; }
  unsigned log2_size() const { return log2_size_; }
  size_t bytes() const { return size() * (sizeof(Shard) + sizeof tables_[0]); }

  // The highest bits of the hash; the index uses the lowest ones.
  size_t ShardOf(uint64_t hash) const { return PlaceOf(hash) >> (kPlaceBits - log2_size_); }
  Shard& operator[](size_t shard) const { return shards_[shard]; }
  std::span<Shard> all() const { return {shards_.get(), size()}; }

  // Of each shard, the current table; written by the shards.
  const std::atomic<uint64_t>* tables() const { return tables_.get(); }
  IndexView TableOf(size_t shard) const { return IndexView(tables_[shard].load(std::memory_order_acquire)); }

  ValueVersions value_versions() const { return {&shards_[0].value_version(), size(), sizeof(Shard), shards_}; }

 private:
  const unsigned log2_size_;
  const std::unique_ptr<std::atomic<uint64_t>[]> tables_;
  const std::shared_ptr<Shard[]> shards_;
};

}  // namespace shardmap
