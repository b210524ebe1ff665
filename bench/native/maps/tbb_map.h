// oneTBB's concurrent_hash_map: a lock for each bucket and one for each node.
#pragma once

#include <tbb/concurrent_hash_map.h>

#include <string>
#include <string_view>

#include "maps/text_hash.h"

namespace shardmap::bench {

class TbbMap {
 public:
  class Thread {
   public:
    explicit Thread(TbbMap& map) : map_(map.map_) {}

    bool Get(std::string_view key, double* number) {
      Map::const_accessor found;
      if (!map_.find(found, key)) return false;
      *number = found->second;
      return true;
    }
    void Set(std::string_view key, double number) {
      Map::accessor place;
      map_.insert(place, key);
      place->second = number;
    }
    bool Delete(std::string_view key) { return map_.erase(key); }

   private:
    friend class TbbMap;
    struct HashCompare {
      using is_transparent = void;
      size_t hash(std::string_view key) const { return TextHash()(key); }
      bool equal(std::string_view a, std::string_view b) const { return a == b; }
    };
    using Map = tbb::concurrent_hash_map<std::string, double, HashCompare>;

    Map& map_;
  };

 private:
  Thread::Map map_;
};

}  // namespace shardmap::bench
