// Random words that nobody outside the process can predict: seeds of hashes, identifiers of stores.
#pragma once

#include <cstdint>

namespace shardmap {

// 64 bits from the operating system's generator. Thread-safe; may block while the machine boots.
uint64_t RandomWord();

}  // namespace shardmap
