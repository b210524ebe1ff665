// Danger: a store that comes back as another than it was; a flush that returns too early, or never; a log that has
// failed and is written to all the same.
#include "log/log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/crash_directory.h"
#include "log/durable_store.h"
#include "log/frame_reader.h"
#include "random_input.h"

namespace shardmap {
namespace {

constexpr uint64_t kHour = 3'600'000'000'000;

Status Set(Store& store, Session& session, std::string_view key, const std::string& value,
           const Lifetime& lifetime = {}) {
  return store.Set(session, OwnedKey(key).key(), BorrowedValue(ValueKind::kOneByteString, value), lifetime);
}

std::string Get(Store& store, Session& session, std::string_view key) {
  const ReadGuard guard(session);
  ReadValue value;
  return store.Get(guard, OwnedKey(key).key(), &value) ? std::string(BytesOf(value)) : "(absent)";
}

// Operations of one thread, of all kinds.
void UseAtRandom(Store& store, uint64_t stream, size_t operations) {
  const OpenedSession session(store);
  Random random(stream);
  for (size_t i = 0; i < operations; ++i) {
    const OwnedKey key = NumberedKey(random.OneIn(8) ? std::string(300, 'k') : "key ", random.Below(200));
    const std::string bytes = random.Bytes(random.OneIn(50) ? random.Below(100'000) : random.Below(90));
    const Lifetime lifetime = random.OneIn(3) ? Lifetime::For(kHour) : Lifetime();
    const size_t draw = random.Below(100);
    if (draw < 50) {
      ASSERT_TRUE(store.Set(*session, key.key(), BorrowedValue(ValueKind::kClone, bytes), lifetime).ok());
    } else if (draw < 60) {
      const ReadGuard guard(*session);
      const double one = 1;
      ReadValue total;
      ASSERT_TRUE(store.Add(guard, *session, key.key(), Value(ValueKind::kNumber, &one, sizeof one), &total).ok());
    } else if (draw < 70) {
      const OwnedKey other = NumberedKey("key ", random.Below(200));
      BatchEntry entries[] = {{key.key(), BorrowedValue(ValueKind::kClone, bytes)},
                              {other.key(), BorrowedValue(ValueKind::kClone, bytes)}};
      size_t failed = 0;
      ASSERT_TRUE(store.SetMany(*session, entries, &failed, lifetime).ok());
    } else if (draw < 80) {
      ASSERT_TRUE(store.SetLifetime(*session, key.key(), lifetime).ok());
    } else if (draw < 99) {
      ASSERT_TRUE(store.Delete(*session, key.key()).ok());
    } else if (random.OneIn(20)) {
      ASSERT_TRUE(store.Clear(*session).ok());
    }
  }
}

TEST(LogTest, WhatFourThreadsMadeComesBackInItsOrderAlsoWhileTheLogIsCompacted) {
  CrashDirectory directory;
  LogOptions options;
  options.segment_bytes = 200'000;
  std::vector<DurableStore::Row> rows;
  for (const size_t shards : {64, 1, 16}) {
    DurableStore durable(directory, shards, options);
    ASSERT_TRUE(durable.status().ok()) << durable.status().message();
    // Two threads may insert at the same time: which came first nobody can tell but by the order that is found.
    EXPECT_EQ(durable.Rows(), rows) << "seed " << TestSeed();
    std::atomic<bool> is_over{false};
    std::thread compacting([&] {
      while (!is_over) ASSERT_TRUE(durable.Compact().ok());
    });
    std::vector<std::thread> threads;
    for (uint64_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] { UseAtRandom(durable.store(), thread + 10 * shards, Scaled(10'000)); });
    }
    for (std::thread& thread : threads) thread.join();
    is_over = true;
    compacting.join();
    const OpenedSession session(durable.store());
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(Set(durable.store(), *session, "last " + std::to_string(i), "value").ok());
    rows = durable.Rows();  // a clear may have been the last that a thread did
    ASSERT_TRUE(durable.log().Close().ok());
  }
  DurableStore durable(directory, 256, options);
  EXPECT_EQ(durable.Rows(), rows) << "seed " << TestSeed();
}

class LogPolicyTest : public testing::TestWithParam<SyncPolicy> {};

TEST_P(LogPolicyTest, WhatWasFlushedIsThereAfterALossOfPower) {
  CrashDirectory directory;
  LogOptions options;
  options.policy = GetParam();
  Random random;
  DurableStore durable(directory, 16, options);
  const OpenedSession session(durable.store());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Set(durable.store(), *session, "key", std::to_string(i)).ok());
    ASSERT_TRUE(durable.log().FlushSync().ok());
    const auto copy = directory.CrashCopy(random);
    DurableStore again(*copy, 16);
    ASSERT_TRUE(again.status().ok()) << again.status().message();
    const OpenedSession other(again.store());
    EXPECT_EQ(Get(again.store(), *other, "key"), std::to_string(i)) << "seed " << TestSeed();
  }
}

TEST_P(LogPolicyTest, WhatWasSetIsWithTheKernelSoon) {
  CrashDirectory directory;
  LogOptions options;
  options.policy = GetParam();
  DurableStore durable(directory, 16, options);
  const OpenedSession session(durable.store());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Set(durable.store(), *session, "key", std::to_string(i)).ok());
    for (int tries = 0;; ++tries) {
      ASSERT_LT(tries, 10'000) << "ten seconds, and it is not in a file";
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const auto copy = directory.KillCopy();
      DurableStore again(*copy, 16);
      const OpenedSession other(again.store());
      if (Get(again.store(), *other, "key") == std::to_string(i)) break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the thread falls asleep
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, LogPolicyTest,
                         testing::Values(SyncPolicy::kAlways, SyncPolicy::kInterval, SyncPolicy::kNever));

TEST(LogTest, ASyncThatFailedEndsTheLogAndReadsGoOn) {
  CrashDirectory directory;
  LogOptions options;
  options.policy = SyncPolicy::kNever;
  DurableStore durable(directory, 16, options);
  const OpenedSession session(durable.store());
  ASSERT_TRUE(Set(durable.store(), *session, "key", "before").ok());
  directory.SetHook([&](const CrashDirectory::Call& call) {
    if (call.kind == CrashDirectory::Kind::kSync) {
      directory.Fail(call.number, std::errc::io_error, CrashDirectory::Lasting::kOnce);
    }
  });
  EXPECT_EQ(durable.log().FlushSync().code(), Code::kIo);
  directory.SetHook({});
  const uint64_t calls = directory.calls();
  const Status status = Set(durable.store(), *session, "key", "after");
  EXPECT_EQ(status.code(), Code::kLogFailed);
  EXPECT_NE(status.message().find("segment-000000000001"), std::string::npos) << status.message();
  EXPECT_EQ(durable.log().FlushSync().code(), Code::kLogFailed);
  EXPECT_EQ(Get(durable.store(), *session, "key"), "before");
  EXPECT_EQ(directory.calls(), calls) << "no file is touched any more";
}

TEST(LogTest, AFullDiskRefusesWritesUntilThereIsRoom) {
  CrashDirectory directory;
  DurableStore durable(directory, 16);
  const OpenedSession session(durable.store());
  const std::string large(10'000, 'v');
  directory.SetCapacity(20'000);
  int written = 0;
  Code code = Code::kOk;
  for (; code == Code::kOk && written < 100; ++written) {
    ASSERT_TRUE(Set(durable.store(), *session, "key " + std::to_string(written), large).ok());
    code = durable.log().FlushSync().code();
  }
  EXPECT_EQ(code, Code::kDiskFull);
  EXPECT_EQ(Set(durable.store(), *session, "refused", "value").code(), Code::kDiskFull);
  directory.SetCapacity(10'000'000);
  ASSERT_TRUE(durable.log().FlushSync().ok()) << "what was kept is written";
  ASSERT_TRUE(Set(durable.store(), *session, "accepted", "value").ok());
  ASSERT_TRUE(durable.log().Close().ok());
  DurableStore again(directory, 16);
  EXPECT_EQ(again.Rows().size(), static_cast<size_t>(written) + 1);
}

TEST(LogTest, AfterCloseWritesAreRefused) {
  CrashDirectory directory;
  DurableStore durable(directory, 16);
  const OpenedSession session(durable.store());
  ASSERT_TRUE(durable.log().Close().ok());
  ASSERT_TRUE(durable.log().Close().ok());
  EXPECT_EQ(Set(durable.store(), *session, "key", "value").code(), Code::kClosed);
  EXPECT_EQ(durable.log().FlushSync().code(), Code::kClosed);
}

TEST(LogTest, AValueLargerThanAllThatMayBeStagedGoesInAlone) {
  CrashDirectory directory;
  LogOptions options;
  options.staged_bytes_max = 200'000;
  std::vector<DurableStore::Row> rows;
  {
    DurableStore durable(directory, 16, options);
    const OpenedSession session(durable.store());
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(Set(durable.store(), *session, "large", std::string(1'000'000, static_cast<char>('a' + i))).ok());
      ASSERT_TRUE(Set(durable.store(), *session, "small " + std::to_string(i), "value").ok());
    }
    rows = durable.Rows();
  }
  DurableStore again(directory, 16);
  EXPECT_EQ(again.Rows(), rows);
}

// Of each frame of records in a file, in order.
std::vector<bool> HaveCompressed(Directory& directory, std::string name, FileKind kind, uint64_t number) {
  std::vector<bool> have;
  auto reader = FrameReader::Open(directory, Directory::OpenMode::kRead, std::move(name), kind, number, 1);
  EXPECT_TRUE(reader.ok());
  Frame frame;
  while (reader.ok() && reader.value()->Next(&frame).value() == FrameReader::Outcome::kFrame) {
    const bool has_records = frame.header.kind == FrameKind::kRecords && frame.payload.size() > kClockOffsetBytes;
    if (has_records) have.push_back(frame.header.has_compressed);
  }
  return have;
}

TEST(LogTest, FramesTellWhetherTheyHaveCompressedValuesWhichOlderVersionsDoNotKnow) {
  CrashDirectory directory;
  DurableStore durable(directory, 16);
  const OpenedSession session(durable.store());
  std::string text(1000, 'x');
  text.push_back(static_cast<char>(ValueKind::kCompressed));
  const auto set = [&](std::string_view key, ValueKind kind, const Lifetime& lifetime) {
    ASSERT_TRUE(durable.store().Set(*session, OwnedKey(key).key(), BorrowedValue(kind, text), lifetime).ok());
  };
  const std::vector<bool> expected{false, true, false, true, false};
  for (const bool has_compressed : expected) {
    set("one", ValueKind::kBuffer, {});
    if (has_compressed) set("two", ValueKind::kCompressed, Lifetime::For(kHour));
    set("three", ValueKind::kOneByteString, {});
    const Status status =
        durable.store().Delete(*session, OwnedKey(has_compressed ? "none" : "two").key()).TakeStatus();
    ASSERT_TRUE(status.ok());
    ASSERT_TRUE(durable.log().FlushSync().ok());
  }
  EXPECT_EQ(HaveCompressed(directory, SegmentName(1), FileKind::kSegment, 1), expected);
  ASSERT_TRUE(durable.Compact().ok());
  EXPECT_EQ(HaveCompressed(directory, SnapshotName(1), FileKind::kSnapshot, 1), std::vector<bool>{false});
  set("two", ValueKind::kCompressed, {});
  ASSERT_TRUE(durable.Compact().ok());
  EXPECT_EQ(HaveCompressed(directory, SnapshotName(2), FileKind::kSnapshot, 2), std::vector<bool>{true});
}

TEST(LogTest, DeadlinesAreKeptAndWhatHasExpiredMeanwhileIsGone) {
  CrashDirectory directory;
  HandTurnedClock clock;
  clock.Advance(1'000'000'000'000);  // the machine was on for long, and is started again
  {
    DurableStore durable(directory, 16, {}, &clock);
    const OpenedSession session(durable.store());
    ASSERT_TRUE(Set(durable.store(), *session, "an hour", "value", Lifetime::For(kHour)).ok());
    ASSERT_TRUE(Set(durable.store(), *session, "a moment", "value", Lifetime::For(1)).ok());
    ASSERT_TRUE(Set(durable.store(), *session, "put off", "value", Lifetime::For(kHour)).ok());
    ASSERT_TRUE(durable.store().SetLifetime(*session, OwnedKey("put off").key(), Lifetime::Forever()).ok());
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // by the system's clock, by some ticks of a wheel
  HandTurnedClock later;
  later.Advance(1'000'000'000);
  DurableStore again(directory, 16, {}, &later);
  const OpenedSession session(again.store());
  EXPECT_EQ(Get(again.store(), *session, "a moment"), "(absent)");
  later.Advance(2'000'000);  // a tick of its wheels
  for (size_t shard = 0; shard < 16; ++shard) (void)again.store().ExpireSome(*session, shard);
  EXPECT_EQ(again.store().Size(), 2u);
  const ReadGuard guard(*session);
  EXPECT_EQ(again.store().TimeLeft(guard, OwnedKey("put off").key()), kForever);
  const uint64_t left_ns = again.store().TimeLeft(guard, OwnedKey("an hour").key());
  EXPECT_GT(left_ns, kHour - 60'000'000'000);
  EXPECT_LE(left_ns, kHour);
}

}  // namespace
}  // namespace shardmap
