#include "core/store.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <chrono>
#include <cmath>
#include <cstring>
#include <new>
#include <numeric>
#include <string>
#include <thread>
#include <utility>

#include "core/all_shards_lock.h"
#include "core/resharding.h"

namespace shardmap {
namespace {

constexpr size_t kShardsPerCore = 256;
constexpr size_t kDefaultShardsMax = 4096;
// Who copies entries takes a shard's lock again and again, and would let nobody have it who has to be woken first.
constexpr std::chrono::microseconds kGiveWay{50};

bool HasAllowedSizes(const Key& key, size_t value_size) {
  return key.size <= kKeyBytesMax && value_size <= kValueBytesMax;
}

// What to say of sizes that are not allowed.
Status SizeError(const Key& key, size_t value_size) {
  if (key.size > kKeyBytesMax) {
    return Status(Code::kKeyTooLong, "The key takes " + std::to_string(key.size) + " bytes; at most " +
                                         std::to_string(kKeyBytesMax) + " are allowed");
  }
  return Status(Code::kValueTooLong, "The value takes " + std::to_string(value_size) + " bytes; at most " +
                                         std::to_string(kValueBytesMax) + " are allowed");
}

// Asks the session's stage for room for a mutation, if it has one. See MutationStage::Reserve.
Status ReserveMutation(Session& session, const Key* key, const Value* value, size_t value_bytes_max) {
  MutationStage* const stage = session.stage();
  return stage == nullptr ? Status() : stage->Reserve(key, value, value_bytes_max);
}
Status ReserveMutation(Session& session, const Key& key) { return ReserveMutation(session, &key, nullptr, 0); }
Status ReserveMutation(Session& session, const Key& key, const Value& value) {
  return ReserveMutation(session, &key, &value, value.size());
}

void ReleaseMutation(Session& session) {
  if (MutationStage* const stage = session.stage()) stage->Release();
}

// False when there is no memory. `*block` stays nullptr where the key fits inside its entry.
bool CopyLongKey(const Key& key, Block** block) {
  if (key.size <= Entry::kInlineKeyBytesMax) return true;
  *block = Block::Allocate(key.size);
  if (*block != nullptr) std::memcpy((*block)->payload(), key.bytes, key.size);
  return *block != nullptr;
}

template <typename T>
std::span<T> GroupAt(size_t first, std::span<T> batch) {
  return batch.subspan(first, std::min(BatchGroup::kKeysMax, batch.size() - first));
}

// Of a group's keys, those that are too long to be inline; freed unless they were used.
struct KeyBlocks {
  std::array<Block*, BatchGroup::kKeysMax> blocks{};

