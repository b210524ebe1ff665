// Danger: a listener misses what expired or hears of it twice, one that does not keep up takes all memory, or what was
// dropped is not counted.
#include "engine/expiry_feed.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "allocation_probe.h"
#include "core/store.h"
#include "engine/expiry_fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

using Texts = std::vector<std::string>;

class ExpiryFeedTest : public testing::Test {
 protected:
  // Appends one batch of entries "<first>=v", ...
  void Append(const Texts& keys) {
    ExpiredList list;
    for (const std::string& key : keys) list.Add(key, "v");
    feed_.Append(list.entries());
  }

  Store store_{OptionsFor(1)};
  ExpiryFeed feed_{store_};
};

TEST_F(ExpiryFeedTest, EachListenerHearsOfEachEntryOnceInOrder) {
  const auto first = MakeQueue();
  const auto second = MakeQueue();
  feed_.Add(first);
  feed_.Add(second);
  Append({"a", "b"});
  Append({"c"});
  for (const auto& queue : {first, second}) {
    EXPECT_EQ(TakeTexts(*queue), (Texts{"a=v", "b=v", "c=v"}));
    EXPECT_EQ(TakeTexts(*queue), Texts{});
    EXPECT_EQ(queue->TakeDropped(), 0u);
  }
}

TEST_F(ExpiryFeedTest, CopiesOnceForAll) {
  const auto first = MakeQueue();
  const auto second = MakeQueue();
  feed_.Add(first);
  feed_.Add(second);
  Append({"a", "b"});
  const std::vector<ExpiredRun> of_first = first->Take(SIZE_MAX, SIZE_MAX);
  const std::vector<ExpiredRun> of_second = second->Take(SIZE_MAX, SIZE_MAX);
  ASSERT_EQ(of_first.size(), 1u);
  ASSERT_EQ(of_second.size(), 1u);
  EXPECT_EQ(of_first[0].batch, of_second[0].batch);
}

TEST_F(ExpiryFeedTest, WhoComesLaterHearsOfWhatComesLater) {
  const auto first = MakeQueue();
  const auto second = MakeQueue();
  feed_.Add(first);
  Append({"a"});
  feed_.Add(second);
  Append({"b"});
  feed_.Remove(first.get());
  feed_.Remove(first.get());
  Append({"c"});
  EXPECT_EQ(TakeTexts(*first), (Texts{"a=v", "b=v"}));
  EXPECT_EQ(TakeTexts(*second), (Texts{"b=v", "c=v"}));
}

TEST_F(ExpiryFeedTest, EveryKindAndSizeOfKeyAndValueIsCopied) {
  const auto queue = MakeQueue();
  feed_.Add(queue);
  {
    ExpiredList list;
    list.Add("", "").Add("k", std::string(1000, 'x'), ValueKind::kPlain).Add(std::string(300, 'y'), "1234567");
    feed_.Append(list.entries());
  }  // what was appended is gone
  const std::vector<ExpiredRun> taken = queue->Take(SIZE_MAX, SIZE_MAX);
  ASSERT_EQ(taken.size(), 1u);
  const ExpiredBatch& batch = *taken[0].batch;
  EXPECT_EQ(batch[0].key.size + batch[0].value_bytes, 0u);
  EXPECT_EQ(batch[1].kind, ValueKind::kPlain);
  EXPECT_EQ(batch[2].kind, ValueKind::kOneByteString);
  EXPECT_EQ(OwnedKey::Of(batch[2].key).bytes, std::string(300, 'y'));
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(reinterpret_cast<uintptr_t>(batch[i].value) % 8, 0u);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(batch[1].value), batch[1].value_bytes), std::string(1000, 'x'));
}

// --- Bounds ----------------------------------------------------------------------------------------------------------

TEST_F(ExpiryFeedTest, WhatComesToAFullQueueIsDroppedAndCounted) {
  const auto small = MakeQueue(3);
  const auto large = MakeQueue();
  feed_.Add(small);
  feed_.Add(large);
  Append({"a", "b"});
  Append({"c", "d", "e"});
  EXPECT_EQ(TakeTexts(*small), (Texts{"a=v", "b=v", "c=v"}));
  EXPECT_EQ(small->TakeDropped(), 2u);
  EXPECT_EQ(small->TakeDropped(), 0u);
  EXPECT_EQ(TakeTexts(*large).size(), 5u);
  EXPECT_EQ(large->TakeDropped(), 0u);
}

