// Danger: a process that is killed, at any moment, leaves a log with a hole behind: something that a thread did, or
// saw, is there, and what it did before is not.
#include <gtest/gtest.h>

#include "base/posix_directory.h"
#include "random_input.h"

// A child with several threads is not what ThreadSanitizer can follow.
#if !defined(_WIN32) && !defined(SHARDMAP_TEST_THREAD_SANITIZER)

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "log/durable_store.h"

namespace shardmap {
namespace {

constexpr size_t kThreads = 4;
// Until a kill: from the start, or from when the store is open.
constexpr size_t kOpeningMicrosMax = 8000;
constexpr size_t kWritingMicrosMax = 5000;
constexpr size_t kKillsOfAStore = 600;
constexpr uint64_t kRing = 200;  // steps that each thread keeps notes of

OwnedKey CounterOf(size_t thread) { return NumberedKey("counter ", thread); }
OwnedKey NoteOf(size_t thread, uint64_t step) {
  return NumberedKey("note " + std::to_string(thread) + " ", step % kRing);
}

using Note = std::array<uint64_t, 3>;  // step, whose counter was seen, and what it was

template <typename Words>
Words ReadWords(Store& store, Session& session, const OwnedKey& key) {
  Words words{};
  const ReadGuard guard(session);
  ReadValue value;
  if (store.Get(guard, key.key(), &value)) std::memcpy(words.data(), value.bytes(), sizeof words);
  return words;
}

uint64_t ReadCounter(Store& store, Session& session, size_t thread) {
  return ReadWords<std::array<uint64_t, 1>>(store, session, CounterOf(thread))[0];
}

void SetWords(Store& store, Session& session, const OwnedKey& key, const uint64_t* words, size_t count) {
  const Status status = store.Set(session, key.key(), Value(ValueKind::kBigUint64Array, words, 8 * count));
  if (!status.ok()) std::_Exit(3);
}

// Each step looks at another thread's counter, makes a note of what it saw, and then counts itself: so a counter that
// is there proves its notes, and each note proves what was seen.
void Step(Store& store, Session& session, size_t thread, uint64_t step, Random& random) {
  const size_t seen_of = random.Below(kThreads);
  const Note note = {step, seen_of, ReadCounter(store, session, seen_of)};
  SetWords(store, session, NoteOf(thread, step), note.data(), note.size());
  SetWords(store, session, CounterOf(thread), &step, 1);
}

// No step, which are from 1.
constexpr uint64_t kIsOpen = 0;

void Tell(int pipe, uint64_t step) {
  if (::write(pipe, &step, sizeof step) != sizeof step) std::_Exit(4);
}

// What the child is killed in. Tells `pipe` when the store is open, and which steps of thread 0 are flushed.
[[noreturn]] void Write(const std::string& path, SyncPolicy policy, uint64_t stream, int pipe) {
  std::unique_ptr<Directory> directory;
  if (PosixDirectory::Open(path, PosixDirectory::IfMissing::kCreate, &directory)) std::_Exit(2);
  LogOptions options;
  options.policy = policy;
  options.interval_ns = 5'000'000;
  options.segment_bytes = 100'000;
  DurableStore durable(*directory, 64, options);
  if (!durable.status().ok()) std::_Exit(2);
  Tell(pipe, kIsOpen);
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      Random random(stream + thread);
      const OpenedSession session(durable.store());
      for (uint64_t step = ReadCounter(durable.store(), *session, thread) + 1;; ++step) {
        Step(durable.store(), *session, thread, step, random);
        if (thread != 0 || !random.OneIn(200)) continue;
        if (!durable.log().FlushSync().ok()) std::_Exit(4);
        Tell(pipe, step);
      }
    });
  }
  for (;;) {
    if (!durable.Compact().ok()) std::_Exit(5);
  }
}

class LogKillTest : public testing::TestWithParam<SyncPolicy> {
 protected:
  void TearDown() override { std::filesystem::remove_all(path_); }

  // Kills writers of one new directory below `parent`. Adds to `*grown` after how many more was there.
  // One store after the other, as each grows with its kills.
  void KillAgainAndAgain(const std::filesystem::path& parent, Random& random, size_t kills, size_t* grown) {
    for (size_t left = kills; left != 0 && !HasFatalFailure(); left -= std::min(left, kKillsOfAStore)) {
      KillOneStore(parent, random, std::min(left, kKillsOfAStore), grown);
    }
  }
  void KillOneStore(const std::filesystem::path& parent, Random& random, size_t kills, size_t* grown);

