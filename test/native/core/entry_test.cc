// Danger: an overwrite in place writes beyond its entry, or a reader believes half of one value and half of another.
#include "core/entry.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <thread>

#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

constexpr uint64_t kHash = 0x0123456789abcdef;
constexpr uint64_t kSequence = 77;

// Around every limit of keys and values.
constexpr size_t kKeySizes[] = {0,  1,   3,   7,   8,   9,   15,  16,  21,   63,   64,
                                65, 247, 248, 249, 254, 255, 256, 257, 1000, 70000};
constexpr size_t kValueSizes[] = {0,  1,  2,  7,  8,  9,  15, 16, 17, 31, 32,  33,
                                  47, 48, 49, 55, 56, 57, 63, 64, 65, 66, 100, 70000};

std::string Text(size_t size, char first) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(first + static_cast<char>(i % 61));
  return text;
}

OwnedEntry MakeEntry(const std::string& key, const std::string& value, ValueKind kind = ValueKind::kOneByteString) {
  return {OwnedKey(key).key(), kHash, BorrowedValue(kind, value), kSequence};
}

void ExpectValue(const Entry* entry, ValueKind kind, const std::string& bytes) {
  ReadValue value;
  ASSERT_EQ(entry->Read(&value), Entry::ReadOutcome::kRead);
  EXPECT_EQ(value.kind(), kind);
  EXPECT_EQ(BytesOf(value), bytes);
}

TEST(EntryTest, KeepsKeysAndValuesOfEverySize) {
  for (const size_t key_size : kKeySizes) {
    for (const size_t value_size : kValueSizes) {
      SCOPED_TRACE(testing::Message() << "key of " << key_size << " bytes, value of " << value_size);
      const std::string key = Text(key_size, 'a');
      const std::string value = Text(value_size, 'A');
      const OwnedEntry entry = MakeEntry(key, value);
      EXPECT_EQ(entry->size(), Entry::SizeFor(OwnedKey(key).key(), BorrowedValue(ValueKind::kClone, value)));
      EXPECT_EQ(entry->size() % 8, 0u);
      EXPECT_LE(entry->size(), Entry::kBytesMax);
      EXPECT_EQ(entry->sequence(), kSequence);
      EXPECT_FALSE(entry->is_dead());
      EXPECT_EQ(OwnedKey::Of(entry->key()), OwnedKey(key));
      EXPECT_EQ(entry->key_block() != nullptr, key_size > Entry::kInlineKeyBytesMax);
      EXPECT_EQ(entry->value_block() != nullptr, value_size > kInlineValueBytesMax);
      ExpectValue(entry.get(), ValueKind::kOneByteString, value);
    }
  }
}

TEST(EntryTest, KeepsEveryKind) {
  for (int key_kind = 0; key_kind <= static_cast<int>(KeyKind::kComposite); ++key_kind) {
    for (int value_kind = 0; value_kind <= static_cast<int>(ValueKind::kBigUint64Array); ++value_kind) {
      const OwnedKey key(static_cast<KeyKind>(key_kind), "12345678");
      const OwnedEntry entry(key.key(), kHash, BorrowedValue(static_cast<ValueKind>(value_kind), "87654321"),
                             kSequence);
      EXPECT_EQ(OwnedKey::Of(entry->key()), key);
      ExpectValue(entry.get(), static_cast<ValueKind>(value_kind), "87654321");
    }
  }
}

TEST(EntryTest, NumbersUpTo55BitsAreKept) {
  constexpr uint64_t kLargest = (uint64_t{1} << 55) - 1;
  const OwnedEntry entry(OwnedKey("k").key(), kHash, Value(ValueKind::kNull), kLargest);
  EXPECT_EQ(entry->sequence(), kLargest);
  EXPECT_TRUE(entry->Matches(OwnedKey("k").key()));
}

