#include "linearizability/recorder.h"

#include <algorithm>
#include <memory>

namespace shardmap {

using Kind = Operation::Kind;

template <typename Ask>
Operation& Recorder::Record(Kind kind, size_t key, uint64_t argument, Ask ask) {
  Operation& operation = history_.emplace_back(Operation{kind, thread_, key, Now(), 0, argument, 0});
  Fence();
  operation.result = ask();
  Fence();
  operation.returned_ns = Now();
  return operation;
}

void Recorder::Get(size_t key) {
  Record(Kind::kGet, key, 0, [&] {
    const ReadGuard guard(*session_);
    ReadValue value;
    return store_.Get(guard, keys_[key].key(), &value) ? Saw(key, value) : Operation::kAbsent;
  });
}

void Recorder::Has(size_t key) {
  Record(Kind::kHas, key, 0, [&] { return store_.Has(ReadGuard(*session_), keys_[key].key()); });
}

void Recorder::Set(size_t key, size_t value_bytes) {
  const uint64_t number = NewValue();
  const CheckedValue value(number, value_bytes);
  Record(Kind::kSet, key, number, [&] { return store_.Set(*session_, keys_[key].key(), value.value()).ok(); });
}

void Recorder::Insert(size_t key, size_t value_bytes) {
  const uint64_t number = NewValue();
  const CheckedValue value(number, value_bytes);
  Record(Kind::kInsert, key, number, [&] {
    const ReadGuard guard(*session_);
    ReadValue existing;
    const bool inserted = store_.Insert(guard, *session_, keys_[key].key(), value.value(), &existing).value();
    return inserted ? Operation::kAbsent : NumberOf(existing);
  });
}

void Recorder::Delete(size_t key) {
  Record(Kind::kDelete, key, 0, [&] { return store_.Delete(*session_, keys_[key].key()).value(); });
}

void Recorder::Exchange(size_t key, size_t value_bytes) {
  const uint64_t number = NewValue();
  const CheckedValue value(number, value_bytes);
  Record(Kind::kExchange, key, number, [&] {
    const ReadGuard guard(*session_);
    ReadValue previous;
    const bool existed = store_.Exchange(guard, *session_, keys_[key].key(), value.value(), &previous).value();
    return existed ? Saw(key, previous) : Operation::kAbsent;
  });
}

void Recorder::Take(size_t key) {
  Record(Kind::kTake, key, 0, [&] {
    const ReadGuard guard(*session_);
    ReadValue previous;
    const bool existed = store_.Take(guard, *session_, keys_[key].key(), &previous).value();
    return existed ? Saw(key, previous) : Operation::kAbsent;
  });
}

void Recorder::Replace(size_t key, size_t value_bytes) {
  const Seen seen = seen_[key];
  const uint64_t number = NewValue();
  const CheckedValue value(number, value_bytes);
  const CheckedValue expected(seen.number, seen.bytes);
  const Value none(ValueKind::kUndefined);
  const bool expects_none = seen.number == Operation::kAbsent;
  Record(Kind::kReplace, key, number, [&] {
    const ReadGuard guard(*session_);
    const Value borrowed = expected.value();
    const Expectation expectation{expects_none ? none : borrowed, expects_none};
    return store_.CompareAndSet(guard, *session_, keys_[key].key(), expectation, value.value()).value();
  }).expected = seen.number;
  seen_[key] = {number, value.value().size()};
}

void Recorder::Remove(size_t key) {
  const Seen seen = seen_[key];
  if (seen.number == Operation::kAbsent) return;
  const CheckedValue expected(seen.number, seen.bytes);
  Record(Kind::kRemove, key, 0, [&] {
    const ReadGuard guard(*session_);
    const Value borrowed = expected.value();
    return store_.CompareAndDelete(guard, *session_, keys_[key].key(), {borrowed, false}).value();
  }).expected = seen.number;
  seen_[key] = {};
}

void Recorder::Update(size_t key, size_t value_bytes, bool deletes, bool claims) {
  constexpr uint64_t kClaimNanos = 20'000;
  const uint64_t number = NewValue();
  const CheckedValue value(number, value_bytes);
  const Key own = keys_[key].key();
  if (claims) store_.Claim(*session_, own, kClaimNanos);
  bool is_changed = false;
  Operation& operation = Record(deletes ? Kind::kTake : Kind::kExchange, key, number, [&] {
    EntryStamp stamp;
    uint64_t read = Operation::kAbsent;
    {
      const ReadGuard guard(*session_);
      ReadValue current;
      if (store_.GetStamped(guard, own, &current, &stamp)) read = Saw(key, current);
    }
    is_changed = deletes ? store_.DeleteIf(*session_, own, stamp).value()
                         : store_.SetIf(*session_, own, value.value(), stamp).value();
    return read;
  });
  if (!is_changed) operation.kind = Kind::kGet;
  if (claims) store_.Release(*session_, own);
}

template <typename Call, typename ResultOf>
void Recorder::RecordMany(Kind kind, const std::vector<uint64_t>& arguments, Call call, ResultOf result_of) {
  const uint64_t invoked_ns = Now();
  Fence();
  call();
  Fence();
  const uint64_t returned_ns = Now();
  for (size_t key = 0; key < keys_.size(); ++key) {
    history_.push_back({kind, thread_, key, invoked_ns, returned_ns, arguments[key], result_of(key)});
  }
}

std::vector<Key> Recorder::Keys() const {
  std::vector<Key> keys;
  for (const OwnedKey& key : keys_) keys.push_back(key.key());
  return keys;
}

void Recorder::GetMany() {
  const std::vector<Key> keys = Keys();
  std::vector<ReadValue> values(keys.size());
  const auto found = std::make_unique<bool[]>(keys.size());
  const ReadGuard guard(*session_);
  RecordMany(
      Kind::kGet, std::vector<uint64_t>(keys.size()), [&] { store_.GetMany(guard, keys, values.data(), found.get()); },
      [&](size_t key) { return found[key] ? NumberOf(values[key]) : Operation::kAbsent; });
}

void Recorder::HasMany() {
  const std::vector<Key> keys = Keys();
  const auto found = std::make_unique<bool[]>(keys.size());
  const ReadGuard guard(*session_);
  RecordMany(
      Kind::kHas, std::vector<uint64_t>(keys.size()), [&] { store_.HasMany(guard, keys, found.get()); },
      [&](size_t key) { return uint64_t{found[key]}; });
}

void Recorder::SetMany(size_t value_bytes) {
  std::vector<uint64_t> numbers;
  std::vector<CheckedValue> values;
  std::vector<BatchEntry> entries;
  for (size_t key = 0; key < keys_.size(); ++key) {
    numbers.push_back(NewValue());
    values.emplace_back(numbers.back(), value_bytes);
  }
  for (size_t key = 0; key < keys_.size(); ++key) entries.push_back({keys_[key].key(), values[key].value()});
  size_t failed = 0;
  RecordMany(
      Kind::kSet, numbers, [&] { (void)store_.SetMany(*session_, entries, &failed); },
      [&](size_t key) { return uint64_t{key < failed}; });
}

// To a key, a deletion that tells nothing, like a clear: it is only told how many there were.
void Recorder::DeleteMany() {
  size_t deleted = 0;
  const std::vector<Key> keys = Keys();
  RecordMany(
      Kind::kClear, std::vector<uint64_t>(keys.size()), [&] { (void)store_.DeleteMany(*session_, keys, &deleted); },
      [](size_t) { return uint64_t{1}; });
}

void Recorder::Clear() {
  Record(Kind::kClear, 0, 0, [&] { return store_.Clear(*session_).ok(); });
  Operation clear = history_.back();
  for (clear.key = 1; clear.key < keys_.size(); ++clear.key) history_.push_back(clear);
}

size_t Recorder::KeyOf(const ScannedEntry& scanned) const {
  const auto key = std::find_if(keys_.begin(), keys_.end(),
                                [&](const OwnedKey& candidate) { return scanned.entry->Matches(candidate.key()); });
  return static_cast<size_t>(key - keys_.begin());
}

void Recorder::Scan(size_t page_entries) {
  const uint64_t began_ns = Now();
  std::vector<bool> met(keys_.size());
  std::vector<ScannedEntry> page;
  for (uint64_t after = 0;; after = page.back().sequence) {
    const ReadGuard guard(*session_);
    const uint64_t page_began_ns = Now();
    Fence();
    store_.Scan(guard, after, page_entries, &page);
    if (page.empty()) break;
    for (const ScannedEntry& scanned : page) {
      const size_t key = KeyOf(scanned);
      ReadValue value;
      if (key == keys_.size()) continue;
      met[key] = true;
      if (!store_.ReadScanned(guard, scanned, &value)) continue;
      const uint64_t number = NumberOf(value);
      Fence();
      history_.push_back({Kind::kGet, thread_, key, page_began_ns, Now(), 0, number});
    }
  }
  const uint64_t ended_ns = Now();
  for (size_t key = 0; key < keys_.size(); ++key) {
    if (!met[key]) history_.push_back({Kind::kGet, thread_, key, began_ns, ended_ns, 0, Operation::kAbsent});
  }
}

}  // namespace shardmap
