// Danger: a claim that does not keep others out, so that an update never ends; or one that keeps them out for good, by
// a session that forgot it, ended, or claims again and again.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "core/store.h"
#include "fixtures.h"

namespace shardmap {
namespace {

constexpr uint64_t kClaimNanos = 1'000'000;

class ClaimTest : public testing::Test {
 protected:
  static StoreOptions Options(const Clock& clock) {
    StoreOptions options = OptionsFor(1);
    options.clock = &clock;
    return options;
  }
  static Value Text(std::string_view text) { return BorrowedValue(ValueKind::kOneByteString, text); }

  std::string Get() {
    const ReadGuard guard(*owner_);
    ReadValue value;
    return store_.Get(guard, key_.key(), &value) ? std::string(BytesOf(value)) : "(absent)";
  }

  // Runs `write` in a thread of its own, with a session of its own, and sees it wait until `end` was called.
  void ExpectToWait(const std::function<void(Session&)>& write, const std::function<void()>& end) {
    std::atomic<bool> has_begun{false};
    std::atomic<bool> is_done{false};
    std::thread other([&] {
      const OpenedSession session(store_);
      has_begun = true;
      write(*session);
      is_done = true;
    });
    while (!has_begun) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(is_done);
    end();
    other.join();
  }

  HandTurnedClock clock_;
  Store store_{Options(clock_)};
  OpenedSession owner_{store_};
  const OwnedKey key_{"claimed"};
  const OwnedKey other_key_{"other"};
};

TEST_F(ClaimTest, KeepsEveryWriteOfOthersWaiting) {
  const std::vector<std::function<void(Session&)>> writes = {
      [&](Session& session) { EXPECT_TRUE(store_.Set(session, key_.key(), Text("theirs")).ok()); },
      [&](Session& session) {
        const ReadGuard guard(session);
        ReadValue existing;
        EXPECT_TRUE(store_.Insert(guard, session, key_.key(), Text("theirs"), &existing).ok());
      },
      [&](Session& session) { EXPECT_TRUE(store_.Delete(session, key_.key()).ok()); },
      [&](Session& session) {
        std::vector<BatchEntry> entries;
        entries.push_back({other_key_.key(), Text("theirs")});
        entries.push_back({key_.key(), Text("theirs")});
        size_t failed = 0;
        EXPECT_TRUE(store_.SetMany(session, entries, &failed).ok());
      },
      [&](Session& session) {
        const std::vector<Key> keys{other_key_.key(), key_.key()};
        size_t deleted = 0;
        EXPECT_TRUE(store_.DeleteMany(session, keys, &deleted).ok());
        EXPECT_EQ(deleted, 2u);
      },
      [&](Session& session) {
        store_.Claim(session, key_.key(), kClaimNanos);
        store_.Release(session, key_.key());
      },
  };
  for (const auto& write : writes) {
    ASSERT_TRUE(store_.Set(*owner_, key_.key(), Text("first")).ok());
    ASSERT_TRUE(store_.Set(*owner_, other_key_.key(), Text("first")).ok());
    store_.Claim(*owner_, key_.key(), kClaimNanos);
    ExpectToWait(write, [&] {
      EXPECT_TRUE(store_.Set(*owner_, key_.key(), Text("mine")).ok());
      EXPECT_EQ(Get(), "mine");
      store_.Release(*owner_, key_.key());
    });
  }
}

TEST_F(ClaimTest, Expires) {
  ASSERT_TRUE(store_.Set(*owner_, key_.key(), Text("first")).ok());
  store_.Claim(*owner_, key_.key(), kClaimNanos);
  clock_.Advance(kClaimNanos - 1);
  ExpectToWait([&](Session& session) { EXPECT_TRUE(store_.Set(session, key_.key(), Text("theirs")).ok()); },
               [&] { clock_.Advance(1); });
  EXPECT_EQ(Get(), "theirs");
  store_.Release(*owner_, key_.key());
}

TEST_F(ClaimTest, LeavesOtherKeysAndReadsAlone) {
  ASSERT_TRUE(store_.Set(*owner_, key_.key(), Text("first")).ok());
  store_.Claim(*owner_, key_.key(), kClaimNanos);
  const OpenedSession other(store_);
  EXPECT_TRUE(store_.Set(*other, other_key_.key(), Text("theirs")).ok());
  EXPECT_TRUE(store_.Has(ReadGuard(*other), key_.key()));
  EXPECT_TRUE(store_.Delete(*other, other_key_.key()).value());
  store_.Release(*other, key_.key());  // not its own: still claimed
  ExpectToWait([&](Session& session) { EXPECT_TRUE(store_.Set(session, key_.key(), Text("theirs")).ok()); },
               [&] { store_.Release(*owner_, key_.key()); });
}

TEST_F(ClaimTest, TellsWhetherItWasKept) {
  EXPECT_FALSE(store_.Claim(*owner_, key_.key(), kClaimNanos));
  EXPECT_TRUE(store_.Claim(*owner_, key_.key(), kClaimNanos));
  clock_.Advance(kClaimNanos);
  EXPECT_FALSE(store_.Claim(*owner_, key_.key(), kClaimNanos));
  EXPECT_FALSE(store_.Claim(*owner_, other_key_.key(), kClaimNanos));  // one for a shard
  EXPECT_FALSE(store_.Claim(*owner_, key_.key(), kClaimNanos));
  store_.Release(*owner_, key_.key());
  EXPECT_FALSE(store_.Claim(*owner_, key_.key(), kClaimNanos));
}

TEST_F(ClaimTest, OutlivesNoClear) {
  ASSERT_TRUE(store_.Set(*owner_, key_.key(), Text("first")).ok());
  EntryStamp stamp;
  {
    const ReadGuard guard(*owner_);
    ReadValue value;
    ASSERT_TRUE(store_.GetStamped(guard, key_.key(), &value, &stamp));
  }
  store_.Claim(*owner_, key_.key(), kClaimNanos);
  const OpenedSession other(store_);
  ASSERT_TRUE(store_.Clear(*other).ok());
  EXPECT_FALSE(store_.SetIf(*owner_, key_.key(), Text("mine"), stamp).value());
  EXPECT_TRUE(store_.SetIf(*owner_, key_.key(), Text("mine"), {}).value());
}

}  // namespace
}  // namespace shardmap
