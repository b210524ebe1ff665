// One of a store's parts: an index, the entries it leads to, and a mutex for its writers.
//
// Readers take no lock. They search the index as it is, and what they find is right: entries keep their slots
// (index.h), keys are constant and values are validated copies (entry.h), and nothing is freed under a reader
// (epoch.h). Only "not found" can be wrong, while entries move from one table to another; so tables change only under
// an odd layout_version_, and a reader who found nothing looks again if that changed meanwhile, and after a few
// attempts asks under the lock.
//
// Growth does not stop the shard's users: the new table is filled by the writers that come next, a few lines each.
//
// Where a shard's current table is, is kept by the store, beside that of other shards: a reader who finds its key there
// never touches the shard itself, which spares it a cache miss (docs/performance.md, hot reads).
//
// An entry whose deadline has passed is absent to everybody at once. It is removed later, in slices, by whoever is told
// by the wheel of deadlines (timer_wheel.h), or by the run of those of one time to live (timer_run.h), when that is
// worth while; or by the next writer of its key.
//
// Values that were read earlier are known to be current by the shard's value_version_: it is odd while a writer
// replaces or removes a value, and changes with each. So who read a value after an even version may show it again for
// as long as the version is the same, without looking at the entry; unless that has a deadline. (Insertions leave it
// alone: no value was there.)
//
// Where a log learns of changes, each is appended to the session's stage under the lock, after all that can fail and
// before anybody can see it. That makes the log a prefix: who does something because it saw a change appends later, so
// a log that ends anywhere has no effect without its cause.
//
// Where a store gets more shards, each is split into some of the new ones, which are its alone, while all go on: see
// shard_split.h.
//
// Pairs: value_version_ in ChangeValueLocked, its first store before the release of what changes, its last with
// release, acquire in GetVersioned. layout_version_, current_ and draining_ release in ChangeLayoutLocked, acquire in
// FindForRead and Store.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "core/batch.h"
#include "core/contention.h"
#include "core/entry_list.h"
#include "core/expiry.h"
#include "core/hash.h"
#include "core/index.h"
#include "core/key.h"
#include "core/lifetime.h"
#include "core/mutation_sink.h"
#include "core/sequencer.h"
#include "core/session.h"
#include "core/shard_split.h"
#include "core/timer_run.h"
#include "core/timer_wheel.h"
#include "core/value.h"

namespace shardmap {

// What a shard needs of its store to write; constant for the store's life but for the session.
struct WriteContext {
  const HashSeed& seed;
  Sequencer& sequencer;
  ExpiryPort& expiry;
  Contention& contention;
  uint32_t shard;
  Session& session;
};

// Locks a shard to write. Counts in `*waits`, which the mutex guards, when it has to wait; not in a build without
// counting (CMakeLists.txt).
class SHARDMAP_SCOPED_CAPABILITY WriterLock {
 public:
  WriterLock(Mutex& mutex, uint64_t* waits, const WriteContext& context) SHARDMAP_ACQUIRE(mutex) : mutex_(mutex) {
#if defined(SHARDMAP_NO_COUNTING)
    (void)waits, (void)context;
    mutex_.Lock();
#else
    if (mutex_.TryLock()) return;
    context.contention.BeginWait(context.session);
    mutex_.Lock();
    context.contention.EndWait();
    ++*waits;
#endif
  }
  ~WriterLock() SHARDMAP_RELEASE() { mutex_.Unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  Mutex& mutex_;
};

// An entry met by a scan, valid while the scanning thread's ReadGuard lives.
struct ScannedEntry {
  uint64_t sequence;
  const Entry* entry;
  uint32_t shard;  // where it was met: entries of one number are of different shards, and come in their order
};

// Bytes by what they hold; see StoreStats for the meaning.
// Figures of a shard: of now, in bytes and entries, and since it was made.
struct ShardStats {
  uint64_t entries = 0;
  uint64_t timed_entries = 0;  // those that have a deadline
  uint64_t entry_bytes = 0;    // live entries: headers, keys and values kept inline
  uint64_t free_bytes = 0;     // in chunks of entries: dead ones, and room for more
  uint64_t index_bytes = 0;    // hash tables
  uint64_t block_bytes = 0;    // long keys and values, out of line
  uint64_t timer_bytes = 0;    // wheels of deadlines; what entries keep of them is in entry_bytes
  uint64_t key_bytes = 0;      // of keys and values alone, wherever they are kept
  uint64_t value_bytes = 0;
  uint64_t expired_entries = 0;  // removed because their deadline had passed
  uint64_t lock_waits = 0;       // for the mutex
  uint64_t read_retries = 0;     // of lookups that met a change of the index
  uint64_t read_fallbacks = 0;   // reads that took the mutex, as what they read kept changing
  uint64_t rehashes = 0;         // moves to another table, which is larger, smaller, or without tombstones
  uint64_t compactions = 0;      // of chunks of entries
  uint64_t stall_ns_max = 0;     // the longest hold of the mutex by a rehash or a compaction

