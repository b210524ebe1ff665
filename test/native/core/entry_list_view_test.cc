// Danger: who walks through a list without a lock takes a view that is half of one moment and half of another, or has
// chunks and their records changed or freed under him: he misses entries, meets some twice, or reads what is none.
//
// One thread changes a list as a shard does under its lock; the other takes view after view.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "core/entry_list.h"
#include "core/session.h"
#include "fixtures.h"
#include "meeting.h"
#include "random_input.h"

namespace shardmap {
namespace {

class EntryListViewTest : public testing::Test {
 protected:
  EntryListViewTest() : writer_(*sessions_.Open()) {}
  ~EntryListViewTest() override {
    RetireAll(list_, writer_.retired());
    sessions_.Close(&writer_);
  }

  // Runs `change` step by step in one thread, while another checks views by `check(view)`.
  template <typename Change, typename Check>
  void Meet(size_t steps, Change change, Check check);

  // Appends an entry of `bytes` with the next number.
  void Append(size_t bytes);
  void Kill(uint64_t number);

  static constexpr size_t kEntriesMax = 64;  // that live at once, or were the last ones to do so

  EntryList list_;
  SessionList sessions_;
  Session& writer_;
  uint64_t last_ = 0;
  std::array<Entry*, kEntriesMax> entries_{};  // by number
  size_t wrong_ = 0;
  size_t views_ = 0;
};

template <typename Change, typename Check>
void EntryListViewTest::Meet(size_t steps, Change change, Check check) {
  std::atomic<bool> done{false};
  std::thread reader([&] {
    KeepToProcessor(1);
    Session* const session = sessions_.Open();
    for (bool goes_on = true; goes_on && wrong_ == 0;) {
      goes_on = !done.load(std::memory_order_acquire);  // the last time nobody disturbs
      const ReadGuard guard(*session);
      wrong_ += check() ? 0 : 1;
    }
    sessions_.Close(session);
  });
  std::thread writer([&] {
    KeepToProcessor(0);
    for (size_t step = 0; step < steps; ++step) {
      change(step);
      writer_.ReclaimIfWorthwhile();
    }
    done = true;
  });
  writer.join();
  reader.join();
  EXPECT_EQ(wrong_, 0u);
  EXPECT_GT(views_, 0u);
}

void EntryListViewTest::Append(size_t bytes) {
  const OwnedKey key(std::string(bytes - 24, 'k'));
  const Value value(ValueKind::kNull);
  void* memory = list_.Reserve(Entry::SizeFor(key.key(), value), writer_.retired());
  Entry* entry = Entry::Create(memory, key.key(), 0, nullptr, value, nullptr, ++last_);
  entries_[last_ % kEntriesMax] = entry;
  list_.Append(entry);
}

void EntryListViewTest::Kill(uint64_t number) {
  Entry* entry = entries_[number % kEntriesMax];
  entry->MarkDead();
  list_.NoteDead(entry);
  list_.CompactAround(number, writer_.retired(),
                      [&](const Entry* from, Entry* to, Place) { entries_[from->sequence() % kEntriesMax] = to; });
}

// Whether the view ends where its last chunk does, so that nothing of it is from another moment.
bool IsOfOneMoment(const EntryChunks& view) {
  if (view.empty()) return true;
  const Block* block = view[view.size() - 1].block;
  const uint8_t* end = view.EndOf(view.size() - 1);
  return block->payload() <= end && end <= block->payload() + block->bytes;
}

// Every entry opens a chunk, and now and then all go at once.
TEST_F(EntryListViewTest, IsOfOneMomentWhileChunksAreOpenedAndTakenAway) {
  const auto check = [&] {
    EntryChunks view;
    if (!list_.TryView(&view)) return true;
    ++views_;
    return IsOfOneMoment(view);
  };
  Random random;
  Meet(
      Scaled(1000000),
      [&](size_t) {
        Append(264);
        if (random.OneIn(5)) RetireAll(list_, writer_.retired());
      },
      check);
}

// Of two entries in a chunk one dies, so that each death has chunks rewritten; every fourth entry lives longer.
TEST_F(EntryListViewTest, HasAllThatStaysWhileChunksAreRewritten) {
  constexpr uint64_t kShortLife = 8;
  constexpr uint64_t kLongLife = 32;
  std::atomic<uint64_t> appended{0};
  const auto change = [&](size_t) {
    Append(240);
    appended.store(last_, std::memory_order_release);
    if (last_ > kShortLife && (last_ - kShortLife) % 4 != 0) Kill(last_ - kShortLife);
    if (last_ > kLongLife && (last_ - kLongLife) % 4 == 0) Kill(last_ - kLongLife);
  };
  std::vector<uint64_t> met;
  const auto check = [&] {
    const uint64_t appended_before = appended.load(std::memory_order_acquire);
    EntryChunks view;
    if (!list_.TryView(&view)) return true;
    ++views_;
    if (!IsOfOneMoment(view)) return false;
    met.clear();
    uint64_t last = 0;
    bool rises = true;
    view.Scan(0, [&](const Entry* entry) {
      rises = rises && entry->sequence() > last;
      last = entry->sequence();
      if (last % 4 == 0) met.push_back(last);
      return rises;
    });
    std::atomic_thread_fence(std::memory_order_acquire);
    const uint64_t appended_after = appended.load(std::memory_order_relaxed);
    // Those that were there before, and live on.
    const uint64_t oldest = appended_after > kLongLife ? appended_after - kLongLife + 1 : 1;
    auto next = met.begin();
    for (uint64_t number = (oldest + 3) / 4 * 4; number <= appended_before; number += 4) {
      while (next != met.end() && *next < number) ++next;
      if (next == met.end() || *next != number) return false;
    }
    return rises;
  };
  Meet(Scaled(500000), change, check);
}

}  // namespace
}  // namespace shardmap
