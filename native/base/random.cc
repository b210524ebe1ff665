#include "base/random.h"

#include <random>

namespace shardmap {

uint64_t RandomWord() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) ^ device();
}

}  // namespace shardmap
