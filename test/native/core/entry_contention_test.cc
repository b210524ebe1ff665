// Danger: a value is replaced by others of the same kind and size while it is copied, so that nothing but the version
// tells the copy from a whole one.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>

#include "core/entry.h"
#include "fixtures.h"
#include "meeting.h"
#include "random_input.h"

namespace shardmap {
namespace {

TEST(EntryContentionTest, NoMixOfTwoValuesLooksLikeOne) {
  const std::string a(kInlineValueBytesMax, 'a');
  const std::string b(kInlineValueBytesMax, 'b');
  const OwnedEntry entry(OwnedKey("contended").key(), 0, BorrowedValue(ValueKind::kClone, a), 1);
  std::atomic<bool> done{false};
  size_t mixed = 0;
  size_t read = 0;
  std::thread reader([&] {
    KeepToProcessor(0);
    for (bool goes_on = true; goes_on;) {
      goes_on = !done.load(std::memory_order_acquire);  // the last time nobody disturbs
      ReadValue value;
      if (entry->Read(&value) != Entry::ReadOutcome::kRead) continue;
      const std::string_view bytes = BytesOf(value);
      mixed += bytes != a && bytes != b ? 1 : 0;
      ++read;
    }
  });
  std::thread writer([&] {
    KeepToProcessor(1);
    for (size_t i = 0; i < Scaled(2000000); ++i) {
      entry->Overwrite(BorrowedValue(ValueKind::kClone, i % 2 == 0 ? b : a), nullptr);
      for (size_t pause = 0; pause < i % 64; ++pause) std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    done = true;
  });
  writer.join();
  reader.join();
  EXPECT_EQ(mixed, 0u);
  EXPECT_GT(read, 0u);
}

}  // namespace
}  // namespace shardmap
