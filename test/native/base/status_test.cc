// Danger: an error reaches JavaScript under the wrong code or with no message, or reporting that memory has run out
// needs memory.
#include "base/status.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <type_traits>

#include "allocation_probe.h"

namespace shardmap {
namespace {

constexpr Code kErrors[] = {Code::kInvalidKey,      Code::kKeyTooLong, Code::kValueTooLong, Code::kInvalidArgument,
                            Code::kOptionsConflict, Code::kClosed,     Code::kOutOfMemory,  Code::kIo,
                            Code::kDiskFull,        Code::kCorrupt,    Code::kNewerFormat,  Code::kInUse,
                            Code::kLogFailed,       Code::kLogBusy,    Code::kReadonly,     Code::kOutOfRange};

TEST(StatusTest, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const Code code : kErrors) {
    EXPECT_EQ(CodeName(code).substr(0, 13), "ERR_SHARDMAP_") << CodeName(code);
    names.insert(CodeName(code));
  }
  EXPECT_EQ(names.size(), std::size(kErrors));
}

TEST(StatusTest, IsOkUnlessItSaysOtherwise) {
  EXPECT_TRUE(Status().ok());
  EXPECT_EQ(Status().code(), Code::kOk);
}

TEST(StatusTest, CarriesCodeAndMessage) {
  const Status status(Code::kKeyTooLong, "The key takes 9 bytes");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), Code::kKeyTooLong);
  EXPECT_EQ(status.message(), "The key takes 9 bytes");
}

TEST(StatusTest, KeepsItsMessageWhenMoved) {
  Status status(Code::kClosed, "gone");
  const Status moved = std::move(status);
  EXPECT_EQ(moved.code(), Code::kClosed);
  EXPECT_EQ(moved.message(), "gone");
}

TEST(StatusTest, KeepsThePlaceInAFileWhenCopied) {
  const Status status(Code::kCorrupt, "damaged", FilePlace{"MANIFEST", 20});
  const Status copy = status.Copy();
  EXPECT_EQ(copy.message(), "damaged");
  ASSERT_NE(copy.place(), nullptr);
  EXPECT_EQ(copy.place()->file, "MANIFEST");
  EXPECT_EQ(copy.place()->offset, 20u);
  EXPECT_EQ(Status(Code::kIo, "gone").Copy().place(), nullptr);
  EXPECT_EQ(Status::OutOfMemory().place(), nullptr);
}

TEST(StatusTest, OutOfMemoryHasAMessage) {
  EXPECT_EQ(Status::OutOfMemory().code(), Code::kOutOfMemory);
  EXPECT_FALSE(Status::OutOfMemory().message().empty());
}

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)
TEST(StatusTest, OutOfMemoryNeedsNoMemory) {
  const AllocationRefusal refusal(0);
  const Status status = Status::OutOfMemory();
  const Result<int> result = Status::OutOfMemory();
  const bool has_message = !status.message().empty();
  EXPECT_EQ(refusal.refused(), 0u);
  EXPECT_TRUE(has_message);
  EXPECT_FALSE(result.ok());
}
#endif

TEST(ResultTest, HoldsAValueOrAStatus) {
  Result<int> value = 7;
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value.value(), 7);
  EXPECT_TRUE(value.TakeStatus().ok());

  Result<int> error = Status(Code::kValueTooLong, "too long");
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.status().code(), Code::kValueTooLong);
  const Status status = error.TakeStatus();
  EXPECT_EQ(status.message(), "too long");
}

TEST(ResultTest, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = std::move(result.value());
  EXPECT_EQ(*taken, 3);
}

}  // namespace
}  // namespace shardmap
