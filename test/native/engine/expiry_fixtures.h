// Entries that have expired without a store, and what listeners to them hear.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/expiry.h"
#include "engine/expiry_queue.h"
#include "engine/wake_up.h"
#include "fixtures.h"

namespace shardmap {

class ExpiredList {
 public:
  ExpiredList& Add(std::string_view key, std::string_view value, ValueKind kind = ValueKind::kOneByteString) {
    keys_.emplace_back(key);
    owned_.emplace_back(keys_.back().key(), 0, BorrowedValue(kind, value), 1);
    ExpiredEntry entry;
    entry.key = keys_.back().key();
    (void)owned_.back()->Read(&entry.value);
    entries_.push_back(entry);
    return *this;
  }
  std::span<const ExpiredEntry> entries() const { return entries_; }

 private:
  std::deque<OwnedKey> keys_;
  std::deque<OwnedEntry> owned_;
  std::vector<ExpiredEntry> entries_;
};

// So many entries "<prefix>0", "<prefix>1", ... of one byte each beside the key.
inline ExpiredList NumberedEntries(std::string_view prefix, size_t count) {
  ExpiredList list;
  for (size_t i = 0; i < count; ++i) list.Add(NumberedKey(prefix, i).bytes, "v");
  return list;
}

class CountedWakeUp final : public WakeUp {
 public:
  std::atomic<int> calls{0};

 private:
  bool Call() override {
    ++calls;
    return true;
  }
};

// A queue that is never full, unless it is told otherwise.
inline std::shared_ptr<ExpiryQueue> MakeQueue(size_t entries_max = SIZE_MAX, size_t bytes_max = SIZE_MAX) {
  return std::make_shared<ExpiryQueue>(ExpiryQueue::Limits{entries_max, bytes_max}, std::make_shared<CountedWakeUp>());
}

// "key=value" of what waits in the queue, up to so many.
inline std::vector<std::string> TakeTexts(ExpiryQueue& queue, size_t entries_max = SIZE_MAX,
                                          size_t bytes_max = SIZE_MAX) {
  std::vector<std::string> texts;
  for (const ExpiredRun& run : queue.Take(entries_max, bytes_max)) {
    for (size_t i = run.first; i != run.end; ++i) {
      const ExpiredBatch::Entry& entry = (*run.batch)[i];
      texts.push_back(OwnedKey::Of(entry.key).bytes + "=" +
                      std::string(reinterpret_cast<const char*>(entry.value), entry.value_bytes));
    }
  }
  return texts;
}

}  // namespace shardmap
