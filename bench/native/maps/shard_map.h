// Our store as a map under test: number values under one-byte string keys, as the addon would store them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "core/store.h"

namespace shardmap::bench {

class ShardMap {
 public:
  // 0 shards: the default number.
  explicit ShardMap(size_t shards = 0) : store_(Options(shards)) {}

  class Thread {
   public:
    explicit Thread(ShardMap& map) : store_(map.store_), session_(*store_.OpenSession()) {}
    ~Thread() { store_.CloseSession(&session_); }
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;

    bool Get(std::string_view key, double* number) {
      const ReadGuard guard(session_);
      ReadValue value;
      if (!store_.Get(guard, KeyOf(key), &value)) return false;
      std::memcpy(number, value.bytes(), sizeof *number);
      return true;
    }
    void Set(std::string_view key, double number) {
      if (!store_.Set(session_, KeyOf(key), Value(ValueKind::kNumber, &number, sizeof number)).ok()) std::abort();
    }
    bool Delete(std::string_view key) { return store_.Delete(session_, KeyOf(key)).value(); }

   private:
    static Key KeyOf(std::string_view key) {
      return {KeyKind::kOneByteString, reinterpret_cast<const uint8_t*>(key.data()), key.size()};
    }

    Store& store_;
    Session& session_;
  };

  Store& store() { return store_; }

 private:
  static StoreOptions Options(size_t shards) {
    StoreOptions options;
    options.shards = shards;
    return options;
  }

  Store store_;
};

}  // namespace shardmap::bench
