#include "engine/expiry_queue.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace shardmap {
namespace {

// Room for bytes at whose end another value is aligned.
size_t Padded(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

}  // namespace

ExpiredBatch::ExpiredBatch(std::span<const ExpiredEntry> entries, std::vector<bool> wanted)
    : has_(std::move(wanted)), entries_(entries.size()) {
  size_t bytes = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (has_[i]) bytes += Padded(entries[i].key.size) + Padded(entries[i].value.size());
  }
  bytes_ = std::make_unique_for_overwrite<uint8_t[]>(bytes);
  uint8_t* end = bytes_.get();
  const auto copy = [&end](const uint8_t* from, size_t size) {
    uint8_t* const to = end;
    if (size != 0) std::memcpy(to, from, size);
    end += Padded(size);
    return to;
  };
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!has_[i]) continue;
    const auto& [key, value] = entries[i];
    entries_[i].key = {key.kind, copy(key.bytes, key.size), key.size};
    entries_[i].kind = value.kind();
    entries_[i].value = copy(value.bytes(), value.size());
    entries_[i].value_bytes = value.size();
  }
}

void ExpiryQueue::MarkWanted(std::span<const ExpiredEntry> entries, std::vector<bool>* wanted) const {
  MutexLock lock(mutex_);
  Load load = load_;
  for (size_t i = 0; i < entries.size(); ++i) {
    const size_t bytes = entries[i].key.size + entries[i].value.size();
    if (!HasRoom(load, bytes)) continue;
    (*wanted)[i] = true;
    ++load.entries;
    load.bytes += bytes;
  }
}

void ExpiryQueue::Append(const std::shared_ptr<const ExpiredBatch>& batch, size_t count) {
  {
    MutexLock lock(mutex_);
    for (size_t i = 0; i < count; ++i) {
      // There may be more room by now than when it was looked for.
      if (batch->has(i) && HasRoom(load_, (*batch)[i].bytes())) {
        AppendOneLocked(batch, i);
      } else {
        ++dropped_;
      }
    }
  }
  wake_up_->Request();
}

void ExpiryQueue::AppendOneLocked(const std::shared_ptr<const ExpiredBatch>& batch, size_t i) {
  if (!runs_.empty() && runs_.back().batch == batch && runs_.back().end == i) {
    ++runs_.back().end;
  } else {
    try {
      runs_.push_back({batch, i, i + 1});
    } catch (const std::bad_alloc&) {
      ++dropped_;
      return;
    }
  }
  ++load_.entries;
  load_.bytes += (*batch)[i].bytes();
}

void ExpiryQueue::Drop(size_t count) {
  {
    MutexLock lock(mutex_);
    dropped_ += count;
  }
  wake_up_->Request();
}

std::vector<ExpiredRun> ExpiryQueue::Take(size_t entries_max, size_t bytes_max) {
  std::vector<ExpiredRun> taken;
  Load load;
  MutexLock lock(mutex_);
  taken.reserve(std::min(runs_.size(), entries_max));  // or nothing is taken
  while (!runs_.empty() && load.entries < entries_max && load.bytes < bytes_max) {
    ExpiredRun& run = runs_.front();
    taken.push_back({run.batch, run.first, run.first});
    while (run.first != run.end && load.entries < entries_max && load.bytes < bytes_max) {
      const size_t bytes = (*run.batch)[run.first++].bytes();
      ++taken.back().end;
      ++load.entries;
      load.bytes += bytes;
      --load_.entries;
      load_.bytes -= bytes;
    }
    if (run.first == run.end) runs_.pop_front();
  }
  return taken;
}

uint64_t ExpiryQueue::TakeDropped() {
  MutexLock lock(mutex_);
  return std::exchange(dropped_, 0);
}

}  // namespace shardmap
