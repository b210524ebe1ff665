#include "random_input.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>

#include "base/random.h"

namespace shardmap {
namespace {

#if defined(SHARDMAP_TEST_THREAD_SANITIZER)
constexpr double kSanitizerShare = 0.1;
#elif defined(SHARDMAP_TEST_ADDRESS_SANITIZER)
constexpr double kSanitizerShare = 0.25;
#else
constexpr double kSanitizerShare = 1;
#endif

double ScaleFromEnvironment() {
  const char* scale = std::getenv("SHARDMAP_TEST_SCALE");
  return scale == nullptr ? 1 : std::strtod(scale, nullptr);
}

uint64_t SeedFromEnvironment() {
  const char* seed = std::getenv("SHARDMAP_TEST_SEED");
  return seed == nullptr ? RandomWord() >> 32 : std::strtoull(seed, nullptr, 10);
}

// Says after the first failure of a test how to see it again.
class SeedPrinter final : public testing::EmptyTestEventListener {
 private:
  void OnTestEnd(const testing::TestInfo& test) override {
    if (!test.result()->Failed()) return;
    std::cout << "To repeat " << test.test_suite_name() << "." << test.name() << ": SHARDMAP_TEST_SEED=" << TestSeed()
              << std::endl;
  }
};

[[maybe_unused]] const bool g_prints_seed = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new SeedPrinter);
  return true;
}();

// Those that may have any number of bytes: a log takes no others.
constexpr ValueKind kKinds[] = {ValueKind::kOneByteString,    ValueKind::kPlain,       ValueKind::kClone,
                                ValueKind::kCustom,           ValueKind::kArrayBuffer, ValueKind::kDataView,
                                ValueKind::kBuffer,           ValueKind::kInt8Array,   ValueKind::kUint8Array,
                                ValueKind::kUint8ClampedArray};

ValueKind KindOf(uint64_t tag) { return kKinds[Mix(~tag) % std::size(kKinds)]; }

// The word at byte `offset` of a checked value.
uint64_t WordAt(uint64_t tag, size_t size, size_t offset) {
  return offset == 0 ? tag : Mix(tag ^ Mix(size * 0x10001 + offset));
}

}  // namespace

uint64_t TestSeed() {
  static const uint64_t seed = SeedFromEnvironment();
  return seed;
}

size_t Scaled(size_t usual) {
  static const double scale = ScaleFromEnvironment() * kSanitizerShare;
  return std::max(size_t{1}, static_cast<size_t>(static_cast<double>(usual) * scale));
}

uint64_t Mix(uint64_t word) {
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
  word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
  return word ^ (word >> 31);
}

std::string Random::Bytes(size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(Word());
  return bytes;
}

CheckedValue::CheckedValue(uint64_t tag, size_t size) : kind_(KindOf(tag)), bytes_(std::max(size, kBytesMin)) {
  for (size_t offset = 0; offset < bytes_.size(); offset += 8) {
    const uint64_t word = WordAt(tag, bytes_.size(), offset);
    std::memcpy(bytes_.data() + offset, &word, std::min(sizeof word, bytes_.size() - offset));
  }
}

std::optional<uint64_t> CheckedValue::ReadTag(ValueKind kind, const uint8_t* bytes, size_t size) {
  uint64_t tag = 0;
  if (size < kBytesMin) return std::nullopt;
  std::memcpy(&tag, bytes, sizeof tag);
  if (kind != KindOf(tag)) return std::nullopt;
  for (size_t offset = 8; offset < size; offset += 8) {
    const uint64_t word = WordAt(tag, size, offset);
    if (std::memcmp(bytes + offset, &word, std::min(sizeof word, size - offset)) != 0) return std::nullopt;
  }
  return tag;
}

}  // namespace shardmap
