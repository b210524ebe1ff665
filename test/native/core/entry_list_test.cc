// Danger: iteration loses an entry, meets it twice or out of order when dead ones are squeezed out; or dead bytes pile
// up.
#include "core/entry_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

// The smallest chunk, as Reserve opens it in a short list.
constexpr size_t kChunkBytes = 12 * 40;  // of entries of 40 bytes

// A list as a shard uses it, with a reference beside it. Values are short, so entries own no blocks.
class ListWithModel {
 public:
  ~ListWithModel() { RetireAll(list, retired); }

  // Appends an entry whose key has `key_bytes` bytes. Returns its number.
  uint64_t Append(size_t key_bytes, size_t value_bytes = 8) {
    const uint64_t sequence = ++last_sequence_;
    std::string key = std::to_string(sequence);
    key.resize(std::max(key.size(), key_bytes), '.');
    const OwnedKey owned(key);
    const std::string bytes(value_bytes, static_cast<char>('a' + sequence % 26));
    const Value value = BorrowedValue(ValueKind::kOneByteString, bytes);
    void* memory = list.Reserve(Entry::SizeFor(owned.key(), value), retired);
    Entry* entry = Entry::Create(memory, owned.key(), 0, nullptr, value, nullptr, sequence);
    const bool closed_a_chunk = list.Append(entry);
    live_.emplace(sequence, Live{entry, key, bytes});
    live_bytes_ += entry->size();
    if (closed_a_chunk) CompactAround(sequence - 1);
    return sequence;
  }

  // Marks an entry dead without compacting. Returns its size.
  size_t Kill(uint64_t sequence) {
    const auto found = live_.find(sequence);
    Entry* entry = found->second.entry;
    entry->MarkDead();
    list.NoteDead(entry);
    const size_t size = entry->size();
    live_bytes_ -= size;
    live_.erase(found);
    return size;
  }

  void Delete(uint64_t sequence) {
    Kill(sequence);
    CompactAround(sequence);
  }

  // Returns how many entries were moved.
  size_t CompactAround(uint64_t sequence) {
    size_t moved = 0;
    uint64_t last = 0;
    list.CompactAround(sequence, retired, [&](const Entry* from, Entry* to, Place) {
      const auto found = live_.find(from->sequence());
      ASSERT_NE(found, live_.end()) << "a dead entry was moved";
      EXPECT_EQ(found->second.entry, from);
      EXPECT_LT(last, from->sequence());
      last = from->sequence();
      found->second.entry = to;
      ++moved;
    });
    return moved;
  }

  // Compares everything after `after` with the reference.
  void ExpectScan(uint64_t after) const {
    auto expected = live_.upper_bound(after);
    list.view().Scan(after, [&](Entry* entry) {
      if (expected == live_.end()) {
        ADD_FAILURE() << "entry " << entry->sequence() << " met after the last one, from " << after;
        return false;
      }
      EXPECT_EQ(entry->sequence(), expected->first) << "after " << after;
      EXPECT_EQ(entry, expected->second.entry);
      EXPECT_EQ(OwnedKey::Of(entry->key()).bytes, expected->second.key);
      ReadValue value;
      EXPECT_EQ(entry->Read(&value), Entry::ReadOutcome::kRead);
      EXPECT_EQ(BytesOf(value), expected->second.value);
      ++expected;
      return !testing::Test::HasFailure();
    });
    EXPECT_EQ(expected, live_.end()) << "the scan after " << after << " ended early";
  }

  uint64_t RandomLive(Random& random) const {
    const auto found = live_.lower_bound(1 + random.Below(last_sequence_));
    return found == live_.end() ? live_.begin()->first : found->first;
  }

  size_t live_count() const { return live_.size(); }
  size_t live_bytes() const { return live_bytes_; }
  uint64_t last_sequence() const { return last_sequence_; }

  EntryList list;
  RetiredList retired;

 private:
  struct Live {
    Entry* entry;
    std::string key;
    std::string value;
  };
  std::map<uint64_t, Live> live_;
  size_t live_bytes_ = 0;
  uint64_t last_sequence_ = 0;
};

