#include "core/entry.h"

#include <cassert>
#include <cstring>

namespace shardmap {

template <typename Store>
uint64_t Entry::SplitValue(const Value& value, const Block* block, Store store) {
  if (block != nullptr) {
    store(0, static_cast<uint64_t>(reinterpret_cast<uintptr_t>(block)));
    return ValueState(value.kind(), 8) | kHasValueBlock;
  }
  if (value.size() == 8) {  // a number: its length known here, the copy is one instruction
    uint64_t word;
    std::memcpy(&word, value.bytes(), sizeof word);
    store(0, word);
    return ValueState(value.kind(), 8);
  }
  for (size_t i = 0; i * 8 < value.size(); ++i) {
    const size_t left = value.size() - i * 8;
    uint64_t word = 0;
    std::memcpy(&word, value.bytes() + i * 8, left < 8 ? left : 8);
    store(i, word);
  }
  return ValueState(value.kind(), value.size());
}

Entry* Entry::Create(void* memory, const Key& key, uint64_t hash, Block* key_block, const Value& value,
                     Block* value_block, uint64_t sequence, DeadlineRoom room, Deadline deadline) {
  Entry* entry = new (memory) Entry;
  const size_t value_words = ValueWordsFor(value);
  entry->identity_ = (sequence << kSequenceShift) | (static_cast<uint64_t>(key.kind) << kKeyKindShift) |
                     (static_cast<uint64_t>(room) << kRoomShift) | (value_words - 1);
  if (room == DeadlineRoom::kTimer) new (entry + 1) Timer{deadline.word(), 0, 0};
  if (room == DeadlineRoom::kDeadline) new (entry + 1) std::atomic<uint64_t>(deadline.word());
  std::atomic<uint64_t>* const words = entry->words();
  new (words) std::atomic<uint64_t>(0);  // read also where the value is empty
  uint64_t state =
      SplitValue(value, value_block, [words](size_t i, uint64_t word) { new (words + i) std::atomic<uint64_t>(word); });
  if (key_block != nullptr) {
    state |= kHasKeyBlock;
    std::memcpy(entry->key_area(), &key_block, sizeof key_block);
    std::memcpy(entry->key_area() + 8, &hash, sizeof hash);
  } else {
    assert(key.size <= kInlineKeyBytesMax);
    state |= key.size;
    if (key.size != 0) std::memcpy(entry->key_area(), key.bytes, key.size);
  }
  entry->StoreState(state);
  return entry;
}

Entry* Entry::CopyTo(void* memory, DeadlineRoom room) const {
  Entry* copy = new (memory) Entry;
  room = std::max(room, this->room());
  copy->identity_ = (identity_ & ~(uint64_t{3} << kRoomShift)) | (static_cast<uint64_t>(room) << kRoomShift);
  const uint64_t deadline = this->deadline().word();
  if (room == DeadlineRoom::kDeadline) new (copy + 1) std::atomic<uint64_t>(deadline);
  if (room == DeadlineRoom::kTimer) {
    Timer* const timer = new (copy + 1) Timer{deadline, 0, 0};
    if (has_timer()) {
      timer->next = this->timer().next;
      timer->previous = this->timer().previous;
    } else if (deadline != 0) {
      timer->EnterRun();  // it is in that already
    }
  }
  for (size_t i = 0; i < value_words(); ++i) {
    new (copy->words() + i) std::atomic<uint64_t>(words()[i].load(std::memory_order_relaxed));
  }
  const size_t key_area_bytes = KeyAreaBytesStored();
  copy->StoreState(state_.load(std::memory_order_relaxed));
  if (key_area_bytes != 0) std::memcpy(copy->key_area(), key_area(), key_area_bytes);
  return copy;
}

Key Entry::key() const {
  if (!HasKeyBlock()) return {key_kind(), key_area(), InlineKeyBytes()};
  const Block* block = key_block();
  return {key_kind(), block->payload(), block->bytes};
}

uint64_t Entry::HashWith(const HashSeed& seed) const {
  if (!HasKeyBlock()) return key().HashWith(seed);
  uint64_t hash;
  std::memcpy(&hash, key_area() + 8, sizeof hash);
  return hash;
}

void Entry::Overwrite(const Value& value, Block* block, Deadline deadline) {
  const uint64_t before = state_.load(std::memory_order_relaxed);
  state_.store(before | kWriting, std::memory_order_relaxed);
  uint64_t kept = before & (kHasKeyBlock | kHasOtherDeadline | 255);
  const uint64_t version = NextVersion(before) & ~uint64_t{UINT32_MAX};
  assert(room() != DeadlineRoom::kNone || !deadline.exists());
  if (deadline != this->deadline()) {
    deadline_word().store(deadline.word(), std::memory_order_release);
    kept |= kHasOtherDeadline;
  }
  assert(block != nullptr || FitsInline(value));
  std::atomic<uint64_t>* const value_words = words();
  StoreState(version | kept | SplitValue(value, block, [value_words](size_t i, uint64_t word) {
               value_words[i].store(word, std::memory_order_release);
             }));
}

void Entry::Follow(const Entry& other) {
  assert(other.value_words() == value_words() && other.sequence() == sequence());
  for (size_t i = 0; i < value_words(); ++i) {
    words()[i].store(other.words()[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  assert(room() != DeadlineRoom::kNone || !other.deadline().exists());
  if (room() != DeadlineRoom::kNone) SetDeadline(other.deadline());
  StoreState(other.state_.load(std::memory_order_relaxed));
}

Block* Entry::value_block() const {
  if ((state_.load(std::memory_order_relaxed) & kHasValueBlock) == 0) return nullptr;
  return reinterpret_cast<Block*>(static_cast<uintptr_t>(words()[0].load(std::memory_order_relaxed)));
}

size_t Entry::owned_bytes() const {
  const Block* const key = key_block();
  const Block* const value = value_block();
  return (key == nullptr ? 0 : key->total_bytes()) + (value == nullptr ? 0 : value->total_bytes());
}

Block* Entry::key_block() const {
  if (!HasKeyBlock()) return nullptr;
  Block* block;
  std::memcpy(&block, key_area(), sizeof block);
  return block;
}

}  // namespace shardmap
