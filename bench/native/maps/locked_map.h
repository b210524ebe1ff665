// std::unordered_map under locks: one mutex for all of it, or shards that have a lock each.
#pragma once

#include <bit>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include "maps/text_hash.h"

namespace shardmap::bench {

// `Lock` is std::mutex, or std::shared_mutex, which gets then share.
template <typename Lock>
class LockedMap {
 public:
  // `shards` is a power of two.
  explicit LockedMap(size_t shards)
      : shift_(64 - static_cast<unsigned>(std::countr_zero(shards))), shards_(std::make_unique<Shard[]>(shards)) {}

  class Thread {
   public:
    explicit Thread(LockedMap& map) : map_(map) {}

    bool Get(std::string_view key, double* number) {
      Shard& shard = map_.ShardOf(key);
      const ReadLock lock(shard.lock);
      const auto found = shard.map.find(key);
      if (found == shard.map.end()) return false;
      *number = found->second;
      return true;
    }
    void Set(std::string_view key, double number) {
      Shard& shard = map_.ShardOf(key);
      const std::lock_guard lock(shard.lock);
      // Found first, as the standard's insertions want a std::string even for a key that is there.
      const auto found = shard.map.find(key);
      if (found != shard.map.end()) {
        found->second = number;
      } else {
        shard.map.emplace(std::string(key), number);
      }
    }
    bool Delete(std::string_view key) {
      Shard& shard = map_.ShardOf(key);
      const std::lock_guard lock(shard.lock);
      const auto found = shard.map.find(key);
      if (found == shard.map.end()) return false;
      shard.map.erase(found);
      return true;
    }

   private:
    LockedMap& map_;
  };

 private:
  using ReadLock =
      std::conditional_t<std::is_same_v<Lock, std::shared_mutex>, std::shared_lock<Lock>, std::lock_guard<Lock>>;

  struct alignas(64) Shard {
    Lock lock;
    std::unordered_map<std::string, double, TextHash, TextEqual> map;
  };

  // By the highest bits of the hash, where there is more than one shard. std::unordered_map hashes once more.
  Shard& ShardOf(std::string_view key) { return shards_[shift_ == 64 ? 0 : TextHash()(key) >> shift_]; }

  const unsigned shift_;
  const std::unique_ptr<Shard[]> shards_;
};

template <typename Lock, size_t kShards>
class LockedShards : public LockedMap<Lock> {
 public:
  LockedShards() : LockedMap<Lock>(kShards) {}
};

}  // namespace shardmap::bench
