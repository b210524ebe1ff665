// docs/log-format.md, as far as a test can read it: its tables, and its example of a segment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace shardmap {

// A row's cells, by the names of their columns.
using TableRow = std::map<std::string, std::string, std::less<>>;

// The number in a cell. Fails the test where there is none.
size_t NumberIn(const TableRow& row, std::string_view column);

// Bytes of the example: "0x0008  01 00   version: 1; for people".
struct ExampleField {
  size_t offset;
  std::string bytes;
  std::string name;
  std::string value;  // empty where the line tells none
};

class FormatDocument {
 public:
  // Fails the test where the document cannot be read.
  FormatDocument();

  const std::string& text() const { return text_; }
  // The first table below a heading; empty where there is none before the next heading.
  std::vector<TableRow> TableBelow(std::string_view heading) const;
  // Fails the test for a line that is neither a field nor a title nor empty.
  std::vector<ExampleField> Example() const;

 private:
  // The lines from below a heading to the next one.
  std::vector<std::string> LinesBelow(std::string_view heading) const;

  std::string text_;
};

}  // namespace shardmap
