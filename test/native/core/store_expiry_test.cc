// Danger: a value that is seen after its deadline, or gone before it; an event that is missing, doubled or of another
// entry; a wake-up that nobody asked for in time, so that what has expired stays.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "allocation_probe.h"
#include "core/resharding.h"
#include "core/store.h"
#include "core/store_fixtures.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

constexpr uint64_t kMs = 1'000'000;
// How long after its deadline an entry may still take memory.
constexpr uint64_t kLatenessNs = uint64_t{2} << TimerWheel::kTickShift;

// What the process's thread is: remembers when each shard asked to be called, and calls.
class HandDrivenScheduler final : public ExpiryScheduler {
 public:
  void Schedule(Store& store, size_t shard, uint64_t due_ns) override {
    (void)store.Stats();  // takes every shard's lock, so none may be held
    const auto [known, is_new] = dues_.emplace(shard, due_ns);
    if (!is_new) known->second = std::min(known->second, due_ns);
  }
  // Calls each shard whose time has come, at most `turns` times in all. Returns whether none is left.
  bool Run(Store& store, Session& session, const Clock& clock, size_t turns = SIZE_MAX) {
    for (size_t turn = 0; turn < turns; ++turn) {
      const auto due =
          std::find_if(dues_.begin(), dues_.end(), [&](const auto& entry) { return entry.second <= clock.NowNanos(); });
      if (due == dues_.end()) return true;
      const size_t shard = due->first;
      dues_.erase(due);
      const uint64_t next_ns = store.ExpireSome(session, shard);
      if (next_ns != kForever) Schedule(store, shard, next_ns);
    }
    return false;
  }
  size_t asleep() const { return dues_.size(); }

 private:
  std::map<size_t, uint64_t> dues_;
};

using Text = std::pair<std::string, std::string>;  // key and value

class CollectingSink final : public ExpirySink {
 public:
  void Append(std::span<const ExpiredEntry> entries) override {
    for (const ExpiredEntry& entry : entries) {
      events.emplace_back(OwnedKey::Of(entry.key).bytes, std::string(BytesOf(entry.value)));
    }
  }
  std::vector<Text> events;
};

class StoreExpiryTest : public testing::Test {
 protected:
  explicit StoreExpiryTest(uint64_t ttl_ns = kForever, bool slides = false, size_t shards = 4)
      : store_(StoreOptions{
            .shards = shards, .clock = &clock_, .ttl_ns = ttl_ns, .slides = slides, .scheduler = &scheduler_}) {
    store_.SetExpirySink(&sink_);
  }

  static Value Borrow(const std::string& text) { return BorrowedValue(ValueKind::kOneByteString, text); }
  void Set(const std::string& key, const std::string& value, const Lifetime& lifetime = {}) {
    ASSERT_TRUE(store_.Set(*session_, OwnedKey(key).key(), Borrow(value), lifetime).ok());
  }
  std::string Get(const std::string& key) {
    const ReadGuard guard(*session_);
    ReadValue value;
    return store_.Get(guard, OwnedKey(key).key(), &value) ? std::string(BytesOf(value)) : "(absent)";
  }
  uint64_t TimeLeft(const std::string& key) {
    const ReadGuard guard(*session_);
    return store_.TimeLeft(guard, OwnedKey(key).key());
  }
  Store::Expires SetLifetime(const std::string& key, const Lifetime& lifetime) {
    return store_.SetLifetime(*session_, OwnedKey(key).key(), lifetime).value();
  }
  bool Delete(const std::string& key) { return store_.Delete(*session_, OwnedKey(key).key()).value(); }
  void Sleep(uint64_t nanos) {
    clock_.Advance(nanos);
    scheduler_.Run(store_, *session_, clock_);
  }

  HandTurnedClock clock_;
  HandDrivenScheduler scheduler_;
  CollectingSink sink_;
  Store store_;
  OpenedSession session_{store_};
};

