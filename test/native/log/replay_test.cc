// Danger: a log that several threads replay makes another store than one thread would make of it; or who is told that
// it was replayed has only a part.
#include "log/replay.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocation_probe.h"
#include "base/coding.h"
#include "core/store_fixtures.h"
#include "fixtures.h"
#include "log/staging.h"
#include "random_input.h"

namespace shardmap {
namespace {

constexpr uint64_t kClockOffset = 1'700'000'000'000'000'000;
constexpr uint64_t kSecond = 1'000'000'000;

using Payload = std::vector<uint8_t>;

Payload NewPayload(uint64_t clock_offset_ns) {
  Payload payload(kClockOffsetBytes);
  StoreLittle64(payload.data(), clock_offset_ns);
  return payload;
}

void AddRecord(Payload* payload, Mutation::Kind kind, const OwnedKey* key, const std::string* value,
               Deadline deadline = {}) {
  const size_t at = payload->size();
  payload->resize(at + RecordBytesMax(key != nullptr ? key->bytes.size() : 0, value != nullptr ? value->size() : 0));
  uint8_t* p = EncodeRecordHead(kind, deadline, payload->data() + at);
  if (key != nullptr) p = EncodeRecordKey(key->key(), p);
  if (value != nullptr) {
    p = EncodeRecordValue(ValueKind::kOneByteString, {reinterpret_cast<const uint8_t*>(value->data()), value->size()},
                          p);
  }
  p = EncodeRecordDeadline(deadline, p);
  payload->resize(static_cast<size_t>(p - payload->data()));
}

// Records of all kinds, of few keys, so that each is inserted, overwritten and deleted again and again.
Payload RandomPayload(Random& random, uint64_t clock_offset_ns) {
  Payload payload = NewPayload(clock_offset_ns);
  for (size_t left = random.OneIn(4) ? random.Below(3) : random.Below(300); left != 0; --left) {
    const OwnedKey key = NumberedKey(random.OneIn(8) ? std::string(300, 'k') : "key ", random.Below(400));
    const std::string value = random.Bytes(random.OneIn(30) ? random.Below(5000) : random.Below(90));
    // Some have passed when the store is replayed.
    const Deadline deadline =
        random.OneIn(3) ? Deadline::At(1 + random.Below(200 * kSecond), random.OneIn(2)) : Deadline();
    const size_t draw = random.Below(1000);
    if (draw < 350) {
      AddRecord(&payload, Mutation::Kind::kInsert, &key, &value, deadline);
    } else if (draw < 700) {
      AddRecord(&payload, Mutation::Kind::kOverwrite, &key, &value, deadline);
    } else if (draw < 850) {
      AddRecord(&payload, Mutation::Kind::kDelete, &key, nullptr);
    } else if (draw < 996) {
      AddRecord(&payload, Mutation::Kind::kDeadline, &key, nullptr, deadline);
    } else if (draw < 998) {
      AddRecord(&payload, Mutation::Kind::kClear, nullptr, nullptr);
    } else {
      AddRecord(&payload, Mutation::Kind::kStructures, nullptr, &value);
    }
  }
  return payload;
}

struct Shown {
  uint64_t sequence;
  OwnedKey key;
  std::string value;
  uint64_t deadline_word;
  bool operator==(const Shown&) const = default;
};

// A store that was replayed.
class ReplayedStore {
 public:
  ReplayedStore(const Clock& clock, size_t shards) : store_(StoreOptions{.shards = shards, .clock = &clock}) {}

  void Apply(const std::vector<Payload>& payloads, const ReplayOptions& options) {
    Replay replay(store_, kClockOffset, options);
    for (size_t i = 0; i < payloads.size(); ++i) {
      ASSERT_TRUE(CheckRecords(payloads[i]).is_whole);
      ASSERT_TRUE(replay.Apply(payloads[i]).ok());
      if (i == payloads.size() / 2) {
        ASSERT_TRUE(replay.Await().ok()) << "in the middle, as a recovery may";
      }
    }
    ASSERT_TRUE(replay.Await().ok());
    replay.Finish();
  }
  std::vector<Shown> Rows() {
    std::vector<Shown> rows;
    const OpenedSession session(store_);
    const ReadGuard guard(*session);
    ForEachEntry(store_, guard, [&](const ScannedEntry& scanned) {
      ReadValue value;
      if (!store_.ReadScanned(guard, scanned, &value)) return;
      rows.push_back(
          {scanned.sequence, OwnedKey::Of(scanned.entry->key()), std::string(BytesOf(value)), value.deadline().word()});
    });
    return rows;
  }
  Store& store() { return store_; }