TEST_F(ExpiryFeedTest, WhatWasTakenLeavesRoom) {
  const auto queue = MakeQueue(2, 100);
  feed_.Add(queue);
  Append({"a", "b", "c"});
  EXPECT_EQ(TakeTexts(*queue, 1), Texts{"a=v"});
  Append({"d", "e"});
  EXPECT_EQ(TakeTexts(*queue), (Texts{"b=v", "d=v"}));
  EXPECT_EQ(queue->TakeDropped(), 2u);
}

TEST_F(ExpiryFeedTest, BytesAreThoseOfKeysAndValues) {
  const auto queue = MakeQueue(SIZE_MAX, 10);
  feed_.Add(queue);
  ExpiredList list;
  list.Add("ab", "12").Add("cd", "1234").Add("e", "");  // 4, 6 and 1
  feed_.Append(list.entries());
  EXPECT_EQ(TakeTexts(*queue), (Texts{"ab=12", "cd=1234"}));
  EXPECT_EQ(queue->TakeDropped(), 1u);
}

TEST_F(ExpiryFeedTest, AnEntryThatIsTooLargeLeavesTheRoomToOthers) {
  const auto queue = MakeQueue(SIZE_MAX, 100);
  feed_.Add(queue);
  ExpiredList list;
  list.Add("a", "1").Add("large", std::string(1000, 'x')).Add("b", "2");
  feed_.Append(list.entries());
  EXPECT_EQ(TakeTexts(*queue), (Texts{"a=1", "b=2"}));
  EXPECT_EQ(queue->TakeDropped(), 1u);
}

TEST_F(ExpiryFeedTest, WhatIsTooLargeForAllIsNotCopied) {
  const auto small = MakeQueue(SIZE_MAX, 10);
  const auto large = MakeQueue(SIZE_MAX, 100);
  feed_.Add(small);
  feed_.Add(large);
  ExpiredList list;
  list.Add("for both", "").Add("large", std::string(1000, 'x')).Add("for one", "1234");
  feed_.Append(list.entries());
  EXPECT_EQ(TakeTexts(*small), (Texts{"for both="}));
  EXPECT_EQ(small->TakeDropped(), 2u);
  const std::vector<ExpiredRun> taken = large->Take(SIZE_MAX, SIZE_MAX);
  EXPECT_EQ(large->TakeDropped(), 1u);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_FALSE(taken[0].batch->has(1));
  EXPECT_EQ(taken[1].first, 2u);
}

TEST_F(ExpiryFeedTest, TakesNoMoreThanWasAskedFor) {
  const auto queue = MakeQueue();
  feed_.Add(queue);
  feed_.Append(NumberedEntries("a", 5).entries());
  feed_.Append(NumberedEntries("b", 5).entries());
  EXPECT_EQ(TakeTexts(*queue, 3), (Texts{"a0=v", "a1=v", "a2=v"}));
  EXPECT_EQ(TakeTexts(*queue, 4), (Texts{"a3=v", "a4=v", "b0=v", "b1=v"}));
  EXPECT_EQ(TakeTexts(*queue, 100, 6), (Texts{"b2=v", "b3=v"}));  // three bytes each
  EXPECT_EQ(TakeTexts(*queue, 100, 1), (Texts{"b4=v"}));          // one at least
  EXPECT_EQ(TakeTexts(*queue), Texts{});
}

// --- Wake-ups --------------------------------------------------------------------------------------------------------

TEST_F(ExpiryFeedTest, AListenerIsWokenForWhatComesAndForWhatIsDropped) {
  const auto wake_up = std::make_shared<CountedWakeUp>();
  feed_.Add(std::make_shared<ExpiryQueue>(ExpiryQueue::Limits{1, 100}, wake_up));
  EXPECT_EQ(wake_up->calls, 0);
  Append({"a"});
  EXPECT_EQ(wake_up->calls, 1);
  wake_up->Answer();
  Append({"dropped"});
  EXPECT_EQ(wake_up->calls, 2);
}

// --- Stores ----------------------------------------------------------------------------------------------------------

class ExpiringStoreTest : public testing::Test {
 protected:
  void Set(const std::string& key, uint64_t ttl_ns) {
    ASSERT_TRUE(
        store_.Set(*session_, OwnedKey(key).key(), BorrowedValue(ValueKind::kOneByteString, "v"), Lifetime::For(ttl_ns))
            .ok());
  }
  void Expire() {
    clock_.Advance(uint64_t{10} << 30);
    for (size_t shard = 0; shard < store_.shards(); ++shard) {
      while (store_.ExpireSome(*session_, shard) <= clock_.NowNanos()) {
      }
    }
  }

