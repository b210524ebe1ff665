// Danger: entries expire and nobody removes them, one store with millions of them keeps the thread from all others, the
// thread uses a store that is gone, or it takes processor time for nothing.
#include "engine/expiry_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "allocation_probe.h"
#include "engine/expiry_fixtures.h"
#include "engine/registry.h"
#include "fixtures.h"
#include "random_input.h"

#if defined(__linux__)
#include <pthread.h>
#include <signal.h>
#include <string.h>
#endif

namespace shardmap {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

// Waits for another thread to bring something about. True if it did; long before the end of this time, unless it never
// does.
bool Eventually(const std::function<bool()>& is_so) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// A store that the thread serves.
class ServedStore {
 public:
  ServedStore(ExpiryThread& thread, const Clock& clock, size_t shards = 4)
      : thread_(thread), store_(StoreOptions{.shards = shards, .clock = &clock, .scheduler = &thread}) {
    thread_.Add(store_);
  }
  ~ServedStore() { thread_.Remove(store_); }
  ServedStore(const ServedStore&) = delete;
  ServedStore& operator=(const ServedStore&) = delete;

  void Set(const OwnedKey& key, const Lifetime& lifetime) {
    const OpenedSession session(store_);
    ASSERT_TRUE(store_.Set(*session, key.key(), Value(ValueKind::kTrue), lifetime).ok());
  }
  void SetMany(size_t count, const Lifetime& lifetime) {
    const OpenedSession session(store_);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(store_.Set(*session, NumberedKey("key ", i).key(), Value(ValueKind::kTrue), lifetime).ok());
    }
  }
  size_t Size() const { return static_cast<size_t>(store_.Size()); }
  Store& store() { return store_; }

 private:
  ExpiryThread& thread_;
  Store store_;
};

class ExpiryThreadTest : public testing::Test {
 protected:
  void Advance(uint64_t nanos) {
    clock_.Advance(nanos);
    thread_.LookAgain();
  }

  HandTurnedClock clock_;
  ExpiryThread thread_{clock_};
};

TEST_F(ExpiryThreadTest, RemovesWhatHasExpired) {
  ServedStore served(thread_, clock_);
  served.SetMany(1000, Lifetime::For(kSecond));
  served.Set(OwnedKey("stays"), Lifetime::Forever());
  Advance(2 * kSecond);
  EXPECT_TRUE(Eventually([&] { return served.Size() == 1; }));
}

TEST_F(ExpiryThreadTest, LeavesWhatHasTimeLeft) {
  ServedStore served(thread_, clock_, 1);
  for (uint64_t i = 1; i <= 10; ++i) served.Set(NumberedKey("key ", i), Lifetime::For(i * 10 * kSecond));
  clock_.Advance(kSecond / 2);  // deadlines are looked at by ticks of a millisecond
  for (size_t left = 9; left != SIZE_MAX; --left) {
    Advance(10 * kSecond);
    ASSERT_TRUE(Eventually([&] { return served.Size() == left; })) << left;
  }
}

// Again and again, so that the thread has gone to sleep before at least once.
TEST(ExpiryThreadOfProcessTest, IsWokenForAnEarlierDeadline) {
  const std::shared_ptr<OpenStore> opened =
      Registry::OfProcess().Create(std::nullopt, OpenOptions{.shards = 4, .ttl_ns = 3600 * kSecond}).value();
  Handle handle(opened);
  const auto set = [&](std::string_view key, const Lifetime& lifetime) {
    ASSERT_TRUE(handle.store().Set(handle.session(), OwnedKey(key).key(), Value(ValueKind::kTrue), lifetime).ok());
  };
  set("late", Lifetime());
  for (size_t i = 0; i < 20; ++i) {
    set("early", Lifetime::For(kSecond / 200));
    ASSERT_TRUE(Eventually([&] { return handle.store().Size() == 1; })) << i;
  }
}

TEST_F(ExpiryThreadTest, ServesAStoreAfterAllOthersHaveGone) {
  auto first = std::make_unique<ServedStore>(thread_, clock_);
  first->Set(OwnedKey("key"), Lifetime::For(kSecond));
  auto second = std::make_unique<ServedStore>(thread_, clock_);
  second->Set(OwnedKey("key"), Lifetime::For(2 * kSecond));
  first.reset();
  ServedStore third(thread_, clock_);  // has the number of the first
  third.Set(OwnedKey("key"), Lifetime::For(3 * kSecond));
  second.reset();
  Advance(10 * kSecond);
  EXPECT_TRUE(Eventually([&] { return third.Size() == 0; }));
}

// Reads of the clock are counted: a thread that wakes up looks at it.
class CountedClock final : public Clock {
 public:
  uint64_t NowNanos() const override {
    ++reads;
    return Clock::Steady().NowNanos();
  }
  mutable std::atomic<uint64_t> reads{0};
};