TEST_F(StoreExpiryTest, AnEntryIsThereUntilItsDeadlineAndNotAtIt) {
  for (const std::string& value : {std::string("1"), std::string(500, 'v')}) {
    Set("a", value, Lifetime::For(10 * kMs));
    clock_.Advance(10 * kMs - 1);
    EXPECT_EQ(Get("a"), value);
    EXPECT_EQ(TimeLeft("a"), 1u);
    clock_.Advance(1);  // nobody has removed it
    EXPECT_EQ(Get("a"), "(absent)");
    EXPECT_EQ(TimeLeft("a"), 0u);
    EXPECT_FALSE(Delete("a"));
    EXPECT_EQ(sink_.events, std::vector<Text>({{"a", value}}));
    sink_.events.clear();
  }
  Sleep(kLatenessNs);
  EXPECT_EQ(store_.Stats().timed_entries, 0u);
  EXPECT_EQ(store_.Stats().expired_entries, 2u);
}

TEST_F(StoreExpiryTest, ARecentTimeMovesDeadlinesButLetsNobodyComeInTimeWhoDidNot) {
  constexpr uint64_t kLagNs = Clock::kRecentNanosMax - 1;
  clock_.Lag(kLagNs);
  Set("a", "1", Lifetime::For(10 * kMs));
  EXPECT_EQ(TimeLeft("a"), 10 * kMs - kLagNs);
  clock_.Advance(10 * kMs - kLagNs - 1);
  Set("a", "2", Lifetime::For(10 * kMs));
  EXPECT_TRUE(sink_.events.empty());
  clock_.Advance(10 * kMs - kLagNs);
  Set("a", "3", Lifetime::For(10 * kMs));
  EXPECT_EQ(sink_.events, std::vector<Text>({{"a", "2"}}));
  EXPECT_EQ(Get("a"), "3");
}

TEST_F(StoreExpiryTest, ADeadlineThatHasPassedExpiresTheEntryAtOnceAndTakesTheOldValueWithIt) {
  Set("a", "old");
  Set("a", "new", Lifetime::For(0));
  EXPECT_EQ(Get("a"), "(absent)");
  Sleep(kLatenessNs);
  EXPECT_EQ(sink_.events, std::vector<Text>({{"a", "new"}}));
  EXPECT_EQ(store_.Size(), 0u);
}

TEST_F(StoreExpiryTest, WhatIsOverwrittenDeletedPersistedOrClearedInTimeDoesNotExpire) {
  for (const std::string& key : {std::string("a"), std::string("b"), std::string("c"), std::string("d")}) {
    Set(key, "timed", Lifetime::For(10 * kMs));
  }
  Set("a", "for good");
  EXPECT_TRUE(Delete("b"));
  EXPECT_EQ(SetLifetime("c", Lifetime::Forever()), Store::Expires::kLater);
  EXPECT_EQ(SetLifetime("c", Lifetime::Forever()), Store::Expires::kNever);
  EXPECT_EQ(SetLifetime("b", Lifetime::Forever()), Store::Expires::kAbsent);
  Sleep(9 * kMs);
  Set("d", "again", Lifetime::For(10 * kMs));
  Sleep(9 * kMs);
  EXPECT_EQ(Get("a"), "for good");
  EXPECT_EQ(Get("c"), "timed");
  EXPECT_EQ(Get("d"), "again");
  EXPECT_TRUE(sink_.events.empty());
  EXPECT_TRUE(store_.Clear(*session_).ok());
  Sleep(1000 * kMs);
  EXPECT_TRUE(sink_.events.empty());
  EXPECT_EQ(scheduler_.asleep(), 0u);
}

TEST_F(StoreExpiryTest, AnEntryKeepsItsPlaceWithADeadlineAndGetsAnotherAfterIt) {
  Set("a", "1");
  Set("b", "1", Lifetime::For(10 * kMs));
  Set("c", "1");
  EXPECT_EQ(SetLifetime("a", Lifetime::For(5 * kMs)), Store::Expires::kNever);
  std::string order;
  const auto note = [&] {
    order.clear();
    const ReadGuard guard(*session_);
    ForEachEntry(store_, guard, [&](const ScannedEntry& scanned) {
      ReadValue value;
      if (store_.ReadScanned(guard, scanned, &value)) order += OwnedKey::Of(scanned.entry->key()).bytes;
    });
  };
  note();
  EXPECT_EQ(order, "abc");
  clock_.Advance(7 * kMs);
  note();
  EXPECT_EQ(order, "bc");
  Set("a", "2");
  note();
  EXPECT_EQ(order, "bca");
}