  uint64_t bytes() const { return entry_bytes + free_bytes + index_bytes + block_bytes + timer_bytes; }
  void Add(const ShardStats& other);
  // Those of what happened, which stay when the shard is over.
  ShardStats OfPast() const;
};

// What a put does where there is an entry. Where there is none all insert, but kIfUnchanged where there was one.
enum class PutMode : uint8_t {
  kOverwrite,
  kIfAbsent,     // leaves it
  kIfUnchanged,  // overwrites it if its stamp is still the request's
  kAdd,          // overwrites it by the sum of its value and the given one
  // Of a log that is replayed; also where the entry has expired.
  kRestoreInPlace,  // overwrites it
  kRestoreLast,     // takes it away first, so that the new one comes last
};

struct PutRequest {
  PutMode mode = PutMode::kOverwrite;
  EntryStamp stamp;  // for kIfUnchanged
  // Receives the value that was there; after an addition the sum. The caller's guard keeps it.
  ReadValue* existing = nullptr;
  Deadline deadline;            // of the entry from then on
  uint64_t now_ns = 0;          // where there is a deadline: when the put began, or up to kRecentNanosMax before
  bool keeps_deadline = false;  // the deadline is only for an entry that is inserted
  uint64_t sequence = 0;        // where it restores: of the entry, if one is inserted

  bool restores() const { return mode >= PutMode::kRestoreInPlace; }
  uint64_t ttl_ns() const { return deadline.ns() - now_ns; }
};

enum class PutOutcome : uint8_t {
  kInserted,
  kOverwritten,
  // Nothing was done.
  kExisted,     // kIfAbsent
  kChanged,     // kIfUnchanged
  kOtherType,   // kAdd: not both values are numbers, or both bigints
  kOutOfRange,  // kAdd: see arithmetic.h
  kOutOfMemory,
  kSplit,
  // Inside of Shard only.
  kNeedsIndex,
  kClaimed,
  kExpired,
};

enum class DeleteOutcome : uint8_t { kDeleted, kAbsent, kChanged, kClaimed, kExpired, kSplit };

// What is known of an entry's deadline, or that memory ran out.
enum class DeadlineOutcome : uint8_t { kAbsent, kNever, kLater, kOutOfMemory, kSplit };

// What a claim is after it was asked for.
enum class ClaimOutcome : uint8_t { kTaken, kKept, kNone, kSplit };

// How many of a batch were looked at, and of these deleted.
struct DeletedCount {
  size_t done = 0;
  size_t deleted = 0;
};

// What an entry is taken for whose deadline has passed and that is there yet.
enum class IfExpired : uint8_t { kAbsent, kPresent };

// Whether the blocks of entries go with them, or are another shard's as well.
enum class Blocks : uint8_t { kOwned, kShared };

// What was taken out of a shard: nobody but readers who began before sees it now.
struct ShardContents {
  EntryChunks entries;
  ChunkNumbers numbers;
  Index index;
  Index old_index;
  std::unique_ptr<TimerWheel> wheel;
  // Of the entries, and what they took.
  uint64_t count = 0;
  uint64_t bytes = 0;

