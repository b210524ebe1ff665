// Uses a few keys of a store as one thread does, and writes down what it asked, when, and what it was told.
//
// Times are of the machine's monotonic clock, read outside the operation with a full fence between: so what returned
// before another operation was called did so for the machine as well.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/store.h"
#include "fixtures.h"
#include "linearizability/history.h"
#include "random_input.h"

namespace shardmap {

class Recorder {
 public:
  // The result of a read of something that no thread can have written, as it is a mix of values.
  static constexpr uint64_t kTornValue = UINT64_MAX;

  // `keys` and `store` outlive it. A key's number in the history is its place in `keys`.
  Recorder(Store& store, const std::vector<OwnedKey>& keys, uint32_t thread)
      : store_(store), keys_(keys), session_(store), thread_(thread) {}

  Session& session() const { return *session_; }
  const History& history() const { return history_; }

  void Get(size_t key);
  void Has(size_t key);
  // The value takes this many bytes, or 8 if that is more.
  void Set(size_t key, size_t value_bytes);
  void Insert(size_t key, size_t value_bytes);
  void Delete(size_t key);
  void Exchange(size_t key, size_t value_bytes);
  void Take(size_t key);
  // These two expect the value that this thread saw last.
  void Replace(size_t key, size_t value_bytes);
  void Remove(size_t key);
  // Reads the value, and sets another, or deletes it, if nobody changed it: an exchange, a take, or where it was
  // changed nothing but a get. With the key claimed, others do not change it but by a batch that began before.
  void Update(size_t key, size_t value_bytes, bool deletes, bool claims);
  // Batches of every key: an operation on each, at some moment of the whole call.
  void GetMany();
  void HasMany();
  void SetMany(size_t value_bytes);
  void DeleteMany();
  // On every key.
  void Clear();
  // A get of every key: of one that was met, from the beginning of its page until its value was read; of others, of no
  // value at some moment of the whole scan.
  void Scan(size_t page_entries);

 private:
  // Calls, takes what `ask` returns as the result, and writes the operation down.
  template <typename Ask>
  Operation& Record(Operation::Kind kind, size_t key, uint64_t argument, Ask ask);

  // Calls once, and writes down an operation on each key, with the result that `result_of(key)` tells afterwards.
  template <typename Call, typename ResultOf>
  void RecordMany(Operation::Kind kind, const std::vector<uint64_t>& arguments, Call call, ResultOf result_of);

  std::vector<Key> Keys() const;
  uint64_t NewValue() { return (uint64_t{thread_} + 1) << 40 | ++values_; }
  // Remembers the value as the one that was seen last.
  uint64_t Saw(size_t key, const ReadValue& value) {
    seen_[key] = {NumberOf(value), value.size()};
    return seen_[key].number;
  }
  static uint64_t NumberOf(const ReadValue& value) { return CheckedValue::ReadTag(value).value_or(kTornValue); }
  static uint64_t Now() { return Clock::Steady().NowNanos(); }
  static void Fence() { std::atomic_thread_fence(std::memory_order_seq_cst); }
  size_t KeyOf(const ScannedEntry& scanned) const;

  Store& store_;
  const std::vector<OwnedKey>& keys_;
  const OpenedSession session_;
  const uint32_t thread_;
  struct Seen {
    uint64_t number = Operation::kAbsent;
    size_t bytes = 0;
  };

  uint64_t values_ = 0;
  std::vector<Seen> seen_{keys_.size()};  // of each key
  History history_;
};

}  // namespace shardmap
