// Has a store's shards split again and again while it lives, from a thread of its own; some of it is abandoned halfway.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "core/resharding.h"
#include "core/store.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {

class ReshardingThread {
 public:
  // Until there are `shards_max`.
  ReshardingThread(Store& store, size_t shards_max)
      : store_(store), shards_max_(shards_max), thread_([this] { Run(); }) {}
  ~ReshardingThread() {
    is_over_ = true;
    thread_.join();
  }
  ReshardingThread(const ReshardingThread&) = delete;
  ReshardingThread& operator=(const ReshardingThread&) = delete;

 private:
  void Run() {
    const OpenedSession session(store_);
    Random random(store_.shards() << 20);
    while (!is_over_ && store_.shards() < shards_max_) {
      Resharding resharding(store_, *session, store_.shards() * 2);
      const size_t steps = random.OneIn(3) ? SIZE_MAX : random.Below(100);
      for (size_t step = 0; step < steps && !is_over_; ++step) {
        if (resharding.Step().value()) break;
        if (random.OneIn(4)) std::this_thread::yield();
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random.Below(3000)));
    }
  }

  Store& store_;
  const size_t shards_max_;
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

}  // namespace shardmap
