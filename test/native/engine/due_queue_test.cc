// Danger: the queue names another than the first, loses one, or lets one that is due with others never come.
#include "engine/due_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "random_input.h"

namespace shardmap {
namespace {

DueQueue QueueFor(size_t things) {
  DueQueue queue;
  queue.Grow(things);
  return queue;
}

std::vector<size_t> TakeAll(DueQueue* queue) {
  std::vector<size_t> taken;
  while (!queue->empty()) {
    taken.push_back(queue->first());
    queue->Remove(queue->first());
  }
  return taken;
}

TEST(DueQueueTest, AnEmptyOneIsDueNever) {
  DueQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.first_due_ns(), kForever);
  queue.Grow(3);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.due_ns(2), kForever);
}

TEST(DueQueueTest, WhatIsDueFirstComesFirst) {
  DueQueue queue = QueueFor(5);
  for (const auto& [thing, due] : {std::pair(0, 30), {1, 10}, {2, 50}, {3, 20}, {4, 40}}) queue.Put(thing, due);
  EXPECT_EQ(queue.first_due_ns(), 10u);
  EXPECT_EQ(TakeAll(&queue), (std::vector<size_t>{1, 3, 0, 4, 2}));
}

TEST(DueQueueTest, OfThoseDueTogetherWhoWasPutFirstComesFirst) {
  DueQueue queue = QueueFor(5);
  for (size_t thing : {3, 1, 4, 0, 2}) queue.Put(thing, 7);
  EXPECT_EQ(TakeAll(&queue), (std::vector<size_t>{3, 1, 4, 0, 2}));
}

TEST(DueQueueTest, WhoIsPutAgainGoesToTheEndOfThoseDueTogether) {
  DueQueue queue = QueueFor(3);
  for (size_t thing : {0, 1, 2}) queue.Put(thing, 7);
  queue.Put(0, 7);
  EXPECT_EQ(TakeAll(&queue), (std::vector<size_t>{1, 2, 0}));
}

TEST(DueQueueTest, RemovingWhatIsNotThereDoesNothing) {
  DueQueue queue = QueueFor(3);
  queue.Put(1, 5);
  queue.Remove(2);
  EXPECT_EQ(TakeAll(&queue), (std::vector<size_t>{1}));
}

TEST(DueQueueTest, GrowsWithWhatIsInIt) {
  DueQueue queue = QueueFor(1);
  queue.Put(0, 9);
  queue.Grow(100);
  queue.Put(99, 3);
  EXPECT_EQ(queue.due_ns(0), 9u);
  EXPECT_EQ(TakeAll(&queue), (std::vector<size_t>{99, 0}));
}

// The model: who is due when, and since which step.
TEST(DueQueueTest, IsWhatASortedListWouldBe) {
  constexpr size_t kThings = 50;
  Random random;
  DueQueue queue = QueueFor(kThings);
  std::map<std::pair<uint64_t, size_t>, size_t> order;
  std::vector<std::pair<uint64_t, size_t>> places(kThings, {kForever, 0});
  for (size_t step = 0; step < Scaled(200000); ++step) {
    const size_t thing = random.Below(kThings);
    order.erase(places[thing]);
    if (random.OneIn(3)) {
      queue.Remove(thing);
      places[thing] = {kForever, 0};
    } else {
      const uint64_t due = random.Below(20);
      queue.Put(thing, due);
      places[thing] = {due, step};
      order[places[thing]] = thing;
    }
    ASSERT_EQ(queue.due_ns(thing), places[thing].first);
    ASSERT_EQ(queue.empty(), order.empty());
    if (order.empty()) continue;
    ASSERT_EQ(queue.first(), order.begin()->second) << "step " << step << ", seed " << TestSeed();
    ASSERT_EQ(queue.first_due_ns(), order.begin()->first.first);
  }
}

}  // namespace
}  // namespace shardmap