TEST(ExpiryThreadSleepTest, SleepsWhileNothingIsDue) {
  CountedClock clock;
  ExpiryThread thread(clock);
  ServedStore served(thread, clock);
  served.SetMany(Scaled(10000), Lifetime::For(3600 * kSecond));
  served.Set(OwnedKey("soon"), Lifetime::For(kSecond / 100));
  ASSERT_TRUE(Eventually([&] { return served.Size() == Scaled(10000); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // until it sleeps; for what is asked next to be right
  const uint64_t before = clock.reads;
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(clock.reads, before);
}

// --- Turns -----------------------------------------------------------------------------------------------------------

// Notes how many entries another store had left when the first came.
class NotingSink final : public ExpirySink {
 public:
  explicit NotingSink(std::function<void()> note) : note_(std::move(note)) {}
  void Append(std::span<const ExpiredEntry>) override { note_(); }

 private:
  const std::function<void()> note_;
};

TEST_F(ExpiryThreadTest, AStoreWithMuchToRemoveLetsOthersHaveTheirTurns) {
  ServedStore large(thread_, clock_, 64);
  ServedStore small(thread_, clock_, 1);
  std::atomic<size_t> left{SIZE_MAX};
  NotingSink sink([&] { left = large.Size(); });
  small.store().SetExpirySink(&sink);
  const size_t count = Scaled(200000);
  large.SetMany(count, Lifetime::For(kSecond));
  small.Set(OwnedKey("key"), Lifetime::For(2 * kSecond));  // what is in the other store has been due for a second
  Advance(3 * kSecond);
  ASSERT_TRUE(Eventually([&] { return small.Size() == 0 && left != SIZE_MAX; }));
  EXPECT_GT(left, count - 20 * ExpiredEntries::kMax);
  EXPECT_TRUE(Eventually([&] { return large.Size() == 0; }));
}

TEST_F(ExpiryThreadTest, AMillionEntriesOfSeveralStoresDueAtOnceAreAllRemoved) {
  std::vector<std::unique_ptr<ServedStore>> stores;
  std::vector<std::unique_ptr<ExpiryFeed>> feeds;
  std::vector<std::shared_ptr<ExpiryQueue>> queues;
  const size_t each = Scaled(250000);
  for (size_t shards : {1, 4, 16, 256}) {
    stores.push_back(std::make_unique<ServedStore>(thread_, clock_, shards));
    feeds.push_back(std::make_unique<ExpiryFeed>(stores.back()->store()));
    queues.push_back(MakeQueue(each / 2));
    feeds.back()->Add(queues.back());
    stores.back()->SetMany(each, Lifetime::For(kSecond));
  }
  Advance(2 * kSecond);
  for (size_t i = 0; i < stores.size(); ++i) {
    // Another listener comes and goes meanwhile.
    ASSERT_TRUE(Eventually([&] {
      const auto guest = MakeQueue(1000);
      feeds[i]->Add(guest);
      feeds[i]->Remove(guest.get());
      return stores[i]->Size() == 0;
    }));
  }
  stores.clear();  // the last slice, which tells of its entries after it removed them, is over
  for (const auto& queue : queues) {
    EXPECT_EQ(TakeTexts(*queue).size(), each / 2);
    EXPECT_EQ(queue->TakeDropped(), each - each / 2);
  }
}

// --- Ends ------------------------------------------------------------------------------------------------------------

TEST_F(ExpiryThreadTest, AStoreMayGoWhileItsEntriesAreRemoved) {
  for (size_t round = 0; round < Scaled(300); ++round) {
    auto served = std::make_unique<ServedStore>(thread_, clock_, round % 2 == 0 ? 1 : 8);
    served->SetMany(200, Lifetime::For(kSecond));
    Advance(2 * kSecond);
    if (round % 3 != 0) {
      const bool has_begun = Eventually([&] { return served->Size() < 200; });
      ASSERT_TRUE(has_begun);
    }
    served.reset();
  }
}

TEST_F(ExpiryThreadTest, RemovingAStoreWaitsForTheSliceUnderWay) {
  auto served = std::make_unique<ServedStore>(thread_, clock_, 1);
  std::atomic<bool> has_begun{false};
  std::atomic<bool> is_over{false};
  NotingSink sink([&] {
    has_begun = true;
    for (int i = 0; i < 10000; ++i) std::this_thread::yield();
    is_over = true;
  });
  served->store().SetExpirySink(&sink);
  served->Set(OwnedKey("key"), Lifetime::For(kSecond));
  Advance(2 * kSecond);
  ASSERT_TRUE(Eventually([&] { return has_begun.load(); }));
  served.reset();
  EXPECT_TRUE(is_over);
}

TEST_F(ExpiryThreadTest, AStoreThatGoesInTheMiddleOfASliceIsServedNoMore) {
  ServedStore other(thread_, clock_, 1);
  auto served = std::make_unique<ServedStore>(thread_, clock_, 1);
  std::atomic<bool> has_begun{false};
  NotingSink sink([&] {
    has_begun = true;
    for (int i = 0; i < 10000; ++i) std::this_thread::yield();
  });
  served->store().SetExpirySink(&sink);
  served->Set(OwnedKey("due in the slice"), Lifetime::For(kSecond));
  served->Set(OwnedKey("due after it"), Lifetime::For(3 * kSecond));
  other.Set(OwnedKey("due last"), Lifetime::For(4 * kSecond));
  Advance(2 * kSecond);
  ASSERT_TRUE(Eventually([&] { return has_begun.load(); }));
  served.reset();
  Advance(3 * kSecond);
  EXPECT_TRUE(Eventually([&] { return other.Size() == 0; }));
}

TEST(ExpiryThreadEndTest, EndsWithWhatIsNotDueYet) {
  HandTurnedClock clock;
  for (size_t i = 0; i < Scaled(200); ++i) {
    ExpiryThread thread(clock);
    ServedStore served(thread, clock);
    served.Set(OwnedKey("key"), Lifetime::For(3600 * kSecond));
  }
}

TEST(ExpiryThreadEndTest, NeverStartsWhereNothingExpires) {
  HandTurnedClock clock;
  ExpiryThread thread(clock);
  ServedStore served(thread, clock);
  served.Set(OwnedKey("key"), Lifetime());
}

// Stores of the process come and go in four threads, and each has entries that expire at any time.
TEST(ExpiryThreadOfProcessTest, StoresComeAndGoInAllThreads) {
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([thread] {
      Random random(thread);
      for (size_t i = 0; i < Scaled(500); ++i) {
        const std::u16string name(1, static_cast<char16_t>(u'a' + random.Below(3)));
        Handle handle(Registry::OfProcess().Create(name, {.shards = 2}).value());
        const auto queue = MakeQueue(100);
        handle.expiry_feed().Add(queue);
        for (size_t n = 0; n < 20; ++n) {
          const OwnedKey key = NumberedKey("key ", random.Below(50));
          const Lifetime lifetime = Lifetime::For(random.Below(kSecond / 1000));
          EXPECT_TRUE(handle.store().Set(handle.session(), key.key(), Value(ValueKind::kTrue), lifetime).ok());
        }
        handle.expiry_feed().Remove(queue.get());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// --- The thread itself -----------------------------------------------------------------------------------------------

#if defined(__linux__)

TEST_F(ExpiryThreadTest, HasANameAndGetsNoSignals) {
  ServedStore served(thread_, clock_);
  char name[16] = "";
  std::atomic<bool> gets_signals{true};
  std::atomic<bool> is_noted{false};
  NotingSink sink([&] {
    pthread_getname_np(pthread_self(), name, sizeof name);
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    gets_signals = sigismember(&blocked, SIGTERM) == 0 || sigismember(&blocked, SIGPROF) == 0;
    is_noted = true;
  });
  served.store().SetExpirySink(&sink);
  served.Set(OwnedKey("key"), Lifetime::For(0));
  Advance(kSecond);
  ASSERT_TRUE(Eventually([&] { return is_noted.load(); }));
  EXPECT_STREQ(name, "shardmap-expiry");
  EXPECT_FALSE(gets_signals);
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 0);
}

#endif

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)

TEST_F(ExpiryThreadTest, IsStartedNextTimeWhereItCannotBeNow) {
  ServedStore served(thread_, clock_, 1);
  uint64_t refused;
  {
    const AllocationRefusal refusal(0);
    thread_.Schedule(served.store(), 0, clock_.NowNanos());
    refused = refusal.refused();
  }
  EXPECT_GT(refused, 0u);
  served.Set(OwnedKey("key"), Lifetime::For(kSecond));
  Advance(2 * kSecond);
  EXPECT_TRUE(Eventually([&] { return served.Size() == 0; }));
}

TEST_F(ExpiryThreadTest, AStoreForWhichThereIsNoMemoryIsNotThere) {
  for (uint64_t granted = 0; granted < 8; ++granted) {
    ExpiryThread thread(clock_);
    Store store(StoreOptions{.shards = 2, .clock = &clock_, .scheduler = &thread});
    bool is_added = false;
    try {
      const AllocationRefusal refusal(granted);
      thread.Add(store);
      is_added = true;
    } catch (const std::bad_alloc&) {
    }
    thread.Schedule(store, 0, clock_.NowNanos());
    if (is_added) thread.Remove(store);
  }
}

#endif

}  // namespace
}  // namespace shardmap
