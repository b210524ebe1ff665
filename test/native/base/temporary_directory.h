// A directory of the file system that goes with its test.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/random.h"

namespace shardmap {

class TemporaryDirectory {
 public:
  TemporaryDirectory()
      : path_(std::filesystem::temp_directory_path() / ("shardmap-test-" + std::to_string(RandomWord()))) {
    std::filesystem::create_directory(path_);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string path() const { return path_.string(); }
  std::string PathOf(std::string_view name) const { return (path_ / name).string(); }

 private:
  const std::filesystem::path path_;
};

}  // namespace shardmap