// Appends entries of 40 bytes until `count` chunks are closed; 12 entries fill one. Returns the first number of each.
std::vector<uint64_t> FillChunks(ListWithModel& model, size_t count) {
  std::vector<uint64_t> begins;
  while (begins.size() <= count) {
    const size_t chunks_bytes = model.list.allocated_bytes();
    const uint64_t sequence = model.Append(16);
    if (model.list.allocated_bytes() != chunks_bytes) begins.push_back(sequence);
  }
  begins.pop_back();
  model.retired.FreeAll();  // records that grew
  return begins;
}

TEST(EntryListTest, EmptyListHasNothing) {
  const ListWithModel model;
  model.ExpectScan(0);
  model.ExpectScan(UINT64_MAX);
  EXPECT_EQ(model.list.allocated_bytes(), 0u);
  EXPECT_EQ(model.list.live_bytes(), 0u);
}

TEST(EntryListTest, KeepsInsertionOrderFromEveryCursor) {
  ListWithModel model;
  Random random;
  for (int i = 0; i < 300; ++i) model.Append(random.Below(200), random.Below(65));
  for (uint64_t after = 0; after <= 301; ++after) ASSERT_NO_FATAL_FAILURE(model.ExpectScan(after));
  model.ExpectScan(UINT64_MAX);
  EXPECT_EQ(model.list.live_bytes(), model.live_bytes());
}

TEST(EntryListTest, ScanStopsWhenTold) {
  ListWithModel model;
  for (int i = 0; i < 100; ++i) model.Append(16);
  size_t visited = 0;
  model.list.view().Scan(10, [&](Entry*) { return ++visited != 25; });
  EXPECT_EQ(visited, 25u);
}

TEST(EntryListTest, ReservedRoomIsTakenOnlyByAppending) {
  ListWithModel model;
  model.Append(16);
  EXPECT_NE(model.list.Reserve(40, model.retired), nullptr);
  EXPECT_EQ(model.list.Reserve(40, model.retired), model.list.Reserve(80, model.retired));
  model.ExpectScan(0);
  const size_t allocated = model.list.allocated_bytes();
  EXPECT_NE(model.list.Reserve(kChunkBytes + 8, model.retired), nullptr);
  EXPECT_EQ(model.list.allocated_bytes(), allocated + kChunkBytes + 8 + sizeof(Block));
  model.ExpectScan(0);
  model.Append(16);
  model.ExpectScan(0);
  EXPECT_EQ(model.list.live_bytes(), model.live_bytes());
}

TEST(EntryListTest, ViewStaysAsItIsWhateverHappensToTheList) {
  ListWithModel model;
  Random random;
  for (int i = 0; i < 200; ++i) model.Append(random.Below(100));
  EntryChunks view;
  ASSERT_TRUE(model.list.TryView(&view));
  std::vector<const Entry*> expected;
  view.Scan(0, [&](const Entry* entry) { return expected.push_back(entry), true; });
  ASSERT_EQ(expected.size(), 200u);
  // All are moved, or gone from the list; what the view leads to was retired and shows them as they were when moved.
  for (uint64_t sequence = 2; sequence <= 200; sequence += 2) model.Delete(sequence);
  for (int i = 0; i < 1000; ++i) model.Append(random.Below(100));
  std::vector<const Entry*> kept;
  view.Scan(0, [&](const Entry* entry) { return kept.push_back(entry), true; });
  EXPECT_LT(kept.size(), 200u);
  size_t odd = 0;
  for (const Entry* entry : kept) odd += entry->sequence() % 2;
  EXPECT_EQ(odd, 100u);
  // In the same places, and in the same order.
  EXPECT_TRUE(std::includes(expected.begin(), expected.end(), kept.begin(), kept.end(),
                            [](const Entry* a, const Entry* b) { return a->sequence() < b->sequence(); }));
  for (const Entry* entry : kept) EXPECT_EQ(entry, expected[entry->sequence() - 1]);
}