TEST(EntryTest, MatchesItsKeyAndNoOther) {
  for (const size_t size : kKeySizes) {
    const OwnedKey key(Text(size, 'a'));
    const OwnedEntry entry = MakeEntry(key.bytes, "value");
    EXPECT_TRUE(entry->Matches(key.key()));
    EXPECT_FALSE(entry->Matches(OwnedKey(KeyKind::kBytes, key.bytes).key())) << "another kind of " << size << " bytes";
    EXPECT_FALSE(entry->Matches(OwnedKey(key.bytes + '\0').key())) << size << " bytes and a zero";
    if (size == 0) continue;
    EXPECT_FALSE(entry->Matches(OwnedKey(key.bytes.substr(1)).key()));
    for (const size_t at : {size_t{0}, size / 2, size - 1}) {
      OwnedKey other = key;
      other.bytes[at] = static_cast<char>(other.bytes[at] ^ 1);
      EXPECT_FALSE(entry->Matches(other.key())) << "byte " << at << " of " << size;
    }
  }
}

TEST(EntryTest, KnowsItsHash) {
  const HashSeed seed = HashSeed::Random();
  for (const size_t size : kKeySizes) {
    const OwnedKey key(Text(size, 'a'));
    const uint64_t hash = key.key().HashWith(seed);
    const OwnedEntry entry(key.key(), hash, Value(ValueKind::kNull), kSequence);
    EXPECT_EQ(entry->HashWith(seed), hash) << size;
  }
}

TEST(EntryTest, OverwritesAnySizeWithAnyOther) {
  constexpr ValueKind kKinds[] = {ValueKind::kNumber, ValueKind::kTwoByteString, ValueKind::kClone};
  for (const size_t first_size : kValueSizes) {
    const std::string key = "the key stays";
    const OwnedEntry entry = MakeEntry(key, Text(first_size, 'A'));
    const size_t entry_size = entry->size();
    const size_t room = first_size == 0 || first_size > kInlineValueBytesMax ? 8 : (first_size + 7) / 8 * 8;
    size_t round = 0;
    for (const size_t size : kValueSizes) {
      SCOPED_TRACE(testing::Message() << first_size << " bytes overwritten with " << size);
      const std::string bytes = Text(size, static_cast<char>('0' + round % 10));
      const ValueKind kind = kKinds[round++ % 3];
      Value value = BorrowedValue(kind, bytes);
      EXPECT_EQ(entry->FitsInline(value), size <= room);
      Block* const replaced = entry->value_block();
      entry->Overwrite(value, size <= room ? nullptr : value.TakeBlock());
      if (replaced != nullptr) Block::Free(replaced);
      ExpectValue(entry.get(), kind, bytes);
      EXPECT_EQ(entry->value_block() != nullptr, size > room);
      EXPECT_EQ(entry->size(), entry_size);
      EXPECT_EQ(entry->sequence(), kSequence);
      EXPECT_TRUE(entry->Matches(OwnedKey(key).key()));
      EXPECT_FALSE(entry->is_dead());
    }
  }
}

TEST(EntryTest, WritesNothingBeyondItsSize) {
  for (const size_t key_size : kKeySizes) {
    for (const size_t value_size : kValueSizes) {
      if (key_size > Entry::kInlineKeyBytesMax || value_size > kInlineValueBytesMax) continue;
      const std::string bytes = Text(value_size, 'A');
      const OwnedKey key(Text(key_size, 'a'));
      const Value value = BorrowedValue(ValueKind::kClone, bytes);
      const size_t words = Entry::SizeFor(key.key(), value) / 8;
      std::vector<uint64_t> memory(words + 1, kHash);
      Entry* entry = Entry::Create(memory.data(), key.key(), kHash, nullptr, value, nullptr, kSequence);
      entry->Overwrite(value, nullptr);
      EXPECT_EQ(memory[words], kHash);
      std::vector<uint64_t> copy(words + 1, kHash);
      entry->CopyTo(copy.data());
      EXPECT_EQ(copy[words], kHash);
    }
  }
}

TEST(EntryTest, CopyIsIndependentOfTheOldPlace) {
  for (const size_t key_size : kKeySizes) {
    const std::string key = Text(key_size, 'a');
    const OwnedEntry entry = MakeEntry(key, "old value");
    std::vector<uint64_t> memory(entry->size() / 8);
    Entry* copy = entry->CopyTo(memory.data());
    EXPECT_EQ(copy->size(), entry->size());
    EXPECT_EQ(copy->sequence(), entry->sequence());
    EXPECT_EQ(copy->key_block(), entry->key_block());
    EXPECT_TRUE(copy->Matches(OwnedKey(key).key()));
    copy->Overwrite(BorrowedValue(ValueKind::kNumber, "new"), nullptr);
    ExpectValue(copy, ValueKind::kNumber, "new");
    ExpectValue(entry.get(), ValueKind::kOneByteString, "old value");
    copy->MarkDead();
    EXPECT_FALSE(entry->is_dead());
  }
}