  // Retires all of it, without any lock held.
  void Retire(RetiredList& retired, Blocks blocks = Blocks::kOwned) const;
};

// When a deletion is made, and who learns of what it deletes.
struct DeleteRequest {
  const EntryStamp* stamp = nullptr;  // if given, what the entry must still be
  ReadValue* existing = nullptr;      // if given, receives the value; the caller's guard keeps it
};

class alignas(64) Shard {
 public:
  Shard() = default;
  ~Shard() { FreeAll(); }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Frees all memory but the shard itself, for good: only its value version may be looked at afterwards.
  void FreeAll(Blocks blocks = Blocks::kOwned) SHARDMAP_EXCLUDES(mutex_);

  // Sets where this shard publishes its current table, and the clock of deadlines; once, before any other call.
  void Attach(std::atomic<uint64_t>* current, const Clock* clock) {
    clock_ = clock;
    current_ = current;
    current_->store(Index().view().packed(), std::memory_order_relaxed);
  }

  // Reads; within a ReadGuard. `table` is what is published, just loaded. `stamp`, if given, receives what the
  // value was found with; it is left alone where there is none.
  bool Get(IndexView table, const HashedKey& key, ReadValue* out, EntryStamp* stamp) const SHARDMAP_EXCLUDES(mutex_);
  bool Has(IndexView table, const HashedKey& key) const SHARDMAP_EXCLUDES(mutex_);

  // The same for a key whose `candidate` in the table was looked up before.
  bool GetCandidate(const Entry* candidate, IndexView table, const HashedKey& key, ReadValue* out) const
      SHARDMAP_EXCLUDES(mutex_);
  bool HasCandidate(const Entry* candidate, IndexView table, const HashedKey& key) const SHARDMAP_EXCLUDES(mutex_);

  // The deadline of the entry that is there, if there is one.
  bool GetDeadline(IndexView table, const HashedKey& key, Deadline* out) const SHARDMAP_EXCLUDES(mutex_);

  const std::atomic<uint64_t>& value_version() const { return value_version_; }

  // Writes; kSplit where the shard has been split: nothing was done, and the store's shards are others by now.

  // `key_block` holds a key too long to be inline, or is nullptr; it and the value are consumed if the put uses
  // them. Writes of a key that another session has claimed wait until it gives it back, or the claim has expired.
  PutOutcome Put(const WriteContext& context, const HashedKey& key, Block** key_block, Value& value,
                 const PutRequest& request) SHARDMAP_EXCLUDES(mutex_);
  DeleteOutcome Delete(const WriteContext& context, const HashedKey& key, const DeleteRequest& request)
      SHARDMAP_EXCLUDES(mutex_);

  // Keeps other sessions from writing the key for so long, or until Release: for who has tried in vain to write before
  // them. A shard has one claim at a time; waits for the one before. kKept where the session has had this very claim
  // until now: then nobody else has written the key since, but by Clear.
  ClaimOutcome Claim(const WriteContext& context, const HashedKey& key, uint64_t nanos) SHARDMAP_EXCLUDES(mutex_);
  // Gives back what the session has claimed, if it still has.
  ClaimOutcome Release(const WriteContext& context) SHARDMAP_EXCLUDES(mutex_);

  // Gives the entry another deadline, or none. Tells what it had before.
  DeadlineOutcome SetDeadline(const WriteContext& context, const HashedKey& key, Deadline deadline,
                              IfExpired if_expired) SHARDMAP_EXCLUDES(mutex_);
  // Puts a deadline that slides off until `deadline`. kAbsent where there is no entry, else kLater.
  // A sink does not learn of it: each read would be a write.
  DeadlineOutcome PutOff(const WriteContext& context, const HashedKey& key, Deadline deadline)
      SHARDMAP_EXCLUDES(mutex_);
  // Removes what has expired, a slice of it. Returns when to call again, or kForever.
  uint64_t ExpireSome(const WriteContext& context) SHARDMAP_EXCLUDES(mutex_);
  // Asks for a call of ExpireSome for what was restored.
  void ScheduleExpiry(const WriteContext& context) SHARDMAP_EXCLUDES(mutex_);

