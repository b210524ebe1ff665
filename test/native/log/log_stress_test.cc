// Danger: what goes wrong only when threads meet in a store that is logged: a value that is half of one and half of
// another, a flush that nobody answers, and a store that comes back as another than it was.
//
// Long runs are for ThreadSanitizer, which judges all that the threads share: SHARDMAP_TEST_SCALE says how long.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/crash_directory.h"
#include "core/resharding_thread.h"
#include "log/durable_store.h"
#include "random_input.h"

namespace shardmap {
namespace {

constexpr size_t kThreads = 4;
constexpr size_t kKeys = 500;
constexpr uint64_t kHour = 3'600'000'000'000;
constexpr uint64_t kShortNanosMax = 2'000'000;

// Every 16th is too long to be kept in its entry.
OwnedKey StressKey(size_t number) {
  return number % 16 == 7 ? NumberedKey(std::string(300, 'k'), number) : NumberedKey("key ", number);
}

// All that a thread can do with a store.
class StressedThread {
 public:
  StressedThread(DurableStore& durable, uint64_t stream)
      : store_(durable.store()), log_(durable.log()), random_(stream), session_(store_.OpenSession()) {}
  ~StressedThread() { store_.CloseSession(session_); }

  void Run(size_t operations) {
    for (size_t i = 0; i < operations && !testing::Test::HasFailure(); ++i) Operate();
    while (flushes_answered_ != flushes_asked_) std::this_thread::yield();
  }

 private:
  void Operate() {
    const size_t draw = random_.Below(1000);
    if (draw < 400) return Write();
    if (draw < 600) return WriteIf();
    if (draw < 800) return Look();
    if (draw < 850) return ChangeLifetime();
    if (draw < 930) return UseMany();
    if (draw < 990) return (void)store_.ExpireSome(*session_, random_.Below(store_.shards()));
    if (draw < 996) return Flush();
    if (draw < 998) return Reopen();
    if (draw < 999) return SaveStructures();
    if (!random_.OneIn(20)) return;
    EXPECT_TRUE(store_.Clear(*session_).ok());
  }

  void Write() {
    const OwnedKey key = AnyKey();
    const CheckedValue value = AnyValue();
    const ReadGuard guard(*session_);
    ReadValue previous;
    switch (random_.Below(6)) {
      case 0:
        ExpectWhere(store_.Insert(guard, *session_, key.key(), value.value(), &previous, AnyLifetime()), false,
                    previous);
        return;
      case 1:
        ExpectWhere(store_.Exchange(guard, *session_, key.key(), value.value(), &previous, AnyLifetime()), true,
                    previous);
        return;
      case 2:
        return ExpectWhere(store_.Take(guard, *session_, key.key(), &previous), true, previous);
      case 3:
        EXPECT_TRUE(store_.Delete(*session_, key.key()).ok());
        return;
      case 4:
        return Count();
      default:
        EXPECT_TRUE(store_.Set(*session_, key.key(), value.value(), AnyLifetime()).ok());
    }
  }

  void Count() {
    const double one = 1;
    const ReadGuard guard(*session_);
    ReadValue total;
    const OwnedKey counter = NumberedKey("counter ", random_.Below(4));
    EXPECT_TRUE(store_.Add(guard, *session_, counter.key(), Value(ValueKind::kNumber, &one, sizeof one), &total).ok());
  }

