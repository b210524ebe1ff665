// When entries expire: what a writer asks for, and what an entry keeps of it.
#pragma once

#include <cstdint>

namespace shardmap {

// Never, as nanoseconds from now, or as a time to wake up.
inline constexpr uint64_t kForever = UINT64_MAX;

// The longest finite time to live: 146 years.
inline constexpr uint64_t kTtlNanosMax = uint64_t{1} << 62;

// How long an entry lives that is put.
struct Lifetime {
  bool is_default = true;      // as the store's options have it; `ttl_ns` means nothing then
  bool keeps = false;          // where there is an entry, that keeps the deadline that it has, or has not
  uint64_t ttl_ns = kForever;  // at most kTtlNanosMax, or kForever; 0: the entry expires as soon as it is there

  static Lifetime For(uint64_t ttl_ns) { return {.is_default = false, .keeps = false, .ttl_ns = ttl_ns}; }
  static Lifetime Forever() { return For(kForever); }
  // For a new entry; the deadline of one that is there stays.
  static Lifetime Kept() { return {.is_default = true, .keeps = true, .ttl_ns = kForever}; }
};

// A moment of the store's clock, at which and after which the entry is there no more; or none. One word, so that it is
// read and replaced in one step.
class Deadline {
 public:
  constexpr Deadline() = default;  // none
  static constexpr Deadline FromWord(uint64_t word) { return Deadline(word); }
  // `slides`: the store's own time to live, which reads renew where the store says so.
  static constexpr Deadline At(uint64_t ns, bool slides) { return Deadline(ns << 1 | (slides ? 1 : 0)); }

  constexpr bool exists() const { return word_ != 0; }
  constexpr bool slides() const { return (word_ & 1) != 0; }
  constexpr uint64_t ns() const { return word_ >> 1; }
  constexpr uint64_t word() const { return word_; }
  constexpr bool HasPassed(uint64_t now_ns) const { return exists() && ns() <= now_ns; }

  constexpr bool operator==(const Deadline&) const = default;

 private:
  constexpr explicit Deadline(uint64_t word) : word_(word) {}

  uint64_t word_ = 0;
};

}  // namespace shardmap