  // Returns the last step of thread 0 that was flushed. The child is killed while it opens the store, or else later.
  uint64_t RunAndKill(uint64_t stream, bool while_opening, useconds_t after_us) {
    int pipe[2];
    EXPECT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(pipe[0]);
      Write(path_, GetParam(), stream, pipe[1]);
    }
    ::close(pipe[1]);
    uint64_t flushed = kIsOpen;
    if (!while_opening) {
      EXPECT_EQ(::read(pipe[0], &flushed, sizeof flushed), sizeof flushed);
    }
    ::usleep(after_us);
    ::kill(child, SIGKILL);
    int how = 0;
    ::waitpid(child, &how, 0);
    EXPECT_TRUE(WIFSIGNALED(how)) << "the child ended by itself: " << how;
    while (::read(pipe[0], &flushed, sizeof flushed) == sizeof flushed) {
    }
    ::close(pipe[0]);
    return flushed;
  }

  // Returns the counter of thread 0.
  uint64_t ExpectPrefix() {
    std::unique_ptr<Directory> directory;
    EXPECT_FALSE(PosixDirectory::Open(path_, PosixDirectory::IfMissing::kFail, &directory));
    DurableStore durable(*directory, 16);
    EXPECT_TRUE(durable.status().ok()) << durable.status().message();
    if (!durable.status().ok()) return 0;
    const OpenedSession session(durable.store());
    for (size_t thread = 0; thread < kThreads; ++thread) {
      const uint64_t counter = ReadCounter(durable.store(), *session, thread);
      for (uint64_t step = counter < kRing ? 1 : counter - kRing + 2; step <= counter + 1; ++step) {
        const Note note = ReadWords<Note>(durable.store(), *session, NoteOf(thread, step));
        if (step == counter + 1 && note[0] != step) continue;  // counting came after the note
        EXPECT_EQ(note[0], step) << "thread " << thread << " counts " << counter << ", seed " << TestSeed();
        EXPECT_LE(note[2], ReadCounter(durable.store(), *session, note[1])) << "seed " << TestSeed();
      }
    }
    return ReadCounter(durable.store(), *session, 0);
  }

  std::string path_;
};

void LogKillTest::KillOneStore(const std::filesystem::path& parent, Random& random, size_t kills, size_t* grown) {
  path_ = (parent / "shardmap-kill-XXXXXX").string();
  ASSERT_NE(::mkdtemp(path_.data()), nullptr);
  uint64_t before = 0;
  for (size_t i = 0; i < kills; ++i) {
    const bool while_opening = random.OneIn(8);
    const size_t micros = random.Below(while_opening ? kOpeningMicrosMax : kWritingMicrosMax);
    const uint64_t flushed = RunAndKill(random.Word(), while_opening, static_cast<useconds_t>(micros));
    const uint64_t counter = ExpectPrefix();
    ASSERT_FALSE(HasFailure()) << "kill " << i;
    EXPECT_GE(counter, flushed) << "what was flushed is lost, seed " << TestSeed();
    EXPECT_GE(counter, before) << "seed " << TestSeed();
    if (counter > before) ++*grown;
    before = counter;
  }
  std::filesystem::remove_all(path_);
}

// What a killed process leaves is in the kernel's memory, whatever the medium is: most are killed where one syncs in no
// time, as there are a dozen syncs to a kill.
TEST_P(LogKillTest, WhatIsRecoveredIsAPrefixWithAllThatWasFlushed) {
  Random random;
  const std::filesystem::path disk = std::filesystem::temp_directory_path();
  const std::filesystem::path memory = "/dev/shm";
  const size_t on_disk = Scaled(67);
  const size_t in_memory = Scaled(600);
  size_t grown = 0;
  ASSERT_NO_FATAL_FAILURE(KillAgainAndAgain(disk, random, on_disk, &grown));
  const std::filesystem::path& other = std::filesystem::exists(memory) ? memory : disk;
  ASSERT_NO_FATAL_FAILURE(KillAgainAndAgain(other, random, in_memory, &grown));
  EXPECT_GE(grown, (on_disk + in_memory) / 20) << "killed before they have written anything: that proves nothing";
}

INSTANTIATE_TEST_SUITE_P(Policies, LogKillTest,
                         testing::Values(SyncPolicy::kAlways, SyncPolicy::kInterval, SyncPolicy::kNever));

}  // namespace
}  // namespace shardmap

#endif