  // Depending on what is there.
  void WriteIf() {
    const OwnedKey key = AnyKey();
    const CheckedValue value = AnyValue();
    const bool claims = random_.OneIn(20);
    if (claims) (void)store_.Claim(*session_, key.key(), 20'000);
    {
      const ReadGuard guard(*session_);
      ReadValue current;
      EntryStamp stamp;
      const bool is_there = store_.GetStamped(guard, key.key(), &current, &stamp);
      if (is_there) ExpectWhole(current);
      const Value expected(current.kind(), current.bytes(), is_there ? current.size() : 0);
      const Expectation expectation{expected, !is_there};
      switch (random_.Below(4)) {
        case 0:
          EXPECT_TRUE(store_.SetIf(*session_, key.key(), value.value(), stamp).ok());
          break;
        case 1:
          EXPECT_TRUE(store_.DeleteIf(*session_, key.key(), stamp).ok());
          break;
        case 2:
          EXPECT_TRUE(store_.CompareAndSet(guard, *session_, key.key(), expectation, value.value()).ok());
          break;
        default:
          EXPECT_TRUE(store_.CompareAndDelete(guard, *session_, key.key(), expectation).ok());
      }
    }
    if (claims) store_.Release(*session_, key.key());
  }

  void Look() {
    const OwnedKey key = AnyKey();
    const ReadGuard guard(*session_);
    ReadValue value;
    if (store_.Get(guard, key.key(), &value)) ExpectWhole(value);
    (void)store_.TimeLeft(guard, key.key());
    (void)store_.Touch(*session_, key.key());
    if (!random_.OneIn(50)) return;
    std::vector<ScannedEntry> page;
    store_.Scan(guard, 0, 1 + random_.Below(300), &page);
    for (const ScannedEntry& scanned : page) {
      const bool is_counter = OwnedKey::Of(scanned.entry->key()).bytes.starts_with("counter");
      if (!is_counter && store_.ReadScanned(guard, scanned, &value)) ExpectWhole(value);
    }
    (void)store_.Stats();
  }

  void ChangeLifetime() { EXPECT_TRUE(store_.SetLifetime(*session_, AnyKey().key(), AnyLifetime()).ok()); }

  void UseMany() {
    const size_t size = random_.Below(40);
    std::vector<OwnedKey> owned;
    std::vector<CheckedValue> values;
    for (size_t i = 0; i < size; ++i) {
      owned.push_back(AnyKey());
      values.push_back(AnyValue());
    }
    std::vector<Key> keys;
    std::vector<BatchEntry> entries;
    for (size_t i = 0; i < size; ++i) {
      keys.push_back(owned[i].key());
      entries.push_back({keys[i], values[i].value()});
    }
    size_t affected = 0;
    switch (random_.Below(3)) {
      case 0:
        EXPECT_TRUE(store_.SetMany(*session_, entries, &affected, AnyLifetime()).ok());
        return;
      case 1:
        EXPECT_TRUE(store_.DeleteMany(*session_, keys, &affected).ok());
        return;
      default: {
        const ReadGuard guard(*session_);
        std::vector<ReadValue> read(size);
        const auto found = std::make_unique<bool[]>(size);
        store_.GetMany(guard, keys, read.data(), found.get());
        for (size_t i = 0; i < size; ++i) {
          if (found[i]) ExpectWhole(read[i]);
        }
      }
    }
  }

  void Flush() {
    if (random_.OneIn(4)) {
      EXPECT_TRUE(log_.FlushSync().ok());
      return;
    }
    ++flushes_asked_;
    log_.Flush([this](const Status& status) {
      EXPECT_TRUE(status.ok()) << status.message();
      ++flushes_answered_;
    });
  }

  void Reopen() {
    store_.CloseSession(session_);
    session_ = store_.OpenSession();
  }

  void SaveStructures() {
    const std::optional<std::string> text = store_.structures().Load();
    EXPECT_TRUE(store_.SaveStructures(*session_, text, std::to_string(random_.Word())).ok());
  }

  // That it is done, and what it gives, where `gives`, is whole.
  void ExpectWhere(Result<bool> result, bool gives, const ReadValue& value) {
    ASSERT_TRUE(result.ok()) << result.status().message();
    if (result.value() == gives) ExpectWhole(value);
  }
  void ExpectWhole(const ReadValue& value) {
    EXPECT_TRUE(CheckedValue::ReadTag(value).has_value()) << "a mixed value, seed " << TestSeed();
  }

  OwnedKey AnyKey() { return StressKey(random_.OneIn(3) ? random_.Below(4) : random_.Below(kKeys)); }
  CheckedValue AnyValue() {
    const size_t draw = random_.Below(100);
    return CheckedValue(random_.Word(), draw == 0 ? 70'000 : draw < 10 ? 1000 : 8 + draw);
  }
  Lifetime AnyLifetime() {
    switch (random_.Below(4)) {
      case 0:
        return Lifetime::For(random_.Below(kShortNanosMax));
      case 1:
        return Lifetime::For(kHour);
      case 2:
        return Lifetime::Kept();
      default:
        return Lifetime::Forever();
    }
  }

  Store& store_;
  Log& log_;
  Random random_;
  Session* session_;
  size_t flushes_asked_ = 0;
  std::atomic<size_t> flushes_answered_{0};
};

void ExpireAll(Store& store) {
  std::this_thread::sleep_for(std::chrono::nanoseconds(2 * kShortNanosMax));
  const OpenedSession session(store);
  for (size_t shard = 0; shard < store.shards(); ++shard) {
    while (store.ExpireSome(*session, shard) <= store.clock().NowNanos()) {
    }
  }
}

class LogStressTest : public testing::TestWithParam<SyncPolicy> {};

TEST_P(LogStressTest, AllOperationsOfFourThreadsWhileTheLogIsCompactedAndShardsAreAdded) {
  CrashDirectory directory;
  LogOptions options;
  options.policy = GetParam();
  options.interval_ns = 1'000'000;
  options.segment_bytes = 1'000'000;
  std::vector<DurableStore::Row> rows;
  std::optional<std::string> structures;
  for (uint64_t round = 0; round < 2; ++round) {
    DurableStore durable(directory, round == 0 ? 64 : 4, options);
    ASSERT_TRUE(durable.status().ok()) << durable.status().message();
    EXPECT_EQ(durable.Rows(), rows) << "seed " << TestSeed();
    EXPECT_EQ(durable.store().structures().Load(), structures);
    std::atomic<bool> is_over{false};
    std::atomic<size_t> compactions{0};
    std::thread compacting([&] {
      while (!is_over) {
        EXPECT_TRUE(durable.Compact().ok());
        ++compactions;
      }
    });
    auto resharding = std::make_unique<ReshardingThread>(durable.store(), 1024);
    std::vector<std::thread> threads;
    for (uint64_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] { StressedThread(durable, 10 * round + thread).Run(Scaled(100'000)); });
    }
    for (std::thread& thread : threads) thread.join();
    resharding.reset();
    is_over = true;
    compacting.join();
    EXPECT_GT(compactions, 0u);
    ExpireAll(durable.store());
    rows = durable.Rows();
    structures = durable.store().structures().Load();
    ASSERT_TRUE(durable.log().Close().ok());
  }
  DurableStore durable(directory, 16, options);
  EXPECT_EQ(durable.Rows(), rows) << "seed " << TestSeed();
  EXPECT_EQ(durable.store().structures().Load(), structures);
}

INSTANTIATE_TEST_SUITE_P(Policies, LogStressTest, testing::Values(SyncPolicy::kAlways, SyncPolicy::kInterval));

}  // namespace
}  // namespace shardmap
