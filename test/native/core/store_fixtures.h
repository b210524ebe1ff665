// Stores that tests use through their public methods, alone or beside a model.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/store.h"
#include "core/store_model.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {

// Calls `visit(scanned entry)` for all, in insertion order.
template <typename Visit>
void ForEachEntry(const Store& store, const ReadGuard& guard, Visit visit) {
  std::vector<ScannedEntry> page;
  for (uint64_t after = 0;; after = page.back().sequence) {
    store.Scan(guard, after, 1000, &page);
    if (page.empty()) return;
    for (const ScannedEntry& scanned : page) visit(scanned);
  }
}

// A store, and a session of it.
class OpenStoreTest : public testing::Test {
 protected:
  std::string Get(const OwnedKey& key) {
    const ReadGuard guard(*session_);
    ReadValue value;
    return store_.Get(guard, key.key(), &value) ? std::string(BytesOf(value)) : "(absent)";
  }
  std::vector<std::string> Keys() {
    std::vector<std::string> keys;
    ForEachEntry(store_, ReadGuard(*session_),
                 [&](const ScannedEntry& scanned) { keys.push_back(OwnedKey::Of(scanned.entry->key()).bytes); });
    return keys;
  }

  Store store_{OptionsFor(16)};
  OpenedSession session_{store_};
};

// A store of as many shards as the parameter says, and the model that it must be the same as. Two sessions take turns,
// so that numbers come from both and from the clock.
class ModelledStoreTest : public testing::TestWithParam<size_t> {
 protected:
  // Takes steps, and compares after one of `compare_one_in`, and at the end.
  void Run(size_t steps, size_t compare_one_in) {
    for (size_t step = 0; step < steps; ++step) {
      session_ = &*sessions_[use_.random().Below(2)];
      ASSERT_NO_FATAL_FAILURE(Step()) << "step " << step << ", seed " << TestSeed();
      ASSERT_EQ(store_.Size(), model_.places().size()) << "step " << step << ", seed " << TestSeed();
      if (!use_.random().OneIn(compare_one_in)) continue;
      ASSERT_NO_FATAL_FAILURE(model_.ExpectSame(store_, *session_)) << "step " << step << ", seed " << TestSeed();
    }
    model_.ExpectSame(store_, *session_);
    for (const OpenedSession& session : sessions_) session->Reclaim();
    EXPECT_EQ(store_.Stats().retired_bytes, 0u);
  }

  void SetOne(const OwnedKey& key, ValueKind kind, const std::string& bytes) {
    ASSERT_TRUE(store_.Set(*session_, key.key(), use_.AsValue(kind, bytes)).ok());
    model_.Set(key, kind, bytes);
  }
  void DeleteOne() {
    const OwnedKey key = use_.AnyKey();
    ASSERT_EQ(store_.Delete(*session_, key.key()).value(), model_.Delete(key));
  }

  HandTurnedClock clock_;
  Store store_{StoreOptions{.shards = GetParam(), .clock = &clock_}};
  OpenedSession sessions_[2] = {OpenedSession(store_), OpenedSession(store_)};
  Session* session_ = &*sessions_[0];
  StoreModel model_;
  RandomUse use_{GetParam(), 3000};

 private:
  virtual void Step() = 0;
};

}  // namespace shardmap