  // Puts `entries[i]` under `keys[i]` as the request says, one after the other; `key_blocks[i]` as above. Few of them,
  // as they are put under one hold of the lock. `*count` is how many were put. The outcome is that of the last of all,
  // or kOutOfMemory or kSplit.
  PutOutcome PutMany(const WriteContext& context, std::span<const HashedKey> keys, BatchEntry* entries,
                     Block** key_blocks, const PutRequest& request, size_t* count) SHARDMAP_EXCLUDES(mutex_);
  // Deletes the keys, likewise. Not all are done where the shard has been split.
  DeletedCount DeleteMany(const WriteContext& context, std::span<const HashedKey> keys) SHARDMAP_EXCLUDES(mutex_);
  // Starts loading the shard itself, and then, once that is there, the place where its next entry goes.
  void Prefetch() const {
    for (size_t at = 0; at < sizeof(Shard); at += 64) shardmap::Prefetch(reinterpret_cast<const uint8_t*>(this) + at);
  }
  void PrefetchEnd() const { UnlockedEntries().PrefetchEnd(); }

  // Adds up to `count` live entries with numbers above `after`, in order, as those of `shard`; `count` is not 0.
  // Returns whether there may be more. Lock-free; within a ReadGuard.
  bool Scan(uint32_t shard, uint64_t after, size_t count, std::vector<ScannedEntry>* out) const
      SHARDMAP_EXCLUDES(mutex_);
  // The number of the last entry that was inserted.
  uint64_t last_sequence() const { return last_sequence_.load(std::memory_order_acquire); }

  ShardStats Stats() const SHARDMAP_EXCLUDES(mutex_);
  // Returns when a write that holds the lock at this moment is over.
  void AwaitWriter() const SHARDMAP_EXCLUDES(mutex_) { const MutexLock lock(mutex_); }

  // Splits, of which shard_split.h tells. What a shard is called for that is being split:

  // Copies the next entries, if this is not level. Sets `*full` to a shard that has no room.
  SplitOutcome CopySome(const WriteContext& context, Shard** full) SHARDMAP_EXCLUDES(mutex_);
  // The entries that each of `shards` will have about, of those that this one is split into.
  size_t EntriesOfEach(size_t shards) const SHARDMAP_EXCLUDES(mutex_);
  // Of one that was split: retires what only readers look at who began before. Once.
  void RetireFrozen(RetiredList& retired) SHARDMAP_EXCLUDES(mutex_);

  // And what one is called for that is filled so, which nobody reads yet, by who holds the other's lock:

  // Copies an entry, which is not here yet.
  SplitOutcome CopyIn(const WriteContext& context, const Entry& entry, uint64_t hash) SHARDMAP_EXCLUDES(mutex_);
  // Has the same entry, if it is here yet, be as that one is. Stamps are above `stamp` from then on. False when there
  // is no memory.
  bool Follow(const WriteContext& context, const Entry& entry, uint64_t hash, uint64_t stamp) SHARDMAP_EXCLUDES(mutex_);
  // Removes the same entry, if it is here yet.
  void Drop(const WriteContext& context, const Entry& entry, uint64_t hash, uint64_t stamp) SHARDMAP_EXCLUDES(mutex_);
  // Stamps and numbers are above these from now on.
  void BeginAbove(uint64_t stamp, uint64_t sequence) SHARDMAP_EXCLUDES(mutex_);
  // Makes room for so many more entries in the index. False when there is no memory.
  bool MakeRoom(const WriteContext& context, size_t entries) SHARDMAP_EXCLUDES(mutex_);

 private:
  friend class AllShardsLock;

