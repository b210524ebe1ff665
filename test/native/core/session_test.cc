// Danger: retired memory is freed under a reader in another session, or kept for good; sizes lose a session's part when
// its thread ends and another takes its record over.
#include "core/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "allocation_probe.h"
#include "fixtures.h"
#include "meeting.h"
#include "random_input.h"

namespace shardmap {
namespace {

// A session that closes itself.
class Opened {
 public:
  explicit Opened(SessionList& list) : list_(list), session_(list.Open()) {}
  ~Opened() { list_.Close(session_); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  Session& operator*() const { return *session_; }
  Session* operator->() const { return session_; }

 private:
  SessionList& list_;
  Session* const session_;
};

TEST(SessionTest, OpenSessionsHaveDifferentIdsFromOne) {
  SessionList list;
  const Opened a(list);
  const Opened b(list);
  const Opened c(list);
  EXPECT_EQ((std::set<uint32_t>{a->id(), b->id(), c->id()}), (std::set<uint32_t>{1, 2, 3}));
}

TEST(SessionTest, RecordOfAClosedSessionIsTakenOver) {
  SessionList list;
  Session* first = list.Open();
  first->set_last_sequence(42);
  list.Close(first);
  const Opened again(list);
  EXPECT_EQ(&*again, first);
  EXPECT_EQ(again->last_sequence(), 42u);  // its numbers go on rising
}

TEST(SessionTest, SizeIsTheSumOverSessionsOpenAndClosed) {
  SessionList list;
  EXPECT_EQ(list.TotalSize(), 0u);
  const Opened staying(list);
  {
    const Opened leaving(list);
    staying->AddToSize(5);
    leaving->AddToSize(-2);
    EXPECT_EQ(list.TotalSize(), 3u);
  }
  EXPECT_EQ(list.TotalSize(), 3u);
  const Opened other(list);
  other->AddToSize(-1);
  EXPECT_EQ(list.TotalSize(), 2u);
}

TEST(SessionTest, SizeIsNeverNegative) {
  SessionList list;
  const Opened session(list);
  session->AddToSize(-1);  // a moment's view: the deletion is seen, the insertion not yet
  EXPECT_EQ(list.TotalSize(), 0u);
}

TEST(SessionReclaimTest, FreesWhenNobodyReads) {
  SessionList list;
  const Opened session(list);
  session->retired().Add(Block::Allocate(100));
  session->Reclaim();
  EXPECT_TRUE(session->retired().empty());
  EXPECT_EQ(list.TotalRetiredBytes(), 0u);
}

TEST(SessionReclaimTest, KeepsWhatAReaderBeganBefore) {
  SessionList list;
  const Opened session(list);
  const Opened reader(list);
  Block* block = Block::Allocate(100);
  block->payload()[99] = 7;
  {
    const ReadGuard guard(*reader);
    session->retired().Add(block);
    session->Reclaim();
    session->Reclaim();
    EXPECT_EQ(list.TotalRetiredBytes(), 100 + sizeof(Block));
    EXPECT_EQ(block->payload()[99], 7);
  }
  session->Reclaim();
  EXPECT_EQ(list.TotalRetiredBytes(), 0u);
}

TEST(SessionReclaimTest, KeepsWhatItsOwnReaderMayBeLookingAt) {
  SessionList list;
  const Opened session(list);
  {
    const ReadGuard guard(*session);
    session->retired().Add(Block::Allocate(100));
    session->Reclaim();
    EXPECT_EQ(list.TotalRetiredBytes(), 100 + sizeof(Block));
  }
  session->Reclaim();
  EXPECT_EQ(list.TotalRetiredBytes(), 0u);
}

TEST(SessionReclaimTest, LaterReadersDoNotHoldUpWhatWaits) {
  SessionList list;
  const Opened session(list);
  const Opened reader(list);
  {
    const ReadGuard early(*reader);
    session->retired().Add(Block::Allocate(100));
    session->Reclaim();
  }
  const ReadGuard late(*reader);
  session->Reclaim();
  EXPECT_EQ(list.TotalRetiredBytes(), 0u);
}

TEST(SessionReclaimTest, WhatCameLaterWaitsForItsOwnReaders) {
  SessionList list;
  const Opened session(list);
  const Opened reader(list);
  const Opened other_reader(list);
  auto early = std::make_unique<ReadGuard>(*reader);
  session->retired().Add(Block::Allocate(100));
  session->Reclaim();  // waits for `early`
  const ReadGuard late(*other_reader);
  session->retired().Add(Block::Allocate(1000));  // which `late` may hold
  early.reset();
  session->Reclaim();
  EXPECT_EQ(list.TotalRetiredBytes(), 1000 + sizeof(Block));
}

TEST(SessionReclaimTest, LittleIsLeftForLater) {
  SessionList list;
  const Opened session(list);
  session->retired().Add(Block::Allocate(100 << 10));
  session->ReclaimIfWorthwhile();
  EXPECT_FALSE(session->retired().empty());
  session->retired().Add(Block::Allocate(200 << 10));
  session->ReclaimIfWorthwhile();
  EXPECT_TRUE(session->retired().empty());
}

TEST(SessionReclaimTest, ClosingReclaims) {
  SessionList list;
  {
    const Opened session(list);
    session->retired().Add(Block::Allocate(100));
  }
  EXPECT_EQ(list.TotalRetiredBytes(), 0u);
}

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)
TEST(SessionReclaimTest, EverythingIsFreedWithTheList) {
  const AllocationCount allocated;
  {
    SessionList list;
    Session* reader = list.Open();
    Session* session = list.Open();
    const ReadGuard guard(*reader);
    session->retired().Add(Block::Allocate(100));
    session->Reclaim();
    session->retired().Add(Block::Allocate(100));
    list.Close(session);
    ASSERT_GT(allocated.pieces(), 2);
  }
  EXPECT_EQ(allocated.pieces(), 0);
}
#endif

// --- Threads ---------------------------------------------------------------------------------------------------------

TEST(SessionThreadTest, NoTwoOpenSessionsShareARecord) {
  SessionList list;
  std::mutex mutex;
  std::set<Session*> open;
  std::set<uint32_t> open_ids;
  size_t shared = 0;
  const auto open_and_close = [&] {
    for (size_t i = 0; i < Scaled(20000); ++i) {
      Session* session = list.Open();
      {
        const std::lock_guard lock(mutex);
        shared += !open.insert(session).second + !open_ids.insert(session->id()).second;
      }
      session->AddToSize(1);
      {
        const std::lock_guard lock(mutex);
        open.erase(session);
        open_ids.erase(session->id());
      }
      list.Close(session);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(open_and_close);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(shared, 0u);
  EXPECT_EQ(list.TotalSize(), 4 * Scaled(20000));
  std::vector<std::unique_ptr<Opened>> all;  // as many records as threads were at most attached
  for (int i = 0; i < 4; ++i) all.push_back(std::make_unique<Opened>(list));
  for (const auto& session : all) EXPECT_LE((*session)->id(), 4u);
}

TEST(SessionThreadTest, TwoThatOpenAtTheSameMomentShareNoRecord) {
  SessionList list;
  { const Opened records_for_both[] = {Opened(list), Opened(list)}; }
  MeetingPoint point;
  Session* opened[2] = {};
  std::atomic<size_t> shared{0};
  const auto open_and_close = [&](int thread) {
    KeepToProcessor(thread);
    for (size_t round = 0; round < Scaled(100000); ++round) {
      if (!point.Meet(2 * round)) break;
      opened[thread] = list.Open();
      (void)point.Meet(2 * round + 1);
      if (thread == 0 && opened[0] == opened[1]) ++shared;
      list.Close(opened[thread]);
    }
  };
  std::thread one(open_and_close, 0);
  std::thread two(open_and_close, 1);
  one.join();
  two.join();
  EXPECT_EQ(shared, 0u);
  const Opened again[] = {Opened(list), Opened(list)};
  EXPECT_LE(std::max(again[0]->id(), again[1]->id()), 2u);
}

// Readers look at what two writers replace and retire.
TEST(SessionThreadTest, NothingIsFreedUnderAReaderOfAnotherSession) {
  constexpr uint8_t kAlive = 0x11;
  const auto new_block = [] {
    Block* block = Block::Allocate(1000);
    std::memset(block->payload(), kAlive, block->bytes);
    return block;
  };
  SessionList list;
  std::atomic<Block*> current{new_block()};
  std::atomic<bool> done{false};
  std::atomic<size_t> seen_changed{0};
  const auto read_on = [&] {
    const Opened session(list);
    while (!done.load(std::memory_order_relaxed)) {
      const ReadGuard guard(*session);
      const Block* block = current.load(std::memory_order_acquire);
      for (size_t i = 0; i < block->bytes; i += 37) seen_changed += block->payload()[i] != kAlive;
    }
  };
  const auto replace_on = [&] {
    const Opened session(list);
    for (size_t i = 0; i < Scaled(100000); ++i) {
      session->retired().Add(current.exchange(new_block(), std::memory_order_acq_rel));
      if (i % 8 == 0) session->Reclaim();
    }
  };
  std::thread readers[] = {std::thread(read_on), std::thread(read_on)};
  std::thread writers[] = {std::thread(replace_on), std::thread(replace_on)};
  for (std::thread& writer : writers) writer.join();
  done = true;
  for (std::thread& reader : readers) reader.join();
  Block::Free(current.load());
  EXPECT_EQ(seen_changed, 0u);
}

}  // namespace
}  // namespace shardmap
