// Danger: an operation that is not one step for all threads. Here a few hot keys are used by several threads while a
// crowd of other keys in the same shards comes and goes, so that tables grow, shrink and move and entries are compacted
// under the hot ones, and what each thread was told must be explained by one order of all operations.
//
// The same with a log, that is compacted all the while: what it is told, and its snapshots, must change nothing. And
// the same while shards are added.
//
// SHARDMAP_HISTORIES (50) and SHARDMAP_HISTORY_OPERATIONS (20000) say how many there are in all, and of what length.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/crash_directory.h"
#include "core/resharding_thread.h"
#include "core/store.h"
#include "fixtures.h"
#include "linearizability/checker.h"
#include "linearizability/recorder.h"
#include "log/durable_store.h"
#include "random_input.h"

namespace shardmap {
namespace {

size_t FromEnvironment(const char* name, size_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::max(size_t{1}, static_cast<size_t>(std::strtoull(text, nullptr, 10)));
}

const size_t kHistories = FromEnvironment("SHARDMAP_HISTORIES", Scaled(50));
const size_t kLoggedHistories = kHistories;
const size_t kOperations = FromEnvironment("SHARDMAP_HISTORY_OPERATIONS", 20000);

// What sizes the values have that are written in turn over one another: in a word, inside the entry, in blocks; or any
// of these, so that they take each other's place.
enum class Values : uint8_t { kWord, kInline, kBlock, kAny };

size_t AnySize(Values values, Random& random) {
  switch (values) {
    case Values::kWord:
      return 8;
    case Values::kInline:
      return kInlineValueBytesMax;
    case Values::kBlock:
      return kInlineValueBytesMax + 1 + random.Below(500);
    case Values::kAny:
      return random.OneIn(4) ? 65 + random.Below(1000) : 8 + random.Below(57);
  }
  return 8;
}

// The first is too long to be kept inside its entry.
std::vector<OwnedKey> HotKeys() {
  return {NumberedKey(std::string(300, 'k'), 0), NumberedKey("hot ", 1), NumberedKey("hot ", 2),
          NumberedKey("hot ", 3)};
}

// One thread's part of the crowd: it grows to a random size and shrinks again, key by key.
class Crowd {
 public:
  Crowd(Store& store, Session& session, uint32_t thread) : store_(store), session_(session), thread_(thread) {}

  void Step(Random& random) {
    if (present_.size() >= size_to_reach_) grows_ = false;
    if (present_.empty() && !grows_) {
      grows_ = true;
      size_to_reach_ = size_t{8} << random.Below(9);
    }
    if (grows_) {
      present_.push_back(++last_number_);
      const CheckedValue value(last_number_, 8 + random.Below(80));
      EXPECT_TRUE(store_.Set(session_, KeyOf(last_number_).key(), value.value()).ok());
    } else {
      std::swap(present_[random.Below(present_.size())], present_.back());
      EXPECT_TRUE(store_.Delete(session_, KeyOf(present_.back()).key()).ok());
      present_.pop_back();
    }
  }

 private:
  OwnedKey KeyOf(uint64_t number) const { return NumberedKey("crowd " + std::to_string(thread_) + " ", number); }

  Store& store_;
  Session& session_;
  const uint32_t thread_;
  std::vector<uint64_t> present_;
  uint64_t last_number_ = 0;
  size_t size_to_reach_ = 0;
  bool grows_ = false;
};

struct Shape {
  size_t shards;
  Values values;
};

// One thread's use of a store: hot keys, which it writes down, and its part of the crowd.
class User {
 public:
  User(Store& store, const std::vector<OwnedKey>& keys, Values values, uint64_t history_number, uint32_t thread)
      : recorder_(store, keys, thread),
        crowd_(store, recorder_.session(), thread),
        random_(history_number << 8 | thread),
        keys_(keys.size()),
        values_(values),
        deletions_percent_(history_number % 2 == 0 ? 2 : 20) {}

  void Use(size_t operations) {
    while (recorder_.history().size() < operations) {
      if (random_.OneIn(20)) {
        UseAllHotKeys();
      } else {
        UseHotKey(random_.Below(keys_));
      }
      crowd_.Step(random_);
      if (random_.OneIn(1000)) recorder_.Scan(1 + random_.Below(300));
      if (random_.OneIn(4000)) recorder_.Clear();
    }
  }
  const History& history() const { return recorder_.history(); }

 private:
  void UseHotKey(size_t key) {
    const size_t draw = random_.Below(100);
    if (draw < deletions_percent_) {
      DeleteHotKey(key);
    } else if (draw < 2 * deletions_percent_) {
      recorder_.Insert(key, AnySize(values_, random_));
    } else if (draw < 55) {
      SetHotKey(key, AnySize(values_, random_));
    } else if (draw < 90) {
      recorder_.Get(key);
    } else {
      recorder_.Has(key);
    }
  }

