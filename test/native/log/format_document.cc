#include "log/format_document.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "log/source_tree.h"

namespace shardmap {
namespace {

constexpr std::string_view kPath = "docs/log-format.md";

std::string Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

// "| a | b |" as a and b.
std::vector<std::string> CellsOf(const std::string& line) {
  std::vector<std::string> cells;
  for (size_t at = 1; at < line.size();) {
    const size_t end = line.find('|', at);
    if (end == std::string::npos) break;
    cells.push_back(Trimmed(std::string_view(line).substr(at, end - at)));
    at = end + 1;
  }
  return cells;
}

std::string BytesOfHex(const std::string& hex) {
  std::istringstream words(hex);
  std::string bytes;
  for (std::string word; words >> word;) bytes.push_back(static_cast<char>(std::stoi(word, nullptr, 16)));
  return bytes;
}

}  // namespace

size_t NumberIn(const TableRow& row, std::string_view column) {
  const auto cell = row.find(column);
  const bool is_number =
      cell != row.end() && !cell->second.empty() && cell->second.find_first_not_of("0123456789") == std::string::npos;
  EXPECT_TRUE(is_number) << "no number in column " << column;
  return is_number ? std::stoul(cell->second) : SIZE_MAX;
}

FormatDocument::FormatDocument() : text_(ReadSource(kPath).value_or("")) {
  EXPECT_FALSE(text_.empty()) << SourcePath(kPath) << " cannot be read";
}

std::vector<std::string> FormatDocument::LinesBelow(std::string_view heading) const {
  std::vector<std::string> lines;
  std::istringstream all(text_);
  bool is_below = false;
  for (std::string line; std::getline(all, line);) {
    if (line.starts_with('#')) {
      if (is_below) break;
      is_below = line.substr(line.find(' ') + 1) == heading;
    } else if (is_below) {
      lines.push_back(line);
    }
  }
  EXPECT_TRUE(is_below) << "there is no heading '" << heading << "'";
  return lines;
}

std::vector<TableRow> FormatDocument::TableBelow(std::string_view heading) const {
  std::vector<TableRow> rows;
  std::vector<std::string> columns;
  for (const std::string& line : LinesBelow(heading)) {
    if (!line.starts_with('|')) {
      if (!columns.empty()) break;
    } else if (columns.empty()) {
      columns = CellsOf(line);
    } else if (!line.starts_with("|---")) {
      const std::vector<std::string> cells = CellsOf(line);
      EXPECT_EQ(cells.size(), columns.size()) << line;
      TableRow& row = rows.emplace_back();
      for (size_t i = 0; i < std::min(cells.size(), columns.size()); ++i) row[columns[i]] = cells[i];
    }
  }
  EXPECT_FALSE(rows.empty()) << "there is no table below '" << heading << "'";
  return rows;
}

std::vector<ExampleField> FormatDocument::Example() const {
  static const std::regex kField("0x([0-9a-f]{4})  ((?:[0-9a-f]{2} )+) +([a-z ]+)(?:: ([^;]+))?(?:; .+)?");
  static const std::regex kTitle("[a-z ,]+:");
  std::vector<ExampleField> fields;
  bool is_inside = false;
  for (const std::string& line : LinesBelow("An example")) {
    if (line.starts_with("```")) {
      is_inside = !is_inside;
      continue;
    }
    std::smatch match;
    if (!is_inside || line.empty() || std::regex_match(line, match, kTitle)) continue;
    const bool is_field = std::regex_match(line, match, kField);
    EXPECT_TRUE(is_field) << line;
    if (!is_field) continue;
    fields.push_back({std::stoul(match[1], nullptr, 16), BytesOfHex(match[2]), match[3], match[4]});
  }
  return fields;
}

}  // namespace shardmap
