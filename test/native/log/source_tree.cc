#include "log/source_tree.h"

#include <fstream>
#include <iterator>

namespace shardmap {

std::string SourcePath(std::string_view path) { return SHARDMAP_SOURCE_DIR "/" + std::string(path); }

std::optional<std::string> ReadSource(std::string_view path) {
  std::ifstream file(SourcePath(path), std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace shardmap
