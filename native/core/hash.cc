#include "core/hash.h"

#include "base/random.h"

namespace shardmap {

HashSeed HashSeed::Random() { return {{RandomWord(), RandomWord(), RandomWord(), RandomWord()}}; }

}  // namespace shardmap