  // Indexes up to this size move to another size in one go: microseconds (docs/performance.md, longest lock hold).
  static constexpr size_t kMoveAtOnceSlots = 512;
  // Lines of a larger old index that each write moves; finishes long before the new one is full.
  static constexpr size_t kMoveLines = 2;
  // Timers looked at under one hold of the lock: some ten microseconds (docs/performance.md, longest lock hold).
  static constexpr size_t kExpireAtOnce = ExpiredEntries::kMax;
  // How long what has expired waits where memory is needed to go on, and there is none: a tenth of a second.
  static constexpr uint64_t kNoMemoryNanos = 100'000'000;
  // Entries that are copied under one hold (docs/performance.md, resharding).
  static constexpr size_t kCopyAtOnce = 32;
  static constexpr int kFindAttempts = 4;
  static constexpr int kViewAttempts = 4;
  // The bits of the double 1.0: all versions are different numbers as doubles too, which is how JavaScript loads them.
  static constexpr uint64_t kFirstValueVersion = uint64_t{0x3ff} << 52;

  // An entry, the slot that leads to it and the table of that; or nullptr with the slot that it would take, if any.
  struct Found {
    Entry* entry;
    std::atomic<uint64_t>* slot;
    Index* index;
  };

  const Entry* FindForRead(IndexView table, const HashedKey& key) const SHARDMAP_EXCLUDES(mutex_) {
    const Entry* entry = table.Find(key.key, key.hash);
    return entry != nullptr ? entry : FindAgain(key);
  }
  // Finds the entry or makes sure that there is none.
  const Entry* FindAgain(const HashedKey& key) const SHARDMAP_EXCLUDES(mutex_);
  EntryChunks ViewEntries() const SHARDMAP_EXCLUDES(mutex_);
  // For TryView and PrefetchEnd, which need no lock.
  const EntryList& UnlockedEntries() const SHARDMAP_NO_THREAD_SAFETY_ANALYSIS { return entries_; }
  Found FindLocked(const HashedKey& key) const SHARDMAP_REQUIRES(mutex_);
  bool IsOverLocked() const SHARDMAP_REQUIRES(mutex_) { return split_ == &ShardSplit::over; }
  // kNeedsIndex asks for a spare index of GrownCapacityLocked(), kClaimed to come back after AwaitClaim, kExpired after
  // Expire.
  PutOutcome PutLocked(const WriteContext& context, const HashedKey& key, Block** key_block, Value& value,
                       const PutRequest& request, Index& spare) SHARDMAP_REQUIRES(mutex_);
  // `slot` is what FindLocked found, or nullptr where that is not known any more.
  PutOutcome InsertLocked(const WriteContext& context, const HashedKey& key, Block** key_block, Value& value,
                          const PutRequest& request, Index& spare, std::atomic<uint64_t>* slot)
      SHARDMAP_REQUIRES(mutex_);
  DeleteOutcome DeleteLocked(const WriteContext& context, const HashedKey& key, const DeleteRequest& request)
      SHARDMAP_REQUIRES(mutex_);
  PutOutcome AddLocked(const WriteContext& context, const HashedKey& key, Entry* entry, const Value& value,
                       const PutRequest& request) SHARDMAP_REQUIRES(mutex_);
  // The entry, which is the key's, may move, for a timer.
  PutOutcome OverwriteLocked(const WriteContext& context, const HashedKey& key, Entry** entry, Value& value,
                             const PutRequest& request) SHARDMAP_REQUIRES(mutex_);
  void RemoveLocked(const WriteContext& context, const Found& found) SHARDMAP_REQUIRES(mutex_);
  // What follows when an entry is dead.
  void ForgetLocked(const WriteContext& context, Entry* entry) SHARDMAP_REQUIRES(mutex_);
  // The shard is level, and over from now on.
  void EndLocked() SHARDMAP_REQUIRES(mutex_);
  // `contents` is new.
  void TakeAllLocked(ShardContents* contents) SHARDMAP_REQUIRES(mutex_);
  void RaiseLocked(uint64_t stamp, uint64_t sequence) SHARDMAP_REQUIRES(mutex_);
  void FollowInsertionLocked(const WriteContext& context, const Entry& entry, uint64_t hash) SHARDMAP_REQUIRES(mutex_);
  void FollowChangeLocked(const WriteContext& context, const Entry& entry, uint64_t hash) SHARDMAP_REQUIRES(mutex_);
  void FollowRemovalLocked(const WriteContext& context, const Entry& entry) SHARDMAP_REQUIRES(mutex_);
  void CompactLocked(const WriteContext& context, uint64_t sequence) SHARDMAP_REQUIRES(mutex_);
  // Has the index and the wheel lead to where an entry was moved.
  void NoteMovedLocked(const WriteContext& context, const Entry* from, Entry* to, Place place)
      SHARDMAP_REQUIRES(mutex_);