TEST_F(StoreExpiryTest, EntriesThatGetDeadlinesLaterStayWhatTheyAre) {
  constexpr size_t kEntries = 5000;
  for (size_t i = 0; i < kEntries; ++i) Set(std::to_string(i), std::to_string(i * i));
  const uint64_t untimed_bytes = store_.Stats().entry_bytes;
  for (size_t i = 0; i < kEntries; i += 3) {
    ASSERT_EQ(SetLifetime(std::to_string(i), Lifetime::For((1 + i) * kMs)), Store::Expires::kNever);
  }
  // Each chunk has one that got a deadline, but perhaps the last of a shard.
  const uint64_t timer_bytes = store_.Stats().entry_bytes - untimed_bytes;
  EXPECT_LE(timer_bytes, kEntries * sizeof(Timer));
  EXPECT_GE(timer_bytes, (kEntries - 40) * sizeof(Timer));
  for (size_t i = 0; i < kEntries; ++i) ASSERT_EQ(Get(std::to_string(i)), std::to_string(i * i));
  for (size_t i = 0; i < kEntries; ++i) {
    Sleep(kMs);
    ASSERT_EQ(Get(std::to_string(i)), i % 3 == 0 ? "(absent)" : std::to_string(i * i));
  }
  Sleep(kLatenessNs);
  EXPECT_EQ(store_.Size(), kEntries - (kEntries + 2) / 3);
}

// Most entries have one time to live, so that they are in runs; the others are put off, have another one, or go.
class AnyDeadlinesTest : public StoreExpiryTest, public testing::WithParamInterface<uint64_t> {};

TEST_P(AnyDeadlinesTest, NothingStaysLongerThanItsTickWhateverBecomesOfOthers) {
  Random random(GetParam());
  std::map<std::string, uint64_t> deadlines;
  constexpr uint64_t kUsual = 40 * kMs;
  constexpr uint64_t kEver = kForever - kLatenessNs;
  const uint64_t ttls[] = {kUsual, kUsual, kUsual, kUsual, kUsual, kUsual * 2, kForever};
  uint64_t keys = 0;
  for (size_t step = 0; step < Scaled(3000); ++step) {
    const auto any = deadlines.lower_bound(std::to_string(random.Below(keys + 1)));
    const std::string key = any == deadlines.end() || random.OneIn(2) ? std::to_string(++keys) : any->first;
    const uint64_t ttl_ns = random.OneIn(8) ? random.Below(3 * kUsual) : ttls[random.Below(std::size(ttls))];
    const uint64_t deadline_ns = ttl_ns == kForever ? kEver : clock_.NowNanos() + ttl_ns;
    if (random.OneIn(8)) {
      Delete(key);
      deadlines.erase(key);
    } else if (!random.OneIn(8)) {
      Set(key, "value", Lifetime::For(ttl_ns));
      deadlines[key] = deadline_ns;
    } else if (SetLifetime(key, Lifetime::For(ttl_ns)) != Store::Expires::kAbsent) {
      deadlines[key] = deadline_ns;
    }
    if (random.OneIn(2000)) {
      ASSERT_TRUE(store_.Clear(*session_).ok());
      deadlines.clear();
    }
    if (!random.OneIn(8)) continue;
    Sleep(random.Below(2 * kMs));
    const uint64_t now_ns = clock_.NowNanos();
    std::erase_if(deadlines, [&](const auto& entry) { return entry.second + kLatenessNs <= now_ns; });
    ASSERT_LE(store_.Stats().entries, deadlines.size()) << "seed " << TestSeed();
    const auto lives = [&](const auto& entry) { return entry.second > now_ns; };
    ASSERT_GE(store_.Stats().entries, static_cast<uint64_t>(std::count_if(deadlines.begin(), deadlines.end(), lives)));
  }
  Sleep(3 * kUsual + kLatenessNs);
  std::erase_if(deadlines, [](const auto& entry) { return entry.second != kEver; });
  EXPECT_EQ(store_.Stats().entries, deadlines.size());
  EXPECT_EQ(store_.Stats().timed_entries, 0u);
}

INSTANTIATE_TEST_SUITE_P(Stores, AnyDeadlinesTest, testing::Range(uint64_t{0}, uint64_t{20}));

