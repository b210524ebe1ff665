// A reference for a store used by one thread: a Map's contents and order, and the bytes that the contents take.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/store.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {

class StoreModel {
 public:
  struct Placed {
    OwnedKey key;
    ValueKind kind;
    std::string value;
    size_t value_words;  // room for the value inside the entry, settled when it was inserted
  };
  using Places = std::map<uint64_t, Placed>;  // insertion order

  const Placed* Find(const OwnedKey& key) const {
    const auto found = place_of_.find(key);
    return found == place_of_.end() ? nullptr : &places_.at(found->second);
  }

  void Set(const OwnedKey& key, ValueKind kind, const std::string& value) {
    const auto [found, is_new] = place_of_.emplace(key, next_place_);
    if (!is_new) {
      Placed& placed = places_.at(found->second);
      placed.kind = kind;
      placed.value = value;
      return;
    }
    const size_t words = value.empty() || value.size() > kInlineValueBytesMax ? 1 : (value.size() + 7) / 8;
    places_.emplace(next_place_++, Placed{key, kind, value, words});
  }

  bool Delete(const OwnedKey& key) {
    const auto found = place_of_.find(key);
    if (found == place_of_.end()) return false;
    places_.erase(found->second);
    place_of_.erase(found);
    return true;
  }

  void Clear() {
    place_of_.clear();
    places_.clear();
  }

  const Places& places() const { return places_; }

  // As core/entry.h lays entries out.
  uint64_t EntryBytes() const {
    uint64_t bytes = 0;
    for (const auto& [place, placed] : places_) {
      const size_t key_bytes = placed.key.bytes.size();
      bytes += 16 + 8 * placed.value_words + (key_bytes > Entry::kInlineKeyBytesMax ? 16 : (key_bytes + 7) / 8 * 8);
    }
    return bytes;
  }

  uint64_t BlockBytes() const {
    uint64_t bytes = 0;
    for (const auto& [place, placed] : places_) {
      const size_t key_bytes = placed.key.bytes.size();
      if (key_bytes > Entry::kInlineKeyBytesMax) bytes += sizeof(Block) + key_bytes;
      if (placed.value.size() > 8 * placed.value_words) bytes += sizeof(Block) + placed.value.size();
    }
    return bytes;
  }

  // Checks that the store has the same entries, in the same order, and counts their bytes exactly.
  void ExpectSame(const Store& store, Session& session) const;

 private:
  Places places_;
  std::map<OwnedKey, uint64_t> place_of_;
  uint64_t next_place_ = 1;
};

inline void StoreModel::ExpectSame(const Store& store, Session& session) const {
  const ReadGuard guard(session);
  auto expected = places_.begin();
  std::vector<ScannedEntry> page;
  for (uint64_t after = 0;; after = page.back().sequence) {
    store.Scan(guard, after, 100, &page);
    if (page.empty()) break;
    for (const ScannedEntry& scanned : page) {
      ASSERT_NE(expected, places_.end()) << "more entries than expected";
      const Placed& placed = (expected++)->second;
      ReadValue value;
      ASSERT_EQ(OwnedKey::Of(scanned.entry->key()), placed.key);
      ASSERT_TRUE(store.ReadScanned(guard, scanned, &value));
      ASSERT_EQ(value.kind(), placed.kind);
      ASSERT_EQ(BytesOf(value), placed.value);
      ASSERT_TRUE(store.GetIfSequence(guard, placed.key.key(), scanned.sequence, &value));
    }
  }
  EXPECT_EQ(expected, places_.end()) << "the scan ended early";
  EXPECT_EQ(store.Size(), places_.size());
  const StoreStats stats = store.Stats();
  EXPECT_EQ(stats.entries, places_.size());
  EXPECT_EQ(stats.entry_bytes, EntryBytes());
  EXPECT_EQ(stats.block_bytes, BlockBytes());
  uint64_t key_bytes = 0;
  uint64_t value_bytes = 0;
  for (const auto& [place, placed] : places_) {
    key_bytes += placed.key.bytes.size();
    value_bytes += placed.value.size();
  }
  EXPECT_EQ(stats.key_bytes, key_bytes);
  EXPECT_EQ(stats.value_bytes, value_bytes);
}

// Random operations on few enough keys that they meet again.
class RandomUse {
 public:
  RandomUse(uint64_t stream, size_t keys) : random_(stream), keys_(keys) {}

  Random& random() { return random_; }

  // Every kind; short ones mostly, and some around the limit of what an entry keeps.
  OwnedKey AnyKey() {
    const size_t number = random_.Below(keys_);
    const auto kind = static_cast<KeyKind>(number % (static_cast<size_t>(KeyKind::kComposite) + 1));
    const uint64_t shared = number / 2;  // neighbours have the same bytes and different kinds
    std::string bytes = shared == 0 ? "" : std::to_string(shared);
    if (shared % 16 == 3) bytes.resize(250 + shared / 16 % 10, 'k');
    if (shared % 64 == 5) bytes.resize(1000 + shared, 'k');
    return {kind, bytes};
  }

  ValueKind AnyKind() {
    return static_cast<ValueKind>(random_.Below(static_cast<size_t>(ValueKind::kBigUint64Array) + 1));
  }

  std::string AnyBytes() {
    const size_t draw = random_.Below(1000);
    if (draw < 600) return random_.Bytes(random_.Below(17));
    if (draw < 850) return random_.Bytes(random_.Below(kInlineValueBytesMax + 3));
    if (draw < 998) return random_.Bytes(random_.Below(400));
    return random_.Bytes(random_.Below(100000));
  }

  // Borrowed or in a block of its own, as the binding makes them.
  Value AsValue(ValueKind kind, const std::string& bytes) {
    return random_.OneIn(4) ? Value(kind, BlockOf(bytes)) : BorrowedValue(kind, bytes);
  }

 private:
  Random random_;
  size_t keys_;
};

}  // namespace shardmap
