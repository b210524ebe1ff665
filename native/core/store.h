// The in-memory store: a power-of-two number of shards behind one interface. Knows neither Node nor files nor other
// stores.
//
// Every operation on one key is linearizable over all threads. Scans are weakly consistent: an entry present throughout
// is met exactly once. Reads wait for nobody; writes for a shard's mutex, held for microseconds, and those of a key
// that another session has claimed until the claim ends.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "core/batch.h"
#include "core/contention.h"
#include "core/expiry.h"
#include "core/hash.h"
#include "core/key.h"
#include "core/lifetime.h"
#include "core/mutation_sink.h"
#include "core/sequencer.h"
#include "core/session.h"
#include "core/shard.h"
#include "core/shard_set.h"
#include "core/structures.h"
#include "core/value.h"

namespace shardmap {

struct StoreOptions {
  size_t shards = 0;                     // a power of two up to Store::kShardsMax; 0: by the number of cores
  const Clock* clock = nullptr;          // nullptr: the steady clock
  uint64_t ttl_ns = kForever;            // of entries that are put without a lifetime of their own; not 0
  bool slides = false;                   // whether Touch renews these; needs a ttl_ns
  ExpiryScheduler* scheduler = nullptr;  // calls ExpireSome; outlives the store. nullptr: its user does
  HashSeed seed = HashSeed::Random();
};

// Exact bytes of what the store has allocated (the allocator's own overhead is not known).
// Figures of all shards together, and of what they share.
struct StoreStats : ShardStats {
  uint64_t shards = 0;
  uint64_t shard_bytes = 0;    // the shards themselves
  uint64_t retired_bytes = 0;  // unlinked, waiting for readers to pass; as of each session's last reclamation
  OperationCounts operations;  // since the store was made, or restored

  uint64_t total_bytes() const { return bytes() + retired_bytes + shard_bytes; }
};

// Where a log that is replayed puts an entry.
enum class RestoreMode : uint8_t {
  kInsert,     // last, also where there is one
  kOverwrite,  // in the place of the one that is there; last where there is none
};

// What it is given beside its value.
struct Restoration {
  RestoreMode mode;
  Deadline deadline;
  uint64_t sequence;  // of the entry where one is inserted: from 1, and above all in its shard
};

// What a value was read under: a value version of its shard from before, and which of how many shards that is. While it
// has that version and this is even, the value is current.
struct ValueVersion {
  size_t shards;
  size_t shard;
  uint64_t version;
};

// What a value is compared with: numbers as SameValueZero does, others by kind and bytes.
struct Expectation {
  const Value& value;
  bool is_met_by_absence;

  bool IsMetBy(const ReadValue& current) const;
};

class Store {
 public:
  static constexpr size_t kShardsMax = size_t{1} << kPlaceBits;
  // Of a store that begins with few shards and adds more by itself, at first and at last.
  static constexpr size_t kGrowingShardsMin = 16;
  static constexpr size_t kGrowingShardsMax = 4096;

  // Many more shards than cores, so that two writers rarely meet (bench: docs/performance.md, shard counts).
  static size_t DefaultShards();
  static bool IsShardCount(size_t shards) {
    return shards != 0 && shards <= kShardsMax && (shards & (shards - 1)) == 0;
  }

