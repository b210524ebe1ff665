// Danger: of two threads that add to the structures at once, one loses what it added and does not learn of it.
#include "core/structures.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace shardmap {
namespace {

TEST(StructuresTest, AreEmptyAtFirst) { EXPECT_EQ(Structures().Load(), std::nullopt); }

TEST(StructuresTest, AreReplacedByWhoKnowsThem) {
  Structures structures;
  EXPECT_TRUE(structures.Save(std::nullopt, "a"));
  EXPECT_TRUE(structures.Save("a", "a,b"));
  EXPECT_EQ(structures.Load(), "a,b");
}

TEST(StructuresTest, AreNotReplacedByWhoDoesNot) {
  Structures structures;
  EXPECT_FALSE(structures.Save("", "a"));
  EXPECT_TRUE(structures.Save(std::nullopt, "a"));
  EXPECT_FALSE(structures.Save(std::nullopt, "b"));
  EXPECT_FALSE(structures.Save("b", "b"));
  EXPECT_EQ(structures.Load(), "a");
}

TEST(StructuresTest, LoseNothingOfManyThreads) {
  constexpr int kThreads = 4;
  constexpr size_t kEach = 500;
  Structures structures;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&structures, name = static_cast<char>('a' + thread)] {
      for (size_t added = 0; added < kEach;) {
        const std::optional<std::string> known = structures.Load();
        if (structures.Save(known, known.value_or("") + name)) ++added;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(structures.Load()->size(), kThreads * kEach);
}

}  // namespace
}  // namespace shardmap
