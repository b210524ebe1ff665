#include "log/replay.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

namespace shardmap {
namespace {

// More would walk through what few of them apply: a thread decodes and hashes every record, which takes about a tenth
// of what applying it does.
constexpr size_t kThreadsMax = 8;

Status WalkThrough(ReplayPart& part, std::span<const uint8_t> bytes, std::span<const size_t> ends) {
  try {
    size_t at = 0;
    for (const size_t end : ends) {
      Status status = part.Walk(bytes.subspan(at, end - at));
      if (!status.ok()) return status;
      at = end;
    }
    return Status();
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  }
}

}  // namespace

size_t ReplayOptions::DefaultThreads() {
  const size_t cores = std::thread::hardware_concurrency();
  return cores < 2 ? 0 : std::min(cores, kThreadsMax);
}

Replay::Replay(Store& store, uint64_t clock_offset_ns, const ReplayOptions& options)
    : store_(store), clock_offset_ns_(clock_offset_ns), options_(options), whole_(store, clock_offset_ns) {}

Replay::~Replay() {
  {
    MutexLock lock(mutex_);
    is_ending_ = true;
    is_more_.NotifyAll();
  }
  for (const auto& thread : threads_) thread->thread.join();
}

Status Replay::Apply(std::span<const uint8_t> payload) {
  bytes_ += payload.size();
  if (!has_started_ && bytes_ > options_.bytes_before_threads) StartThreads();
  if (threads_.empty()) return whole_.Walk(payload);
  batch_.bytes.insert(batch_.bytes.end(), payload.begin(), payload.end());
  batch_.ends.push_back(batch_.bytes.size());
  return batch_.bytes.size() < kBatchBytes ? Status() : Queue();
}

void Replay::StartThreads() {
  has_started_ = true;
  const size_t wanted = std::min(options_.threads_max, store_.shards());
  try {
    threads_.reserve(wanted);
    while (threads_.size() < wanted) {
      auto thread = std::make_unique<Thread>(store_, clock_offset_ns_);
      thread->thread = std::thread([this, &part = thread->part] { Run(part); });
      threads_.push_back(std::move(thread));
    }
  } catch (const std::system_error&) {  // those that there are will do
  } catch (const std::bad_alloc&) {
  }
  const size_t count = threads_.size();
  for (size_t i = 0; i < count; ++i) {
    threads_[i]->part.Own(store_.shards() * i / count, store_.shards() * (i + 1) / count, whole_.records());
  }
}

Status Replay::Queue() {
  Batch batch = std::exchange(batch_, {});
  if (batch.ends.empty()) return Status();
  const size_t bytes = batch.bytes.size();
  batch.threads_left = threads_.size();
  MutexLock lock(mutex_);
  while (failure_.ok() && !queue_.empty() && queued_bytes_ + bytes > kQueuedBytesMax) is_less_.Wait(mutex_);
  if (!failure_.ok()) return failure_.Copy();
  queue_.push_back(std::move(batch));
  queued_bytes_ += bytes;
  is_more_.NotifyAll();
  return Status();
}

Status Replay::Await() {
  Status status = Queue();
  if (!status.ok()) return status;
  MutexLock lock(mutex_);
  while (failure_.ok() && !queue_.empty()) is_less_.Wait(mutex_);
  return failure_.Copy();
}

void Replay::Run(ReplayPart& part) {
  for (uint64_t number = 0;; ++number) {
    const Batch* const batch = Take(number);
    if (batch == nullptr) return;
    GiveBack(number, WalkThrough(part, batch->bytes, batch->ends));
  }
}

// What is behind it in the queue may come and go meanwhile: it stays where it is.
const Replay::Batch* Replay::Take(uint64_t number) {
  MutexLock lock(mutex_);
  while (!is_ending_ && failure_.ok() && number - first_number_ == queue_.size()) is_more_.Wait(mutex_);
  return is_ending_ || !failure_.ok() ? nullptr : &queue_[number - first_number_];
}

void Replay::GiveBack(uint64_t number, Status status) {
  MutexLock lock(mutex_);
  if (failure_.ok() && !status.ok()) failure_ = std::move(status);
  if (!failure_.ok()) is_more_.NotifyAll();
  --queue_[number - first_number_].threads_left;
  while (!queue_.empty() && queue_.front().threads_left == 0) {
    queued_bytes_ -= queue_.front().bytes.size();
    queue_.pop_front();
    ++first_number_;
  }
  is_less_.NotifyAll();
}

void Replay::Finish() {
  uint64_t records = whole_.records();
  for (const auto& thread : threads_) records = std::max(records, thread->part.records());
  store_.EndRestore(records);
  whole_.Expire();
}

}  // namespace shardmap