  // The last number that an entry or another mutation of this shard was given.
  uint64_t LastStampLocked() const SHARDMAP_REQUIRES(mutex_) {
    return std::max(last_stamp_, last_sequence_.load(std::memory_order_relaxed));
  }
  // Tells the session's stage, if it has one, of a change that inserts nothing.
  void AppendLocked(const WriteContext& context, Mutation::Kind kind, const HashedKey& key, const Value* value,
                    Deadline deadline) SHARDMAP_REQUIRES(mutex_);

  bool HasPassed(Deadline deadline) const { return deadline.exists() && clock_->HasReached(deadline.ns()); }
  // A put that only overwrites comes in time if it began in time, and so need not ask again: it is told nothing of what
  // was there (docs/concurrency.md, why nobody sees what has expired).
  bool HasPassedFor(const PutRequest& request, Deadline deadline) const {
    const bool only_overwrites = request.mode == PutMode::kOverwrite && request.existing == nullptr;
    const bool is_sure = only_overwrites && request.deadline.exists();
    if (is_sure && !deadline.HasPassed(request.now_ns + Clock::kRecentNanosMax)) return false;
    return HasPassed(deadline);
  }
  // Removes the entry of the key if it has expired, as ExpireSome would.
  void Expire(const WriteContext& context, const HashedKey& key) SHARDMAP_EXCLUDES(mutex_);
  // The same of one that was found; adds it to `expired` if that is given.
  void ExpireLocked(const WriteContext& context, const Found& found, ExpiredEntries* expired) SHARDMAP_REQUIRES(mutex_);
  // The timers of places, for the wheel.
  EntryTimers TimersLocked() const SHARDMAP_REQUIRES(mutex_) { return EntryTimers{entries_}; }
  // Makes sure that there is a wheel. False when there is no memory.
  bool EnsureWheelLocked() SHARDMAP_REQUIRES(mutex_) { return wheel_ != nullptr || MakeWheelLocked(); }
  bool MakeWheelLocked() SHARDMAP_REQUIRES(mutex_);
  // The same for what a run needs.
  bool EnsureWalkLocked() SHARDMAP_REQUIRES(mutex_);
  // Whether a timer is added for an entry's new deadline: where it is put off, it stays where it was before.
  static bool NeedsTimer(Deadline before, Deadline deadline) {
    return deadline.exists() && (!before.exists() || deadline.ns() < before.ns());
  }
  // Makes sure that the entry has a timer, for which it may move, and a wheel to be in. Returns its place, or 0 when
  // there is no memory.
  Place PrepareTimerLocked(const WriteContext& context, Entry** entry) SHARDMAP_REQUIRES(mutex_);
  // Has the run and the wheel follow after the entry's deadline has changed. `place` as prepared, if NeedsTimer.
  void FollowDeadlineLocked(Entry* entry, Deadline before, Place place, uint64_t now_ns) SHARDMAP_REQUIRES(mutex_);
  void AddTimerLocked(Place place, uint64_t now_ns) SHARDMAP_REQUIRES(mutex_);
  // Whether an entry of this deadline joins the run where it is inserted.
  bool JoinsRunLocked(const PutRequest& request) const SHARDMAP_REQUIRES(mutex_) {
    return request.deadline.exists() && !request.restores() && run_.Takes(request.ttl_ns(), request.deadline);
  }
  void JoinRunLocked(Entry* entry, uint64_t ttl_ns) SHARDMAP_REQUIRES(mutex_);
  // Takes it out of the run or the wheel.
  void StopTimerLocked(Entry* entry) SHARDMAP_REQUIRES(mutex_);
  // Adds an entry to the wheel that was put off, for which it may move. False when there is no memory.
  bool AddAgainLocked(const WriteContext& context, Entry* entry, uint64_t now_ns) SHARDMAP_REQUIRES(mutex_);
  // When FindDueLocked will have something again; a past time where it has.
  uint64_t NextDueNanosLocked() const SHARDMAP_REQUIRES(mutex_) {
    return std::min(wheel_ == nullptr ? kForever : wheel_->NextNanos(), run_.NextNanos());
  }
  // False where nothing is due. Sets `*entry` to one to look at: its deadline has passed, or was put off; or to nullptr
  // where it takes longer to find.
  bool FindDueLocked(uint64_t now_ns, Entry** entry) SHARDMAP_REQUIRES(mutex_);
  // When ExpireSome is to be called for timers that were added, where that is earlier than what was asked for last;
  // else kForever. Of the wheel nothing is looked at where a deadline was only put off, or followed another one's.
  uint64_t TakeWakeUpLocked() SHARDMAP_REQUIRES(mutex_);

