// Files of the repository that tests compare with what the code does.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace shardmap {

// Where a file is whose path from the repository's root this is.
std::string SourcePath(std::string_view path);

// Its bytes, or nothing where it cannot be read.
std::optional<std::string> ReadSource(std::string_view path);

}  // namespace shardmap
