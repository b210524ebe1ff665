// Danger: a conditional write that is made where its condition does not hold, or is not made where it does; a value
// that is given back twice, or not at all; bytes that are counted wrong when a write is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/store.h"
#include "fixtures.h"

namespace shardmap {
namespace {

class StoreAtomicsTest : public testing::Test {
 protected:
  static Value Text(const std::string& text) { return BorrowedValue(ValueKind::kOneByteString, text); }
  static Value Number(const double& number) { return Value(ValueKind::kNumber, &number, sizeof number); }

  std::string Get() {
    const ReadGuard guard(*session_);
    ReadValue value;
    return store_.Get(guard, key_.key(), &value) ? std::string(BytesOf(value)) : "(absent)";
  }
  EntryStamp Stamp() {
    const ReadGuard guard(*session_);
    ReadValue value;
    EntryStamp stamp;
    const bool is_found = store_.GetStamped(guard, key_.key(), &value, &stamp);
    EXPECT_EQ(is_found, stamp != EntryStamp{});
    return stamp;
  }
  bool SetIf(const std::string& text, const EntryStamp& stamp) {
    return store_.SetIf(*session_, key_.key(), Text(text), stamp).value();
  }
  bool DeleteIf(const EntryStamp& stamp) { return store_.DeleteIf(*session_, key_.key(), stamp).value(); }
  bool CompareAndSet(const Value& expected, bool or_absent, const std::string& text) {
    const ReadGuard guard(*session_);
    return store_.CompareAndSet(guard, *session_, key_.key(), {expected, or_absent}, Text(text)).value();
  }
  bool CompareAndDelete(const Value& expected) {
    const ReadGuard guard(*session_);
    return store_.CompareAndDelete(guard, *session_, key_.key(), {expected, false}).value();
  }