  bool IsClaimedLocked(const WriteContext& context, uint64_t hash) SHARDMAP_REQUIRES(mutex_) {
    return claim_.session != 0 && claim_.hash == hash && HasOtherClaimLocked(context);
  }
  bool HasOtherClaimLocked(const WriteContext& context) SHARDMAP_REQUIRES(mutex_);
  // Waits a little, with no lock held; longer from one turn to the next.
  static void AwaitClaim(int turn);

  // New tables are allocated before the lock is taken again, as zeroing one may take long: a writer who finds that one
  // is needed comes back with a spare.

  // Makes room in an index that is full. Uses the spare; false if that is not of the right capacity.
  bool MakeRoomLocked(const WriteContext& context, Index& spare) SHARDMAP_REQUIRES(mutex_);
  size_t GrownCapacityLocked() const SHARDMAP_REQUIRES(mutex_);
  // What a sparse index should shrink to, or 0.
  size_t ShrunkCapacityLocked() const SHARDMAP_REQUIRES(mutex_);
  void Shrink(const WriteContext& context, size_t capacity) SHARDMAP_EXCLUDES(mutex_);
  // Gives back a large index, and one that it moves from, where there are no entries: their last move might never end.
  void DropEmptyIndexLocked(const WriteContext& context) SHARDMAP_REQUIRES(mutex_);
  void BeginMoveLocked(const WriteContext& context, Index target) SHARDMAP_REQUIRES(mutex_);
  // Told by what readers see, which is in the cache already.
  bool IsMovingLocked() const SHARDMAP_REQUIRES(mutex_) { return draining_.load(std::memory_order_relaxed) != 0; }
  // Moves the next lines of the old index, if there is one, and drops it once it is empty.
  void MoveLinesLocked(const WriteContext& context, size_t lines) SHARDMAP_REQUIRES(mutex_);
  template <typename Change>
  void ChangeLayoutLocked(Change change) SHARDMAP_REQUIRES(mutex_);
  template <typename Change>
  void ChangeValueLocked(Change change) SHARDMAP_REQUIRES(mutex_);

  // One cache line each: what readers look at who did not find their key, and only a change of tables writes; what
  // every write needs; what an insertion needs besides.
  std::atomic<uint64_t>* current_ = nullptr;  // constant after Attach
  std::atomic<uint64_t> draining_{0};         // the old table while entries move, or 0
  std::atomic<uint64_t> layout_version_{0};
  const Clock* clock_ = nullptr;  // constant after Attach
  // Who may write a key for now; session 0: all. Here because writers look at draining_ anyway, and it hardly changes.
  struct {
    uint64_t hash = 0;
    uint64_t deadline_ns = 0;
    uint32_t session = 0;
  } claim_ SHARDMAP_GUARDED_BY(mutex_);
  // nullptr while there is none. Writers look here as well.
  ShardSplit* split_ SHARDMAP_GUARDED_BY(mutex_) = nullptr;

