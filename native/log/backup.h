// Copies a store's files to another directory, while the store and its log are used: a store of its own, as the one it
// is made of was at some moment after the call.
//
// The log goes on in a new segment; what is copied is what is whole then and changes no more: the snapshot and the
// segments before that.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/directory.h"
#include "base/status.h"
#include "log/log.h"
#include "log/log_format.h"

namespace shardmap {

// `manifest` is the store's, which nobody replaces meanwhile. `to` has no files but one to lock, and is a store when
// this returns, and not before: its manifest comes last. Returns the bytes that were copied. When `is_cancelled`
// becomes true it ends soon. Errors: kInvalidArgument where `to` has files; kIo, kDiskFull, kLogFailed, kClosed; then
// what was copied is removed, as far as that goes. Throws std::bad_alloc.
Result<uint64_t> BackUp(Directory& from, Directory& to, Log& log, const Manifest& manifest,
                        const std::atomic<bool>& is_cancelled);

}  // namespace shardmap
