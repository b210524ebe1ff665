// Danger: a checker that cannot fail, or that finds fault with histories that are right. Here are bad ones of every
// kind that a broken store would make, good ones that look bad, and random ones made from an order and so right by
// construction, with and without one lie.
#include "linearizability/checker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "random_input.h"

namespace shardmap {
namespace {

History Parsed(const std::string& text) {
  const std::optional<History> history = ParseHistory(text);
  EXPECT_TRUE(history.has_value()) << text;
  return history.value_or(History());
}

std::string Printed(const History& history) {
  std::ostringstream out;
  for (const Operation& operation : history) out << operation << '\n';
  return out.str();
}

// The window that nothing explains, as text; empty if the history is linearizable.
std::string BadWindow(const std::string& text) {
  const std::optional<Violation> violation = FindViolation(Parsed(text));
  return violation.has_value() ? Printed(violation->window) : "";
}

// --- Text ------------------------------------------------------------------------------------------------------------

TEST(HistoryTest, IsReadAsItWasWritten) {
  const std::string text =
      "0 2 100 180 set 17\n1 2 150 170 get = 17\n1 2 190 200 delete = 1\n0 2 210 250 insert 18 = 0\n"
      "1 3 230 240 has = 0\n0 2 260 - clear\n1 2 270 - insert 19\n2 2 280 - get\n";
  EXPECT_EQ(Printed(Parsed(text)), text);
  EXPECT_EQ(Parsed("# a comment\n\n  0 0 1 2   get = 3\n").size(), 1u);
}

TEST(HistoryTest, OtherLinesAreRefused) {
  for (const char* line :
       {"0 0 1 2", "0 0 1 2 swap 3", "0 0 2 1 get = 3", "0 0 1 2 get 3", "0 0 1 2 set",
        "0 0 1 2 get =", "0 0 1 2 set 3 = 4", "x 0 1 2 clear", "0 0 1 - get = 3", "0 0 1 2 clear 3"}) {
    EXPECT_FALSE(ParseHistory(line).has_value()) << line;
  }
}

// --- Bad histories ---------------------------------------------------------------------------------------------------

TEST(CheckerTest, FindsAStaleRead) {
  EXPECT_EQ(BadWindow("0 0 10 20 set 1\n0 0 30 40 set 2\n1 0 50 60 get = 1\n"), "0 0 30 40 set 2\n1 0 50 60 get = 1\n");
}

TEST(CheckerTest, FindsAValueThatGoesBackwards) {
  EXPECT_EQ(BadWindow("0 0 10 20 set 1\n0 0 30 90 set 2\n1 0 40 50 get = 2\n1 0 60 70 get = 1\n"),
            "0 0 30 - set 2\n1 0 40 50 get = 2\n1 0 60 70 get = 1\n");
}

TEST(CheckerTest, FindsALostUpdate) {
  EXPECT_EQ(BadWindow("0 0 10 20 set 1\n1 0 30 40 set 2\n0 0 50 60 delete = 1\n1 0 70 80 insert 3 = 0\n"
                      "0 0 90 95 get = 2\n"),
            "1 0 70 80 insert 3 = 0\n0 0 90 95 get = 2\n");
}

TEST(CheckerTest, FindsADoubleSuccessOfInsert) {
  EXPECT_EQ(BadWindow("0 0 10 50 insert 1 = 0\n1 0 20 40 insert 2 = 0\n"),
            "0 0 10 50 insert 1 = 0\n1 0 20 40 insert 2 = 0\n");
}

TEST(CheckerTest, FindsADoubleSuccessOfDelete) {
  EXPECT_EQ(BadWindow("0 0 10 20 set 1\n0 0 30 60 delete = 1\n1 0 40 50 delete = 1\n"),
            "0 0 30 60 delete = 1\n1 0 40 50 delete = 1\n");
}

TEST(CheckerTest, FindsAnInsertThatLostAgainstNobody) {
  EXPECT_EQ(BadWindow("0 0 10 20 set 1\n0 0 30 40 delete = 1\n1 0 50 60 insert 2 = 1\n"),
            "0 0 30 40 delete = 1\n1 0 50 60 insert 2 = 1\n");
}

TEST(CheckerTest, FindsAValueThatWasNeverWritten) {
  EXPECT_EQ(BadWindow("0 0 10 20 set 1\n1 0 30 40 get = 7\n0 0 50 60 set 2\n"), "1 0 30 40 get = 7\n");
}

TEST(CheckerTest, FindsAValueOfAnotherKey) {
  EXPECT_EQ(BadWindow("0 5 10 20 set 1\n1 6 30 40 get = 1\n"), "1 6 30 40 get = 1\n");
}

TEST(CheckerTest, FindsAValueReadBeforeItWasWritten) {
  EXPECT_EQ(BadWindow("1 0 10 20 get = 1\n0 0 30 40 set 1\n"), "1 0 10 20 get = 1\n");
}

TEST(CheckerTest, FindsAValueThatRoseFromTheDead) {
  EXPECT_EQ(BadWindow("0 0 10 20 set 1\n0 0 30 40 delete = 1\n1 0 50 60 get = 1\n"),
            "0 0 30 40 delete = 1\n1 0 50 60 get = 1\n");
  EXPECT_EQ(BadWindow("0 0 10 20 set 1\n0 0 30 40 clear\n1 0 50 60 has = 1\n"), "0 0 30 40 clear\n1 0 50 60 has = 1\n");
}

TEST(CheckerTest, FindsAKeyThatWasMissed) {
  EXPECT_EQ(BadWindow("0 0 10 20 set 1\n1 0 30 40 get = 1\n0 0 35 90 set 2\n1 0 50 60 get = 0\n1 0 70 80 get = 2\n"),
            "1 0 30 40 get = 1\n0 0 35 - set 2\n1 0 50 60 get = 0\n");
  EXPECT_EQ(BadWindow("0 0 10 20 set 1\n1 0 30 40 has = 0\n"), "0 0 10 20 set 1\n1 0 30 40 has = 0\n");
}

TEST(CheckerTest, FindsReadersWhoSawTwoWritesInDifferentOrders) {
  EXPECT_NE(BadWindow("0 0 10 90 set 1\n1 0 10 90 set 2\n2 0 20 30 get = 1\n2 0 40 50 get = 2\n3 0 20 30 get = 2\n"
                      "3 0 40 50 get = 1\n"),
            "");
}

TEST(CheckerTest, FindsTheEndOfAWriteThatSomeoneSawPending) {
  EXPECT_NE(BadWindow("0 0 10 - set 1\n1 0 20 30 get = 1\n1 0 40 50 get = 0\n"), "");
}

TEST(CheckerTest, LeavesOutWhatDoesNotMatter) {
  std::string before;
  std::string reads;
  for (int i = 0; i < 2000; ++i) before += "0 0 " + std::to_string(i) + " " + std::to_string(i) + " set 1\n";
  for (int i = 0; i < 50; ++i) reads += "1 0 3200 33" + std::to_string(10 + i) + " get = 2\n";
  EXPECT_EQ(BadWindow(before + "0 0 3000 3100 set 2\n" + reads + "1 0 3400 3500 get = 1\n0 0 3600 3700 set 3\n"),
            "1 0 3200 3359 get = 2\n1 0 3400 3500 get = 1\n");
}

// --- Good histories --------------------------------------------------------------------------------------------------

TEST(CheckerTest, AcceptsWhatSomeOrderExplains) {
  for (const char* text : {
           "",
           "0 0 10 20 get = 0\n",
           // Calls that overlap take effect in either order.
           "0 0 10 30 set 1\n1 0 20 40 set 2\n2 0 50 60 get = 1\n",
           "0 0 10 30 set 1\n1 0 20 40 set 2\n2 0 50 60 get = 2\n",
           // At the same nanosecond, too.
           "0 0 10 20 set 1\n1 0 20 30 get = 0\n",
           // One sees a write that has not returned, another, later called, does not yet see it: they overlap.
           "0 0 10 90 set 1\n1 0 20 60 get = 1\n2 0 30 50 get = 0\n",
           // The winner of two insertions returns last.
           "0 0 10 90 insert 1 = 0\n1 0 20 30 insert 2 = 1\n",
           // Deleted and inserted again while someone looks: absent, or either value.
           "0 0 1 2 set 1\n0 0 10 20 delete = 1\n0 0 30 40 insert 2 = 0\n1 0 5 50 get = 0\n2 0 5 50 get = 1\n3 0 5 50 "
           "get = 2\n",
           // A clear hits a key at any one moment of it, which may be before another's insertion within.
           "0 0 10 90 clear\n1 0 20 30 insert 1 = 0\n1 0 40 50 has = 1\n1 0 95 99 get = 1\n",
           // The first that comes to mind is wrong: 2 must go before 1.
           "0 0 10 40 set 1\n1 0 10 40 set 2\n2 0 10 40 delete = 1\n2 0 50 60 get = 1\n",
           // What would change nothing now is needed later.
           "0 0 10 20 get = 0\n1 0 10 30 clear\n2 0 15 40 insert 1 = 0\n2 0 50 60 get = 0\n",
           // Pending: happened long after, or never.
           "0 0 10 - set 1\n1 0 20 30 get = 0\n1 0 40 50 get = 1\n",
           "0 0 10 - set 1\n1 0 20 30 get = 0\n1 0 40 50 insert 2 = 0\n1 0 60 70 get = 2\n",
           "0 0 10 - delete\n1 0 20 30 set 1\n1 0 40 50 get = 1\n1 0 60 70 get = 0\n",
           "0 0 10 - insert 9\n1 0 20 30 set 1\n1 0 40 50 delete = 1\n1 0 60 70 get = 9\n",
       }) {
    EXPECT_EQ(BadWindow(text), "") << text;
  }
}

TEST(CheckerTest, KeysAreIndependent) {
  EXPECT_EQ(BadWindow("0 0 10 20 set 1\n0 1 10 20 set 2\n1 0 30 40 get = 1\n1 1 30 40 get = 2\n1 2 30 40 get = 0\n"),
            "");
}

// --- Random histories ------------------------------------------------------------------------------------------------

// Makes operations happen one after another, each inside an interval of random length, and so a history that is right.
class RandomHistory {
 public:
  RandomHistory(uint64_t stream, size_t threads) : random_(stream), busy_until_ns_(threads) {}