TEST(EntryTest, HasTheRoomForADeadlineThatItWasGiven) {
  constexpr DeadlineRoom kRooms[] = {DeadlineRoom::kNone, DeadlineRoom::kDeadline, DeadlineRoom::kTimer};
  const OwnedKey key("the key");
  const std::string bytes = Text(20, 'A');
  const Value value = BorrowedValue(ValueKind::kClone, bytes);
  for (const DeadlineRoom room : kRooms) {
    for (const bool has_deadline : {false, true}) {
      if (has_deadline && room == DeadlineRoom::kNone) continue;
      SCOPED_TRACE(testing::Message() << static_cast<int>(room) << " words, a deadline: " << has_deadline);
      const Deadline deadline = has_deadline ? Deadline::At(uint64_t{1} << 62, true) : Deadline();
      const size_t size = Entry::SizeFor(key.key(), value, room);
      EXPECT_EQ(size, Entry::SizeFor(key.key(), value) + 8 * static_cast<size_t>(room));
      std::vector<uint64_t> memory(size / 8 + 1, kHash);
      const Entry* const entry =
          Entry::Create(memory.data(), key.key(), kHash, nullptr, value, nullptr, kSequence, room, deadline);
      EXPECT_EQ(memory.back(), kHash);
      for (const DeadlineRoom wanted : kRooms) {
        std::vector<uint64_t> copied(entry->SizeWith(wanted) / 8 + 1, kHash);
        Entry* const copy = entry->CopyTo(copied.data(), wanted);
        EXPECT_EQ(copied.back(), kHash);
        EXPECT_EQ(copy->room(), std::max(room, wanted));
        EXPECT_EQ(copy->size(), entry->SizeWith(wanted));
        EXPECT_EQ(copy->deadline(), deadline);
        EXPECT_EQ(copy->sequence(), kSequence);
        EXPECT_TRUE(copy->Matches(key.key()));
        ExpectValue(copy, ValueKind::kClone, bytes);
        // That of an entry that has no room for a timer is in a run.
        const bool was_in_run = has_deadline && room == DeadlineRoom::kDeadline;
        EXPECT_EQ(copy->has_timer() && copy->timer().is_in_run(), copy->has_timer() && was_in_run);
      }
    }
  }
}

TEST(EntryTest, KnowsWhetherItsDeadlineIsItsFirst) {
  const OwnedKey key("the key");
  const Value value(ValueKind::kNull);
  const Deadline first = Deadline::At(1000, false);
  for (const DeadlineRoom room : {DeadlineRoom::kDeadline, DeadlineRoom::kTimer}) {
    for (const bool is_overwritten : {false, true}) {
      std::vector<uint64_t> memory(Entry::kBytesMax / 8);
      Entry* const entry =
          Entry::Create(memory.data(), key.key(), kHash, nullptr, value, nullptr, kSequence, room, first);
      entry->Overwrite(value, nullptr, first);
      EXPECT_TRUE(entry->has_first_deadline());
      const Deadline second = Deadline::At(2000, false);
      const EntryStamp stamp = entry->stamp();
      if (is_overwritten) {
        entry->Overwrite(value, nullptr, second);
        EXPECT_NE(entry->stamp(), stamp);
      } else {
        entry->SetDeadline(second);
        EXPECT_EQ(entry->stamp(), stamp);  // the value is the same
      }
      EXPECT_EQ(entry->deadline(), second);
      EXPECT_FALSE(entry->has_first_deadline());
      entry->Overwrite(value, nullptr, first);
      EXPECT_FALSE(entry->has_first_deadline());
      std::vector<uint64_t> copied(Entry::kBytesMax / 8);
      EXPECT_FALSE(entry->CopyTo(copied.data(), DeadlineRoom::kTimer)->has_first_deadline());
    }
  }
}

