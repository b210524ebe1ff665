#include "linearizability/history.h"

#include <iterator>
#include <ostream>
#include <sstream>
#include <string_view>

namespace shardmap {
namespace {

using Kind = Operation::Kind;

struct Form {
  Kind kind;
  std::string_view name;
  bool has_expected;
  bool has_argument;
  bool has_result;
};

constexpr Form kForms[] = {
    {Kind::kGet, "get", false, false, true},          {Kind::kHas, "has", false, false, true},
    {Kind::kSet, "set", false, true, false},          {Kind::kInsert, "insert", false, true, true},
    {Kind::kDelete, "delete", false, false, true},    {Kind::kClear, "clear", false, false, false},
    {Kind::kExchange, "exchange", false, true, true}, {Kind::kTake, "take", false, false, true},
    {Kind::kReplace, "replace", true, true, true},    {Kind::kRemove, "remove", true, false, true},
};
static_assert(std::size(kForms) == Operation::kKinds);

const Form* FormNamed(std::string_view name) {
  for (const Form& form : kForms) {
    if (form.name == name) return &form;
  }
  return nullptr;
}

// A time, or `-`.
bool ParseReturn(std::istream& in, uint64_t* returned_ns) {
  if ((in >> std::ws).peek() != '-') return static_cast<bool>(in >> *returned_ns);
  in.get();
  *returned_ns = Operation::kPending;
  return true;
}

bool ParseOperation(std::istream& in, Operation* operation) {
  std::string name;
  if (!(in >> operation->thread >> operation->key >> operation->invoked_ns)) return false;
  if (!ParseReturn(in, &operation->returned_ns) || !(in >> name)) return false;
  const Form* form = FormNamed(name);
  if (form == nullptr || operation->returned_ns < operation->invoked_ns) return false;
  operation->kind = form->kind;
  if (form->has_expected && !(in >> operation->expected)) return false;
  if (form->has_argument && !(in >> operation->argument)) return false;
  char equals = '=';
  if (form->has_result && !operation->is_pending() && !(in >> equals >> operation->result)) return false;
  return equals == '=' && (in >> std::ws).eof();
}

}  // namespace

std::optional<History> ParseHistory(const std::string& text) {
  History history;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    const int first = (in >> std::ws).peek();
    if (first == std::char_traits<char>::eof() || first == '#') continue;
    Operation operation{};
    if (!ParseOperation(in, &operation)) return std::nullopt;
    history.push_back(operation);
  }
  return history;
}

std::ostream& operator<<(std::ostream& out, const Operation& operation) {
  const Form& form = kForms[static_cast<size_t>(operation.kind)];
  out << operation.thread << ' ' << operation.key << ' ' << operation.invoked_ns << ' ';
  if (operation.is_pending()) {
    out << '-';
  } else {
    out << operation.returned_ns;
  }
  out << ' ' << form.name;
  if (form.has_expected) out << ' ' << operation.expected;
  if (form.has_argument) out << ' ' << operation.argument;
  if (form.has_result && !operation.is_pending()) out << " = " << operation.result;
  return out;
}

}  // namespace shardmap
