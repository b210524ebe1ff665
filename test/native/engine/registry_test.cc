// Danger: two threads that name one store get two, a store outlives its last handle or goes before it, or closing and
// opening at the same moment blocks for good.
#include "engine/registry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

using StorePointer = std::shared_ptr<OpenStore>;

StorePointer Create(std::optional<std::u16string> name = std::nullopt, size_t shards = 2) {
  return Registry::OfProcess().Create(std::move(name), {.shards = shards}).value();
}

Code CodeOfCreate(const std::u16string& name, size_t shards) {
  return Registry::OfProcess().Create(name, {.shards = shards}).status().code();
}

TEST(RegistryTest, IdsAre128RandomBitsInHexadecimal) {
  std::set<std::string> ids;
  std::vector<StorePointer> stores;
  for (int i = 0; i < 100; ++i) {
    stores.push_back(Create());
    const std::string& id = stores.back()->id;
    EXPECT_EQ(id.size(), 32u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 100u);
}

TEST(RegistryTest, FindsAnOpenStoreByItsId) {
  const StorePointer store = Create();
  EXPECT_EQ(Registry::OfProcess().Find(store->id), store);
  EXPECT_EQ(Registry::OfProcess().Find(""), nullptr);
  EXPECT_EQ(Registry::OfProcess().Find("garbage"), nullptr);
  EXPECT_EQ(Registry::OfProcess().Find(std::string(32, '0')), nullptr);
}

TEST(RegistryTest, ANameIsOneStore) {
  const StorePointer store = Create(u"one name", 4);
  EXPECT_EQ(Create(u"one name", 4), store);
  EXPECT_EQ(Create(u"one name", 0), store);
  EXPECT_NE(Create(u"another name", 4), store);
  EXPECT_EQ(store->name, u"one name");
}

TEST(RegistryTest, NamesAreComparedExactly) {
  const StorePointer store = Create(u"Name");
  for (const char16_t* other : {u"name", u"Name ", u"", u"Nam"}) EXPECT_NE(Create(other), store);
  const std::u16string zero_inside(u"Name\0", 5);
  const std::u16string lone_surrogate(1, char16_t{0xd800});
  const std::u16string other_surrogate(1, char16_t{0xdfff});
  EXPECT_NE(Create(zero_inside), store);
  EXPECT_NE(Create(lone_surrogate), Create(other_surrogate));
}

TEST(RegistryTest, TheEmptyNameIsANameAndNoNameIsNot) {
  const StorePointer store = Create(u"");
  EXPECT_EQ(Create(u""), store);
  const StorePointer unnamed = Create();
  EXPECT_FALSE(unnamed->name.has_value());
  EXPECT_NE(Create(), unnamed);
}

TEST(RegistryTest, OtherShardsUnderAnOpenNameConflict) {
  StorePointer store = Create(u"conflict", 4);
  const Result<StorePointer> other = Registry::OfProcess().Create(u"conflict", {.shards = 8});
  EXPECT_EQ(other.status().code(), Code::kOptionsConflict);
  EXPECT_NE(other.status().message().find('4'), std::string_view::npos) << other.status().message();
  EXPECT_NE(other.status().message().find('8'), std::string_view::npos) << other.status().message();
  EXPECT_EQ(store->store.shards(), 4u);
  store.reset();
  EXPECT_EQ(Create(u"conflict", 8)->store.shards(), 8u);
}

// --- Options of expiry under an open name ---

constexpr uint64_t kMilli = 1'000'000;

Status StatusOfCreate(const std::u16string& name, uint64_t ttl_ns, bool slides = false) {
  return Registry::OfProcess().Create(name, OpenOptions{.shards = 2, .ttl_ns = ttl_ns, .slides = slides}).TakeStatus();
}

TEST(RegistryTest, AnotherTtlUnderAnOpenNameConflicts) {
  const StorePointer store =
      Registry::OfProcess().Create(u"ttl", OpenOptions{.shards = 2, .ttl_ns = 1500 * kMilli, .slides = true}).value();
  EXPECT_EQ(store->store.ttl_ns(), 1500 * kMilli);
  EXPECT_TRUE(store->store.slides());
  EXPECT_TRUE(StatusOfCreate(u"ttl", 1500 * kMilli, true).ok());
  EXPECT_TRUE(StatusOfCreate(u"ttl", 1500 * kMilli).ok());
  EXPECT_TRUE(StatusOfCreate(u"ttl", kForever).ok());
  const Status other = StatusOfCreate(u"ttl", kMilli / 4);
  EXPECT_EQ(other.code(), Code::kOptionsConflict);
  EXPECT_EQ(other.message(), "The store of this name is open with a ttl of 1500 ms, not 0.25 ms");
}

TEST(RegistryTest, ATtlUnderTheNameOfAStoreThatHasNoneConflicts) {
  const StorePointer store = Create(u"no ttl");
  EXPECT_EQ(store->store.ttl_ns(), kForever);
  const Status ttl = StatusOfCreate(u"no ttl", 20 * kMilli);
  EXPECT_EQ(ttl.code(), Code::kOptionsConflict);
  EXPECT_EQ(ttl.message(), "The store of this name is open without a ttl, not with one of 20 ms");
  EXPECT_EQ(StatusOfCreate(u"no ttl", kForever, true).code(), Code::kOptionsConflict);
}

TEST(RegistryTest, TouchUnderTheNameOfAStoreWithoutItConflicts) {
  const StorePointer store = Registry::OfProcess().Create(u"fixed", OpenOptions{.ttl_ns = kMilli}).value();
  EXPECT_EQ(StatusOfCreate(u"fixed", kMilli, true).code(), Code::kOptionsConflict);
}

TEST(RegistryTest, ANewStoreIsNotTouchedWithoutATtl) {
  EXPECT_EQ(StatusOfCreate(u"touched", kForever, true).code(), Code::kInvalidArgument);
}

TEST(RegistryTest, TheLastHandleTakesTheStoreAlong) {
  StorePointer store = Create(u"short-lived");
  const std::string id = store->id;
  StorePointer second = Create(u"short-lived");
  store.reset();
  EXPECT_EQ(Registry::OfProcess().Find(id), second);
  second.reset();
  EXPECT_EQ(Registry::OfProcess().Find(id), nullptr);
  const StorePointer again = Create(u"short-lived");
  EXPECT_NE(again->id, id);
  EXPECT_EQ(again->store.Size(), 0u);
}

TEST(HandleTest, SharesAStoreAndHasASessionOfItsOwn) {
  const StorePointer store = Create();
  Handle a(store);
  Handle b(Registry::OfProcess().Find(store->id));
  EXPECT_EQ(&a.store(), &b.store());
  EXPECT_NE(a.session().id(), b.session().id());
  EXPECT_EQ(&a.open_store(), store.get());
  ASSERT_TRUE(a.store().Set(a.session(), OwnedKey("key").key(), Value(ValueKind::kTrue)).ok());
  EXPECT_TRUE(b.store().Has(ReadGuard(b.session()), OwnedKey("key").key()));
}

TEST(HandleTest, KeepsItsStoreOpen) {
  auto handle = std::make_unique<Handle>(Create());
  const std::string id = handle->open_store().id;
  EXPECT_NE(Registry::OfProcess().Find(id), nullptr);
  handle.reset();
  EXPECT_EQ(Registry::OfProcess().Find(id), nullptr);
}

// --- Threads ---------------------------------------------------------------------------------------------------------

void RunThreads(const std::function<void(size_t)>& body) {
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < 4; ++thread) threads.emplace_back(body, thread);
  for (std::thread& thread : threads) thread.join();
}

