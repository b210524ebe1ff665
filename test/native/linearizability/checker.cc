#include "linearizability/checker.h"

#include <algorithm>
#include <functional>
#include <map>
#include <ostream>
#include <set>

#include "linearizability/search.h"

namespace shardmap {
namespace {

// What a value is called that no result names.
constexpr uint64_t kOtherValue = UINT64_MAX;

bool IsExplained(const History& operations, uint64_t state) { return LinearizationSearch(operations, state).Run(); }

// What a reader knows who has seen the operations up to a moment: those that go on are pending.
History CutAfter(const History& operations, uint64_t end_ns) {
  History cut;
  for (Operation operation : operations) {
    if (operation.invoked_ns > end_ns) continue;
    if (operation.returned_ns > end_ns) operation.returned_ns = Operation::kPending;
    if (!operation.is_pending() || !operation.is_read()) cut.push_back(operation);
  }
  return cut;
}

// What is left if what returned before a moment is forgotten: of what was called before it and goes on, nobody knows
// whether it has happened.
History CutBefore(const History& operations, uint64_t begin_ns) {
  History cut;
  for (Operation operation : operations) {
    if (operation.returned_ns < begin_ns) continue;
    if (operation.invoked_ns < begin_ns) operation.returned_ns = Operation::kPending;
    if (!operation.is_pending() || !operation.is_read()) cut.push_back(operation);
  }
  return cut;
}

// The states that a key may have been in when the window began, as far as its results can tell them apart.
std::set<uint64_t> StatesBefore(const History& operations, uint64_t begin_ns, const History& window) {
  std::set<uint64_t> results;
  for (const Operation& operation : window) results.insert(operation.result);
  std::set<uint64_t> states = {Operation::kAbsent};
  for (const Operation& operation : operations) {
    if (!operation.is_write_of_value() || operation.invoked_ns >= begin_ns) continue;
    states.insert(results.contains(operation.argument) ? operation.argument : kOtherValue);
  }
  return states;
}

bool IsExplainedFrom(const std::set<uint64_t>& states, const History& window) {
  return std::any_of(states.begin(), states.end(), [&](uint64_t state) { return IsExplained(window, state); });
}

// The latest call after which the operations, which nothing explains, are still explained by nothing that was before.
// To forget more explains more, so bisection finds it.
uint64_t LatestBegin(const History& operations) {
  std::vector<uint64_t> calls_ns;
  for (const Operation& operation : operations) calls_ns.push_back(operation.invoked_ns);
  std::sort(calls_ns.begin(), calls_ns.end(), std::greater<>());
  const auto is_too_late = [&](uint64_t begin_ns) {
    const History window = CutBefore(operations, begin_ns);
    return IsExplainedFrom(StatesBefore(operations, begin_ns, window), window);
  };
  // Windows are short, so look at short ones first.
  size_t length = 1;
  while (length < calls_ns.size() && is_too_late(calls_ns[length - 1])) length *= 2;
  const auto from = calls_ns.begin() + static_cast<std::ptrdiff_t>(length / 2);
  const auto to = calls_ns.begin() + static_cast<std::ptrdiff_t>(std::min(length, calls_ns.size()));
  const auto begin = std::partition_point(from, to, is_too_late);
  return begin == calls_ns.end() ? 0 : *begin;
}

History WithoutNeedlessReads(History window, const std::set<uint64_t>& states) {
  for (size_t i = 0; i < window.size();) {
    History without = window;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
    if (window[i].is_read() && !IsExplainedFrom(states, without)) {
      window = without;
    } else {
      ++i;
    }
  }
  return window;
}

std::optional<Violation> FindViolationOfKey(const History& operations) {
  LinearizationSearch search(operations, Operation::kAbsent);
  if (search.Run()) return std::nullopt;
  const History beginning = CutAfter(operations, search.unexplained_return_ns());
  const uint64_t begin_ns = LatestBegin(beginning);
  const History window = CutBefore(beginning, begin_ns);
  Violation violation{WithoutNeedlessReads(window, StatesBefore(beginning, begin_ns, window))};
  std::sort(violation.window.begin(), violation.window.end(),
            [](const Operation& a, const Operation& b) { return a.invoked_ns < b.invoked_ns; });
  return violation;
}

}  // namespace

std::optional<Violation> FindViolation(const History& history) {
  std::map<uint64_t, History> by_key;
  for (const Operation& operation : history) {
    if (!operation.is_pending() || !operation.is_read()) by_key[operation.key].push_back(operation);
  }
  for (const auto& [key, operations] : by_key) {
    if (std::optional<Violation> violation = FindViolationOfKey(operations)) return violation;
  }
  return std::nullopt;
}

std::ostream& operator<<(std::ostream& out, const Violation& violation) {
  out << "No order explains these (thread key invoked_ns returned_ns name [argument] [= result]; 0: absent):\n";
  for (const Operation& operation : violation.window) out << "  " << operation << '\n';
  return out;
}

}  // namespace shardmap
