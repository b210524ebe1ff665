#include "linearizability/search.h"

#include <algorithm>
#include <numeric>

namespace shardmap {
namespace {

using Kind = Operation::Kind;

bool IsMet(uint64_t state, const Operation& operation) {
  switch (operation.kind) {
    case Kind::kReplace:
      return state == operation.expected;
    case Kind::kRemove:
      return state == operation.expected && state != Operation::kAbsent;
    default:
      return state != Operation::kAbsent;
  }
}

// Whether the operation's result is what a key in this state gives.
bool Explains(uint64_t state, const Operation& operation) {
  if (operation.is_pending()) return true;
  if (operation.tells_value()) return operation.result == state;
  if (operation.tells_outcome()) return (operation.result != 0) == IsMet(state, operation);
  return true;
}

uint64_t StateAfter(uint64_t state, const Operation& operation) {
  switch (operation.kind) {
    case Kind::kGet:
    case Kind::kHas:
      return state;
    case Kind::kSet:
    case Kind::kExchange:
      return operation.argument;
    case Kind::kInsert:
      return state == Operation::kAbsent ? operation.argument : state;
    case Kind::kDelete:
    case Kind::kClear:
    case Kind::kTake:
      return Operation::kAbsent;
    case Kind::kReplace:
      return IsMet(state, operation) ? operation.argument : state;
    case Kind::kRemove:
      return IsMet(state, operation) ? Operation::kAbsent : state;
  }
  return state;
}

// Whether the operation's result says that it left everything as it was.
bool ChangedNothing(const Operation& operation) {
  if (operation.is_read()) return true;
  if (operation.is_pending()) return false;
  if (operation.kind == Kind::kInsert) return operation.result != Operation::kAbsent;
  return (operation.tells_outcome() || operation.kind == Kind::kTake) && operation.result == 0;
}

}  // namespace

LinearizationSearch::LinearizationSearch(const History& operations, uint64_t state)
    : operations_(operations), state_(state) {
  AssignLanes();
  LinkEvents();
}

void LinearizationSearch::AssignLanes() {
  std::vector<size_t> by_call(operations_.size());
  std::iota(by_call.begin(), by_call.end(), size_t{0});
  std::sort(by_call.begin(), by_call.end(),
            [this](size_t a, size_t b) { return operations_[a].invoked_ns < operations_[b].invoked_ns; });
  lane_of_.resize(operations_.size());
  std::vector<uint64_t> lane_ends_ns;
  for (const size_t operation : by_call) {
    const auto lane = std::find_if(lane_ends_ns.begin(), lane_ends_ns.end(),
                                   [&](uint64_t end_ns) { return end_ns < operations_[operation].invoked_ns; });
    lane_of_[operation] = static_cast<size_t>(lane - lane_ends_ns.begin());
    if (lane == lane_ends_ns.end()) lane_ends_ns.push_back(0);
    lane_ends_ns[lane_of_[operation]] = operations_[operation].returned_ns;
  }
  done_.resize(lane_ends_ns.size());
}

void LinearizationSearch::LinkEvents() {
  events_.push_back({0, 0, false});
  for (size_t i = 0; i < operations_.size(); ++i) {
    events_.push_back({i, operations_[i].invoked_ns, false});
    if (operations_[i].is_pending()) continue;
    events_.push_back({i, operations_[i].returned_ns, true});
    ++returns_left_;
  }
  // At the same time, a call comes before a return: the two overlap.
  std::sort(events_.begin() + 1, events_.end(), [](const Event& a, const Event& b) {
    return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.is_return < b.is_return;
  });
  call_of_.resize(operations_.size());
  return_of_.resize(operations_.size());
  for (size_t event = 0; event < events_.size(); ++event) {
    events_[event].previous = event == 0 ? events_.size() - 1 : event - 1;
    events_[event].next = event + 1 == events_.size() ? 0 : event + 1;
    if (event != 0) (events_[event].is_return ? return_of_ : call_of_)[events_[event].operation] = event;
  }
}

void LinearizationSearch::Unlink(size_t event) {
  events_[events_[event].previous].next = events_[event].next;
  events_[events_[event].next].previous = events_[event].previous;
}

void LinearizationSearch::Relink(size_t event) {
  events_[events_[event].previous].next = event;
  events_[events_[event].next].previous = event;
}

std::u32string LinearizationSearch::Configuration(uint64_t state) const {
  std::u32string configuration = done_;
  configuration.push_back(static_cast<char32_t>(state >> 32));
  configuration.push_back(static_cast<char32_t>(state));
  return configuration;
}

bool LinearizationSearch::TryNext(size_t operation) {
  const Operation& next = operations_[operation];
  if (!Explains(state_, next)) return false;
  const uint64_t after = StateAfter(state_, next);
  if (after == state_ && next.is_pending()) return false;  // it may still have an effect later
  ++done_[lane_of_[operation]];
  if (!ChangedNothing(next) && !visited_.insert(Configuration(after)).second) {
    --done_[lane_of_[operation]];
    return false;
  }
  steps_.push_back({operation, state_});
  state_ = after;
  Unlink(call_of_[operation]);
  if (next.is_pending()) return true;
  Unlink(return_of_[operation]);
  --returns_left_;
  return true;
}

size_t LinearizationSearch::Backtrack() {
  while (!steps_.empty()) {
    const auto [operation, state_before] = steps_.back();
    steps_.pop_back();
    if (return_of_[operation] != 0) {
      Relink(return_of_[operation]);
      ++returns_left_;
    }
    Relink(call_of_[operation]);
    --done_[lane_of_[operation]];
    state_ = state_before;
    if (!ChangedNothing(operations_[operation])) return events_[call_of_[operation]].next;
  }
  return 0;
}

bool LinearizationSearch::Run() {
  size_t event = events_[0].next;
  while (returns_left_ != 0) {
    if (!events_[event].is_return) {
      event = TryNext(events_[event].operation) ? events_[0].next : events_[event].next;
      continue;
    }
    // Its operation has not happened yet: some choice was wrong.
    unexplained_return_ns_ = std::max(unexplained_return_ns_, events_[event].time_ns);
    event = Backtrack();
    if (event == 0) return false;
  }
  return true;
}

}  // namespace shardmap
