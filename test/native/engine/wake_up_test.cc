// Danger: a listener is not called for what came, is called a million times for a million things, or is called when it
// has gone, which would crash the process.
#include "engine/wake_up.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "random_input.h"

namespace shardmap {
namespace {

class CountedCalls final : public WakeUp {
 public:
  std::atomic<int> calls{0};
  std::atomic<bool> is_refused{false};
  std::atomic<bool> has_gone{false};
  std::atomic<int> calls_to_the_gone{0};

 private:
  bool Call() override {
    if (is_refused) return false;
    if (has_gone) ++calls_to_the_gone;
    ++calls;
    return true;
  }
};

TEST(WakeUpTest, OneCallForAllThatComeBeforeItIsAnswered) {
  CountedCalls wake_up;
  for (int i = 0; i < 100; ++i) wake_up.Request();
  EXPECT_EQ(wake_up.calls, 1);
}

TEST(WakeUpTest, WhatComesAfterTheAnswerMakesAnotherCall) {
  CountedCalls wake_up;
  wake_up.Request();
  wake_up.Answer();
  EXPECT_EQ(wake_up.calls, 1);
  wake_up.Request();
  EXPECT_EQ(wake_up.calls, 2);
}

TEST(WakeUpTest, ACallThatWasImpossibleIsMadeNextTime) {
  CountedCalls wake_up;
  wake_up.is_refused = true;
  wake_up.Request();
  EXPECT_EQ(wake_up.calls, 0);
  wake_up.is_refused = false;
  wake_up.Request();
  EXPECT_EQ(wake_up.calls, 1);
}

TEST(WakeUpTest, NobodyIsCalledWhoHasGone) {
  CountedCalls wake_up;
  wake_up.Request();
  wake_up.Answer();
  wake_up.Close();
  wake_up.Request();
  EXPECT_EQ(wake_up.calls, 1);
}

TEST(WakeUpThreadTest, NothingThatCameIsLeftUnseen) {
  CountedCalls wake_up;
  std::atomic<int> come{0};
  constexpr int kThreads = 3;
  const int each = static_cast<int>(Scaled(10000));
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < each; ++n) {
        ++come;
        wake_up.Request();
      }
    });
  }
  // The listener: looks once for each call.
  int seen = 0;
  for (int answered = 0; seen != kThreads * each;) {
    if (wake_up.calls == answered) {
      std::this_thread::yield();
      continue;
    }
    ++answered;
    wake_up.Answer();
    seen = come;
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(WakeUpThreadTest, NoCallIsUnderWayWhenItIsClosed) {
  for (size_t round = 0; round < Scaled(300); ++round) {
    CountedCalls wake_up;
    std::atomic<bool> is_over{false};
    std::thread other([&] {
      while (!is_over) {
        wake_up.Request();
        wake_up.Answer();
      }
    });
    while (wake_up.calls == 0) std::this_thread::yield();
    wake_up.Close();
    wake_up.has_gone = true;
    is_over = true;
    other.join();
    ASSERT_EQ(wake_up.calls_to_the_gone, 0);
  }
}

}  // namespace
}  // namespace shardmap