TEST_F(StoreExpiryTest, EntriesOfOneTimeToLiveTakeAWordMoreUntilTheyArePutOff) {
  constexpr size_t kEntries = 2000;
  const auto entry_bytes = [&] { return store_.Stats().entry_bytes; };
  for (size_t i = 0; i < kEntries; ++i) Set(std::to_string(10'000 + i), "v");
  const uint64_t untimed_bytes = entry_bytes();
  for (size_t i = 0; i < kEntries; ++i) Set(std::to_string(20'000 + i), "v", Lifetime::For(50 * kMs));
  EXPECT_EQ(entry_bytes(), 2 * untimed_bytes + 8 * kEntries);
  EXPECT_LE(store_.Stats().timer_bytes, 4 * 32u);  // shards
  Sleep(30 * kMs);
  for (size_t i = 0; i < kEntries; i += 2) Set(std::to_string(20'000 + i), "w", Lifetime::For(50 * kMs));
  EXPECT_EQ(entry_bytes(), 2 * untimed_bytes + 8 * kEntries);
  Sleep(20 * kMs + kLatenessNs);
  EXPECT_EQ(store_.Size(), kEntries + kEntries / 2);
  EXPECT_EQ(store_.Stats().timed_entries, kEntries / 2);
  EXPECT_EQ(entry_bytes(), untimed_bytes + untimed_bytes / 2 + 16 * kEntries / 2);  // none of those without
  for (size_t i = 0; i < kEntries; i += 2) ASSERT_EQ(Get(std::to_string(20'000 + i)), "w");
  // Where deadlines are put off, new entries have room for a timer at once; those without a deadline have none.
  const uint64_t before_bytes = entry_bytes();
  for (size_t i = 0; i < kEntries; ++i) Set(std::to_string(30'000 + i), "v", Lifetime::For(50 * kMs));
  EXPECT_EQ(entry_bytes(), before_bytes + untimed_bytes + 16 * kEntries);
  for (size_t i = 0; i < kEntries; ++i) Set(std::to_string(40'000 + i), "v");
  EXPECT_EQ(entry_bytes(), before_bytes + 2 * untimed_bytes + 16 * kEntries);
  Sleep(50 * kMs + kLatenessNs);
  EXPECT_EQ(entry_bytes(), 2 * untimed_bytes);
  EXPECT_EQ(store_.Stats().timed_entries, 0u);
}

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)
class OneShardExpiryTest : public StoreExpiryTest {
 protected:
  OneShardExpiryTest() : StoreExpiryTest(kForever, false, 1) {}
};

TEST_F(OneShardExpiryTest, WhatWasPutOffStaysWhereThereIsNoMemoryAndIsComeBackTo) {
  for (const std::string& key : {std::string("a"), std::string("b")}) {
    Set(key, "v", Lifetime::For(10 * kMs));
    Set(key, "w", Lifetime::For(15 * kMs));
  }
  clock_.Advance(10 * kMs + kLatenessNs);
  for (uint64_t granted = 0;; ++granted) {
    const uint64_t now_ns = clock_.NowNanos();
    const AllocationRefusal refusal(granted);
    const uint64_t next_ns = store_.ExpireSome(*session_, 0);
    if (refusal.refused() == 0) break;
    ASSERT_EQ(next_ns, now_ns + 100 * kMs) << granted << " pieces of memory";
    ASSERT_EQ(store_.Stats().timed_entries, 2u);
    ASSERT_EQ(Get("a") + Get("b"), "ww");
  }
  Sleep(5 * kMs);
  EXPECT_EQ(store_.Size(), 0u);
  EXPECT_EQ(sink_.events, std::vector<Text>({{"b", "w"}, {"a", "w"}}));
}
#endif

TEST_F(StoreExpiryTest, AMillionDueAtOnceGoInSlices) {
  const size_t entries = Scaled(100'000);
  for (size_t i = 0; i < entries; ++i) Set(std::to_string(i), "v", Lifetime::For(50 * kMs));
  EXPECT_EQ(store_.Stats().timed_entries, entries);
  clock_.Advance(50 * kMs + kLatenessNs);
  uint64_t left = entries;
  while (!scheduler_.Run(store_, *session_, clock_, 1)) {
    ASSERT_LE(left - store_.Size(), ExpiredEntries::kMax);
    left = store_.Size();
  }
  EXPECT_EQ(store_.Size(), 0u);
  EXPECT_EQ(sink_.events.size(), entries);
  session_->Reclaim();
  EXPECT_LT(store_.Stats().total_bytes() - store_.Stats().shard_bytes, 100'000u);
}

TEST_F(StoreExpiryTest, WhoExpiresIsCalledForADeadlineThatIsEarlierThanThoseBefore) {
  for (const uint64_t ttl_ns : {3'600'000 * kMs, 500 * kMs, 5 * kMs}) {
    for (size_t i = 0; i < 50; ++i) Set(std::to_string(ttl_ns + i), "v", Lifetime::For(ttl_ns));
  }
  Sleep(5 * kMs + kLatenessNs);
  EXPECT_EQ(store_.Size(), 100u);
  Sleep(495 * kMs);
  EXPECT_EQ(store_.Size(), 50u);
  EXPECT_EQ(SetLifetime(std::to_string(3'600'000 * kMs), Lifetime::For(kMs)), Store::Expires::kLater);
  Sleep(kMs + kLatenessNs);
  EXPECT_EQ(store_.Size(), 49u);
}

TEST_F(StoreExpiryTest, TheFirstDeadlineIsNewsToWhoKeepsTheValue) {
  Set("a", "1");
  const auto version = [&] {
    const ReadGuard guard(*session_);
    ReadValue value;
    ValueVersion seen{};
    EXPECT_TRUE(store_.GetVersioned(guard, OwnedKey("a").key(), &value, &seen));
    return seen.version;
  };
  const uint64_t before = version();
  EXPECT_EQ(version(), before);
  (void)SetLifetime("a", Lifetime::For(kMs));
  EXPECT_NE(version(), before);
}

TEST_F(StoreExpiryTest, NobodyIsCalledWhereThereAreNoDeadlines) {
  Set("a", "1");
  EXPECT_TRUE(Delete("a"));
  Set("a", "1", Lifetime::Forever());
  EXPECT_EQ(scheduler_.asleep(), 0u);
  EXPECT_EQ(store_.Stats().timer_bytes, 0u);
}

TEST_F(StoreExpiryTest, WhoExpiresIsCalledForShardsThatWereAdded) {
  for (size_t i = 0; i < 1000; ++i) Set(std::to_string(i), "v", Lifetime::For(50 * kMs));
  const OpenedSession session(store_);
  Resharding resharding(store_, *session, 64);
  while (!resharding.Step().value()) continue;
  Sleep(50 * kMs + kLatenessNs);
  EXPECT_EQ(store_.Size(), 0u);
  EXPECT_EQ(sink_.events.size(), 1000u);
}

TEST_F(StoreExpiryTest, CountersKeepTheirDeadlineAndBeginAnewAfterIt) {
  const double one = 1;
  const OwnedKey key("hits");
  const auto add = [&](const Lifetime& lifetime) -> double {
    const ReadGuard guard(*session_);
    ReadValue total;
    Result<PutOutcome> outcome =
        store_.Add(guard, *session_, key.key(), Value(ValueKind::kNumber, &one, sizeof one), &total, lifetime);
    if (outcome.value() == PutOutcome::kInserted) return one;
    double sum;
    std::memcpy(&sum, total.bytes(), sizeof sum);
    return sum;
  };
  Lifetime window = Lifetime::For(10 * kMs);
  window.keeps = true;
  EXPECT_EQ(add(window), 1);
  clock_.Advance(6 * kMs);
  EXPECT_EQ(add(window), 2);
  EXPECT_EQ(add({}), 3);
  EXPECT_EQ(TimeLeft("hits"), kForever);
  EXPECT_EQ(add(Lifetime::For(4 * kMs)), 4);
  EXPECT_EQ(add(Lifetime::Kept()), 5);
  EXPECT_EQ(TimeLeft("hits"), 4 * kMs);
  clock_.Advance(4 * kMs);
  EXPECT_EQ(add(window), 1);
  EXPECT_EQ(TimeLeft("hits"), 10 * kMs);
}

class SlidingStoreTest : public StoreExpiryTest {
 protected:
  SlidingStoreTest() : StoreExpiryTest(10 * kMs, true) {}
  bool Touch(const std::string& key) { return store_.Touch(*session_, OwnedKey(key).key()); }
};

TEST_F(SlidingStoreTest, TouchRenewsWhatHasTheStoresOwnTime) {
  Set("default", "1");
  Set("own", "1", Lifetime::For(15 * kMs));
  Set("permanent", "1", Lifetime::Forever());
  for (int i = 0; i < 10; ++i) {
    Sleep(9 * kMs);
    EXPECT_TRUE(Touch("default"));
    EXPECT_EQ(Touch("own"), i == 0);
    EXPECT_TRUE(Touch("permanent"));
  }
  EXPECT_FALSE(Touch("none"));
  EXPECT_EQ(TimeLeft("default"), 10 * kMs);
  EXPECT_EQ(TimeLeft("permanent"), kForever);
  clock_.Advance(10 * kMs);
  EXPECT_FALSE(Touch("default"));
  Sleep(kLatenessNs);
  EXPECT_EQ(store_.Size(), 1u);
}

// --- The model -------------------------------------------------------------------------------------------------------

// A map with deadlines, and a store beside it whose shards are called when they asked for it, sometimes late.
class ModelledExpiry {
 public:
  ModelledExpiry(uint64_t stream, size_t shards, uint64_t ttl_ns, bool slides)
      : random_(stream),
        ttl_ns_(ttl_ns),
        slides_(slides),
        store_(StoreOptions{
            .shards = shards, .clock = &clock_, .ttl_ns = ttl_ns, .slides = slides, .scheduler = &scheduler_}) {
    store_.SetExpirySink(&sink_);
  }

  void Run(size_t steps) {
    for (size_t step = 0; step < steps; ++step) {
      if (random_.OneIn(3)) Reshard();
      ExpireInModel();
      ASSERT_NO_FATAL_FAILURE(Step());
      if (random_.OneIn(8)) {
        ASSERT_NO_FATAL_FAILURE(ExpectSame());
      }
    }
    ASSERT_NO_FATAL_FAILURE(ExpectSame());
    RemoveExpired();
    EXPECT_EQ(store_.Size(), model_.size());
    std::sort(events_.begin(), events_.end());
    std::vector<Text> seen = sink_.events;
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, events_);
    EXPECT_EQ(store_.Stats().timed_entries,
              static_cast<uint64_t>(std::count_if(model_.begin(), model_.end(),
                                                  [](auto& m) { return m.second.deadline_ns != kForever; })));
  }

 private:
  struct Modelled {
    std::string value;
    uint64_t deadline_ns = kForever;
    bool slides = false;
    uint64_t place = 0;
  };

  // Begins to add shards, goes on with it, or abandons it.
  void Reshard() {
    if (resharding_ == nullptr) {
      if (store_.shards() >= 64 || !random_.OneIn(8)) return;
      resharding_ =
          std::make_unique<Resharding>(store_, *resharding_session_, store_.shards() << (1 + random_.Below(3)));
    } else if (random_.OneIn(40) || resharding_->Step().value()) {
      resharding_.reset();
    }
  }

  // Everything that has passed, with its event.
  void ExpireInModel() {
    std::erase_if(model_, [&](const auto& entry) {
      if (entry.second.deadline_ns > clock_.NowNanos()) return false;
      events_.emplace_back(entry.first, entry.second.value);
      return true;
    });
  }

  // A writer of its key removes what the scheduler has still a moment for.
  void RemoveExpired() {
    for (const auto& [key, value] : events_) {
      if (model_.contains(key)) continue;
      EXPECT_FALSE(store_.Delete(*session_, OwnedKey(key).key()).value());
    }
  }

  Lifetime AnyLifetime(bool keeps) {
    Lifetime lifetime;
    switch (random_.Below(6)) {
      case 0:
        lifetime = Lifetime::Forever();
        break;
      case 1:
        lifetime = Lifetime::For(0);
        break;
      case 2:
      case 3:
        lifetime = Lifetime::For(1 + random_.Below(uint64_t{1} << (14 + random_.Below(18))));
        break;
      default:
        break;
    }
    lifetime.keeps = keeps;
    return lifetime;
  }
  void Put(const std::string& key, const std::string& value, const Lifetime& lifetime) {
    auto found = model_.find(key);
    const bool is_new = found == model_.end();
    if (is_new) {
      found = model_.emplace(key, Modelled{}).first;
      found->second.place = ++last_place_;
    }
    found->second.value = value;
    if (is_new || !lifetime.keeps) SetDeadline(&found->second, lifetime);
    ExpireInModel();
  }
  void SetDeadline(Modelled* entry, const Lifetime& lifetime) {
    const uint64_t ttl_ns = lifetime.is_default ? ttl_ns_ : lifetime.ttl_ns;
    entry->deadline_ns = ttl_ns == kForever ? kForever : clock_.NowNanos() + ttl_ns;
    entry->slides = lifetime.is_default && slides_ && ttl_ns != kForever;
  }
  std::optional<std::string> InModel(const std::string& key) const {
    const auto found = model_.find(key);
    return found == model_.end() ? std::nullopt : std::optional(found->second.value);
  }
  std::string AnyKey() {
    std::string key = std::to_string(random_.Below(40));
    if (random_.OneIn(30)) key.resize(300, 'k');
    return key;
  }
  std::string AnyValue() {
    std::string value = std::to_string(++values_);
    if (random_.OneIn(6)) value.resize(8 + random_.Below(120), 'v');
    return value;
  }
  static Value Borrow(const std::string& text) { return BorrowedValue(ValueKind::kOneByteString, text); }

  void Step() {
    const std::string key_text = AnyKey();
    const OwnedKey owned(key_text);
    const Key key = owned.key();
    const std::string value = AnyValue();
    const std::optional<std::string> before = InModel(key_text);
    const Lifetime lifetime = AnyLifetime(random_.OneIn(4));
    ReadValue read;
    switch (random_.Below(16)) {
      case 0:
      case 1:
        ASSERT_TRUE(store_.Set(*session_, key, Borrow(value), lifetime).ok());
        return Put(key_text, value, lifetime);
      case 2: {
        const ReadGuard guard(*session_);
        ASSERT_EQ(store_.Insert(guard, *session_, key, Borrow(value), &read, lifetime).value(), !before);
        if (before) {
          ASSERT_EQ(BytesOf(read), *before);
        }
        if (!before) Put(key_text, value, lifetime);
        return;
      }
      case 3: {
        const ReadGuard guard(*session_);
        ASSERT_EQ(store_.Exchange(guard, *session_, key, Borrow(value), &read, lifetime).value(), before.has_value());
        if (before) {
          ASSERT_EQ(BytesOf(read), *before);
        }
        return Put(key_text, value, lifetime);
      }
      case 4: {
        const ReadGuard guard(*session_);
        EntryStamp stamp;
        ASSERT_EQ(store_.GetStamped(guard, key, &read, &stamp), before.has_value());
        ASSERT_EQ(stamp == EntryStamp{}, !before);
        ASSERT_TRUE(store_.SetIf(*session_, key, Borrow(value), stamp, lifetime).value());
        return Put(key_text, value, lifetime);
      }
      case 5: {
        const ReadGuard guard(*session_);
        const std::string expected = before.value_or("none");
        ASSERT_TRUE(
            store_.CompareAndSet(guard, *session_, key, {Borrow(expected), true}, Borrow(value), lifetime).value());
        return Put(key_text, value, lifetime);
      }
      case 6: {
        std::vector<OwnedKey> keys;
        std::vector<std::string> values;
        for (size_t i = 0; i < 1 + random_.Below(40); ++i) {
          keys.emplace_back(AnyKey());
          values.push_back(AnyValue());
        }
        std::vector<BatchEntry> entries;
        for (size_t i = 0; i < keys.size(); ++i) entries.push_back({keys[i].key(), Borrow(values[i])});
        size_t failed = 0;
        ASSERT_TRUE(store_.SetMany(*session_, entries, &failed, lifetime).ok());
        for (size_t i = 0; i < keys.size(); ++i) Put(keys[i].bytes, values[i], lifetime);
        return;
      }
      case 7:
        ASSERT_EQ(store_.Delete(*session_, key).value(), model_.erase(key_text) != 0);
        return;
      case 8: {
        const ReadGuard guard(*session_);
        ASSERT_EQ(store_.Take(guard, *session_, key, &read).value(), before.has_value());
        if (before) {
          ASSERT_EQ(BytesOf(read), *before);
        }
        model_.erase(key_text);
        return;
      }
      case 9: {
        const Lifetime other = AnyLifetime(false);
        const auto found = model_.find(key_text);
        const Store::Expires expected = found == model_.end()                   ? Store::Expires::kAbsent
                                        : found->second.deadline_ns == kForever ? Store::Expires::kNever
                                                                                : Store::Expires::kLater;
        ASSERT_EQ(store_.SetLifetime(*session_, key, other).value(), expected);
        if (found != model_.end()) SetDeadline(&found->second, other);
        return ExpireInModel();
      }
      case 10: {
        const auto found = model_.find(key_text);
        ASSERT_EQ(store_.Touch(*session_, key), found != model_.end());
        if (found != model_.end() && found->second.slides) found->second.deadline_ns = clock_.NowNanos() + ttl_ns_;
        return;
      }
      case 11: {
        std::vector<OwnedKey> owned_keys;
        size_t expected = 0;
        for (size_t i = 0; i < random_.Below(5); ++i) {
          owned_keys.emplace_back(AnyKey());
          expected += model_.erase(owned_keys.back().bytes);
        }
        std::vector<Key> keys;
        for (const OwnedKey& each : owned_keys) keys.push_back(each.key());
        size_t deleted = 0;
        ASSERT_TRUE(store_.DeleteMany(*session_, keys, &deleted).ok());
        ASSERT_EQ(deleted, expected);
        return;
      }
      case 12:
        if (random_.OneIn(20)) {
          RemoveExpired();  // else it is cleared, without an event
          ASSERT_TRUE(store_.Clear(*session_).ok());
          model_.clear();
        }
        return;
      case 13:
        scheduler_.Run(store_, *session_, clock_, random_.Below(3));
        return;
      default:
        clock_.Advance(random_.Below(uint64_t{1} << (10 + random_.Below(18))));
    }
  }

  void ExpectSame() {
    ExpireInModel();
    const ReadGuard guard(*session_);
    std::map<uint64_t, Text> expected;
    for (const auto& [key, modelled] : model_) expected.emplace(modelled.place, Text(key, modelled.value));
    auto next = expected.begin();
    ForEachEntry(store_, guard, [&](const ScannedEntry& scanned) {
      ReadValue value;
      if (!store_.ReadScanned(guard, scanned, &value)) return;
      ASSERT_NE(next, expected.end());
      ASSERT_EQ(OwnedKey::Of(scanned.entry->key()).bytes, next->second.first);
      ASSERT_EQ(BytesOf(value), next->second.second);
      ++next;
    });
    ASSERT_EQ(next, expected.end());
    for (size_t number = 0; number < 40; ++number) {
      const OwnedKey owned(std::to_string(number));
      const Key key = owned.key();
      const auto found = model_.find(owned.bytes);
      const bool is_there = found != model_.end();
      ReadValue value;
      bool was_found = false;
      ASSERT_EQ(store_.Get(guard, key, &value), is_there);
      ASSERT_EQ(store_.Has(guard, key), is_there);
      ASSERT_EQ(store_.GetMany(guard, {&key, 1}, &value, &was_found), is_there ? 1u : 0u);
      if (is_there) {
        ASSERT_EQ(BytesOf(value), found->second.value);
      }
      ASSERT_EQ(store_.HasMany(guard, {&key, 1}, &was_found), is_there ? 1u : 0u);
      const uint64_t now_ns = clock_.NowNanos();
      const uint64_t left_ns = !is_there                               ? 0
                               : found->second.deadline_ns == kForever ? kForever
                                                                       : found->second.deadline_ns - now_ns;
      ASSERT_EQ(store_.TimeLeft(guard, key), left_ns);
    }
  }

  Random random_;
  const uint64_t ttl_ns_;
  const bool slides_;
  HandTurnedClock clock_;
  HandDrivenScheduler scheduler_;
  CollectingSink sink_;
  Store store_;
  OpenedSession session_{store_};
  OpenedSession resharding_session_{store_};
  std::unique_ptr<Resharding> resharding_;
  std::map<std::string, Modelled> model_;
  std::vector<Text> events_;
  uint64_t last_place_ = 0;
  uint64_t values_ = 0;
};

TEST(StoreExpiryModelTest, IsTheSameAsAMapOfDeadlinesInTenThousandSequences) {
  for (size_t sequence = 0; sequence < Scaled(10'000); ++sequence) {
    const uint64_t ttl_ns = sequence % 3 == 0 ? kForever : 3 * kMs;
    ModelledExpiry model(sequence, size_t{1} << (sequence % 4), ttl_ns, sequence % 3 == 2);
    model.Run(40 + sequence % 7 * (sequence % 100 == 0 ? 300 : 10));
    ASSERT_FALSE(testing::Test::HasFailure()) << "sequence " << sequence << ", seed " << TestSeed();
  }
}

}  // namespace
}  // namespace shardmap
