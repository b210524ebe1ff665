// Hash functions by length of key: how soon the hash of one key is known, how many keys a second are hashed where they
// do not wait for each other, and how well hashes are spread.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <string>
#include <unordered_set>
#include <vector>

#include "hash_candidates.h"
#include "keys.h"
#include "random.h"

namespace shardmap::bench {
namespace {

// Many texts of one length, more than a branch predictor could learn, in the second-level cache.
class Texts {
 public:
  explicit Texts(size_t size) : size_(size), bytes_(kCount * size) {
    Random random(size);
    for (uint8_t& byte : bytes_) byte = static_cast<uint8_t>('a' + random.Below(26));
  }
  const uint8_t* operator[](uint64_t number) const { return bytes_.data() + number % kCount * size_; }

 private:
  static constexpr size_t kCount = 256;

  const size_t size_;
  std::vector<uint8_t> bytes_;
};

// Each hash decides, in a way that the compiler cannot see through, where the next key begins.
template <typename Hash>
void HashLatency(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  const Texts texts(size);
  uint64_t mask = 0;
  benchmark::DoNotOptimize(mask);
  uint64_t hash = 0;
  uint64_t next = 0;
  for (auto _ : state) hash = Hash()(texts[next++] + (hash & mask), size);
  benchmark::DoNotOptimize(hash);
}

template <typename Hash>
void HashThroughput(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  const Texts texts(size);
  uint64_t sum = 0;
  uint64_t next = 0;
  for (auto _ : state) sum += Hash()(texts[next++], size);
  benchmark::DoNotOptimize(sum);
}

// --- How well hashes are spread --------------------------------------------------------------------------------------

constexpr uint64_t kKeys = uint64_t{1} << 20;

template <typename Hash>
std::vector<uint64_t> HashesOfCountingKeys() {
  std::vector<uint64_t> hashes;
  char text[32];
  for (uint64_t i = 0; i < kKeys; ++i) {
    const int size = std::snprintf(text, sizeof text, "user:%016u", static_cast<unsigned>(i));
    hashes.push_back(Hash()(reinterpret_cast<const uint8_t*>(text), static_cast<size_t>(size)));
  }
  return hashes;
}

template <typename Hash>
std::vector<uint64_t> HashesOfNumbers() {
  std::vector<uint64_t> hashes;
  for (uint64_t i = 0; i < kKeys; ++i) {
    const auto bits = std::bit_cast<std::array<uint8_t, 8>>(static_cast<double>(i));
    hashes.push_back(Hash()(bits.data(), bits.size()));
  }
  return hashes;
}

// Chi-squared over its degrees of freedom of the keys in 2^bits places: 1 is what chance does, more is uneven.
double Unevenness(const std::vector<uint64_t>& hashes, unsigned shift, unsigned bits) {
  std::vector<double> places(size_t{1} << bits);
  for (const uint64_t hash : hashes) ++places[(hash >> shift) & (places.size() - 1)];
  const double expected = static_cast<double>(hashes.size()) / static_cast<double>(places.size());
  double sum = 0;
  for (const double count : places) sum += (count - expected) * (count - expected) / expected;
  return sum / static_cast<double>(places.size() - 1);
}

// By how much the chance that a bit of the hash changes with a bit of the key differs from a half, at worst.
template <typename Hash>
double WorstAvalanche() {
  constexpr int kSamples = 1 << 12;
  double worst = 0;
  Random random(1);
  for (size_t flipped = 0; flipped < 8 * kKeyBytes; ++flipped) {
    std::array<int, 64> changes{};
    for (int sample = 0; sample < kSamples; ++sample) {
      std::array<uint8_t, kKeyBytes> text;
      for (uint8_t& byte : text) byte = static_cast<uint8_t>(random.Next());
      const uint64_t before = Hash()(text.data(), text.size());
      text[flipped / 8] = static_cast<uint8_t>(text[flipped / 8] ^ (1 << flipped % 8));
      const uint64_t changed = before ^ Hash()(text.data(), text.size());
      for (size_t bit = 0; bit < 64; ++bit) changes[bit] += static_cast<int>((changed >> bit) & 1);
    }
    for (const int count : changes) worst = std::max(worst, std::abs(static_cast<double>(count) / kSamples - 0.5));
  }
  return worst;
}

template <typename Hash>
void HashQuality(benchmark::State& state) {
  for (auto _ : state) {
    for (const bool counting : {true, false}) {
      const std::vector<uint64_t> hashes = counting ? HashesOfCountingKeys<Hash>() : HashesOfNumbers<Hash>();
      const std::string keys = counting ? "counting_" : "numbers_";
      state.counters[keys + "shard_unevenness"] = Unevenness(hashes, 55, 9);
      state.counters[keys + "line_unevenness"] = Unevenness(hashes, 3, 9);
      state.counters[keys + "tag_unevenness"] = Unevenness(hashes, 0, 16);
      const std::unordered_set<uint64_t> different(hashes.begin(), hashes.end());
      state.counters[keys + "collisions"] = static_cast<double>(kKeys - different.size());
    }
    state.counters["worst_avalanche"] = WorstAvalanche<Hash>();
  }
}

[[maybe_unused]] const bool registered = [] {
  ForEachHash([]<typename Hash>(const std::string& name) {
    for (const int64_t bytes : {8, 21, 64, 300}) {
      benchmark::RegisterBenchmark(("Hash/hash:" + name + "/measure:latency").c_str(), HashLatency<Hash>)
          ->ArgName("bytes")
          ->Arg(bytes);
      benchmark::RegisterBenchmark(("Hash/hash:" + name + "/measure:throughput").c_str(), HashThroughput<Hash>)
          ->ArgName("bytes")
          ->Arg(bytes);
    }
    benchmark::RegisterBenchmark(("HashQuality/hash:" + name).c_str(), HashQuality<Hash>)->Iterations(1);
  });
  return true;
}();

}  // namespace
}  // namespace shardmap::bench