  void SetHotKey(size_t key, size_t value_bytes) {
    switch (random_.Below(4)) {
      case 0:
        return recorder_.Set(key, value_bytes);
      case 1:
        return recorder_.Exchange(key, value_bytes);
      case 2:
        return recorder_.Replace(key, value_bytes);
      default:
        return recorder_.Update(key, value_bytes, false, random_.OneIn(50));
    }
  }

  void DeleteHotKey(size_t key) {
    switch (random_.Below(4)) {
      case 0:
        return recorder_.Delete(key);
      case 1:
        return recorder_.Take(key);
      case 2:
        return recorder_.Remove(key);
      default:
        return recorder_.Update(key, CheckedValue::kBytesMin, true, random_.OneIn(50));
    }
  }

  void UseAllHotKeys() {
    const size_t draw = random_.Below(100);
    if (draw < deletions_percent_) {
      recorder_.DeleteMany();
    } else if (draw < 45) {
      recorder_.SetMany(AnySize(values_, random_));
    } else if (draw < 90) {
      recorder_.GetMany();
    } else {
      recorder_.HasMany();
    }
  }

  Recorder recorder_;
  Crowd crowd_;
  Random random_;
  const size_t keys_;
  const Values values_;
  const size_t deletions_percent_;  // few, so that entries grow old and are moved, or many
};

// Of 2 to 4 threads.
History TakeHistory(Store& store, Values values, uint64_t number) {
  const std::vector<OwnedKey> keys = HotKeys();
  const size_t count = 2 + number % 3;
  std::vector<std::unique_ptr<User>> users;
  for (uint32_t i = 0; i < count; ++i) users.push_back(std::make_unique<User>(store, keys, values, number, i));
  std::atomic<size_t> ready{0};
  std::vector<std::thread> threads;
  for (const auto& user : users) {
    threads.emplace_back([&] {
      ++ready;
      while (ready != count) std::this_thread::yield();
      user->Use(kOperations / count);
    });
  }
  for (std::thread& thread : threads) thread.join();
  History history;
  for (const auto& user : users) history.insert(history.end(), user->history().begin(), user->history().end());
  return history;
}

// What is recovered afterwards is what there was.
History TakeLoggedHistory(const Shape& shape, uint64_t number) {
  CrashDirectory directory;
  LogOptions options;
  options.policy = number % 2 == 0 ? SyncPolicy::kInterval : SyncPolicy::kAlways;
  options.segment_bytes = 1'000'000;
  DurableStore durable(directory, shape.shards, options);
  std::atomic<bool> is_over{false};
  std::thread compacting([&] {
    while (!is_over) EXPECT_TRUE(durable.Compact().ok());
  });
  History history;
  {
    const ReshardingThread resharding(durable.store(), number % 2 == 0 ? 1 : 256);
    history = TakeHistory(durable.store(), shape.values, number);
  }
  is_over = true;
  compacting.join();
  EXPECT_TRUE(durable.log().Close().ok());
  DurableStore recovered(directory, shape.shards, options);
  EXPECT_TRUE(recovered.status().ok()) << recovered.status().message();
  EXPECT_EQ(recovered.Rows(), durable.Rows());
  return history;
}

const Shape kShapes[] = {{1, Values::kWord}, {1, Values::kInline}, {1, Values::kBlock},
                         {1, Values::kAny},  {4, Values::kWord},   {4, Values::kAny}};

class StoreHistoriesTest : public testing::TestWithParam<Shape> {
 protected:
  template <typename Take>
  void ExpectLinearizable(size_t histories, Take take) {
    const size_t share = (histories + std::size(kShapes) - 1) / std::size(kShapes);
    for (uint64_t number = 0; number < share; ++number) {
      const std::optional<Violation> violation = FindViolation(take(number));
      ASSERT_FALSE(violation.has_value()) << "history " << number << ": " << *violation;
    }
  }
};

TEST_P(StoreHistoriesTest, AreLinearizable) {
  ExpectLinearizable(kHistories, [](uint64_t number) {
    StoreOptions options;
    options.shards = GetParam().shards;
    Store store(options);
    return TakeHistory(store, GetParam().values, number);
  });
}

TEST_P(StoreHistoriesTest, AreLinearizableWhileShardsAreAdded) {
  ExpectLinearizable(kHistories, [](uint64_t number) {
    Store store(OptionsFor(GetParam().shards));
    const ReshardingThread resharding(store, 1024);
    return TakeHistory(store, GetParam().values, number);
  });
}

TEST_P(StoreHistoriesTest, AreLinearizableWithALogThatIsCompacted) {
  ExpectLinearizable(kLoggedHistories, [](uint64_t number) { return TakeLoggedHistory(GetParam(), number); });
}

INSTANTIATE_TEST_SUITE_P(Shapes, StoreHistoriesTest, testing::ValuesIn(kShapes));

}  // namespace
}  // namespace shardmap
