// What tests of the core are built from: keys, entries and sessions that own what they need, and a clock turned by
// hand.
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "core/entry.h"
#include "core/key.h"
#include "core/session.h"
#include "core/store.h"
#include "core/value.h"

namespace shardmap {

// A key with its bytes.
struct OwnedKey {
  KeyKind kind = KeyKind::kOneByteString;
  std::string bytes;

  OwnedKey() = default;
  OwnedKey(KeyKind key_kind, std::string key_bytes) : kind(key_kind), bytes(std::move(key_bytes)) {}
  explicit OwnedKey(std::string_view text) : bytes(text) {}

  Key key() const { return {kind, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}; }
  static OwnedKey Of(const Key& key) {
    return {key.kind, std::string(reinterpret_cast<const char*>(key.bytes), key.size)};
  }
  auto operator<=>(const OwnedKey&) const = default;
};

inline StoreOptions OptionsFor(size_t shards) {
  StoreOptions options;
  options.shards = shards;
  return options;
}

// The key "<prefix><number>".
inline OwnedKey NumberedKey(std::string_view prefix, uint64_t number) {
  return OwnedKey(std::string(prefix) + std::to_string(number));
}

inline Value BorrowedValue(ValueKind kind, std::string_view bytes) { return Value(kind, bytes.data(), bytes.size()); }

inline std::string_view BytesOf(const ReadValue& value) {
  return {reinterpret_cast<const char*>(value.bytes()), value.size()};
}

inline Block* BlockOf(std::string_view bytes) {
  Block* block = Block::Allocate(bytes.size());
  if (block == nullptr) std::abort();
  if (!bytes.empty()) std::memcpy(block->payload(), bytes.data(), bytes.size());
  return block;
}

// An entry in memory of its own, made as a shard makes it.
class OwnedEntry {
 public:
  OwnedEntry(const Key& key, uint64_t hash, Value value, uint64_t sequence)
      : memory_(new uint64_t[Entry::SizeFor(key, value) / 8]) {
    const bool inline_key = key.size <= Entry::kInlineKeyBytesMax;
    Block* key_block = inline_key ? nullptr : BlockOf({reinterpret_cast<const char*>(key.bytes), key.size});
    Block* value_block = value.size() <= kInlineValueBytesMax ? nullptr : value.TakeBlock();
    entry_ = Entry::Create(memory_.get(), key, hash, key_block, value, value_block, sequence);
  }
  OwnedEntry(OwnedEntry&& other) noexcept
      : memory_(std::move(other.memory_)), entry_(std::exchange(other.entry_, nullptr)) {}
  ~OwnedEntry() {
    if (entry_ == nullptr) return;
    if (Block* block = entry_->key_block()) Block::Free(block);
    if (Block* block = entry_->value_block()) Block::Free(block);
  }

  Entry* get() const { return entry_; }
  Entry* operator->() const { return entry_; }

 private:
  std::unique_ptr<uint64_t[]> memory_;
  Entry* entry_;
};

// Empties a list as a clear does.
inline void RetireAll(EntryList& list, RetiredList& retired) {
  ChunkNumbers numbers;
  list.TakeAll(&numbers).Retire(retired);
}

// A session that closes itself.
class OpenedSession {
 public:
  explicit OpenedSession(Store& store) : store_(store), session_(store.OpenSession()) {}
  ~OpenedSession() { store_.CloseSession(session_); }
  OpenedSession(const OpenedSession&) = delete;
  OpenedSession& operator=(const OpenedSession&) = delete;

  Session& operator*() const { return *session_; }
  Session* operator->() const { return session_; }

 private:
  Store& store_;
  Session* const session_;
};

class HandTurnedClock final : public Clock {
 public:
  static constexpr uint64_t kSequencerTickNs = 32;

  uint64_t NowNanos() const override { return now_ns_.load(); }
  uint64_t RecentNanos(RecentTime*) const override { return now_ns_.load() - lag_ns_; }
  // RecentNanos is so late from now on.
  void Lag(uint64_t nanos) { lag_ns_ = nanos; }
  void Advance(uint64_t nanos) { now_ns_ += nanos; }

 private:
  std::atomic<uint64_t> now_ns_{1'000'000};
  uint64_t lag_ns_ = 0;
};

}  // namespace shardmap
