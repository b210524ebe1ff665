// Decides whether a history is linearizable: whether each of its operations may have happened at one instant between
// call and return, so that every result follows from those before it (M. Herlihy and J. Wing, "Linearizability: a
// correctness condition for concurrent objects", 1990).
//
// Keys are independent, so each is checked by itself, from absent. The search for an order is that of J. Wing and
// C. Gong ("Testing and verifying concurrent objects", 1993) as improved by G. Lowe ("Testing for linearizability",
// 2017): it never visits the same set of operations with the same state twice.
#pragma once

#include <iosfwd>
#include <optional>

#include "linearizability/history.h"

namespace shardmap {

// Why a history is not linearizable: operations on one key, by time of their calls, of which no order explains the
// results, whatever came before. It is the shortest such window before the first return that nothing explains; reads
// that it does without are left out, and writes of which only a part lies inside are pending.
struct Violation {
  History window;
};

// Nothing if the history is linearizable.
std::optional<Violation> FindViolation(const History& history);

std::ostream& operator<<(std::ostream& out, const Violation& violation);

}  // namespace shardmap