// Every handle of the name that is open at one time must be one store, whoever closes and opens around it.
TEST(RegistryThreadTest, OpeningMeetsTheLastClosing) {
  std::atomic<size_t> strangers{0};
  RunThreads([&](size_t thread) {
    for (size_t i = 0; i < Scaled(10000); ++i) {
      Handle handle(Create(u"contended"));
      // Found by id while a handle is open, always; and a second opening of the name is the same store.
      if (Registry::OfProcess().Find(handle.open_store().id).get() != &handle.open_store()) ++strangers;
      if (Create(u"contended").get() != &handle.open_store()) ++strangers;
      const OwnedKey key = NumberedKey("thread ", thread);
      EXPECT_TRUE(handle.store().Set(handle.session(), key.key(), Value(ValueKind::kTrue)).ok());
      EXPECT_TRUE(handle.store().Has(ReadGuard(handle.session()), key.key()));
    }
  });
  EXPECT_EQ(strangers, 0u);
  const StorePointer fresh = Create(u"contended");
  EXPECT_EQ(fresh->store.Size(), 0u);
}

// A store that is going finds its name taken by a new one, and must leave it alone.
TEST(RegistryThreadTest, AStoreThatGoesLeavesItsNameToTheNextOne) {
  const std::u16string name(20000, u'n');  // looking it up takes long enough for the two to meet
  std::atomic<size_t> strangers{0};
  RunThreads([&](size_t) {
    for (size_t i = 0; i < Scaled(4000); ++i) {
      const StorePointer store = Create(name, 1);
      if (Create(name, 1) != store) ++strangers;
    }
  });
  EXPECT_EQ(strangers, 0u);
}

