#include "log/staging.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "base/asymmetric_fence.h"
#include "base/clock.h"
#include "base/prefetch.h"
#include "log/log_format.h"

namespace shardmap {
namespace {

constexpr uint64_t kWaitSliceNanos = 10'000'000;
constexpr std::chrono::microseconds kReservationPoll{100};
// So far ahead of what was appended memory is asked for. A store to a line that has yet to come would hold up the
// locking of the shard, which waits for all stores before it (bench/native/log_bench.cc).
constexpr size_t kPrefetchBytes = 192;

constexpr size_t RoundedUp(size_t bytes) { return (bytes + alignof(StagedRecord) - 1) & ~(alignof(StagedRecord) - 1); }

}  // namespace

// --- One session's ---------------------------------------------------------------------------------------------------

Stage::~Stage() {
  if (spare_ != nullptr) staging_.FreeChunk(spare_);
  StagedChunk* chunk = read_chunk_ != nullptr ? read_chunk_ : first_chunk_.load(std::memory_order_relaxed);
  while (chunk != nullptr) {
    StagedChunk* const next = chunk->next.load(std::memory_order_relaxed);
    staging_.FreeChunk(chunk);
    chunk = next;
  }
}

Status Stage::Reserve(const Key* key, const Value* value, size_t value_bytes_max) {
  is_reserved_.store(true, std::memory_order_relaxed);
  LightFence();
  if (staging_.is_refusing_.load(std::memory_order_acquire)) {
    Status status = staging_.Refusal();
    if (!status.ok()) {
      Release();
      return status;
    }
  }
  if (staging_.is_asleep_.load(std::memory_order_relaxed) &&
      staging_.is_asleep_.exchange(false, std::memory_order_relaxed)) {
    staging_.wake_();
  }

  const size_t value_bytes = value != nullptr ? value->size() : value_bytes_max;
  const size_t bytes = RoundedUp(sizeof(StagedRecord) + RecordBytesMax(key != nullptr ? key->size : 0, value_bytes));
  if (chunk_ == nullptr || chunk_->capacity - chunk_->committed.load(std::memory_order_relaxed) < bytes) {
    Status status = AddChunk(bytes);
    if (!status.ok()) {
      Release();
      return status;
    }
  }
  const size_t at = chunk_->committed.load(std::memory_order_relaxed);
  uint8_t* p = chunk_->bytes() + at + sizeof(StagedRecord) + kRecordHeadBytes;
  if (key != nullptr) p = EncodeRecordKey(*key, p);
  has_value_ = value != nullptr;
  if (has_value_) p = EncodeRecordValue(value->kind(), {value->bytes(), value->size()}, p);
  encoded_end_ = p;
  return Status();
}

Status Stage::AddChunk(size_t bytes) {
  StagedChunk* chunk = nullptr;
  if (bytes > Staging::kChunkCapacity) {
    // A chunk for this one, freed as soon as it was taken: for that there must be another behind it.
    Status status = spare_ == nullptr ? staging_.AllocateChunk(0, &spare_) : Status();
    if (status.ok()) status = staging_.AllocateChunk(bytes, &chunk);
    if (!status.ok()) return status;
  } else if (spare_ != nullptr) {
    chunk = std::exchange(spare_, nullptr);
  } else {
    Status status = staging_.AllocateChunk(bytes, &chunk);
    if (!status.ok()) return status;
  }
  if (chunk_ == nullptr) {
    first_chunk_.store(chunk, std::memory_order_release);
  } else {
    chunk_->next.store(chunk, std::memory_order_release);
  }
  chunk_ = chunk;
  return Status();
}

void Stage::Append(const Mutation& mutation) {
  const size_t at = chunk_->committed.load(std::memory_order_relaxed);
  uint8_t* const record = chunk_->bytes() + at + sizeof(StagedRecord);
  EncodeRecordHead(mutation.kind, mutation.deadline, record);
  uint8_t* p = encoded_end_;
  if (mutation.value != nullptr && !has_value_) {
    p = EncodeRecordValue(mutation.value->kind(), {mutation.value->bytes(), mutation.value->size()}, p);
  }
  p = EncodeRecordDeadline(mutation.deadline, p);

  LightFence();
  const uint64_t cut = staging_.cut_.load(std::memory_order_acquire);
  const size_t bytes = static_cast<size_t>(p - record);
  new (chunk_->bytes() + at)
      StagedRecord{{mutation.stamp, mutation.place}, static_cast<uint32_t>(cut), static_cast<uint32_t>(bytes)};
  const size_t end = at + RoundedUp(sizeof(StagedRecord) + bytes);
  chunk_->committed.store(end, std::memory_order_release);
  PrefetchForWrite(chunk_->bytes() + end + kPrefetchBytes);
  if (spare_ != nullptr) {
    chunk_->next.store(spare_, std::memory_order_release);
    chunk_ = std::exchange(spare_, nullptr);
  }
  is_reserved_.store(false, std::memory_order_release);
}

const StagedRecord* Stage::Peek() {
  if (read_chunk_ == nullptr) read_chunk_ = first_chunk_.load(std::memory_order_acquire);
  while (read_chunk_ != nullptr) {
    StagedChunk* const next = read_chunk_->next.load(std::memory_order_acquire);
    if (read_ < read_chunk_->committed.load(std::memory_order_acquire)) {
      return reinterpret_cast<const StagedRecord*>(read_chunk_->bytes() + read_);
    }
    if (next == nullptr) return nullptr;
    staging_.FreeChunk(std::exchange(read_chunk_, next));
    read_ = 0;
  }
  return nullptr;
}

void Stage::Take(const StagedRecord* record) {
  read_ += RoundedUp(sizeof(StagedRecord) + static_cast<size_t>(record->bytes));
}

// --- All of them -----------------------------------------------------------------------------------------------------

Staging::~Staging() {
  stages_.clear();
  for (StagedChunk* chunk : spare_chunks_) std::free(chunk);
}

Stage* Staging::Open() {
  MutexLock lock(mutex_);
  for (Slot& slot : stages_) {
    if (!slot.is_free) continue;
    slot.is_open = true;
    slot.is_free = false;
    return slot.stage.get();
  }
  stages_.push_back({std::make_unique<Stage>(*this)});
  return stages_.back().stage.get();
}

void Staging::Close(Stage* stage) {
  MutexLock lock(mutex_);
  const auto slot = std::find_if(stages_.begin(), stages_.end(), [&](const Slot& s) { return s.stage.get() == stage; });
  slot->is_open = false;
}

void Staging::Refuse(Code code, std::string message) {
  MutexLock lock(mutex_);
  refusal_ = code;
  refusal_message_ = std::move(message);
  is_refusing_.store(true, std::memory_order_release);
  room_.NotifyAll();
}

void Staging::Accept() {
  MutexLock lock(mutex_);
  if (refusal_ == Code::kClosed) return;
  refusal_ = Code::kOk;
  is_refusing_.store(false, std::memory_order_release);
}

Status Staging::Refusal() const {
  MutexLock lock(mutex_);
  return refusal_ == Code::kOk ? Status() : Status(refusal_, refusal_message_);
}

Status Staging::AllocateChunk(size_t bytes, StagedChunk** chunk) {
  const size_t capacity = std::max(bytes, kChunkCapacity);
  const size_t total = capacity + sizeof(StagedChunk);
  {
    MutexLock lock(mutex_);
    const uint64_t begin_ns = Clock::Steady().NowNanos();
    // What is larger than all room there is goes in alone, but for the chunks that stages keep.
    while (bytes_.load(std::memory_order_relaxed) > 2 * kChunkBytes * stages_.size() &&
           bytes_.load(std::memory_order_relaxed) + total > bytes_max_) {
      if (refusal_ != Code::kOk) return Status(refusal_, refusal_message_);
      if (Clock::Steady().NowNanos() - begin_ns >= wait_ns_max_) {
        return Status(Code::kLogBusy, std::to_string(bytes_.load(std::memory_order_relaxed)) +
                                          " bytes wait for the log to be written, and have for " +
                                          std::to_string(wait_ns_max_ / 1'000'000) +
                                          " ms: " + std::to_string(bytes_max_) + " may");
      }
      room_.WaitFor(mutex_, kWaitSliceNanos);
    }
    bytes_.fetch_add(total, std::memory_order_relaxed);
    if (capacity == kChunkCapacity && !spare_chunks_.empty()) {
      *chunk = new (spare_chunks_.back()) StagedChunk;
      (*chunk)->capacity = capacity;
      spare_chunks_.pop_back();
      return Status();
    }
  }
  void* const memory = std::malloc(total);
  if (memory == nullptr) {
    MutexLock lock(mutex_);
    bytes_.fetch_sub(total, std::memory_order_relaxed);
    return Status::OutOfMemory();
  }
  *chunk = new (memory) StagedChunk;
  (*chunk)->capacity = capacity;
  return Status();
}

void Staging::FreeChunk(StagedChunk* chunk) {
  const size_t capacity = chunk->capacity;
  chunk->~StagedChunk();
  MutexLock lock(mutex_);
  bytes_.fetch_sub(capacity + sizeof(StagedChunk), std::memory_order_relaxed);
  if (capacity == kChunkCapacity && spare_chunks_.size() < kSpareChunksMax) {
    spare_chunks_.push_back(chunk);
  } else {
    std::free(chunk);
  }
  room_.NotifyAll();
}

std::vector<Stage*> Staging::Stages() {
  MutexLock lock(mutex_);
  std::vector<Stage*> stages;
  stages.reserve(stages_.size());
  for (const Slot& slot : stages_) stages.push_back(slot.stage.get());
  return stages;
}

void Staging::BeginCut() {
  cut_.fetch_add(1, std::memory_order_seq_cst);
  HeavyFence();
}

void Staging::TakeCut(const std::function<void(std::span<const uint8_t> record)>& consume) {
  const uint64_t cut = cut_.load(std::memory_order_relaxed) - 1;
  std::vector<Stage*> stages = Stages();
  for (;;) {
    // The stage that goes on, and the first place of the others, up to which it does.
    constexpr StagedPlace kLast = {std::numeric_limits<uint64_t>::max(), std::numeric_limits<uint32_t>::max()};
    Stage* first = nullptr;
    StagedPlace first_place = kLast;
    StagedPlace second_place = kLast;
    for (Stage* stage : stages) {
      const StagedRecord* const record = stage->Peek(cut);
      if (record == nullptr) continue;
      if (first == nullptr || record->place < first_place) {
        second_place = first_place;
        first_place = record->place;
        first = stage;
      } else {
        second_place = std::min(second_place, record->place);
      }
    }
    if (first == nullptr) break;
    for (const StagedRecord* record = first->Peek(cut); record != nullptr && record->place <= second_place;
         record = first->Peek(cut)) {
      consume({reinterpret_cast<const uint8_t*>(record + 1), static_cast<size_t>(record->bytes)});
      first->Take(record);
    }
  }
  FreeStages();
}

void Staging::FreeStages() {
  MutexLock lock(mutex_);
  for (Slot& slot : stages_) slot.is_free = !slot.is_open && slot.stage->WasEmptied();
}

void Staging::AwaitReservations() {
  HeavyFence();
  for (const Stage* stage : Stages()) {
    while (stage->is_reserved_.load(std::memory_order_acquire)) std::this_thread::sleep_for(kReservationPoll);
  }
}

bool Staging::FallAsleep() {
  is_asleep_.store(true, std::memory_order_relaxed);
  HeavyFence();
  try {
    const std::vector<Stage*> stages = Stages();
    if (std::all_of(stages.begin(), stages.end(), [](Stage* stage) { return stage->IsIdle(); })) return true;
  } catch (const std::bad_alloc&) {  // looked at again soon
  }
  Awake();
  return false;
}

}  // namespace shardmap
