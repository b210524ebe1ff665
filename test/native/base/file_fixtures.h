// What tests of files are built from: bytes of a text, and whole files written and read.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/directory.h"

namespace shardmap {

inline std::span<const uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::unique_ptr<File> OpenOrNull(Directory& directory, std::string_view name, Directory::OpenMode mode) {
  std::unique_ptr<File> file;
  const auto error = directory.Open(name, mode, &file);
  EXPECT_FALSE(error) << name << ": " << error.message();
  return file;
}

inline std::unique_ptr<File> CreateFile(Directory& directory, std::string_view name, std::string_view content = {}) {
  auto file = OpenOrNull(directory, name, Directory::OpenMode::kCreate);
  EXPECT_FALSE(file && WriteFully(*file, 0, BytesOf(content)));
  return file;
}

inline std::string ReadAll(File& file) {
  uint64_t size = 0;
  EXPECT_FALSE(file.GetSize(&size));
  std::string content(static_cast<size_t>(size), '?');
  size_t read = 0;
  EXPECT_FALSE(ReadFully(file, 0, {reinterpret_cast<uint8_t*>(content.data()), content.size()}, &read));
  EXPECT_EQ(read, content.size());
  return content;
}

inline std::string ReadAll(Directory& directory, std::string_view name) {
  const auto file = OpenOrNull(directory, name, Directory::OpenMode::kRead);
  return file ? ReadAll(*file) : "";
}

}  // namespace shardmap
