// DashMap, Rust's concurrent map: shards under a read-write lock each. ../dashmap/lib.rs is the other side of these
// functions, which are not inlined: a call is in the time of each operation, and one more for the hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "maps/text_hash.h"

struct DashMapOfRust;

extern "C" {
DashMapOfRust* dashmap_new(uint64_t (*hash)(const uint8_t* key, size_t bytes));
void dashmap_drop(DashMapOfRust* map);
bool dashmap_get(const DashMapOfRust* map, const uint8_t* key, size_t bytes, double* number);
void dashmap_set(const DashMapOfRust* map, const uint8_t* key, size_t bytes, double number);
bool dashmap_delete(const DashMapOfRust* map, const uint8_t* key, size_t bytes);
}

namespace shardmap::bench {

class DashMap {
 public:
  DashMap() : map_(dashmap_new(Hash)) {}
  ~DashMap() { dashmap_drop(map_); }
  DashMap(const DashMap&) = delete;
  DashMap& operator=(const DashMap&) = delete;

  class Thread {
   public:
    explicit Thread(DashMap& map) : map_(map.map_) {}

    bool Get(std::string_view key, double* number) { return dashmap_get(map_, BytesOf(key), key.size(), number); }
    void Set(std::string_view key, double number) { dashmap_set(map_, BytesOf(key), key.size(), number); }
    bool Delete(std::string_view key) { return dashmap_delete(map_, BytesOf(key), key.size()); }

   private:
    static const uint8_t* BytesOf(std::string_view key) { return reinterpret_cast<const uint8_t*>(key.data()); }

    const DashMapOfRust* const map_;
  };

 private:
  static uint64_t Hash(const uint8_t* key, size_t bytes) {
    return TextHash()({reinterpret_cast<const char*>(key), bytes});
  }

  DashMapOfRust* const map_;
};

}  // namespace shardmap::bench