  HandTurnedClock clock_;
  Store store_{StoreOptions{.shards = 2, .clock = &clock_}};
  ExpiryFeed feed_{store_};
  OpenedSession session_{store_};
};

// In the place of a feed that should have left it.
class UnexpectedSink final : public ExpirySink {
 public:
  void Append(std::span<const ExpiredEntry>) override { ADD_FAILURE() << "nobody listens"; }
};

TEST_F(ExpiringStoreTest, TellsNobodyWhenTheLastListenerHasGone) {
  const auto first = MakeQueue();
  const auto second = MakeQueue();
  feed_.Add(first);
  feed_.Add(second);
  feed_.Remove(first.get());
  UnexpectedSink unexpected;
  store_.SetExpirySink(&unexpected);
  feed_.Remove(second.get());
  Set("key", 1);
  Expire();
  EXPECT_EQ(store_.Size(), 0u);
}

TEST_F(ExpiringStoreTest, TellsWhoListensToTheStore) {
  const auto queue = MakeQueue();
  Set("before", 1);
  Expire();
  feed_.Add(queue);
  Set("a", 1);
  Expire();
  EXPECT_EQ(TakeTexts(*queue), Texts{"a=v"});
  feed_.Remove(queue.get());
  Set("after", 1);
  Expire();
  EXPECT_EQ(TakeTexts(*queue), Texts{});
  EXPECT_EQ(store_.Size(), 0u);
}

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)

TEST_F(ExpiryFeedTest, WhereMemoryRunsOutEntriesAreDroppedAndCounted) {
  size_t failures = 0;
  for (uint64_t granted = 0; granted < 12; ++granted) {
    const auto queue = MakeQueue();
    feed_.Add(queue);
    const ExpiredList list = NumberedEntries("key", 5);
    {
      const AllocationRefusal refusal(granted);
      feed_.Append(list.entries());
    }
    const size_t taken = TakeTexts(*queue).size();
    EXPECT_EQ(taken + queue->TakeDropped(), 5u) << granted;
    if (taken == 0) ++failures;
    feed_.Remove(queue.get());
  }
  EXPECT_GT(failures, 2u);
  EXPECT_LT(failures, 12u);
}

TEST_F(ExpiryFeedTest, NothingIsCopiedForListenersThatAreAllFull) {
  const auto queue = MakeQueue(1);
  feed_.Add(queue);
  Append({"a"});
  const ExpiredList list = NumberedEntries("key", 30);
  const AllocationCount count;
  feed_.Append(list.entries());
  EXPECT_EQ(count.pieces(), 0);
  EXPECT_EQ(queue->TakeDropped(), 30u);
}

TEST_F(ExpiryFeedTest, NothingIsKeptOfWhatWasTaken) {
  const auto queue = MakeQueue();
  feed_.Add(queue);
  const ExpiredList list = NumberedEntries("key", 30);
  feed_.Append(list.entries());
  (void)queue->Take(SIZE_MAX, SIZE_MAX);
  const AllocationCount count;
  for (int i = 0; i < 10000; ++i) {
    feed_.Append(list.entries());
    (void)queue->Take(SIZE_MAX, SIZE_MAX);
  }
  EXPECT_LT(count.bytes(), 4096);
}

#endif

// --- Threads ---------------------------------------------------------------------------------------------------------

// Listeners come and go while entries expire in two threads: who stays hears of all.
TEST(ExpiryFeedThreadTest, ListenersThatComeAndGoDisturbNobody) {
  Store store(OptionsFor(1));
  ExpiryFeed feed(store);
  const auto stays = MakeQueue(5000);
  feed.Add(stays);
  const size_t each = Scaled(100000);
  std::atomic<int> running{2};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      const ExpiredList list = NumberedEntries(i == 0 ? "first" : "second", 10);
      for (size_t n = 0; n < each; n += 10) feed.Append(list.entries());
      --running;
    });
  }
  std::thread guests([&] {
    while (running != 0) {
      const auto guest = MakeQueue(100);
      feed.Add(guest);
      std::this_thread::yield();
      feed.Remove(guest.get());
      const size_t heard = TakeTexts(*guest).size();
      EXPECT_LE(heard, 100u);
    }
  });
  size_t heard = 0;
  while (running != 0) heard += TakeTexts(*stays, 1000).size();
  for (std::thread& thread : threads) thread.join();
  guests.join();
  heard += TakeTexts(*stays).size();
  EXPECT_EQ(heard + stays->TakeDropped(), 2 * ((each + 9) / 10 * 10));
}

}  // namespace
}  // namespace shardmap
