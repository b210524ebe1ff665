// Danger: files that an earlier version has written cannot be opened any more, or say something else.
//
// test/golden/README.md says how the files came to be.
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/crash_directory.h"
#include "log/each_record.h"
#include "log/frame_writer.h"
#include "log/golden_store.h"
#include "log/kind_names.h"
#include "log/recovery.h"
#include "log/source_tree.h"

namespace shardmap {
namespace {

class GoldenTest : public testing::TestWithParam<GoldenStore (*)()> {
 protected:
  void SetUp() override {
    if (std::endian::native != std::endian::little) GTEST_SKIP() << "the files are those of a little-endian machine";
  }

  std::string PathOf(const std::string& name) const { return "test/golden/" + store_.folder + "/" + name; }
  void CopyTo(CrashDirectory& directory) const {
    for (const std::string& name : store_.Names()) {
      const auto content = ReadSource(PathOf(name));
      ASSERT_TRUE(content) << PathOf(name) << " cannot be read";
      directory.Put(name, *content);
    }
  }

  const GoldenStore store_ = GetParam()();
};

GoldenRecord Owned(const Record& record, uint64_t clock_offset_ns) {
  return {record.kind,     OwnedKey::Of(record.key), record.value_kind, {record.value.begin(), record.value.end()},
          record.deadline, clock_offset_ns};
}

TEST_P(GoldenTest, EveryRecordOfVersion1ComesBack) {
  CrashDirectory directory;
  ASSERT_NO_FATAL_FAILURE(CopyTo(directory));
  std::vector<GoldenRecord> records;
  RecoveryOptions options;
  options.mode = RecoveryMode::kStrict;
  options.apply = EachRecord([&](const Record& record, uint64_t clock_offset_ns) {
    records.push_back(Owned(record, clock_offset_ns));
    return Status();
  });
  auto recovered = Recover(directory, options);
  ASSERT_TRUE(recovered.ok()) << recovered.status().message();

  const std::vector<GoldenRecord> expected = store_.Records();
  ASSERT_EQ(records.size(), expected.size());
  for (size_t i = 0; i < records.size(); ++i) EXPECT_TRUE(records[i] == expected[i]) << "record " << i;

  const GoldenFile& last = store_.files.back();
  const RecoveredLog& log = *recovered.value();
  EXPECT_EQ(log.store, last.header.store);
  EXPECT_EQ(log.manifest.first_segment, store_.manifest.first_segment);
  EXPECT_EQ(log.manifest.snapshot, store_.manifest.snapshot);
  EXPECT_EQ(log.manifest.first_sequence, store_.manifest.first_sequence);
  EXPECT_EQ(log.segment_number, last.header.number);
  EXPECT_EQ(log.segment->next_sequence(), last.next_sequence());
  EXPECT_EQ(log.tail_bytes, 0u);
}

INSTANTIATE_TEST_SUITE_P(Stores, GoldenTest,
                         testing::Values([] { return GoldenStore(); }, &GoldenStore::WithCompressed),
                         [](const auto& store) { return store.index == 0 ? "First" : "WithCompressed"; });

// That the golden stores have all that a file can have.
TEST(GoldenStoresTest, HaveEveryKind) {
  std::set<int> kinds;
  std::set<int> keys;
  std::set<int> values;
  std::vector<GoldenRecord> records = GoldenStore().Records();
  for (GoldenRecord& record : GoldenStore::WithCompressed().Records()) records.push_back(std::move(record));
  for (const GoldenRecord& record : records) {
    kinds.insert(static_cast<int>(record.kind));
    if (record.kind == Mutation::Kind::kInsert) {
      keys.insert(static_cast<int>(record.key.kind));
      values.insert(static_cast<int>(record.value_kind));
    }
  }
  for (int number = 0; number < 256; ++number) {
    EXPECT_EQ(kinds.contains(number), NameOf(static_cast<Mutation::Kind>(number)) != nullptr) << number;
    EXPECT_EQ(keys.contains(number), NameOf(static_cast<KeyKind>(number)) != nullptr) << number;
    EXPECT_EQ(values.contains(number), NameOf(static_cast<ValueKind>(number)) != nullptr) << number;
  }
}

// Writes them where SHARDMAP_WRITE_GOLDEN is set and they are not there. Files that are there stay as they are.
TEST_P(GoldenTest, FilesAreAsTheyWereWritten) {
  CrashDirectory directory;
  ASSERT_NO_FATAL_FAILURE(store_.WriteTo(directory));
  for (const std::string& name : store_.Names()) {
    const std::string written = directory.ContentOf(name).value();
    if (!ReadSource(PathOf(name)) && std::getenv("SHARDMAP_WRITE_GOLDEN") != nullptr) {
      std::ofstream(SourcePath(PathOf(name)), std::ios::binary) << written;
    }
    EXPECT_TRUE(ReadSource(PathOf(name)) == written) << PathOf(name) << " is another";
  }
}

}  // namespace
}  // namespace shardmap
