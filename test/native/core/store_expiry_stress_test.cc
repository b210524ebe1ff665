// Danger: between threads, a value that is seen with another's deadline or after its own; an entry that expires twice,
// or not at all, while others overwrite, renew and delete it.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/store.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

// The clock shows multiples of this, so that what a deadline has beyond them is that of its time to live.
constexpr uint64_t kStepNs = 1 << 12;
constexpr size_t kKeys = 64;
constexpr size_t kShards = 4;

class SteppedClock final : public Clock {
 public:
  uint64_t NowNanos() const override { return now_ns_.load(std::memory_order_acquire); }
  void Step(uint64_t steps) { now_ns_.fetch_add(steps * kStepNs, std::memory_order_acq_rel); }

 private:
  std::atomic<uint64_t> now_ns_{kStepNs};
};

// Counts how often each value expired.
class CountingSink final : public ExpirySink {
 public:
  void Append(std::span<const ExpiredEntry> entries) override {
    const std::scoped_lock lock(mutex);
    for (const ExpiredEntry& entry : entries) {
      uint64_t tag;
      std::memcpy(&tag, entry.value.bytes(), sizeof tag);
      ++counts[tag];
      EXPECT_EQ(entry.value.deadline().ns() % kStepNs, tag % kStepNs);
    }
  }
  std::mutex mutex;
  std::map<uint64_t, size_t> counts;
};

TEST(StoreExpiryStressTest, NobodySeesAValueAfterItsDeadlineAndEachExpiresOnceAtMost) {
  SteppedClock clock;
  CountingSink sink;
  Store store(StoreOptions{.shards = kShards, .clock = &clock});
  store.SetExpirySink(&sink);
  std::atomic<bool> is_over{false};
  std::vector<std::thread> threads;
  const auto key_of = [](size_t number) { return NumberedKey("key ", number); };

  for (uint64_t reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&, reader] {
      const OpenedSession session(store);
      Random random(reader);
      uint64_t seen = 0;
      while (!is_over || seen == 0) {
        const OwnedKey key = key_of(random.Below(kKeys));
        const ReadGuard guard(*session);
        ReadValue value;
        const uint64_t before_ns = clock.NowNanos();
        if (!store.Get(guard, key.key(), &value)) continue;
        ++seen;
        uint64_t tag;
        std::memcpy(&tag, value.bytes(), sizeof tag);
        if (!value.deadline().exists()) {
          ASSERT_EQ(tag % kStepNs, 0u) << "seed " << TestSeed();
          continue;
        }
        ASSERT_GT(value.deadline().ns(), before_ns) << "seed " << TestSeed();
        ASSERT_EQ(value.deadline().ns() % kStepNs, tag % kStepNs) << "seed " << TestSeed();
      }
    });
  }
  for (uint64_t writer = 0; writer < 2; ++writer) {
    threads.emplace_back([&, writer] {
      const OpenedSession session(store);
      Random random(100 + writer);
      for (uint64_t step = 1; step <= Scaled(200'000); ++step) {
        const OwnedKey key = key_of(random.Below(kKeys));
        // Unique, and 0 beyond the step for those without a deadline.
        const uint64_t rest = random.OneIn(4) ? 0 : 1 + random.Below(kStepNs - 1);
        const uint64_t tag = (step * 2 + writer) * kStepNs + rest;
        std::string bytes(random.OneIn(4) ? 100 : 8, 'v');
        std::memcpy(bytes.data(), &tag, sizeof tag);
        const Lifetime lifetime =
            rest == 0 ? Lifetime::Forever() : Lifetime::For(rest + kStepNs * random.Below(random.OneIn(3) ? 3000 : 8));
        switch (random.Below(8)) {
          case 0:
            (void)store.Delete(*session, key.key());
            break;
          case 1: {
            const ReadGuard guard(*session);
            ReadValue existing;
            (void)store.Insert(guard, *session, key.key(), BorrowedValue(ValueKind::kClone, bytes), &existing,
                               lifetime);
            break;
          }
          default:
            ASSERT_TRUE(store.Set(*session, key.key(), BorrowedValue(ValueKind::kClone, bytes), lifetime).ok());
        }
        if (random.OneIn(16)) clock.Step(1 + random.Below(random.OneIn(50) ? 1000 : 4));
      }
    });
  }
  std::thread expirer([&] {
    const OpenedSession session(store);
    for (size_t shard = 0; !is_over; shard = (shard + 1) % kShards) (void)store.ExpireSome(*session, shard);
  });

  threads[2].join();
  threads[3].join();
  is_over = true;
  threads[0].join();
  threads[1].join();
  expirer.join();
  const OpenedSession session(store);
  clock.Step(uint64_t{1} << 20);
  for (size_t number = 0; number < kKeys; ++number) {
    const OwnedKey key = key_of(number);
    const ReadGuard guard(*session);
    ReadValue value;
    const bool is_found = store.Get(guard, key.key(), &value);
    EXPECT_FALSE(is_found && value.deadline().exists());
  }
  for (size_t shard = 0; shard < kShards; ++shard) {
    while (store.ExpireSome(*session, shard) <= clock.NowNanos()) continue;
  }
  EXPECT_EQ(store.Stats().timed_entries, 0u);
  EXPECT_EQ(store.Stats().expired_entries, sink.counts.size());
  EXPECT_GT(sink.counts.size(), 0u);
  for (const auto& [tag, count] : sink.counts) EXPECT_EQ(count, 1u) << "tag " << tag << ", seed " << TestSeed();
}

}  // namespace
}  // namespace shardmap