TEST(EntryTest, DeadEntryGivesNoValueButKeepsItsKey) {
  for (const size_t value_size : kValueSizes) {
    const OwnedEntry entry = MakeEntry("key", Text(value_size, 'A'));
    const size_t size = entry->size();
    entry->MarkDead();
    ReadValue value;
    EXPECT_TRUE(entry->is_dead());
    EXPECT_EQ(entry->Read(&value), Entry::ReadOutcome::kDead);
    EXPECT_EQ(OwnedKey::Of(entry->key()), OwnedKey("key"));
    EXPECT_EQ(entry->size(), size);
    EXPECT_EQ(entry->value_block() != nullptr, value_size > kInlineValueBytesMax);
  }
}

// The first word of an entry; see the layout in entry.h.
std::atomic<uint64_t>* StateOf(const OwnedEntry& entry) {
  return reinterpret_cast<std::atomic<uint64_t>*>(entry.get());
}

// Or a reader who slept in the middle of his copy would take what he wakes up to for the same value.
TEST(EntryTest, EveryChangeGivesTheStateANewVersion) {
  for (const size_t size : {8, 64, 100}) {
    const OwnedEntry entry = MakeEntry("key", Text(size, 'A'));
    uint64_t before = *StateOf(entry);
    for (int i = 0; i < 3; ++i) {  // the second time by the same value again
      const std::string bytes = Text(size, i == 2 ? 'A' : 'B');
      Value value = BorrowedValue(ValueKind::kOneByteString, bytes);
      Block* const replaced = entry->value_block();
      entry->Overwrite(value, entry->FitsInline(value) ? nullptr : value.TakeBlock());
      if (replaced != nullptr) Block::Free(replaced);
      EXPECT_EQ(*StateOf(entry), before + (uint64_t{1} << 32)) << size;
      before = *StateOf(entry);
    }
    entry->MarkDead();
    EXPECT_EQ(*StateOf(entry) >> 32, (before >> 32) + 1) << size;
  }
}

TEST(EntryTest, ReaderGivesUpOnAWriterWhoNeverEnds) {
  const OwnedEntry entry = MakeEntry("key", "value");
  auto* state = StateOf(entry);  // whose bit 8 says that a writer is inside
  *state |= uint64_t{1} << 8;
  ReadValue value;
  EXPECT_EQ(entry->Read(&value), Entry::ReadOutcome::kBusy);
  *state &= ~(uint64_t{1} << 8);
  ExpectValue(entry.get(), ValueKind::kOneByteString, "value");
}

// Overwrites `entry` with values of rising tags, inline and in blocks, until `count` are written.
void OverwriteMany(Entry* entry, size_t count, std::deque<Block*>* old_blocks) {
  for (uint64_t tag = 1; tag <= count; ++tag) {
    const CheckedValue checked(tag, 8 + Mix(tag) % 80);
    Value value = checked.value();
    Block* const replaced = entry->value_block();
    entry->Overwrite(value, entry->FitsInline(value) ? nullptr : value.TakeBlock());
    if (replaced != nullptr) old_blocks->push_back(replaced);
  }
}

TEST(EntryTest, ReadersNeverSeeAMixOfTwoValuesNorAnOlderOneAgain) {
  const size_t count = Scaled(400000);
  const CheckedValue first(0, kInlineValueBytesMax);
  const OwnedEntry entry(OwnedKey("contended").key(), kHash, first.value(), kSequence);
  std::atomic<bool> done{false};
  std::atomic<size_t> mixed{0};
  std::atomic<size_t> stepped_back{0};
  const auto read_on = [&] {
    uint64_t last = 0;
    while (!done.load(std::memory_order_relaxed)) {
      ReadValue value;
      if (entry->Read(&value) != Entry::ReadOutcome::kRead) continue;
      const std::optional<uint64_t> tag = CheckedValue::ReadTag(value);
      if (!tag.has_value()) ++mixed;
      if (tag.value_or(last) < last) ++stepped_back;
      last = tag.value_or(last);
    }
  };
  std::thread one(read_on);
  std::thread two(read_on);
  std::deque<Block*> old_blocks;  // what a store would keep until the readers have gone
  OverwriteMany(entry.get(), count, &old_blocks);
  done = true;
  one.join();
  two.join();
  EXPECT_EQ(mixed, 0u);
  EXPECT_EQ(stepped_back, 0u);
  for (Block* block : old_blocks) Block::Free(block);
}

}  // namespace
}  // namespace shardmap