TEST(EntryListTest, AppendTellsWhenAChunkWasClosed) {
  ListWithModel model;
  bool begins = true;
  for (uint64_t sequence = 1; sequence <= 13; ++sequence) {
    const OwnedKey key("0123456789abcdef");
    void* memory = model.list.Reserve(40, model.retired);
    const Entry* entry = Entry::Create(memory, key.key(), 0, nullptr, Value(ValueKind::kNull), nullptr, sequence);
    begins = model.list.Append(entry);
    EXPECT_EQ(begins, sequence == 1 || sequence == 13) << sequence;  // 12 x 40 bytes fill 496
  }
}

TEST(EntryListTest, ClosedChunkIsRewrittenOnceHalfIsDead) {
  ListWithModel model;
  const std::vector<uint64_t> begins = FillChunks(model, 3);
  const size_t allocated = model.list.allocated_bytes();
  for (uint64_t i = 0; i < 5; ++i) model.Delete(begins[1] + i * 2);
  EXPECT_TRUE(model.retired.empty());
  EXPECT_EQ(model.list.allocated_bytes(), allocated);
  model.Kill(begins[1] + 10);
  EXPECT_EQ(model.CompactAround(begins[1] + 10), 6u);
  EXPECT_GE(model.retired.bytes(), kChunkBytes + sizeof(Block));
  EXPECT_EQ(model.list.allocated_bytes(), allocated - (kChunkBytes - 6 * 40));
  model.ExpectScan(0);
}

TEST(EntryListTest, ChunkIsFoundByAnyNumberItEverHeld) {
  ListWithModel model;
  const std::vector<uint64_t> begins = FillChunks(model, 3);
  for (uint64_t i = 0; i < 6; ++i) model.Delete(begins[1] + i);  // its first ones go: it begins later now
  model.ExpectScan(0);
  for (uint64_t i = 6; i < 12; ++i) model.Delete(begins[1] + i);
  model.ExpectScan(0);
  EXPECT_EQ(model.list.live_bytes(), model.live_bytes());
  for (uint64_t i = 11; i + 1 > 0; --i) model.Delete(begins[0] + i);
  model.ExpectScan(0);
  for (uint64_t i = 0; i < 12; ++i) model.Delete(begins[2] + i);
  model.ExpectScan(0);
}

TEST(EntryListTest, ChunkWithoutLiveEntriesGoesEntirely) {
  ListWithModel model;
  const std::vector<uint64_t> begins = FillChunks(model, 2);
  const size_t allocated = model.list.allocated_bytes();
  for (uint64_t i = 0; i < 12; ++i) model.Kill(begins[1] + i);
  EXPECT_EQ(model.CompactAround(begins[1]), 0u);
  EXPECT_EQ(model.list.allocated_bytes(), allocated - kChunkBytes - sizeof(Block));
  model.ExpectScan(0);
}

TEST(EntryListTest, SmallNeighboursBecomeOneChunk) {
  for (const bool next_first : {true, false}) {
    ListWithModel model;
    const std::vector<uint64_t> begins = FillChunks(model, 3);
    // Three entries stay in either: 240 bytes together, at most half a chunk.
    const uint64_t first = next_first ? begins[1] : begins[0];
    const uint64_t second = next_first ? begins[0] : begins[1];
    for (uint64_t i = 0; i < 9; ++i) model.Kill(first + i);
    for (uint64_t i = 0; i < 9; ++i) model.Kill(second + i);
    const size_t before = model.list.allocated_bytes();
    EXPECT_EQ(model.CompactAround(second), 6u);
    EXPECT_GE(model.retired.bytes(), 2 * (kChunkBytes + sizeof(Block)));
    EXPECT_EQ(model.list.allocated_bytes(), before - 2 * (kChunkBytes + sizeof(Block)) + 6 * 40 + sizeof(Block));
    EXPECT_EQ(model.CompactAround(first), 0u);  // nothing dead is left
    for (uint64_t after = 0; after <= model.last_sequence(); ++after) model.ExpectScan(after);
  }
}

TEST(EntryListTest, LargeNeighbourIsLeftAlone) {
  ListWithModel model;
  const std::vector<uint64_t> begins = FillChunks(model, 3);
  for (uint64_t i = 0; i < 11; ++i) model.Kill(begins[1] + i);
  EXPECT_EQ(model.CompactAround(begins[1]), 1u);
  EXPECT_GE(model.retired.bytes(), kChunkBytes + sizeof(Block));
  model.ExpectScan(0);
}

