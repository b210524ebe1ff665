// Danger: a timer that is handed out before its time, late, twice, or never; one that is lost when another is taken out
// of its list or moved in memory.
#include "core/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "random_input.h"

namespace shardmap {
namespace {

constexpr uint64_t kTickNs = uint64_t{1} << TimerWheel::kTickShift;

// Timers by place, a wheel of them, and what the wheel must be the same as.
class TimerWheelTest : public testing::Test {
 protected:
  static constexpr size_t kPlaces = 4000;

  Place Add(uint64_t deadline_ns) {
    const Place place = TakePlace();
    timers_[place].deadline = Deadline::At(deadline_ns, false).word();
    wheel_.Add(place, now_ns_, at_);
    deadlines_[place] = deadline_ns;
    return place;
  }
  void Remove(Place place) {
    wheel_.Remove(timers_[place], at_);
    Forget(place);
  }
  // To another place in memory, as an entry is moved by compaction.
  void Move(Place place) {
    const Place to = TakePlace();
    timers_[to].deadline = timers_[place].deadline.load();
    timers_[to].next = timers_[place].next;
    timers_[to].previous = timers_[place].previous;
    wheel_.NoteMoved(to, at_);
    deadlines_[to] = deadlines_[place];
    Forget(place);
  }
  void PutOff(Place place, uint64_t deadline_ns) {
    timers_[place].deadline = Deadline::At(deadline_ns, false).word();
    deadlines_[place] = deadline_ns;
  }
  // Looks at `count` timers at most, as whoever expires entries does. Returns how many.
  size_t Work(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const bool is_due = wheel_.NextNanos() <= now_ns_;
      const Place place = wheel_.FirstDue(now_ns_);
      EXPECT_EQ(place != 0, is_due);
      if (place == 0) return i;
      EXPECT_EQ(deadlines_.count(place), 1u);
      EXPECT_EQ(wheel_.PlaceOf(timers_[place], at_), place);
      wheel_.Remove(timers_[place], at_);
      if (deadlines_[place] <= now_ns_) {
        Forget(place);
      } else {
        wheel_.Add(place, now_ns_, at_);
      }
    }
    return count;
  }
  // Nothing that has passed by a tick may be left, and no sleep may go beyond what comes next.
  void ExpectNothingLate() {
    uint64_t first_ns = kForever;
    for (const auto& [place, deadline_ns] : deadlines_) first_ns = std::min(first_ns, deadline_ns);
    if (first_ns == kForever) {
      EXPECT_EQ(wheel_.NextNanos(), kForever);
    } else {
      EXPECT_GT(first_ns + kTickNs, now_ns_);
      EXPECT_LE(wheel_.NextNanos(), std::max(first_ns, now_ns_) + kTickNs);
    }
    EXPECT_EQ(wheel_.size(), deadlines_.size());
  }
  std::optional<Place> Any() {
    if (deadlines_.empty()) return std::nullopt;
    const auto found = deadlines_.lower_bound(static_cast<Place>(random_.Below(kPlaces)));
    return found == deadlines_.end() ? deadlines_.begin()->first : found->first;
  }

  Random random_;
  uint64_t now_ns_ = 5 * kTickNs + 17;
  std::map<Place, uint64_t> deadlines_;

 private:
  Place TakePlace() {
    if (free_.empty()) {
      EXPECT_LT(used_, kPlaces);
      return used_++;
    }
    const size_t index = random_.Below(free_.size());
    std::swap(free_[index], free_.back());
    const Place place = free_.back();
    free_.pop_back();
    return place;
  }
  void Forget(Place place) {
    deadlines_.erase(place);
    free_.push_back(place);
  }

  std::vector<Place> free_;
  Place used_ = 1;

 protected:
  const std::unique_ptr<Timer[]> timers_ = std::make_unique<Timer[]>(kPlaces);
  const struct {
    Timer* timers;
    Timer& operator()(Place place) const { return timers[place]; }
  } at_{timers_.get()};
  TimerWheel wheel_{now_ns_};
};

TEST_F(TimerWheelTest, SleepsUntilTheFirstDeadlineHasPassedAndNotATickLonger) {
  for (const uint64_t delay_ns : {uint64_t{0}, uint64_t{1}, kTickNs, 15 * kTickNs, 16 * kTickNs, 17 * kTickNs,
                                  255 * kTickNs, 256 * kTickNs, 12345 * kTickNs, uint64_t{1} << 50, kTtlNanosMax}) {
    now_ns_ += 5000 * kTickNs;  // while there is nothing to wait for
    const uint64_t deadline_ns = now_ns_ + delay_ns;
    const Place place = Add(deadline_ns);
    size_t naps = 0;
    while (deadlines_.contains(place)) {
      const uint64_t next_ns = wheel_.NextNanos();
      ASSERT_GT(next_ns, now_ns_);
      ASSERT_LE(next_ns, deadline_ns + kTickNs);
      now_ns_ = next_ns;
      Work(SIZE_MAX);
      ASSERT_LE(++naps, 11u) << "one for each level";
    }
    EXPECT_GE(now_ns_, deadline_ns);
  }
}

TEST_F(TimerWheelTest, HandsOutWhatASlowWorkerLeftBehindWhileOthersAreAdded) {
  for (size_t i = 0; i < 500; ++i) Add(now_ns_ + 2000 * kTickNs + random_.Below(100 * kTickNs));
  now_ns_ += 3000 * kTickNs;
  for (size_t turn = 0; deadlines_.size() > 100; ++turn) {
    ASSERT_LT(turn, 10000u);
    Work(3);
    if (turn < 300) Add(now_ns_ + random_.Below(3 * kTickNs));
    now_ns_ += random_.Below(kTickNs / 50);
  }
  now_ns_ += 4 * kTickNs;
  Work(SIZE_MAX);
  EXPECT_TRUE(deadlines_.empty());
}

TEST_F(TimerWheelTest, IsTheSameAsAListOfDeadlinesWhateverHappensToTimers) {
  for (size_t step = 0; step < Scaled(300'000); ++step) {
    const std::optional<Place> any = Any();
    const uint64_t scale = uint64_t{1} << (10 + random_.Below(random_.OneIn(8) ? 48 : 22));
    switch (random_.Below(10)) {
      case 0:
      case 1:
      case 2:
        if (deadlines_.size() < kPlaces / 2) Add(now_ns_ + random_.Below(scale));
        break;
      case 3:
        if (any) Remove(*any);
        break;
      case 4:
        if (any) Move(*any);
        break;
      case 5:
        if (any) PutOff(*any, deadlines_[*any] + random_.Below(scale));
        break;
      case 6:
        now_ns_ += random_.Below(random_.OneIn(50) ? scale : 2 * kTickNs);
        break;
      case 7:
        Work(1 + random_.Below(5));
        break;
      default:
        if (!random_.OneIn(4)) break;
        Work(SIZE_MAX);
        ASSERT_NO_FATAL_FAILURE(ExpectNothingLate());
    }
    ASSERT_FALSE(HasFailure()) << "step " << step << ", seed " << TestSeed();
  }
}

}  // namespace
}  // namespace shardmap
