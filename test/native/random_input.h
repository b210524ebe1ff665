// Input of random tests: one seed for the whole run, sizes that grow on demand, and values that prove they are whole.
//
// SHARDMAP_TEST_SEED repeats a run; a failing test prints it. SHARDMAP_TEST_SCALE multiplies every size: 1 is made for
// CI, 0.1 is a glance, 100 is a night.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/value.h"

#if defined(__SANITIZE_THREAD__)
#define SHARDMAP_TEST_THREAD_SANITIZER 1
#elif defined(__SANITIZE_ADDRESS__)
#define SHARDMAP_TEST_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHARDMAP_TEST_THREAD_SANITIZER 1
#elif __has_feature(address_sanitizer)
#define SHARDMAP_TEST_ADDRESS_SANITIZER 1
#endif
#endif

namespace shardmap {

uint64_t TestSeed();

// `usual`, less where a sanitizer makes every step dear, times SHARDMAP_TEST_SCALE; at least 1.
size_t Scaled(size_t usual);

// A bijection of 64 bits that looks random (the finalizer of splitmix64).
uint64_t Mix(uint64_t word);

// Pseudo-random numbers that follow from TestSeed() and a stream's number, one for each thread, say.
class Random {
 public:
  explicit Random(uint64_t stream = 0) : state_(Mix(TestSeed()) + Mix(stream)) {}

  uint64_t Word() { return Mix(state_ += 0x9e3779b97f4a7c15); }
  // 0 to limit - 1.
  size_t Below(size_t limit) { return static_cast<size_t>(Word() % limit); }
  bool OneIn(size_t chances) { return Below(chances) == 0; }
  std::string Bytes(size_t size);

 private:
  uint64_t state_;
};

// A value whose first word is a tag, and whose kind and other bytes follow from tag and size: of two such values mixed,
// or one torn, the tag cannot be read.
class CheckedValue {
 public:
  static constexpr size_t kBytesMin = 8;

  CheckedValue(uint64_t tag, size_t size);

  // Borrows.
  Value value() const { return Value(kind_, bytes_.data(), bytes_.size()); }

  // The tag of a whole value, else nothing.
  static std::optional<uint64_t> ReadTag(ValueKind kind, const uint8_t* bytes, size_t size);
  static std::optional<uint64_t> ReadTag(const ReadValue& value) {
    return ReadTag(value.kind(), value.bytes(), value.size());
  }

 private:
  ValueKind kind_;
  std::vector<uint8_t> bytes_;
};

}  // namespace shardmap