TEST(EntryListTest, OpenChunkIsNeverRewritten) {
  ListWithModel model;
  for (int i = 0; i < 6; ++i) model.Append(16);
  model.retired.FreeAll();  // records that grew
  const size_t allocated = model.list.allocated_bytes();
  for (uint64_t sequence = 1; sequence <= 6; ++sequence) model.Delete(sequence);
  EXPECT_TRUE(model.retired.empty());
  EXPECT_EQ(model.list.allocated_bytes(), allocated);
  EXPECT_EQ(model.list.live_bytes(), 0u);
  model.ExpectScan(0);
  model.Append(16);
  model.ExpectScan(0);
  // It is once it is closed.
  while (model.last_sequence() < 13) model.Append(16);
  EXPECT_FALSE(model.retired.empty());
  model.ExpectScan(0);
}

TEST(EntryListTest, TakingAllLeavesAnEmptyList) {
  ListWithModel model;
  FillChunks(model, 5);
  const size_t allocated = model.list.allocated_bytes();
  RetireAll(model.list, model.retired);
  EXPECT_GE(model.retired.bytes(), allocated);
  EXPECT_EQ(model.list.allocated_bytes(), 0u);
  EXPECT_EQ(model.list.live_bytes(), 0u);
}

TEST(EntryListTest, ChunksGrowWithTheListUpToALimit) {
  ListWithModel model;
  size_t largest = 0;
  for (size_t i = 0; i < 100000; ++i) {
    const size_t before = model.list.allocated_bytes();
    model.Append(32);
    const size_t chunk = model.list.allocated_bytes() - before;
    if (chunk == 0) continue;
    EXPECT_LE(chunk, 64u * 1024);
    EXPECT_LE(chunk, std::max(size_t{512}, model.list.live_bytes() / 64 + sizeof(Block)));
    largest = std::max(largest, chunk);
  }
  EXPECT_GE(largest, 8u * 1024);
}

// --- Random use against a reference ----------------------------------------------------------------------------------

// What a list may have allocated for `live` bytes: dead ones stay below them, and the open chunk and what is unused at
// the end of each (less than an entry in a chunk half of which lives) come on top.
size_t AllocatedMax(size_t live) { return 3 * live + 2 * 64 * 1024; }

class EntryListModelTest : public testing::TestWithParam<size_t> {};

TEST_P(EntryListModelTest, AgreesWithAMapOfNumbers) {
  const size_t target = GetParam();  // live entries around which the list hovers
  ListWithModel model;
  Random random(target);
  for (size_t step = 0; step < Scaled(60000); ++step) {
    const bool grows = random.Below(2 * target) > model.live_count();
    if (grows || model.live_count() == 0) {
      model.Append(random.Below(100), random.Below(65));
    } else {
      // The oldest, the newest or any: each leaves chunks in another shape.
      const uint64_t any = model.RandomLive(random);
      model.Delete(any);
    }
    ASSERT_EQ(model.list.live_bytes(), model.live_bytes());
    ASSERT_LE(model.list.allocated_bytes(), AllocatedMax(model.live_bytes()));
    if (random.OneIn(target)) model.ExpectScan(random.Below(model.last_sequence() + 2));
    if (HasFailure()) return;
    if (model.retired.bytes() > 1 << 20) model.retired.FreeAll();
  }
  model.ExpectScan(0);
}

INSTANTIATE_TEST_SUITE_P(Entries, EntryListModelTest, testing::Values(3, 40, 1000, 10000));

TEST(EntryListModelTest, AddingAtOneEndAndDeletingAtTheOtherTakesNoMoreAndMore) {
  ListWithModel model;
  for (size_t i = 0; i < Scaled(200000); ++i) {
    const uint64_t last = model.Append(24);
    if (last > 500) model.Delete(last - 500);
    ASSERT_LE(model.list.allocated_bytes(), AllocatedMax(model.live_bytes()));
    if (model.retired.bytes() > 1 << 20) model.retired.FreeAll();
  }
  model.ExpectScan(0);
}

}  // namespace
}  // namespace shardmap
