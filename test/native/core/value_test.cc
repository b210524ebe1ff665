// Danger: a long value is copied while a lock is held, or its block is freed twice, or never, on its way into a store.
#include "core/value.h"

#include <gtest/gtest.h>

#include "allocation_probe.h"
#include "fixtures.h"
#include "random_input.h"

namespace shardmap {
namespace {

std::string BytesOf(const Value& value) { return {reinterpret_cast<const char*>(value.bytes()), value.size()}; }

TEST(ValueTest, BorrowsBytes) {
  const std::string bytes = "borrowed";
  const Value value = BorrowedValue(ValueKind::kOneByteString, bytes);
  EXPECT_EQ(value.kind(), ValueKind::kOneByteString);
  EXPECT_EQ(value.size(), bytes.size());
  EXPECT_EQ(static_cast<const void*>(value.bytes()), bytes.data());
}

TEST(ValueTest, MayHaveNoBytes) {
  Value value(ValueKind::kNull);
  EXPECT_EQ(value.size(), 0u);
  EXPECT_TRUE(value.PrepareForStore());
  Block* block = value.TakeBlock();
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block->bytes, 0u);
  Block::Free(block);
}

TEST(ValueTest, GivesItsOwnBlockUncopied) {
  Block* block = BlockOf("owned");
  Value value(ValueKind::kClone, block);
  EXPECT_EQ(BytesOf(value), "owned");
  EXPECT_EQ(value.TakeBlock(), block);
  EXPECT_EQ(BytesOf(value), "owned");  // still readable, for the log
  Block::Free(block);
}

TEST(ValueTest, CopiesBorrowedBytesIntoABlock) {
  std::string bytes(100, 'a');
  Value value = BorrowedValue(ValueKind::kOneByteString, bytes);
  Block* block = value.TakeBlock();
  bytes.assign(100, 'b');
  EXPECT_EQ(std::string(reinterpret_cast<char*>(block->payload()), block->bytes), std::string(100, 'a'));
  EXPECT_EQ(block->total_bytes(), 100 + sizeof(Block));
  Block::Free(block);
}

TEST(ValueTest, BlockPayloadsAreAligned) {
  for (size_t size = 0; size < 100; ++size) {
    Block* block = Block::Allocate(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block->payload()) % 16, 0u);
    Block::Free(block);
    block = Block::AllocateZeroed(size);
    for (size_t i = 0; i < size; ++i) ASSERT_EQ(block->payload()[i], 0);
    Block::Free(block);
  }
}

TEST(ValueTest, MovesTakeTheBlockAlong) {
  Value first(ValueKind::kClone, BlockOf("first"));
  Value moved = std::move(first);
  EXPECT_EQ(BytesOf(moved), "first");
  Value second(ValueKind::kOneByteString, BlockOf("second"));
  moved = std::move(second);
  EXPECT_EQ(BytesOf(moved), "second");
  EXPECT_EQ(moved.kind(), ValueKind::kOneByteString);
}

#if defined(SHARDMAP_TEST_ALLOCATION_PROBE)

TEST(ValueTest, OnlyWhatFitsNoEntryIsCopiedBeforehand) {
  const std::string bytes(kInlineValueBytesMax + 1, 'v');
  const AllocationCount allocated;
  {
    Value short_value(ValueKind::kOneByteString, bytes.data(), kInlineValueBytesMax);
    ASSERT_TRUE(short_value.PrepareForStore());
    ASSERT_EQ(allocated.pieces(), 0);
    Value long_value(ValueKind::kOneByteString, bytes.data(), kInlineValueBytesMax + 1);
    ASSERT_TRUE(long_value.PrepareForStore());
    ASSERT_TRUE(long_value.PrepareForStore());
    ASSERT_EQ(allocated.pieces(), 1);
    const AllocationRefusal refusal(0);  // taking it needs no more memory
    Block* block = long_value.TakeBlock();
    ASSERT_NE(block, nullptr);
    Block::Free(block);
  }
  EXPECT_EQ(allocated.pieces(), 0);
}

TEST(ValueTest, SaysWhenThereIsNoMemory) {
  const std::string bytes(1000, 'v');
  Value value = BorrowedValue(ValueKind::kOneByteString, bytes);
  const AllocationRefusal refusal(0);
  const bool prepared = value.PrepareForStore();
  Block* const block = value.TakeBlock();
  EXPECT_FALSE(prepared);
  EXPECT_EQ(block, nullptr);
}

TEST(ValueTest, FreesABlockThatNobodyTook) {
  const AllocationCount allocated;
  {
    const Value unused(ValueKind::kClone, BlockOf("nobody wants me"));
    Value source(ValueKind::kClone, BlockOf("moved"));
    const Value target = std::move(source);
    ASSERT_EQ(allocated.pieces(), 2);
  }
  EXPECT_EQ(allocated.pieces(), 0);
}

#endif

}  // namespace
}  // namespace shardmap