// The refused opening may be the last to hold the store, if the others close meanwhile.
TEST(RegistryThreadTest, ConflictingOpeningMeetsTheLastClosing) {
  std::atomic<size_t> wrong{0};
  RunThreads([&](size_t thread) {
    const size_t shards = thread % 2 == 0 ? 2 : 4;
    for (size_t i = 0; i < Scaled(20000); ++i) {
      Result<StorePointer> opened = Registry::OfProcess().Create(u"conflicting", {.shards = shards});
      const bool is_right =
          opened.ok() ? opened.value()->store.shards() == shards : opened.status().code() == Code::kOptionsConflict;
      if (!is_right) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0u);
}

TEST(RegistryThreadTest, FindingByIdMeetsTheLastClosing) {
  for (size_t round = 0; round < Scaled(500); ++round) {
    StorePointer store = Create();
    const std::string id = store->id;
    std::atomic<bool> started{false};
    std::thread finder([&] {
      started = true;
      for (StorePointer found = Registry::OfProcess().Find(id); found != nullptr;
           found = Registry::OfProcess().Find(id)) {
        EXPECT_EQ(found->id, id);
        EXPECT_EQ(found->store.Size(), 0u);
        found.reset();
      }
    });
    while (!started) std::this_thread::yield();
    store.reset();
    finder.join();
    ASSERT_EQ(Registry::OfProcess().Find(id), nullptr);
  }
}

TEST(RegistryThreadTest, ThreadsThatNameAStoreTogetherGetOne) {
  for (size_t round = 0; round < Scaled(500); ++round) {
    std::atomic<int> ready{0};
    StorePointer stores[4];
    RunThreads([&](size_t thread) {
      ++ready;
      while (ready != 4) std::this_thread::yield();
      stores[thread] = Create(u"together");
    });
    for (const StorePointer& store : stores) ASSERT_EQ(store, stores[0]);
  }
}

TEST(RegistryThreadTest, TwoConflictingNamesInOneThreadDoNotBlock) {
  const StorePointer store = Create(u"held", 4);
  EXPECT_EQ(CodeOfCreate(u"held", 2), Code::kOptionsConflict);
  EXPECT_EQ(CodeOfCreate(u"held", 2), Code::kOptionsConflict);
  EXPECT_EQ(CodeOfCreate(u"held", 4), Code::kOk);
}

}  // namespace
}  // namespace shardmap
