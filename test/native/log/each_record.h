// Recovered records one by one, for tests that look at them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "base/coding.h"
#include "base/status.h"
#include "log/log_format.h"

namespace shardmap {

// What `tell(record, clock_offset_ns)` makes RecoveryOptions::apply.
template <typename Tell>
std::function<Status(std::span<const uint8_t>)> EachRecord(Tell tell) {
  return [tell = std::move(tell)](std::span<const uint8_t> payload) {
    Decoder decoder(payload);
    uint64_t clock_offset_ns = 0;
    (void)decoder.Take64(&clock_offset_ns);
    Record record;
    while (decoder.left() != 0) {
      if (!DecodeRecord(&decoder, &record)) return Status(Code::kInvalidArgument, "not whole");
      Status status = tell(record, clock_offset_ns);
      if (!status.ok()) return status;
    }
    return Status();
  };
}

}  // namespace shardmap