  alignas(64) mutable Mutex mutex_;
  Index index_ SHARDMAP_GUARDED_BY(mutex_);
  std::atomic<uint64_t> value_version_{kFirstValueVersion};

  alignas(64) EntryList entries_ SHARDMAP_GUARDED_BY(mutex_);
  // Of entries. Written under the mutex; read without it by scans, to pass by a shard that has nothing new for them.
  std::atomic<uint64_t> last_sequence_{0};
  // Of mutations that insert nothing. Apart, as who walks to the last entry that there is must not be led beyond it:
  // the next one may get any number above the last entry's.
  uint64_t last_stamp_ SHARDMAP_GUARDED_BY(mutex_) = 0;
  uint64_t block_bytes_ SHARDMAP_GUARDED_BY(mutex_) = 0;
  Index old_index_ SHARDMAP_GUARDED_BY(mutex_);
  uint32_t next_line_to_move_ SHARDMAP_GUARDED_BY(mutex_) = 0;
  bool has_new_timer_ SHARDMAP_GUARDED_BY(mutex_) = false;  // since TakeWakeUpLocked
  // Another line that an insertion needs: what of ShardStats it changes, and what it has of deadlines.
  uint64_t key_bytes_ SHARDMAP_GUARDED_BY(mutex_) = 0;
  uint64_t value_bytes_ SHARDMAP_GUARDED_BY(mutex_) = 0;
  // nullptr until an entry is added to the wheel, or joins the run.
  std::unique_ptr<TimerWheel> wheel_ SHARDMAP_GUARDED_BY(mutex_);
  std::unique_ptr<EntryWalk> walk_ SHARDMAP_GUARDED_BY(mutex_);
  TimerRun run_ SHARDMAP_GUARDED_BY(mutex_);
  uint64_t wake_up_ns_ SHARDMAP_GUARDED_BY(mutex_) = kForever;  // asked for
  // Of ShardStats.
  uint64_t expired_ SHARDMAP_GUARDED_BY(mutex_) = 0;
  uint64_t lock_waits_ SHARDMAP_GUARDED_BY(mutex_) = 0;
  mutable uint64_t read_fallbacks_ SHARDMAP_GUARDED_BY(mutex_) = 0;
  mutable std::atomic<uint64_t> read_retries_{0};
  uint64_t rehashes_ SHARDMAP_GUARDED_BY(mutex_) = 0;
  uint64_t compactions_ SHARDMAP_GUARDED_BY(mutex_) = 0;
  uint64_t stall_ns_max_ SHARDMAP_GUARDED_BY(mutex_) = 0;
};

// Inline, as puts call them.

inline void Shard::AddTimerLocked(Place place, uint64_t now_ns) {
  wheel_->Add(place, now_ns, TimersLocked());
  has_new_timer_ = true;
}

inline void Shard::JoinRunLocked(Entry* entry, uint64_t ttl_ns) {
  run_.Join(entry, ttl_ns, &entries_, walk_.get());
  if (run_.size() == 1) has_new_timer_ = true;
}

inline uint64_t Shard::TakeWakeUpLocked() {
  if (!std::exchange(has_new_timer_, false)) return kForever;
  const uint64_t next_ns = NextDueNanosLocked();
  if (next_ns >= wake_up_ns_) return kForever;
  wake_up_ns_ = next_ns;
  return next_ns;
}

template <typename Change>
void Shard::ChangeValueLocked(Change change) {
  const uint64_t version = value_version_.load(std::memory_order_relaxed);
  value_version_.store(version + 1, std::memory_order_relaxed);
  change();
  value_version_.store(version + 2, std::memory_order_release);
}

}  // namespace shardmap