  // `options.shards` must be 0 or satisfy IsShardCount. Throws std::bad_alloc.
  explicit Store(const StoreOptions& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Every thread opens a session of its own and closes it before the store is destroyed. Open throws std::bad_alloc.
  Session* OpenSession();
  void CloseSession(Session* session);
  // From now on the sink learns of every change. No session may be open; the sink outlives those that will be.
  void LogTo(MutationSink& sink);

  // Reads. Lock-free. What `out` refers to lives as long as the guard.
  bool Get(const ReadGuard& guard, const Key& key, ReadValue* out) const;
  bool Has(const ReadGuard& guard, const Key& key) const;
  bool GetVersioned(const ReadGuard& guard, const Key& key, ReadValue* out, ValueVersion* version) const;
  // The value only if the key's entry is still the one with this number.
  bool GetIfSequence(const ReadGuard& guard, const Key& key, uint64_t sequence, ReadValue* out) const;

  // Writes. Errors: kKeyTooLong, kValueTooLong, kOutOfMemory, and what the sink refuses with; then nothing is changed.
  Status Set(Session& session, const Key& key, Value value, const Lifetime& lifetime = {});
  // Inserts if the key is absent, else gives the value that is there. Returns whether it inserted.
  Result<bool> Insert(const ReadGuard& guard, Session& session, const Key& key, Value value, ReadValue* existing,
                      const Lifetime& lifetime = {});
  Result<bool> Delete(Session& session, const Key& key);

  // Sets the value; gives the one that was there. Returns whether there was one.
  Result<bool> Exchange(const ReadGuard& guard, Session& session, const Key& key, Value value, ReadValue* previous,
                        const Lifetime& lifetime = {});
  // Deletes the entry; gives its value. Returns whether there was one.
  Result<bool> Take(const ReadGuard& guard, Session& session, const Key& key, ReadValue* previous);
  // Adds `by` to the value, which `total` then is; where there is none, sets it to `by`, and `total` is left alone. The
  // outcome is kInserted, kOverwritten, kOtherType or kOutOfRange (see arithmetic.h): with these `total` is the value.
  Result<PutOutcome> Add(const ReadGuard& guard, Session& session, const Key& key, Value by, ReadValue* total,
                         const Lifetime& lifetime = Lifetime::Kept());

  // A read whose value may be replaced later, if nobody changed it meanwhile. Lock-free. Where there is no entry, the
  // stamp is that of none.
  bool GetStamped(const ReadGuard& guard, const Key& key, ReadValue* out, EntryStamp* stamp) const;
  // Set, or delete, if what is there is what the stamp was given for. Return whether it was.
  Result<bool> SetIf(Session& session, const Key& key, Value value, const EntryStamp& stamp,
                     const Lifetime& lifetime = Lifetime::Kept());
  Result<bool> DeleteIf(Session& session, const Key& key, const EntryStamp& stamp);
  // Set, or delete, if the value that is there is `expected`. Return whether it was. They look without a lock first,
  // and again where somebody changed the entry before it was locked.
  Result<bool> CompareAndSet(const ReadGuard& guard, Session& session, const Key& key, const Expectation& expected,
                             Value value, const Lifetime& lifetime = {});
  Result<bool> CompareAndDelete(const ReadGuard& guard, Session& session, const Key& key, const Expectation& expected);

  // Keeps other sessions' writes of the key waiting, so long at most, until Release: see Shard. Returns whether the
  // session has had the claim until now.
  bool Claim(Session& session, const Key& key, uint64_t nanos);
  void Release(Session& session, const Key& key);

  // Removes what is there, in one step for all who write: what was set before is gone, what is set after stays,
  // whatever the keys. Who reads locks nothing, and may find one entry gone and then another still there, for as long
  // as it takes: with the locks of all shards held, microseconds (docs/performance.md, longest lock hold). Errors:
  // kOutOfMemory (104 bytes a shard are needed), and what the sink refuses with; then nothing is changed.
  Status Clear(Session& session);

  // Batches: the same as one after the other in the order given, each operation for itself, only faster.
  // They need no memory of their own, whatever their size, but for what DeleteMany says.

  // Lock-free. `found[i]` tells whether `keys[i]` was there, and if it was, `values[i]` is its value. Returns how many
  // were found. Who goes on with the values should have read a few dozen at a time: these are in the cache then.
  size_t GetMany(const ReadGuard& guard, std::span<const Key> keys, ReadValue* values, bool* found) const;
  size_t HasMany(const ReadGuard& guard, std::span<const Key> keys, bool* found) const;

  // Of two entries with one key the later wins, in the place of the earlier. Where it fails, `*failed` is the entry
  // that the status is about: with kKeyTooLong and kValueTooLong, nothing was set; with kOutOfMemory and what the sink
  // refuses with, those before it were set, and it and those after it were not. Values are moved from where set.
  // No ReadGuard of the session may be alive.
  Status SetMany(Session& session, std::span<BatchEntry> entries, size_t* failed, const Lifetime& lifetime = {});
  // `*deleted` is how many were there, also where the sink refuses one: then those before it were deleted, and none
  // after it. Without a sink, keys of a large batch are deleted shard by shard, for which it takes some memory if there
  // is any. No ReadGuard of the session may be alive.
  Status DeleteMany(Session& session, std::span<const Key> keys, size_t* deleted);

  // Expiry. An entry whose deadline has passed is there no more to any of the operations above and below; its memory,
  // and its place in Size, are given up by ExpireSome.

  // What is known of an entry's deadline.
  enum class Expires : uint8_t { kAbsent, kNever, kLater };
  // Gives the entry another deadline, or none. Returns what it had before. Errors: kOutOfMemory; then nothing is
  // changed.
  Result<Expires> SetLifetime(Session& session, const Key& key, const Lifetime& lifetime);
  // Gives the entry the store's time to live again, from now on, if it has that and the store's option says so. Returns
  // whether there is an entry.
  bool Touch(Session& session, const Key& key);
  // Nanoseconds until the entry expires, more than 0; kForever where it never does, 0 where there is none. Lock-free.
  uint64_t TimeLeft(const ReadGuard& guard, const Key& key) const;
  // Removes some of the entries of a shard that have expired: few enough for a short hold of the lock. Returns when to
  // call again, or kForever; a past time where there is more to do at once. No ReadGuard of the session may be alive.
  uint64_t ExpireSome(Session& session, size_t shard);
  // From now on `sink`, or nobody, learns of entries that expire. It outlives the store, and may be called for a moment
  // after another took its place.
  void SetExpirySink(ExpirySink* sink) { expiry_.set_sink(sink); }
  uint64_t ttl_ns() const { return ttl_ns_; }
  bool slides() const { return slides_; }

  // Replay, before LogTo: the sink does not learn of it. Beside these, Delete does what a log says. Several threads may
  // restore what is in different shards.

  // The key with its hash, and the shard where it is or would be.
  HashedKey Hashed(const Key& key) const { return {key, key.HashWith(seed_)}; }
  size_t ShardOf(const HashedKey& key) const { return Shards().ShardOf(key.hash); }

  // Puts an entry with just this deadline, whether or not that has passed: then it may be absent at once. What it takes
  // the place of may have expired too, and nobody hears of that. Errors: as writes; but with kInsert the entry that was
  // there may be gone.
  Status Restore(Session& session, const HashedKey& key, Value value, const Restoration& restoration);
  // Gives the entry, if there is one, just this deadline. Error: kOutOfMemory.
  Status RestoreDeadline(Session& session, const HashedKey& key, Deadline deadline);
  // Removes what is in the shards from `first` on, up to the one before `end`.
  void RestoreClear(Session& session, size_t first, size_t end);
  // Keys, of at most BatchGroup::kKeysMax, are restored soon: asks for the memory that this needs.
  void Expect(Session& session, std::span<const HashedKey> keys) const;
  // All is restored, under numbers up to this one: who inserts goes on above it. Once, before anybody does.
  void EndRestore(uint64_t last_sequence) {
    sequencer_.BeginAbove(last_sequence);
    restored_ = sessions_.TotalOperations();
  }
  // What was restored expires by itself from now on; before, its order would depend on when that happens.
  void ScheduleExpiry(Session& session);

  Structures& structures() { return structures_; }
  // Structures::Save, of which the sink learns. Errors: what that refuses with. Throws std::bad_alloc.
  Result<bool> SaveStructures(Session& session, const std::optional<std::string>& expected, std::string text);

  // All that was appended to a stage before this call has had its effect when it returns. Waits for each shard's lock.
  void AwaitAppended() const;

  const Clock& clock() const { return sequencer_.clock(); }

  // Lock-free; see SessionList::TotalSize.
  uint64_t Size() const { return sessions_.TotalSize(); }

  // Replaces `out` by the next entries in insertion order after the number `after`: about `count`, at least one while
  // any is left; all of a number or none. An entry whose number was met is never met again, whatever happens in
  // between.
  void Scan(const ReadGuard& guard, uint64_t after, size_t count, std::vector<ScannedEntry>* out) const;

  // A number that no entry exceeds whose insertion returned before the call, and that all exceed whose insertion begins
  // more than a tick of the sequencer after it returned. Lock-free.
  uint64_t LastSequence() const;

  // The value of an entry met by a scan under the same guard. False if it was deleted since.
  bool ReadScanned(const ReadGuard& guard, const ScannedEntry& scanned, ReadValue* out) const;

  ValueVersions value_versions() const { return Shards().value_versions(); }
  // `per_shard`, if given, receives each shard's figures besides. Takes each shard's lock for a moment.
  StoreStats Stats(std::vector<ShardStats>* per_shard = nullptr) const;
  size_t shards() const { return Shards().size(); }

  // Splits each shard into several, so that there are `shards`, a number that IsShardCount, while all others go on: see
  // resharding.h. For a moment at the end the locks of all shards are held, as Clear does. All but long keys and values
  // is in memory twice until then. One thread at a time; no ReadGuard of the session may be alive. Errors: kOutOfRange
  // where there are more already, kOutOfMemory, kClosed where `is_cancelled` has become true; then there are as many as
  // before.
  Status Reshard(Session& session, size_t shards, const std::atomic<bool>& is_cancelled);
  // From now on it asks for more shards where writers wait for one another too often. Before any session is open.
  void GrowBy(ShardScheduler& scheduler) { contention_.GrowBy(scheduler, kGrowingShardsMax); }

 private:
  friend class Resharding;

  // Deletions are sorted so many at a time, where each shard has so many of them (docs/performance.md, batches).
  static constexpr size_t kSortedKeysMax = size_t{1} << 18;
  static constexpr size_t kSortedKeysPerShardMin = 2;

  // Counts a read of the guard's thread, and gives back what it found.
  static bool CountRead(const ReadGuard& guard, bool is_found);

  // As they are now. What they lead to lives as long as a guard that began before this call; they do for ever.
  const ShardSet& Shards() const { return *shards_.load(std::memory_order_acquire); }
  WriteContext ContextFor(Session& session, size_t shard) {
    return {seed_, sequencer_, expiry_, contention_, static_cast<uint32_t>(shard), session};
  }
  // `write(shard, context)` for the hash's shard, until it does not come too late for that. Gives its outcome.
  template <typename Write>
  auto InShardOf(uint64_t hash, Session& session, Write write) {
    for (;;) {
      const ShardSet& shards = Shards();
      const size_t shard = shards.ShardOf(hash);
      const auto outcome = write(shards[shard], ContextFor(session, shard));
      if (outcome != decltype(outcome)::kSplit) return outcome;
    }
  }
  // Starts loading what a write will look for the key in.
  void PrefetchTable(uint64_t hash) const {
    const ShardSet& shards = Shards();
    shards.TableOf(shards.ShardOf(hash)).Prefetch(hash);
  }
  // Does what Clear is to do, for which it needs so much of `contents`, or returns how much it needs.
  size_t ClearInto(Session& session, std::span<ShardContents> contents);
  Deadline DeadlineOf(const Lifetime& lifetime, uint64_t now_ns) const;
  bool HasPassed(Deadline deadline) const { return deadline.exists() && sequencer_.clock().HasReached(deadline.ns()); }
  // What deadlines count from.
  uint64_t RecentNanos(Session& session) const { return sequencer_.clock().RecentNanos(session.recent_time()); }
  PutRequest RequestFor(Session& session, PutMode mode, ReadValue* existing, const Lifetime& lifetime) const;
  // The value is consumed where it was used.
  Status Put(Session& session, const Key& key, Value& value, const PutRequest& request, PutOutcome* outcome) {
    return Put(session, Hashed(key), value, request, outcome);
  }
  Status Put(Session& session, const HashedKey& key, Value& value, const PutRequest& request, PutOutcome* outcome);
  Status Delete(Session& session, const Key& key, const DeleteRequest& request, DeleteOutcome* outcome);
  // Whether the value is what is expected, with its stamp.
  bool Meets(const ReadGuard& guard, const Key& key, const Expectation& expected, EntryStamp* stamp) const;

  // Finds the shards of the group's keys, and starts loading what reads, or writes, of it will look at. Returns these
  // shards.
  const ShardSet& PrepareReads(BatchGroup* group) const;
  const ShardSet& PrepareWrites(Session& session, BatchGroup* group) const;
  // `read(shard, group, place in the group, place in the batch)` tells whether it found the key.
  template <typename Read>
  size_t ReadMany(std::span<const Key> keys, bool* found, Read read) const;
  // Adds to `*count` as many as were set or deleted.
  Status SetGroup(Session& session, std::span<BatchEntry> entries, const PutRequest& request, size_t* count);
  // In this order, or as they are where it is empty.
  Status DeleteInOrder(Session& session, std::span<const Key> keys, const std::vector<uint32_t>& order,
                       size_t* deleted);
  // The places of keys, those of one shard side by side; empty where that is not worth while.
  std::vector<uint32_t> OrderByShard(std::span<const Key> keys) const;
  // Adds to `*done` as many as were looked at, too.
  Status DeleteGroup(Session& session, std::span<const Key> keys, size_t* done, size_t* deleted);

  const HashSeed seed_;
  MutationSink* sink_ = nullptr;  // constant while a session is open
  const uint64_t ttl_ns_;
  const bool slides_;
  ExpiryPort expiry_;
  Sequencer sequencer_;
  SessionList sessions_;
  std::atomic<const ShardSet*> shards_;  // release under the locks of all shards of the set before, acquire in Shards
  const ShardSet* coming_ = nullptr;     // being filled; guarded by the locks of all shards
  Contention contention_;
  mutable Mutex sets_mutex_;
  std::vector<std::unique_ptr<const ShardSet>> sets_ SHARDMAP_GUARDED_BY(sets_mutex_);  // all there ever were
  ShardStats ended_ SHARDMAP_GUARDED_BY(sets_mutex_);  // what shards had counted that are over
  OperationCounts restored_;                           // by a replay; constant once the store is in use
  Structures structures_;
};

}  // namespace shardmap