  History Make(size_t operations) {
    History history;
    for (size_t i = 0; i < operations; ++i) history.push_back(Next());
    return history;
  }

 private:
  Operation Next() {
    const size_t thread = random_.Below(busy_until_ns_.size());
    now_ns_ = std::max(now_ns_, busy_until_ns_[thread] + 1) + random_.Below(20);
    const uint64_t called_before_ns = std::min<uint64_t>(random_.Below(60), now_ns_ - busy_until_ns_[thread] - 1);
    busy_until_ns_[thread] = now_ns_ + random_.Below(60);
    Operation operation{static_cast<Operation::Kind>(random_.Below(Operation::kKinds)),
                        static_cast<uint32_t>(thread),
                        0,
                        now_ns_ - called_before_ns,
                        busy_until_ns_[thread],
                        ++last_value_,
                        state_,
                        random_.OneIn(2) ? state_ : last_value_ - 1};
    Happen(&operation);
    if (random_.OneIn(1000)) operation.returned_ns = Operation::kPending;
    return operation;
  }

  void Happen(Operation* operation) {
    using Kind = Operation::Kind;
    const Kind kind = operation->kind;
    const bool was_present = state_ != Operation::kAbsent;
    const bool was_expected = state_ == operation->expected;
    if (kind == Kind::kHas || kind == Kind::kDelete) operation->result = was_present;
    if (kind == Kind::kReplace) operation->result = was_expected;
    if (kind == Kind::kRemove) operation->result = was_present && was_expected;
    state_ = StateAfter(state_, *operation, was_present, was_expected);
  }

