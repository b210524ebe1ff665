// The outcome of an operation that the world can make fail: a stable code and a message with the numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace shardmap {

enum class Code : uint8_t {
  kOk,
  kInvalidKey,
  kKeyTooLong,
  kValueTooLong,
  kInvalidArgument,
  kOptionsConflict,
  kClosed,
  kOutOfMemory,
  kIo,
  kDiskFull,
  kCorrupt,
  kNewerFormat,
  kInUse,
  kLogFailed,
  kLogBusy,
  kReadonly,
  kOutOfRange,
};

// The name that JavaScript sees; docs/errors.md has a row for each.
constexpr std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kOk:
      return "OK";
    case Code::kInvalidKey:
      return "ERR_SHARDMAP_INVALID_KEY";
    case Code::kKeyTooLong:
      return "ERR_SHARDMAP_KEY_TOO_LONG";
    case Code::kValueTooLong:
      return "ERR_SHARDMAP_VALUE_TOO_LONG";
    case Code::kInvalidArgument:
      return "ERR_SHARDMAP_INVALID_ARGUMENT";
    case Code::kOptionsConflict:
      return "ERR_SHARDMAP_OPTIONS_CONFLICT";
    case Code::kClosed:
      return "ERR_SHARDMAP_CLOSED";
    case Code::kOutOfMemory:
      return "ERR_SHARDMAP_OUT_OF_MEMORY";
    case Code::kIo:
      return "ERR_SHARDMAP_IO";
    case Code::kDiskFull:
      return "ERR_SHARDMAP_DISK_FULL";
    case Code::kCorrupt:
      return "ERR_SHARDMAP_CORRUPT";
    case Code::kNewerFormat:
      return "ERR_SHARDMAP_NEWER_FORMAT";
    case Code::kInUse:
      return "ERR_SHARDMAP_IN_USE";
    case Code::kLogFailed:
      return "ERR_SHARDMAP_LOG_FAILED";
    case Code::kLogBusy:
      return "ERR_SHARDMAP_LOG_BUSY";
    case Code::kReadonly:
      return "ERR_SHARDMAP_READONLY";
    case Code::kOutOfRange:
      return "ERR_SHARDMAP_OUT_OF_RANGE";
  }
  return "OK";
}

// Where in a file something is wrong.
struct FilePlace {
  std::string file;     // as the message names it
  uint64_t offset = 0;  // bytes
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message, std::optional<FilePlace> place = std::nullopt)
      : code_(code), detail_(std::make_unique<Detail>(std::move(message), std::move(place))) {}
  // Allocates nothing, so that it can report that nothing can be allocated.
  static Status OutOfMemory() { return Status(Code::kOutOfMemory); }

  // Where there is no memory for message and place, without them.
  Status Copy() const noexcept {
    Status copy(code_);
    try {
      if (detail_) copy.detail_ = std::make_unique<Detail>(*detail_);
    } catch (const std::bad_alloc&) {  // the code tells enough
    }
    return copy;
  }

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  std::string_view message() const {
    return detail_ ? std::string_view(detail_->message) : std::string_view("memory could not be allocated");
  }
  // Of what kCorrupt and kNewerFormat say; nullptr where there is none.
  const FilePlace* place() const { return detail_ && detail_->place ? &*detail_->place : nullptr; }

 private:
  struct Detail {
    Detail(std::string text, std::optional<FilePlace> where) : message(std::move(text)), place(std::move(where)) {}

    std::string message;
    std::optional<FilePlace> place;
  };

  explicit Status(Code code) : code_(code) {}

  Code code_ = Code::kOk;
  std::unique_ptr<Detail> detail_;
};

// A value, or the status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit by intent, as `return value;`
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: implicit by intent, as `return status;`

  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }
  Status TakeStatus() { return std::move(status_); }
  T& value() { return value_; }

 private:
  T value_{};
  Status status_;
};

}  // namespace shardmap
