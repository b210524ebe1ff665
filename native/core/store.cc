#include "core/store.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <new>
#include <numeric>
#include <string>
#include <thread>
#include <utility>

#include "core/all_shards_lock.h"

namespace shardmap {
namespace {

constexpr size_t kShardsPerCore = 256;
constexpr size_t kDefaultShardsMax = 4096;

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
      log2_shards_(static_cast<unsigned>(std::countr_zero(options.shards == 0 ? DefaultShards() : options.shards))),
      ttl_ns_(options.ttl_ns),
      slides_(options.slides),
      expiry_(*this, options.scheduler),
      tables_(std::make_unique<std::atomic<uint64_t>[]>(size_t{1} << log2_shards_)),
      shards_(new Shard[size_t{1} << log2_shards_]),
      sequencer_(options.clock == nullptr ? Clock::Steady() : *options.clock) {
  for (size_t shard = 0; shard < shards(); ++shard) shards_[shard].Attach(&tables_[shard], &sequencer_.clock());
}

Store::~Store() {
  for (size_t shard = 0; shard < shards(); ++shard) shards_[shard].FreeAll();
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
  const size_t shard = ShardOf(hashed.hash);
  return CountRead(guard, shards_[shard].Get(TableOf(shard), hashed, out, nullptr));
}

bool Store::Has(const ReadGuard& guard, const Key& key) const {
  const HashedKey hashed = Hashed(key);
  const size_t shard = ShardOf(hashed.hash);
  const bool is_found = shards_[shard].Has(TableOf(shard), hashed);
  guard.session().counters().CountHas(is_found ? 1 : 0, is_found ? 0 : 1);
  return is_found;
}

bool Store::GetVersioned(const ReadGuard& guard, const Key& key, ReadValue* out, size_t* shard,
                         uint64_t* version) const {
  const HashedKey hashed = Hashed(key);
  *shard = ShardOf(hashed.hash);
  *version = shards_[*shard].value_version().load(std::memory_order_acquire);
  return CountRead(guard, shards_[*shard].Get(TableOf(*shard), hashed, out, nullptr));
}

bool Store::GetIfSequence(const ReadGuard&, const Key& key, uint64_t sequence, ReadValue* out) const {
  const HashedKey hashed = Hashed(key);
  const size_t shard = ShardOf(hashed.hash);
  EntryStamp stamp;
  return shards_[shard].Get(TableOf(shard), hashed, out, &stamp) && stamp.sequence == sequence;
}

bool Store::GetStamped(const ReadGuard& guard, const Key& key, ReadValue* out, EntryStamp* stamp) const {
  const HashedKey hashed = Hashed(key);
  const size_t shard = ShardOf(hashed.hash);
  *stamp = {};
  return CountRead(guard, shards_[shard].Get(TableOf(shard), hashed, out, stamp));
}

Deadline Store::DeadlineOf(const Lifetime& lifetime, uint64_t now_ns) const {
  const uint64_t ttl_ns = lifetime.is_default ? ttl_ns_ : lifetime.ttl_ns;
  return ttl_ns == kForever ? Deadline() : Deadline::At(now_ns + ttl_ns, slides_ && lifetime.is_default);
}

PutRequest Store::RequestFor(PutMode mode, ReadValue* existing, const Lifetime& lifetime) const {
  PutRequest request;
  request.mode = mode;
  request.existing = existing;
  request.keeps_deadline = lifetime.keeps;
  if ((lifetime.is_default ? ttl_ns_ : lifetime.ttl_ns) != kForever) {
    request.now_ns = sequencer_.clock().NowNanos();
    request.deadline = DeadlineOf(lifetime, request.now_ns);
  }
  return request;
}

Status Store::Set(Session& session, const Key& key, Value value, const Lifetime& lifetime) {
  PutOutcome outcome;
  return Put(session, key, value, RequestFor(PutMode::kOverwrite, nullptr, lifetime), &outcome);
}

Result<bool> Store::Insert(const ReadGuard&, Session& session, const Key& key, Value value, ReadValue* existing,
                           const Lifetime& lifetime) {
  PutOutcome outcome;
  Status status = Put(session, key, value, RequestFor(PutMode::kIfAbsent, existing, lifetime), &outcome);
  if (!status.ok()) return status;
  return outcome == PutOutcome::kInserted;
}

Status Store::Put(Session& session, const HashedKey& hashed, Value& value, const PutRequest& request,
                  PutOutcome* outcome) {
  const Key& key = hashed.key;
  if (!HasAllowedSizes(key, value.size())) return SizeError(key, value.size());
  const size_t shard = ShardOf(hashed);
  TableOf(shard).Prefetch(hashed.hash);  // comes while the log's stage encodes the mutation
  // What an addition makes is another value.
  const bool is_sum = request.mode == PutMode::kAdd && value.size() <= kInlineValueBytesMax;
  Status status =
      is_sum ? ReserveMutation(session, &key, nullptr, kInlineValueBytesMax) : ReserveMutation(session, key, value);
  if (!status.ok()) return status;
  Block* key_block = nullptr;
  *outcome = PutOutcome::kOutOfMemory;
  if (value.PrepareForStore() && CopyLongKey(key, &key_block)) {
    *outcome = shards_[shard].Put(ContextFor(session, shard), hashed, &key_block, value, request);
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
  const size_t shard = ShardOf(hashed.hash);
  TableOf(shard).Prefetch(hashed.hash);
  *outcome = shards_[shard].Delete(ContextFor(session, shard), hashed, request);
  const bool is_deleted = *outcome == DeleteOutcome::kDeleted;
  if (!is_deleted) ReleaseMutation(session);
  session.counters().CountDeletes(is_deleted ? 1 : 0, is_deleted ? 0 : 1);
  session.ReclaimIfWorthwhile();
  return Status();
}

Status Store::Clear(Session& session) {
  const std::unique_ptr<ShardContents[]> contents(new (std::nothrow) ShardContents[shards()]);
  if (contents == nullptr) return Status::OutOfMemory();
  Status status = ReserveMutation(session, nullptr, nullptr, 0);
  if (!status.ok()) return status;
  {
    AllShardsLock lock({shards_.get(), shards()});
    lock.AppendClear(session);
    lock.TakeAll(session, {contents.get(), shards()});
  }
  // Only readers see these now; walking and retiring them needs no lock.
  for (size_t shard = 0; shard < shards(); ++shard) contents[shard].Retire(session.retired());
  session.Reclaim();
  session.counters().clears.Add(1);
  return Status();
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
  Status status = Put(session, key, value, RequestFor(PutMode::kOverwrite, previous, lifetime), &outcome);
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
  Status status = Put(session, key, by, RequestFor(PutMode::kAdd, total, lifetime), &outcome);
  if (!status.ok()) return status;
  return outcome;
}

Result<bool> Store::SetIf(Session& session, const Key& key, Value value, const EntryStamp& stamp,
                          const Lifetime& lifetime) {
  PutRequest request = RequestFor(PutMode::kIfUnchanged, nullptr, lifetime);
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
  PutRequest request = RequestFor(PutMode::kIfUnchanged, nullptr, lifetime);
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
  const size_t shard = ShardOf(hashed.hash);
  return shards_[shard].Claim(ContextFor(session, shard), hashed, nanos);
}

void Store::Release(Session& session, const Key& key) {
  const size_t shard = ShardOf(Hashed(key).hash);
  shards_[shard].Release(ContextFor(session, shard));
}

// --- Expiry ----------------------------------------------------------------------------------------------------------

Result<Store::Expires> Store::SetLifetime(Session& session, const Key& key, const Lifetime& lifetime) {
  Status status = ReserveMutation(session, key);
  if (!status.ok()) return status;
  const HashedKey hashed = Hashed(key);
  const size_t shard = ShardOf(hashed.hash);
  const Deadline deadline = DeadlineOf(lifetime, sequencer_.clock().NowNanos());
  const DeadlineOutcome outcome =
      shards_[shard].SetDeadline(ContextFor(session, shard), hashed, deadline, IfExpired::kAbsent);
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

bool Store::Touch(const Key& key) {
  const HashedKey hashed = Hashed(key);
  const size_t shard = ShardOf(hashed.hash);
  return shards_[shard].PutOff(hashed, DeadlineOf({}, sequencer_.clock().NowNanos()));
}

uint64_t Store::TimeLeft(const ReadGuard&, const Key& key) const {
  const HashedKey hashed = Hashed(key);
  const size_t shard = ShardOf(hashed.hash);
  Deadline deadline;
  if (!shards_[shard].GetDeadline(TableOf(shard), hashed, &deadline)) return 0;
  if (!deadline.exists()) return kForever;
  const uint64_t now_ns = sequencer_.clock().NowNanos();
  return deadline.HasPassed(now_ns) ? 0 : deadline.ns() - now_ns;
}

uint64_t Store::ExpireSome(Session& session, size_t shard) {
  const uint64_t next_ns = shards_[shard].ExpireSome(ContextFor(session, shard));
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
  for (const HashedKey& key : keys) AddTo(&group, key);
  PrepareWrites(session, &group);
  for (size_t i = 0; i < group.size; ++i) {
    if (group.candidates[i] == nullptr) shards_[group.shards[i]].PrefetchEnd();
  }
}

Status Store::RestoreDeadline(Session& session, const HashedKey& key, Deadline deadline) {
  assert(session.stage() == nullptr);
  const size_t shard = ShardOf(key);
  const DeadlineOutcome outcome =
      shards_[shard].SetDeadline(ContextFor(session, shard), key, deadline, IfExpired::kPresent);
  session.ReclaimIfWorthwhile();
  return outcome == DeadlineOutcome::kOutOfMemory ? Status::OutOfMemory() : Status();
}

void Store::RestoreClear(Session& session, size_t first, size_t end) {
  assert(session.stage() == nullptr);
  for (size_t shard = first; shard < end; ++shard) {
    ShardContents contents;
    {
      AllShardsLock lock({&shards_[shard], 1});
      lock.TakeAll(session, {&contents, 1});
    }
    contents.Retire(session.retired());
  }
  session.Reclaim();
}

void Store::ScheduleExpiry(Session& session) {
  for (size_t shard = 0; shard < shards(); ++shard) shards_[shard].ScheduleExpiry(ContextFor(session, shard));
}

void Store::AwaitAppended() const {
  for (size_t shard = 0; shard < shards(); ++shard) shards_[shard].AwaitWriter();
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

void Store::PrepareReads(BatchGroup* group) const {
  group->LoadLines(tables_.get());
  group->LoadEntries();
}

void Store::PrepareWrites(Session& session, BatchGroup* group) const {
  const ReadGuard guard(session);
  for (size_t i = 0; i < group->size; ++i) shards_[group->shards[i]].Prefetch();
  PrepareReads(group);
}

template <typename Read>
size_t Store::ReadMany(std::span<const Key> keys, bool* found, Read read) const {
  size_t count = 0;
  for (size_t first = 0; first < keys.size(); first += BatchGroup::kKeysMax) {
    BatchGroup group;
    for (const Key& key : GroupAt(first, keys)) AddTo(&group, Hashed(key));
    PrepareReads(&group);
    for (size_t i = 0; i < group.size; ++i) {
      found[first + i] = read(shards_[group.shards[i]], group, i, first + i);
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
    const PutRequest request = RequestFor(PutMode::kOverwrite, nullptr, lifetime);
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
    AddTo(&group, Hashed(entry.key));
  }
  PrepareWrites(session, &group);
  for (size_t i = 0; i < group.size; ++i) {
    if (group.candidates[i] == nullptr) shards_[group.shards[i]].PrefetchEnd();
  }
  for (size_t first = 0; first < group.size;) {
    const size_t run = session.stage() == nullptr ? group.EndOfRun(first) - first : 1;
    Status status = ReserveMutation(session, entries[first].key, entries[first].value);
    if (!status.ok()) return status;
    const size_t shard = group.shards[first];
    const size_t put = shards_[shard].PutMany(ContextFor(session, shard), {&group.keys[first], run}, &entries[first],
                                              &key_blocks.blocks[first], request);
    if (put == 0) ReleaseMutation(session);
    *count += put;
    first += put;
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
    Status status = DeleteGroup(session, group, deleted);
    session.ReclaimIfWorthwhile();
    if (!status.ok()) return status;
  }
  return Status();
}

// A counting sort. Where a sink learns of deletions, they come in the order given.
std::vector<uint32_t> Store::OrderByShard(std::span<const Key> keys) const {
  if (sink_ != nullptr || keys.size() < kSortedKeysPerShardMin * shards()) return {};
  try {
    std::vector<uint32_t> shard_of(keys.size());
    std::vector<uint32_t> places(shards() + 1);  // of each shard, where its next key goes
    for (size_t i = 0; i < keys.size(); ++i) {
      shard_of[i] = static_cast<uint32_t>(ShardOf(keys[i].HashWith(seed_)));
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

Status Store::DeleteGroup(Session& session, std::span<const Key> keys, size_t* count) {
  BatchGroup group;
  for (const Key& key : keys) AddTo(&group, Hashed(key));
  PrepareWrites(session, &group);
  for (size_t first = 0; first < group.size;) {
    const size_t run = session.stage() == nullptr ? group.EndOfRun(first) - first : 1;
    Status status = ReserveMutation(session, group.keys[first].key);
    if (!status.ok()) return status;
    const size_t shard = group.shards[first];
    const size_t deleted = shards_[shard].DeleteMany(ContextFor(session, shard), {&group.keys[first], run});
    if (deleted == 0) ReleaseMutation(session);
    session.counters().CountDeletes(deleted, run - deleted);
    *count += deleted;
    first += run;
  }
  return Status();
}

// --- Scans and figures -----------------------------------------------------------------------------------------------

void Store::Scan(const ReadGuard&, uint64_t after, size_t count, std::vector<ScannedEntry>* out) const {
  out->clear();
  // Enough of each shard that what all of them have given, up to the least last number, is about `count`.
  const size_t per_shard = std::min(count + 1, 2 * count / shards() + 4);
  uint64_t complete_to = UINT64_MAX;
  for (uint32_t shard = 0; shard < shards(); ++shard) {
    if (shards_[shard].Scan(shard, after, per_shard, out)) complete_to = std::min(complete_to, out->back().sequence);
  }
  std::erase_if(*out, [=](const ScannedEntry& entry) { return entry.sequence > complete_to; });
  SortAndTrim(count, out);
}

uint64_t Store::LastSequence() const {
  uint64_t last = 0;
  for (size_t shard = 0; shard < shards(); ++shard) last = std::max(last, shards_[shard].last_sequence());
  return last;
}

bool Store::ReadScanned(const ReadGuard& guard, const ScannedEntry& scanned, ReadValue* out) const {
  const Entry::ReadOutcome outcome = scanned.entry->Read(out);
  if (outcome == Entry::ReadOutcome::kRead) return !HasPassed(out->deadline());
  if (outcome == Entry::ReadOutcome::kDead) return false;
  return GetIfSequence(guard, scanned.entry->key(), scanned.sequence, out);
}

StoreStats Store::Stats(std::vector<ShardStats>* per_shard) const {
  StoreStats stats;
  stats.shards = shards();
  stats.shard_bytes = shards() * (sizeof(Shard) + sizeof tables_[0]);
  stats.retired_bytes = sessions_.TotalRetiredBytes();
  stats.operations = sessions_.TotalOperations();
  stats.operations.Zip(restored_, [](uint64_t& all, uint64_t restored) { all -= restored; });
  for (size_t i = 0; i < shards(); ++i) {
    const ShardStats shard = shards_[i].Stats();
    stats.Add(shard);
    if (per_shard != nullptr) per_shard->push_back(shard);
  }
  return stats;
}

}  // namespace shardmap