  static uint64_t StateAfter(uint64_t state, const Operation& operation, bool was_present, bool was_expected) {
    using Kind = Operation::Kind;
    switch (operation.kind) {
      case Kind::kDelete:
      case Kind::kClear:
      case Kind::kTake:
        return Operation::kAbsent;
      case Kind::kSet:
      case Kind::kExchange:
        return operation.argument;
      case Kind::kInsert:
        return was_present ? state : operation.argument;
      case Kind::kReplace:
        return was_expected ? operation.argument : state;
      case Kind::kRemove:
        return was_expected ? Operation::kAbsent : state;
      default:
        return state;
    }
  }

  Random random_;
  std::vector<uint64_t> busy_until_ns_;
  uint64_t now_ns_ = 0;
  uint64_t last_value_ = 0;
  uint64_t state_ = Operation::kAbsent;
};

TEST(CheckerTest, AcceptsWhateverHappenedInSomeOrder) {
  for (uint64_t i = 0; i < Scaled(300); ++i) {
    const std::optional<Violation> violation = FindViolation(RandomHistory(i, 2 + i % 4).Make(1000));
    ASSERT_FALSE(violation.has_value()) << "history " << i << ": " << *violation;
  }
}

// A get that tells of a value that had long gone, or was yet to come, in the middle of a right history.
TEST(CheckerTest, FindsOneLieInALongHistory) {
  // What is pending tells nothing, so it cannot lie.
  const auto is_set = [](const Operation& operation) {
    return operation.kind == Operation::Kind::kSet && !operation.is_pending();
  };
  const auto is_get = [](const Operation& operation) {
    return operation.kind == Operation::Kind::kGet && !operation.is_pending();
  };
  for (uint64_t i = 0; i < Scaled(300); ++i) {
    History history = RandomHistory(i, 2 + i % 4).Make(1000);
    const uint64_t early_value = std::find_if(history.begin(), history.end(), is_set)->argument;
    const uint64_t late_value = std::find_if(history.rbegin(), history.rend(), is_set)->argument;
    const auto liar = std::find_if(history.begin() + 500, history.end(), is_get);
    ASSERT_NE(liar, history.end());
    liar->result = i % 2 == 0 ? early_value : late_value;
    const std::optional<Violation> violation = FindViolation(history);
    ASSERT_TRUE(violation.has_value()) << "history " << i;
    EXPECT_LE(violation->window.size(), 20u) << "history " << i << ": " << *violation;
    EXPECT_TRUE(FindViolation(violation->window).has_value()) << "history " << i << ": " << *violation;
  }
}

// Whether some order of the operations not in `done`, a set of bits, explains their results. Tries every one.
bool SomeOrderExplains(const History& history, uint64_t done, uint64_t state) {
  using Kind = Operation::Kind;
  bool all_returned_are_done = true;
  uint64_t first_return_ns = Operation::kPending;
  for (size_t i = 0; i < history.size(); ++i) {
    if ((done >> i & 1) != 0) continue;
    first_return_ns = std::min(first_return_ns, history[i].returned_ns);
    all_returned_are_done &= history[i].is_pending();
  }
  if (all_returned_are_done) return true;
  for (size_t i = 0; i < history.size(); ++i) {
    const auto& [kind, thread, key, invoked_ns, returned_ns, argument, result, expected] = history[i];
    if ((done >> i & 1) != 0 || invoked_ns > first_return_ns) continue;
    const bool has_returned = !history[i].is_pending();
    const bool compares = kind == Kind::kReplace || kind == Kind::kRemove;
    const bool is_met = compares ? state == expected && (kind == Kind::kReplace || state != 0) : state != 0;
    if (history[i].tells_value() && has_returned && result != state) continue;
    if (history[i].tells_outcome() && has_returned && result != (is_met ? 1 : 0)) continue;
    uint64_t after = state;
    if (kind == Kind::kSet || kind == Kind::kExchange || (kind == Kind::kInsert && state == 0)) after = argument;
    if (kind == Kind::kDelete || kind == Kind::kClear || kind == Kind::kTake) after = 0;
    if (compares && is_met) after = kind == Kind::kReplace ? argument : 0;
    if (SomeOrderExplains(history, done | uint64_t{1} << i, after)) return true;
  }
  return false;
}

TEST(CheckerTest, AgreesWithTryingEveryOrder) {
  Random random;
  size_t explained = 0;
  const size_t count = Scaled(100000);
  for (uint64_t i = 0; i < count; ++i) {
    History history;
    for (size_t size = 1 + random.Below(7); history.size() < size;) {
      const auto kind = static_cast<Operation::Kind>(random.Below(Operation::kKinds));
      const uint64_t invoked_ns = random.Below(20);
      const uint64_t returned_ns = random.OneIn(8) ? Operation::kPending : invoked_ns + random.Below(8);
      Operation operation{kind, 0, 0, invoked_ns, returned_ns, history.size() + 1, 0, random.Below(size + 1)};
      if (!random.OneIn(3)) operation.result = random.Below(operation.tells_outcome() ? 2 : size + 1);
      history.push_back(operation);
    }
    const bool is_explained = SomeOrderExplains(history, 0, Operation::kAbsent);
    ASSERT_EQ(!FindViolation(history).has_value(), is_explained) << Printed(history);
    explained += is_explained ? 1 : 0;
  }
  EXPECT_GT(explained, count / 10);
  EXPECT_LT(explained, count - count / 10);
}

// Values of all that overlap with one slow writer are tried in every order, once each.
TEST(CheckerTest, ManyOperationsDuringASlowOneTakeNoTimeToSpeakOf) {
  History history;
  history.push_back({Operation::Kind::kSet, 0, 0, 1, 1'000'000, 1'000'000, 0});
  history.push_back({Operation::Kind::kDelete, 1, 0, 2, 1'000'000, 0, 1});
  history.push_back({Operation::Kind::kClear, 2, 0, 3, 1'000'000, 0, 0});
  for (uint64_t i = 0; i < 20000; ++i) history.push_back({Operation::Kind::kSet, 3, 0, 10 + i, 10 + i, 1 + i, 0});
  history.push_back({Operation::Kind::kGet, 0, 0, 1'000'001, 1'000'002, 0, 1'000'000});
  EXPECT_FALSE(FindViolation(history).has_value());
  history.back().result = 5;
  EXPECT_TRUE(FindViolation(history).has_value());
}

}  // namespace
}  // namespace shardmap
