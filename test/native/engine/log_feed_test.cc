// Danger: who listens does not hear of what failed; who has gone is called.
#include "engine/log_feed.h"

#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/expiry_fixtures.h"

namespace shardmap {
namespace {

TEST(LogFeedTest, AllWhoListenAreTold) {
  LogFeed feed;
  const auto wake_up = std::make_shared<CountedWakeUp>();
  const auto first = std::make_shared<Mailbox<LogNews>>(wake_up);
  const auto second = std::make_shared<Mailbox<LogNews>>(wake_up);
  feed.Tell(LogNews::Kind::kFailure, Status(Code::kIo, "nobody hears this"));
  feed.Add(first);
  feed.Add(second);
  feed.Tell(LogNews::Kind::kFailure, Status(Code::kLogFailed, "one"));
  feed.Remove(first.get());
  feed.Tell(LogNews::Kind::kCompactionEnds, Status(Code::kDiskFull, "two"), {1, 2, 3});
  const std::list<LogNews> of_first = first->TakeAll();
  ASSERT_EQ(of_first.size(), 1u);
  EXPECT_EQ(of_first.front().status.code(), Code::kLogFailed);
  EXPECT_EQ(of_first.front().status.message(), "one");
  const std::list<LogNews> of_second = second->TakeAll();
  ASSERT_EQ(of_second.size(), 2u);
  EXPECT_EQ(of_second.back().kind, LogNews::Kind::kCompactionEnds);
  EXPECT_EQ(of_second.back().compaction.log_bytes, 1u);
  EXPECT_EQ(of_second.back().compaction.nanos, 2u);
  EXPECT_EQ(of_second.back().compaction.snapshot_bytes, 3u);
  EXPECT_TRUE(second->TakeAll().empty());
  EXPECT_EQ(wake_up->calls, 1) << "one call is under way at a time";
}

TEST(MailboxTest, LettersOfAllThreadsComeAndNoneAfterItWasClosed) {
  constexpr int kThreads = 4, kLetters = 1000;
  const auto wake_up = std::make_shared<CountedWakeUp>();
  Mailbox<int> mailbox(wake_up);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kLetters; ++i) mailbox.Put({thread * kLetters + i});
    });
  }
  std::vector<int> next(kThreads);
  for (int taken = 0; taken < kThreads * kLetters;) {
    for (const int letter : mailbox.TakeAll()) {
      EXPECT_EQ(letter % kLetters, next[static_cast<size_t>(letter / kLetters)]++) << "out of order";
      ++taken;
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(wake_up->calls, 1);
  mailbox.Put({1});
  mailbox.Close();
  mailbox.Put({2});
  EXPECT_TRUE(mailbox.TakeAll().empty());
}

}  // namespace
}  // namespace shardmap