  KeyBlocks() = default;
  KeyBlocks(const KeyBlocks&) = delete;
  KeyBlocks& operator=(const KeyBlocks&) = delete;
  ~KeyBlocks() {
    for (Block* block : blocks) {
      if (block != nullptr) Block::Free(block);
    }
  }
};

bool ComesBefore(const ScannedEntry& a, const ScannedEntry& b) {
  return a.sequence != b.sequence ? a.sequence < b.sequence : a.shard < b.shard;
}

// Keeps the first `count` by number, and those that share the last number kept.
void SortAndTrim(size_t count, std::vector<ScannedEntry>* entries) {
  if (entries->size() > count) {
    const auto last = entries->begin() + static_cast<std::ptrdiff_t>(count) - 1;
    std::nth_element(entries->begin(), last, entries->end(), ComesBefore);
    const uint64_t last_sequence = last->sequence;
    std::erase_if(*entries, [=](const ScannedEntry& entry) { return entry.sequence > last_sequence; });
  }
  std::sort(entries->begin(), entries->end(), ComesBefore);
}

}  // namespace

size_t Store::DefaultShards() {
  const size_t cores = std::max(1u, std::thread::hardware_concurrency());
  return std::min(std::bit_ceil(cores) * kShardsPerCore, kDefaultShardsMax);
}

Store::Store(const StoreOptions& options)
    : seed_(options.seed),
      ttl_ns_(options.ttl_ns),
      slides_(options.slides),
      expiry_(*this, options.scheduler),
      sequencer_(options.clock == nullptr ? Clock::Steady() : *options.clock),
      contention_(*this, sessions_) {
  const size_t shards = options.shards == 0 ? DefaultShards() : options.shards;
  MutexLock lock(sets_mutex_);
  sets_.push_back(std::make_unique<const ShardSet>(shards, sequencer_.clock()));
  shards_.store(sets_.back().get(), std::memory_order_release);
}

Store::~Store() {
  for (Shard& shard : Shards().all()) shard.FreeAll();
}

Session* Store::OpenSession() {
  Session* const session = sessions_.Open();
  if (sink_ == nullptr) return session;
  try {
    session->set_stage(sink_->OpenStage());
  } catch (...) {
    sessions_.Close(session);
    throw;
  }
  return session;
}

void Store::CloseSession(Session* session) {
  if (MutationStage* const stage = session->stage()) {
    session->set_stage(nullptr);
    sink_->CloseStage(stage);
  }
  sessions_.Close(session);
}

void Store::LogTo(MutationSink& sink) {
  assert(!sessions_.AnyOpen());
  sink_ = &sink;
}

bool Store::CountRead(const ReadGuard& guard, bool is_found) {
  guard.session().counters().CountRead(is_found);
  return is_found;
}

bool Store::Get(const ReadGuard& guard, const Key& key, ReadValue* out) const {
  const HashedKey hashed = Hashed(key);
  const ShardSet& shards = Shards();
  const size_t shard = shards.ShardOf(hashed.hash);
  return CountRead(guard, shards[shard].Get(shards.TableOf(shard), hashed, out, nullptr));
}

bool Store::Has(const ReadGuard& guard, const Key& key) const {
  const HashedKey hashed = Hashed(key);
  const ShardSet& shards = Shards();
  const size_t shard = shards.ShardOf(hashed.hash);
  const bool is_found = shards[shard].Has(shards.TableOf(shard), hashed);
  guard.session().counters().CountHas(is_found ? 1 : 0, is_found ? 0 : 1);
  return is_found;
}

bool Store::GetVersioned(const ReadGuard& guard, const Key& key, ReadValue* out, ValueVersion* version) const {
  const HashedKey hashed = Hashed(key);
  const ShardSet& shards = Shards();
  const size_t shard = shards.ShardOf(hashed.hash);
  *version = {shards.size(), shard, shards[shard].value_version().load(std::memory_order_acquire)};
  return CountRead(guard, shards[shard].Get(shards.TableOf(shard), hashed, out, nullptr));
}

bool Store::GetIfSequence(const ReadGuard&, const Key& key, uint64_t sequence, ReadValue* out) const {
  const HashedKey hashed = Hashed(key);
  const ShardSet& shards = Shards();
  const size_t shard = shards.ShardOf(hashed.hash);
  EntryStamp stamp;
  return shards[shard].Get(shards.TableOf(shard), hashed, out, &stamp) && stamp.sequence == sequence;
}

bool Store::GetStamped(const ReadGuard& guard, const Key& key, ReadValue* out, EntryStamp* stamp) const {
  const HashedKey hashed = Hashed(key);
  const ShardSet& shards = Shards();
  const size_t shard = shards.ShardOf(hashed.hash);
  *stamp = {};
  return CountRead(guard, shards[shard].Get(shards.TableOf(shard), hashed, out, stamp));
}

Deadline Store::DeadlineOf(const Lifetime& lifetime, uint64_t now_ns) const {
  const uint64_t ttl_ns = lifetime.is_default ? ttl_ns_ : lifetime.ttl_ns;
  return ttl_ns == kForever ? Deadline() : Deadline::At(now_ns + ttl_ns, slides_ && lifetime.is_default);
}

PutRequest Store::RequestFor(Session& session, PutMode mode, ReadValue* existing, const Lifetime& lifetime) const {
  PutRequest request;
  request.mode = mode;
  request.existing = existing;
  request.keeps_deadline = lifetime.keeps;
  if ((lifetime.is_default ? ttl_ns_ : lifetime.ttl_ns) != kForever) {
    request.now_ns = RecentNanos(session);
    request.deadline = DeadlineOf(lifetime, request.now_ns);
  }
  return request;
}

Status Store::Set(Session& session, const Key& key, Value value, const Lifetime& lifetime) {
  PutOutcome outcome;
  return Put(session, key, value, RequestFor(session, PutMode::kOverwrite, nullptr, lifetime), &outcome);
}

Result<bool> Store::Insert(const ReadGuard&, Session& session, const Key& key, Value value, ReadValue* existing,
                           const Lifetime& lifetime) {
  PutOutcome outcome;
  Status status = Put(session, key, value, RequestFor(session, PutMode::kIfAbsent, existing, lifetime), &outcome);
  if (!status.ok()) return status;
  return outcome == PutOutcome::kInserted;
}

Status Store::Put(Session& session, const HashedKey& hashed, Value& value, const PutRequest& request,
                  PutOutcome* outcome) {
  const Key& key = hashed.key;
  if (!HasAllowedSizes(key, value.size())) return SizeError(key, value.size());
  PrefetchTable(hashed.hash);  // comes while the log's stage encodes the mutation
  // What an addition makes is another value.
  const bool is_sum = request.mode == PutMode::kAdd && value.size() <= kInlineValueBytesMax;
  Status status =
      is_sum ? ReserveMutation(session, &key, nullptr, kInlineValueBytesMax) : ReserveMutation(session, key, value);
  if (!status.ok()) return status;
  Block* key_block = nullptr;
  *outcome = PutOutcome::kOutOfMemory;
  if (value.PrepareForStore() && CopyLongKey(key, &key_block)) {
    *outcome = InShardOf(hashed.hash, session, [&](Shard& shard, const WriteContext& context) {
      return shard.Put(context, hashed, &key_block, value, request);
    });
  }
  if (key_block != nullptr) Block::Free(key_block);
  const bool changed = *outcome == PutOutcome::kInserted || *outcome == PutOutcome::kOverwritten;
  if (!changed) {
    ReleaseMutation(session);
  } else if (!request.restores()) {
    session.counters().CountPut(*outcome == PutOutcome::kInserted);
  }
  session.ReclaimIfWorthwhile();
  return *outcome == PutOutcome::kOutOfMemory ? Status::OutOfMemory() : Status();
}

Result<bool> Store::Delete(Session& session, const Key& key) {
  DeleteOutcome outcome;
  Status status = Delete(session, key, {}, &outcome);
  if (!status.ok()) return status;
  return outcome == DeleteOutcome::kDeleted;
}

Status Store::Delete(Session& session, const Key& key, const DeleteRequest& request, DeleteOutcome* outcome) {
  Status status = ReserveMutation(session, key);
  if (!status.ok()) return status;
  const HashedKey hashed = Hashed(key);
  PrefetchTable(hashed.hash);
  *outcome = InShardOf(hashed.hash, session, [&](Shard& shard, const WriteContext& context) {
    return shard.Delete(context, hashed, request);
  });
  const bool is_deleted = *outcome == DeleteOutcome::kDeleted;
  if (!is_deleted) ReleaseMutation(session);
  session.counters().CountDeletes(is_deleted ? 1 : 0, is_deleted ? 0 : 1);
  session.ReclaimIfWorthwhile();
  return Status();
}

Status Store::Clear(Session& session) {
  Status status = ReserveMutation(session, nullptr, nullptr, 0);
  if (!status.ok()) return status;
  for (size_t count = shards(); count != 0;) {
    const std::unique_ptr<ShardContents[]> contents(new (std::nothrow) ShardContents[count]);
    if (contents == nullptr) {
      ReleaseMutation(session);
      return Status::OutOfMemory();
    }
    count = ClearInto(session, {contents.get(), count});
  }
  session.Reclaim();
  session.counters().clears.Add(1);
  return Status();
}

size_t Store::ClearInto(Session& session, std::span<ShardContents> contents) {
  const ShardSet& shards = Shards();
  size_t needed = shards.size();
  {
    AllShardsLock lock(shards.all());
    if (lock.HaveEnded()) return Shards().size();
    if (coming_ != nullptr) needed += coming_->size();
    if (needed > contents.size()) return needed;
    const uint64_t stamp = lock.AppendClear(session);
    lock.TakeAll(contents.first(shards.size()));
    if (coming_ != nullptr) {
      AllShardsLock coming_lock(coming_->all());
      coming_lock.RaiseStamps(stamp);
      coming_lock.TakeAll(contents.subspan(shards.size()));
    }
  }
  // Only readers see these now; walking and retiring them needs no lock.
  for (size_t i = 0; i < needed; ++i) {
    const bool are_copies = i >= shards.size();
    contents[i].Retire(session.retired(), are_copies ? Blocks::kShared : Blocks::kOwned);
    if (are_copies) continue;
    session.AddToSize(-static_cast<int64_t>(contents[i].count));
    session.AddToBytes(-static_cast<int64_t>(contents[i].bytes));
  }
  return 0;
}

// --- Reads and writes in one step ------------------------------------------------------------------------------------

bool Expectation::IsMetBy(const ReadValue& current) const {
  if (current.kind() != value.kind() || current.size() != value.size()) return false;
  if (value.kind() != ValueKind::kNumber) return SameBytes(current.bytes(), value.bytes(), value.size());
  double numbers[2];
  std::memcpy(&numbers[0], current.bytes(), sizeof numbers[0]);
  std::memcpy(&numbers[1], value.bytes(), sizeof numbers[1]);
  return numbers[0] == numbers[1] || (std::isnan(numbers[0]) && std::isnan(numbers[1]));
}

Result<bool> Store::Exchange(const ReadGuard&, Session& session, const Key& key, Value value, ReadValue* previous,
                             const Lifetime& lifetime) {
  PutOutcome outcome;
  Status status = Put(session, key, value, RequestFor(session, PutMode::kOverwrite, previous, lifetime), &outcome);
  if (!status.ok()) return status;
  return outcome == PutOutcome::kOverwritten;
}

Result<bool> Store::Take(const ReadGuard&, Session& session, const Key& key, ReadValue* previous) {
  DeleteOutcome outcome;
  Status status = Delete(session, key, {nullptr, previous}, &outcome);
  if (!status.ok()) return status;
  return outcome == DeleteOutcome::kDeleted;
}

Result<PutOutcome> Store::Add(const ReadGuard&, Session& session, const Key& key, Value by, ReadValue* total,
                              const Lifetime& lifetime) {
  PutOutcome outcome;
  Status status = Put(session, key, by, RequestFor(session, PutMode::kAdd, total, lifetime), &outcome);
  if (!status.ok()) return status;
  return outcome;
}

Result<bool> Store::SetIf(Session& session, const Key& key, Value value, const EntryStamp& stamp,
                          const Lifetime& lifetime) {
  PutRequest request = RequestFor(session, PutMode::kIfUnchanged, nullptr, lifetime);
  request.stamp = stamp;
  PutOutcome outcome;
  Status status = Put(session, key, value, request, &outcome);
  if (!status.ok()) return status;
  return outcome != PutOutcome::kChanged;
}

Result<bool> Store::DeleteIf(Session& session, const Key& key, const EntryStamp& stamp) {
  DeleteOutcome outcome;
  Status status = Delete(session, key, {&stamp, nullptr}, &outcome);
  if (!status.ok()) return status;
  return outcome == DeleteOutcome::kDeleted;
}

bool Store::Meets(const ReadGuard& guard, const Key& key, const Expectation& expected, EntryStamp* stamp) const {
  ReadValue current;
  return GetStamped(guard, key, &current, stamp) ? expected.IsMetBy(current) : expected.is_met_by_absence;
}

Result<bool> Store::CompareAndSet(const ReadGuard& guard, Session& session, const Key& key, const Expectation& expected,
                                  Value value, const Lifetime& lifetime) {
  PutRequest request = RequestFor(session, PutMode::kIfUnchanged, nullptr, lifetime);
  while (Meets(guard, key, expected, &request.stamp)) {
    PutOutcome outcome;
    Status status = Put(session, key, value, request, &outcome);
    if (!status.ok()) return status;
    if (outcome != PutOutcome::kChanged) return true;
  }
  return false;
}

Result<bool> Store::CompareAndDelete(const ReadGuard& guard, Session& session, const Key& key,
                                     const Expectation& expected) {
  EntryStamp stamp;
  while (Meets(guard, key, expected, &stamp)) {
    if (stamp == EntryStamp{}) return false;  // absence was expected: there is nothing to delete
    Result<bool> deleted = DeleteIf(session, key, stamp);
    if (!deleted.ok() || deleted.value()) return deleted;
  }
  return false;
}

bool Store::Claim(Session& session, const Key& key, uint64_t nanos) {
  const HashedKey hashed = Hashed(key);
  return InShardOf(hashed.hash, session, [&](Shard& shard, const WriteContext& context) {
           return shard.Claim(context, hashed, nanos);
         }) == ClaimOutcome::kKept;
}

void Store::Release(Session& session, const Key& key) {
  (void)InShardOf(Hashed(key).hash, session,
                  [](Shard& shard, const WriteContext& context) { return shard.Release(context); });
}

// --- Expiry ----------------------------------------------------------------------------------------------------------

Result<Store::Expires> Store::SetLifetime(Session& session, const Key& key, const Lifetime& lifetime) {
  Status status = ReserveMutation(session, key);
  if (!status.ok()) return status;
  const HashedKey hashed = Hashed(key);
  const Deadline deadline = DeadlineOf(lifetime, RecentNanos(session));
  const DeadlineOutcome outcome = InShardOf(hashed.hash, session, [&](Shard& shard, const WriteContext& context) {
    return shard.SetDeadline(context, hashed, deadline, IfExpired::kAbsent);
  });
  session.ReclaimIfWorthwhile();
  switch (outcome) {
    case DeadlineOutcome::kNever:
      return Expires::kNever;
    case DeadlineOutcome::kLater:
      return Expires::kLater;
    default:
      ReleaseMutation(session);
  }
  if (outcome == DeadlineOutcome::kOutOfMemory) return Status::OutOfMemory();
  return Expires::kAbsent;
}

bool Store::Touch(Session& session, const Key& key) {
  const HashedKey hashed = Hashed(key);
  const Deadline deadline = DeadlineOf({}, RecentNanos(session));
  return InShardOf(hashed.hash, session, [&](Shard& shard, const WriteContext& context) {
           return shard.PutOff(context, hashed, deadline);
         }) == DeadlineOutcome::kLater;
}

uint64_t Store::TimeLeft(const ReadGuard&, const Key& key) const {
  const HashedKey hashed = Hashed(key);
  const ShardSet& shards = Shards();
  const size_t shard = shards.ShardOf(hashed.hash);
  Deadline deadline;
  if (!shards[shard].GetDeadline(shards.TableOf(shard), hashed, &deadline)) return 0;
  if (!deadline.exists()) return kForever;
  const uint64_t now_ns = sequencer_.clock().NowNanos();
  return deadline.HasPassed(now_ns) ? 0 : deadline.ns() - now_ns;
}

uint64_t Store::ExpireSome(Session& session, size_t shard) {
  const uint64_t next_ns = Shards()[shard].ExpireSome(ContextFor(session, shard));
  session.ReclaimIfWorthwhile();
  return next_ns;
}

// --- Replay ----------------------------------------------------------------------------------------------------------

Status Store::Restore(Session& session, const HashedKey& key, Value value, const Restoration& restoration) {
  assert(session.stage() == nullptr);
  PutRequest request;
  request.mode = restoration.mode == RestoreMode::kInsert ? PutMode::kRestoreLast : PutMode::kRestoreInPlace;
  request.deadline = restoration.deadline;
  request.sequence = restoration.sequence;
  if (request.deadline.exists()) request.now_ns = sequencer_.clock().NowNanos();
  PutOutcome outcome;
  return Put(session, key, value, request, &outcome);
}

void Store::Expect(Session& session, std::span<const HashedKey> keys) const {
  BatchGroup group;
  for (const HashedKey& key : keys) group.Add(key);
  const ShardSet& shards = PrepareWrites(session, &group);
  for (size_t i = 0; i < group.size; ++i) {
    if (group.candidates[i] == nullptr) shards[group.shards[i]].PrefetchEnd();
  }
}

Status Store::RestoreDeadline(Session& session, const HashedKey& key, Deadline deadline) {
  assert(session.stage() == nullptr);
  const size_t shard = ShardOf(key);
  const DeadlineOutcome outcome =
      Shards()[shard].SetDeadline(ContextFor(session, shard), key, deadline, IfExpired::kPresent);
  session.ReclaimIfWorthwhile();
  return outcome == DeadlineOutcome::kOutOfMemory ? Status::OutOfMemory() : Status();
}

void Store::RestoreClear(Session& session, size_t first, size_t end) {
  assert(session.stage() == nullptr);
  for (size_t shard = first; shard < end; ++shard) {
    ShardContents contents;
    {
      AllShardsLock lock({&Shards()[shard], 1});
      lock.TakeAll({&contents, 1});
    }
    contents.Retire(session.retired());
    session.AddToSize(-static_cast<int64_t>(contents.count));
    session.AddToBytes(-static_cast<int64_t>(contents.bytes));
  }
  session.Reclaim();
}

void Store::ScheduleExpiry(Session& session) {
  const ShardSet& shards = Shards();
  for (size_t shard = 0; shard < shards.size(); ++shard) shards[shard].ScheduleExpiry(ContextFor(session, shard));
}

void Store::AwaitAppended() const {
  for (const Shard& shard : Shards().all()) shard.AwaitWriter();
}

Result<bool> Store::SaveStructures(Session& session, const std::optional<std::string>& expected, std::string text) {
  const Value value = Structures::AsValue(text);
  Status status = ReserveMutation(session, nullptr, &value, value.size());
  if (!status.ok()) return status;
  const bool was_saved = structures_.Save(session, expected, std::move(text));
  if (!was_saved) ReleaseMutation(session);
  return was_saved;
}

// --- Batches ---------------------------------------------------------------------------------------------------------

const ShardSet& Store::PrepareReads(BatchGroup* group) const {
  const ShardSet& shards = Shards();
  group->LoadLines(shards.log2_size(), shards.tables());
  group->LoadEntries();
  return shards;
}

const ShardSet& Store::PrepareWrites(Session& session, BatchGroup* group) const {
  const ReadGuard guard(session);
  const ShardSet& shards = Shards();
  for (size_t i = 0; i < group->size; ++i) shards[shards.ShardOf(group->keys[i].hash)].Prefetch();
  return PrepareReads(group);
}

template <typename Read>
size_t Store::ReadMany(std::span<const Key> keys, bool* found, Read read) const {
  size_t count = 0;
  for (size_t first = 0; first < keys.size(); first += BatchGroup::kKeysMax) {
    BatchGroup group;
    for (const Key& key : GroupAt(first, keys)) group.Add(Hashed(key));
    const ShardSet& shards = PrepareReads(&group);
    for (size_t i = 0; i < group.size; ++i) {
      found[first + i] = read(shards[group.shards[i]], group, i, first + i);
      count += found[first + i] ? 1 : 0;
    }
  }
  return count;
}

size_t Store::GetMany(const ReadGuard& guard, std::span<const Key> keys, ReadValue* values, bool* found) const {
  const size_t count = ReadMany(keys, found, [&](const Shard& shard, const BatchGroup& group, size_t i, size_t place) {
    if (!shard.GetCandidate(group.candidates[i], group.table(i), group.keys[i], &values[place])) return false;
    values[place].PrefetchBlock();
    return true;
  });
  guard.session().counters().CountReads(count, keys.size() - count);
  return count;
}

size_t Store::HasMany(const ReadGuard& guard, std::span<const Key> keys, bool* found) const {
  const size_t count = ReadMany(keys, found, [](const Shard& shard, const BatchGroup& group, size_t i, size_t) {
    return shard.HasCandidate(group.candidates[i], group.table(i), group.keys[i]);
  });
  guard.session().counters().CountHas(count, keys.size() - count);
  return count;
}

Status Store::SetMany(Session& session, std::span<BatchEntry> entries, size_t* failed, const Lifetime& lifetime) {
  for (*failed = 0; *failed < entries.size(); ++*failed) {
    const BatchEntry& entry = entries[*failed];
    if (!HasAllowedSizes(entry.key, entry.value.size())) return SizeError(entry.key, entry.value.size());
  }
  for (*failed = 0; *failed < entries.size();) {
    const PutRequest request = RequestFor(session, PutMode::kOverwrite, nullptr, lifetime);
    Status status = SetGroup(session, GroupAt(*failed, entries), request, failed);
    session.ReclaimIfWorthwhile();
    if (!status.ok()) return status;
  }
  return Status();
}

Status Store::SetGroup(Session& session, std::span<BatchEntry> entries, const PutRequest& request, size_t* count) {
  BatchGroup group;
  KeyBlocks key_blocks;
  for (BatchEntry& entry : entries) {
    if (!entry.value.PrepareForStore() || !CopyLongKey(entry.key, &key_blocks.blocks[group.size])) break;
    group.Add(Hashed(entry.key));
  }
  const ShardSet& shards = PrepareWrites(session, &group);
  for (size_t i = 0; i < group.size; ++i) {
    if (group.candidates[i] == nullptr) shards[group.shards[i]].PrefetchEnd();
  }
  for (size_t first = 0; first < group.size;) {
    const size_t run = session.stage() == nullptr ? group.EndOfRun(first) - first : 1;
    Status status = ReserveMutation(session, entries[first].key, entries[first].value);
    if (!status.ok()) return status;
    const size_t shard = group.shards[first];
    size_t put = 0;
    const PutOutcome outcome = shards[shard].PutMany(ContextFor(session, shard), {&group.keys[first], run},
                                                     &entries[first], &key_blocks.blocks[first], request, &put);
    if (put == 0) ReleaseMutation(session);
    *count += put;
    first += put;
    if (outcome == PutOutcome::kSplit) return Status();  // the rest is another group
    if (put != run) return Status::OutOfMemory();
  }
  return group.size == entries.size() ? Status() : Status::OutOfMemory();
}

Status Store::DeleteMany(Session& session, std::span<const Key> keys, size_t* deleted) {
  *deleted = 0;
  for (size_t first = 0; first < keys.size(); first += kSortedKeysMax) {
    const std::span<const Key> next = keys.subspan(first, std::min(kSortedKeysMax, keys.size() - first));
    Status status = DeleteInOrder(session, next, OrderByShard(next), deleted);
    if (!status.ok()) return status;
  }
  return Status();
}

Status Store::DeleteInOrder(Session& session, std::span<const Key> keys, const std::vector<uint32_t>& order,
                            size_t* deleted) {
  std::array<Key, BatchGroup::kKeysMax> ordered;
  for (size_t first = 0; first < keys.size(); first += BatchGroup::kKeysMax) {
    std::span<const Key> group = GroupAt(first, keys);
    if (!order.empty()) {
      for (size_t i = 0; i < group.size(); ++i) ordered[i] = keys[order[first + i]];
      group = {ordered.data(), group.size()};
    }
    for (size_t done = 0; done < group.size();) {
      Status status = DeleteGroup(session, group.subspan(done), &done, deleted);
      session.ReclaimIfWorthwhile();
      if (!status.ok()) return status;
    }
  }
  return Status();
}

// A counting sort. Where a sink learns of deletions, they come in the order given.
std::vector<uint32_t> Store::OrderByShard(std::span<const Key> keys) const {
  const ShardSet& shards = Shards();
  if (sink_ != nullptr || keys.size() < kSortedKeysPerShardMin * shards.size()) return {};
  try {
    std::vector<uint32_t> shard_of(keys.size());
    std::vector<uint32_t> places(shards.size() + 1);  // of each shard, where its next key goes
    for (size_t i = 0; i < keys.size(); ++i) {
      shard_of[i] = static_cast<uint32_t>(shards.ShardOf(keys[i].HashWith(seed_)));
      ++places[shard_of[i] + 1];
    }
    std::partial_sum(places.begin(), places.end(), places.begin());
    std::vector<uint32_t> order(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) order[places[shard_of[i]]++] = static_cast<uint32_t>(i);
    return order;
  } catch (const std::bad_alloc&) {
    return {};
  }
}

Status Store::DeleteGroup(Session& session, std::span<const Key> keys, size_t* done, size_t* deleted) {
  BatchGroup group;
  for (const Key& key : keys) group.Add(Hashed(key));
  const ShardSet& shards = PrepareWrites(session, &group);
  for (size_t first = 0; first < group.size;) {
    const size_t run = session.stage() == nullptr ? group.EndOfRun(first) - first : 1;
    Status status = ReserveMutation(session, group.keys[first].key);
    if (!status.ok()) return status;
    const size_t shard = group.shards[first];
    const DeletedCount count = shards[shard].DeleteMany(ContextFor(session, shard), {&group.keys[first], run});
    if (count.deleted == 0) ReleaseMutation(session);
    session.counters().CountDeletes(count.deleted, count.done - count.deleted);
    *deleted += count.deleted;
    *done += count.done;
    first += count.done;
    if (count.done != run) break;  // the shard was split: the rest is another group
  }
  return Status();
}

// --- Scans and figures -----------------------------------------------------------------------------------------------

void Store::Scan(const ReadGuard&, uint64_t after, size_t count, std::vector<ScannedEntry>* out) const {
  out->clear();
  const ShardSet& shards = Shards();
  // Enough of each shard that what all of them have given, up to the least last number, is about `count`.
  const size_t per_shard = std::min(count + 1, 2 * count / shards.size() + 4);
  uint64_t complete_to = UINT64_MAX;
  for (uint32_t shard = 0; shard < shards.size(); ++shard) {
    if (shards[shard].Scan(shard, after, per_shard, out)) complete_to = std::min(complete_to, out->back().sequence);
  }
  std::erase_if(*out, [=](const ScannedEntry& entry) { return entry.sequence > complete_to; });
  SortAndTrim(count, out);
}

uint64_t Store::LastSequence() const {
  uint64_t last = 0;
  for (const Shard& shard : Shards().all()) last = std::max(last, shard.last_sequence());
  return last;
}

bool Store::ReadScanned(const ReadGuard& guard, const ScannedEntry& scanned, ReadValue* out) const {
  const Entry::ReadOutcome outcome = scanned.entry->Read(out);
  if (outcome == Entry::ReadOutcome::kRead) return !HasPassed(out->deadline());
  if (outcome == Entry::ReadOutcome::kDead) return false;
  return GetIfSequence(guard, scanned.entry->key(), scanned.sequence, out);
}

Status Store::Reshard(Session& session, size_t count, const std::atomic<bool>& is_cancelled) {
  if (count == shards()) return Status();
  if (count < shards()) {
    return Status(Code::kOutOfRange, "The store has " + std::to_string(shards()) + " shards, and cannot have " +
                                         std::to_string(count) + ": they only become more");
  }
  try {
    Resharding resharding(*this, session, count);
    while (!is_cancelled.load(std::memory_order_relaxed)) {
      Result<bool> is_over = resharding.Step();
      if (!is_over.ok() || is_over.value()) return is_over.TakeStatus();
      if (contention_.IsAnybodyWaiting()) std::this_thread::sleep_for(kGiveWay);
    }
    return Status(Code::kClosed, "The store is being closed");
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  }
}

StoreStats Store::Stats(std::vector<ShardStats>* per_shard) const {
  const MutexLock lock(sets_mutex_);
  const ShardSet& shards = Shards();
  StoreStats stats;
  stats.Add(ended_);
  stats.shards = shards.size();
  for (const auto& set : sets_) stats.shard_bytes += set->bytes();
  stats.retired_bytes = sessions_.TotalRetiredBytes();
  stats.operations = sessions_.TotalOperations();
  stats.operations.Zip(restored_, [](uint64_t& all, uint64_t restored) { all -= restored; });
  for (const Shard& shard : shards.all()) {
    const ShardStats figures = shard.Stats();
    stats.Add(figures);
    if (per_shard != nullptr) per_shard->push_back(figures);
  }
  return stats;
}

}  // namespace shardmap