  Store store_{OptionsFor(4)};
  OpenedSession session_{store_};
  // In a block, as a key that is used or given back has to be handled with care.
  const OwnedKey key_{std::string(300, 'k')};
  const std::string long_text_ = std::string(500, 'v');
};

TEST_F(StoreAtomicsTest, ExchangesAndTakes) {
  const ReadGuard guard(*session_);
  ReadValue previous;
  EXPECT_FALSE(store_.Exchange(guard, *session_, key_.key(), Text(long_text_), &previous).value());
  EXPECT_TRUE(store_.Exchange(guard, *session_, key_.key(), Text("short"), &previous).value());
  EXPECT_EQ(BytesOf(previous), long_text_);  // kept by the guard
  EXPECT_TRUE(store_.Take(guard, *session_, key_.key(), &previous).value());
  EXPECT_EQ(BytesOf(previous), "short");
  EXPECT_FALSE(store_.Take(guard, *session_, key_.key(), &previous).value());
  EXPECT_EQ(store_.Size(), 0u);
}

TEST_F(StoreAtomicsTest, AStampHoldsUntilTheEntryIsChanged) {
  const EntryStamp absent = Stamp();
  EXPECT_EQ(absent, EntryStamp{});
  EXPECT_TRUE(SetIf("1", absent));
  EXPECT_FALSE(SetIf("2", absent));
  const EntryStamp first = Stamp();
  EXPECT_TRUE(SetIf(long_text_, first));
  EXPECT_FALSE(SetIf("3", first));
  EXPECT_FALSE(DeleteIf(first));
  EXPECT_EQ(Get(), long_text_);
  const EntryStamp second = Stamp();
  EXPECT_TRUE(DeleteIf(second));
  EXPECT_FALSE(DeleteIf(second));
  EXPECT_FALSE(SetIf("4", second));
  EXPECT_FALSE(DeleteIf(EntryStamp{}));
  EXPECT_TRUE(SetIf("5", EntryStamp{}));
  EXPECT_NE(Stamp(), first);  // another entry, though its version is the same
  EXPECT_FALSE(SetIf("6", first));
  EXPECT_FALSE(SetIf("6", second));
  EXPECT_EQ(Get(), "5");
}

TEST_F(StoreAtomicsTest, AStampIsOfTheEntryWhereverItIsMoved) {
  ASSERT_TRUE(store_.Set(*session_, key_.key(), Text("1")).ok());
  const EntryStamp stamp = Stamp();
  for (uint64_t i = 0; i < 3000; ++i) {  // tables grow, and chunks are compacted
    ASSERT_TRUE(store_.Set(*session_, NumberedKey("", i).key(), Text("x")).ok());
    const bool is_kept = i % 3 == 0 || !store_.Delete(*session_, NumberedKey("", i).key()).value();
    ASSERT_EQ(is_kept, i % 3 == 0);
  }
  EXPECT_EQ(Stamp(), stamp);
  EXPECT_TRUE(SetIf("2", stamp));
}

TEST_F(StoreAtomicsTest, ComparesByKindAndBytes) {
  EXPECT_FALSE(CompareAndSet(Text("1"), false, "2"));
  EXPECT_FALSE(CompareAndSet(Value(ValueKind::kUndefined), false, "2"));
  EXPECT_TRUE(CompareAndSet(Value(ValueKind::kUndefined), true, long_text_));
  EXPECT_FALSE(CompareAndSet(Value(ValueKind::kUndefined), true, "2"));
  std::string almost = long_text_;
  almost.back() = 'w';
  EXPECT_FALSE(CompareAndSet(Text(almost), false, "2"));
  EXPECT_FALSE(CompareAndSet(BorrowedValue(ValueKind::kTwoByteString, long_text_), false, "2"));
  EXPECT_FALSE(CompareAndDelete(Text(long_text_.substr(1))));
  EXPECT_TRUE(CompareAndSet(Text(long_text_), false, "2"));
  EXPECT_TRUE(CompareAndDelete(Text("2")));
  EXPECT_FALSE(CompareAndDelete(Text("2")));
  EXPECT_FALSE(CompareAndDelete(Value(ValueKind::kUndefined)));
  ASSERT_TRUE(store_.Set(*session_, key_.key(), Value(ValueKind::kUndefined)).ok());
  EXPECT_FALSE(CompareAndSet(Value(ValueKind::kNull), true, "2"));
  EXPECT_TRUE(CompareAndDelete(Value(ValueKind::kUndefined)));
}

TEST_F(StoreAtomicsTest, ComparesNumbersBySameValueZero) {
  const double nan = std::nan("1");
  const double other_nan = -std::nan("2");
  ASSERT_TRUE(store_.Set(*session_, key_.key(), Number(nan)).ok());
  EXPECT_FALSE(CompareAndSet(Number(0.0), false, "no"));
  EXPECT_TRUE(CompareAndSet(Number(other_nan), false, "yes"));
  ASSERT_TRUE(store_.Set(*session_, key_.key(), Number(-0.0)).ok());
  EXPECT_FALSE(CompareAndDelete(Number(nan)));
  EXPECT_TRUE(CompareAndDelete(Number(0.0)));
}

TEST_F(StoreAtomicsTest, RefusedWritesCountNoBytes) {
  ASSERT_TRUE(store_.Set(*session_, key_.key(), Text(long_text_)).ok());
  const StoreStats before = store_.Stats();
  EXPECT_FALSE(SetIf(std::string(1000, 'x'), EntryStamp{}));
  EXPECT_FALSE(CompareAndSet(Text("1"), false, std::string(1000, 'x')));
  EXPECT_FALSE(CompareAndDelete(Text("1")));
  const ReadGuard guard(*session_);
  ReadValue value;
  EXPECT_EQ(store_.Add(guard, *session_, key_.key(), Number(1.0), &value).value(), PutOutcome::kOtherType);
  EXPECT_EQ(BytesOf(value), long_text_);
  EXPECT_EQ(store_.Stats().total_bytes(), before.total_bytes());
  EXPECT_EQ(store_.Size(), 1u);
}

}  // namespace
}  // namespace shardmap