 private:
  Store store_;
};

class LogReplayTest : public testing::TestWithParam<size_t> {
 protected:
  LogReplayTest() { clock_.Advance(100 * kSecond); }

  ReplayOptions Threads(uint64_t bytes_before_threads = 0) const {
    return {.threads_max = GetParam(), .bytes_before_threads = bytes_before_threads};
  }

  HandTurnedClock clock_;
  Random random_;
};

TEST_P(LogReplayTest, MakesTheStoreThatOneThreadMakes) {
  for (int round = 0; round < 6; ++round) {
    std::vector<Payload> payloads;
    for (size_t left = 20 + Scaled(200); left != 0; --left) {
      payloads.push_back(RandomPayload(random_, kClockOffset - random_.Below(20 * kSecond)));
    }
    ReplayedStore expected(clock_, 16);
    ASSERT_NO_FATAL_FAILURE(expected.Apply(payloads, {.threads_max = 0}));
    const std::vector<Shown> rows = expected.Rows();
    for (const size_t shards : {1, 16, 128}) {
      ReplayedStore replayed(clock_, shards);
      ASSERT_NO_FATAL_FAILURE(replayed.Apply(payloads, Threads(round % 2 == 0 ? 0 : 20'000)));
      EXPECT_EQ(replayed.Rows(), rows) << shards << " shards, seed " << TestSeed();
      EXPECT_EQ(replayed.store().structures().Load(), expected.store().structures().Load());
      EXPECT_EQ(replayed.store().Size(), expected.store().Size());
      EXPECT_EQ(replayed.store().Stats().timed_entries, expected.store().Stats().timed_entries);
    }
  }
}

// Takes what is told to a store as a log does, in one cut.
class StagingSink final : public MutationSink {
 public:
  MutationStage* OpenStage() override { return staging_.Open(); }
  void CloseStage(MutationStage* stage) override { staging_.Close(static_cast<Stage*>(stage)); }

  Payload TakeAll() {
    Payload payload = NewPayload(kClockOffset);
    staging_.BeginCut();
    staging_.TakeCut(
        [&](std::span<const uint8_t> record) { payload.insert(payload.end(), record.begin(), record.end()); });
    return payload;
  }

 private:
  Staging staging_{size_t{1} << 30, [] {}};
};

// Four sessions insert within each tick.
TEST_P(LogReplayTest, EntriesOfOneNumberKeepTheirOrder) {
  StagingSink sink;
  Store store(StoreOptions{.shards = 64, .clock = &clock_});
  store.LogTo(sink);
  const OpenedSession sessions[] = {OpenedSession(store), OpenedSession(store), OpenedSession(store),
                                    OpenedSession(store)};
  for (uint64_t i = 0; i < Scaled(20'000); ++i) {
    if (random_.OneIn(4)) clock_.Advance(HandTurnedClock::kSequencerTickNs);
    const OwnedKey key = NumberedKey("key ", i);
    ASSERT_TRUE(store.Set(*sessions[random_.Below(4)], key.key(), Value(ValueKind::kTrue)).ok());
  }
  std::vector<ScannedEntry> scanned;
  const ReadGuard guard(*sessions[0]);
  ForEachEntry(store, guard, [&](const ScannedEntry& entry) { scanned.push_back(entry); });
  size_t ties = 0;
  for (size_t i = 1; i < scanned.size(); ++i) ties += scanned[i].sequence == scanned[i - 1].sequence ? 1 : 0;
  EXPECT_GT(ties, scanned.size() / 10);
  const std::vector<Payload> cut = {sink.TakeAll()};
  for (const size_t shards : {1, 64, 256}) {
    ReplayedStore replayed(clock_, shards);
    ASSERT_NO_FATAL_FAILURE(replayed.Apply(cut, Threads()));
    const std::vector<Shown> rows = replayed.Rows();
    ASSERT_EQ(rows.size(), scanned.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSERT_EQ(rows[i].key, OwnedKey::Of(scanned[i].entry->key())) << i << ", seed " << TestSeed();
    }
  }
}

TEST_P(LogReplayTest, WhatIsInsertedLaterComesLast) {
  ReplayedStore replayed(clock_, 16);
  Payload payload = NewPayload(kClockOffset);
  // Most overwrite, so that more numbers are counted than entries have.
  const std::string value = "value";
  for (uint64_t i = 0; i < 50'000; ++i) {
    const OwnedKey key = NumberedKey("key ", i % 1000);
    AddRecord(&payload, i < 1000 ? Mutation::Kind::kInsert : Mutation::Kind::kOverwrite, &key, &value);
  }
  const OwnedKey again = NumberedKey("key ", 7);
  AddRecord(&payload, Mutation::Kind::kInsert, &again, &value);
  ASSERT_NO_FATAL_FAILURE(replayed.Apply({payload}, Threads()));
  const OpenedSession first(replayed.store());
  const OpenedSession second(replayed.store());
  std::vector<OwnedKey> keys;
  for (const Shown& shown : replayed.Rows()) keys.push_back(shown.key);
  EXPECT_EQ(keys.size(), 1000u);
  EXPECT_EQ(keys.back(), again);
  for (int i = 0; i < 200; ++i) {
    Session& session = i >= 100 && i % 2 == 0 ? *second : *first;
    keys.push_back(NumberedKey("later ", static_cast<uint64_t>(i)));
    clock_.Advance(HandTurnedClock::kSequencerTickNs);
    ASSERT_TRUE(replayed.store().Set(session, keys.back().key(), Value(ValueKind::kTrue)).ok());
  }
  const std::vector<Shown> rows = replayed.Rows();
  ASSERT_EQ(rows.size(), keys.size());
  for (size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(rows[i].key, keys[i]) << i;
}

TEST_P(LogReplayTest, MoreThanMayBeQueuedIsReplayed) {
  ReplayedStore replayed(clock_, 16);
  std::vector<Payload> payloads;
  for (uint64_t i = 0; i < 30; ++i) {
    const OwnedKey key = NumberedKey("key ", i);
    const std::string value(i == 10 ? size_t{20} << 20 : size_t{1} << 20, static_cast<char>('a' + i));
    payloads.push_back(NewPayload(kClockOffset));
    AddRecord(&payloads.back(), Mutation::Kind::kInsert, &key, &value);
  }
  ASSERT_NO_FATAL_FAILURE(replayed.Apply(payloads, Threads()));
  const std::vector<Shown> rows = replayed.Rows();
  ASSERT_EQ(rows.size(), 30u);
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].key, NumberedKey("key ", i));
    EXPECT_EQ(rows[i].value[0], static_cast<char>('a' + i));
    EXPECT_EQ(rows[i].value.size(), i == 10 ? size_t{20} << 20 : size_t{1} << 20);
  }
}

TEST_P(LogReplayTest, MayEndWhereverItIs) {
  std::vector<Payload> payloads;
  for (int i = 0; i < 20; ++i) payloads.push_back(RandomPayload(random_, kClockOffset));
  for (size_t round = 0; round < Scaled(50); ++round) {
    Store store(StoreOptions{.shards = 16, .clock = &clock_});
    Replay replay(store, kClockOffset, Threads());
    for (size_t i = 0; i < round % payloads.size(); ++i) ASSERT_TRUE(replay.Apply(payloads[i]).ok());
  }
}

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)

// Gives no more memory to a thread that asks it for the time, which who restores a deadline does.
class MiserlyClock final : public Clock {
 public:
  uint64_t NowNanos() const override {
    if (std::this_thread::get_id() != owner_) {
      thread_local std::optional<AllocationRefusal> refusal;
      if (!refusal.has_value()) refusal.emplace(0);
    }
    return 1;
  }

 private:
  const std::thread::id owner_ = std::this_thread::get_id();
};

TEST(ReplayMemoryTest, TellsThatAThreadHadNone) {
  for (const size_t threads : {1, 2, 4}) {
    const MiserlyClock clock;
    Store store(StoreOptions{.shards = 16, .clock = &clock});
    Replay replay(store, kClockOffset, {.threads_max = threads, .bytes_before_threads = 0});
    const std::string value(500, 'v');
    Status status;
    for (uint64_t i = 0; i < 100 && status.ok(); ++i) {
      Payload payload = NewPayload(kClockOffset);
      const OwnedKey key = NumberedKey("key ", i);
      AddRecord(&payload, Mutation::Kind::kInsert, &key, &value, Deadline::At(kSecond, false));
      status = replay.Apply(payload);
    }
    if (status.ok()) status = replay.Await();
    EXPECT_EQ(status.code(), Code::kOutOfMemory);
    EXPECT_EQ(replay.Await().code(), Code::kOutOfMemory) << "again";
  }
}

#endif

INSTANTIATE_TEST_SUITE_P(Threads, LogReplayTest, testing::Values(0, 1, 2, 4, 7));

}  // namespace
}  // namespace shardmap
