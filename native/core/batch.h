// What batches are made of: operations in one call whose waits for memory overlap.
//
// A single operation waits for its line of the index, then for its entry, then perhaps for a block. In a batch the keys
// go in groups: the lines of all of them are asked for, then the entries that those lines name by tag, and only then
// does one after the other look at what is in the cache by now. (Group prefetching: S. Chen, A. Ailamaki, P. Gibbons
// and T. Mowry, "Improving hash join performance through prefetching", 2004. O. Kocberber, B. Falsafi and B. Grot,
// "Asynchronous memory access chaining", 2015, is for chains of very different lengths, which ours are not.)
//
// Entries are set in the order of the batch, and not shard by shard. Others may insert meanwhile, and both a shard's
// numbers and those of the batch must rise: suppose that a batch puts its later key into shard A first, another thread
// then inserts into A, and after that one more into B. These have larger numbers than the later key, in this order. So
// the batch's earlier key, coming to B at last, finds a number there that is larger than the one that it must stay
// below. What order would have to give for grouping is more than grouping saves (docs/performance.md, batches).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/hash.h"
#include "core/index.h"
#include "core/key.h"
#include "core/value.h"

namespace shardmap {

// A key with its hash, computed once and passed down.
struct HashedKey {
  Key key;
  uint64_t hash;
};

// An entry on its way into a store with others.
struct BatchEntry {
  Key key;
  Value value;
};

// The keys that go together, and where each is looked for.
struct BatchGroup {
  // Enough that the first has come when the last was asked for; more gained nothing (bench/native/batch_bench.cc). Also
  // the most writes under one hold of a shard's lock.
  static constexpr size_t kKeysMax = 32;

  size_t size = 0;
  std::array<HashedKey, kKeysMax> keys;
  std::array<size_t, kKeysMax> shards;
  std::array<uint64_t, kKeysMax> tables;          // packed views, as published when they were loaded
  std::array<const Entry*, kKeysMax> candidates;  // told by tag alone, so to be compared; or nullptr

  void Add(const HashedKey& key) { keys[size++] = key; }
  IndexView table(size_t i) const { return IndexView(tables[i]); }

  // Asks for the lines where the probes begin, in one of so many shards, whose tables are `published`. Inside an epoch
  // from here on.
  void LoadLines(unsigned log2_shards, const std::atomic<uint64_t>* published) {
    for (size_t i = 0; i < size; ++i) {
      shards[i] = PlaceOf(keys[i].hash) >> (kPlaceBits - log2_shards);
      tables[i] = published[shards[i]].load(std::memory_order_acquire);
      table(i).Prefetch(keys[i].hash);
    }
  }
  // Asks for the entries that those lines name.
  void LoadEntries() {
    for (size_t i = 0; i < size; ++i) {
      candidates[i] = table(i).Candidate(keys[i].hash);
      if (candidates[i] != nullptr) candidates[i]->PrefetchWithKey(keys[i].key.size);
    }
  }
  // Where the run ends that `first` begins: keys one after the other that are of one shard.
  size_t EndOfRun(size_t first) const {
    size_t end = first + 1;
    while (end < size && shards[end] == shards[first]) ++end;
    return end;
  }
};

}  // namespace shardmap
