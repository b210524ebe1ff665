// Danger: of two threads that add to the structures at once, one loses what it added and does not learn of it.
#include "core/structures.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace shardmap {
namespace {

class StructuresTest : public testing::Test {
 protected:
  SessionList sessions_;
  Session* const session_ = sessions_.Open();
};

TEST_F(StructuresTest, AreEmptyAtFirst) { EXPECT_EQ(Structures().Load(), std::nullopt); }

TEST_F(StructuresTest, AreReplacedByWhoKnowsThem) {
  Structures structures;
  EXPECT_TRUE(structures.Save(*session_, std::nullopt, "a"));
  EXPECT_TRUE(structures.Save(*session_, "a", "a,b"));
  EXPECT_EQ(structures.Load(), "a,b");
}

TEST_F(StructuresTest, AreNotReplacedByWhoDoesNot) {
  Structures structures;
  EXPECT_FALSE(structures.Save(*session_, "", "a"));
  EXPECT_TRUE(structures.Save(*session_, std::nullopt, "a"));
  EXPECT_FALSE(structures.Save(*session_, std::nullopt, "b"));
  EXPECT_FALSE(structures.Save(*session_, "b", "b"));
  EXPECT_EQ(structures.Load(), "a");
}

TEST_F(StructuresTest, AreRestoredWhateverTheyWere) {
  Structures structures;
  structures.Restore("a");
  EXPECT_TRUE(structures.Save(*session_, "a", "a,b"));
  structures.Restore("c");
  EXPECT_EQ(structures.Load(), "c");
}

TEST_F(StructuresTest, LoseNothingOfManyThreads) {
  constexpr int kThreads = 4;
  constexpr size_t kEach = 500;
  Structures structures;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&structures, session = sessions_.Open(), name = static_cast<char>('a' + thread)] {
      for (size_t added = 0; added < kEach;) {
        const std::optional<std::string> known = structures.Load();
        if (structures.Save(*session, known, known.value_or("") + name)) ++added;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(structures.Load()->size(), kThreads * kEach);
}

}  // namespace
}  // namespace shardmap
