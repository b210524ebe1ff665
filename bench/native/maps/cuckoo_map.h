// libcuckoo's cuckoohash_map: two buckets of four entries for each key, striped spin locks.
#pragma once

#include <libcuckoo/cuckoohash_map.hh>
#include <string>
#include <string_view>

#include "maps/text_hash.h"

namespace shardmap::bench {

class CuckooMap {
 public:
  class Thread {
   public:
    explicit Thread(CuckooMap& map) : map_(map.map_) {}

    bool Get(std::string_view key, double* number) { return map_.find(key, *number); }
    void Set(std::string_view key, double number) { map_.insert_or_assign(key, number); }
    bool Delete(std::string_view key) { return map_.erase(key); }

   private:
    friend class CuckooMap;
    using Map = libcuckoo::cuckoohash_map<std::string, double, TextHash, TextEqual>;

    Map& map_;
  };

 private:
  Thread::Map map_;
};

}  // namespace shardmap::bench
