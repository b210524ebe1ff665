// Makes the seeds of the saved corpus in the folder that is given: the golden files, and a log as the library writes
// it, each as it is and as frames.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include "base/crash_directory.h"
#include "fuzz/fuzzed_file.h"
#include "fuzz/requirement.h"
#include "log/golden_store.h"
#include "log/log_writer.h"
#include "log/recovery.h"
#include "log/staging.h"

namespace shardmap {
namespace {

std::span<const uint8_t> BytesIn(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class Corpus {
 public:
  explicit Corpus(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // A file as it is, as frames, and the records of each frame.
  void AddFile(const std::string& target, const std::string& name, const std::string& content, uint8_t choice) const {
    Add(target, name, std::string(1, static_cast<char>(choice)) + content);
    Add(target, name + "-framed", FramedInputOf(BytesIn(content), choice));
  }
  void AddRecords(const std::string& name, const GoldenFile& file) const {
    for (size_t i = 0; i < file.frames.size(); ++i) {
      std::string records;
      for (const GoldenRecord& record : file.frames[i].records) records += BytesOf(record);
      if (!records.empty()) Add("records", name + "-" + std::to_string(i), records);
    }
  }

 private:
  static std::string BytesOf(const GoldenRecord& record) {
    std::string bytes(RecordBytesMax(record.key.bytes.size(), record.value.size()), '\0');
    auto* const begin = reinterpret_cast<uint8_t*>(bytes.data());
    uint8_t* p = EncodeRecordHead(record.kind, record.deadline, begin);
    const bool has_key = record.kind != Mutation::Kind::kClear && record.kind != Mutation::Kind::kStructures;
    if (has_key) p = EncodeRecordKey(record.key.key(), p);
    const bool has_value = record.kind == Mutation::Kind::kInsert || record.kind == Mutation::Kind::kOverwrite ||
                           record.kind == Mutation::Kind::kStructures;
    if (has_value) p = EncodeRecordValue(record.value_kind, BytesIn(record.value), p);
    p = EncodeRecordDeadline(record.deadline, p);
    bytes.resize(static_cast<size_t>(p - begin));
    return bytes;
  }
  void Add(const std::string& target, const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories(folder_ / target);
    std::ofstream(folder_ / target / name, std::ios::binary) << bytes;
  }

  const std::filesystem::path folder_;
};

// Of a session that sets a few keys again and again, cut by cut. Not of the golden store: as frames it becomes so.
std::string WrittenSegment() {
  CrashDirectory directory;
  auto recovered = Recover(directory, {});
  Require(recovered.ok(), "a store can be made");
  Staging staging(size_t{1} << 20, [] {});
  Stage& stage = *staging.Open();
  LogWriter writer(directory, std::move(recovered.value()), 10'000);
  for (uint64_t i = 1; i <= 60; ++i) {
    const OwnedKey owned = NumberedKey("key ", i % 7);
    const Key key = owned.key();
    const std::string text(i, 'v');
    const Value value = BorrowedValue(ValueKind::kOneByteString, text);
    Require(stage.Reserve(&key, &value, 0).ok(), "there is room");
    const auto kind = i <= 7 ? Mutation::Kind::kInsert : Mutation::Kind::kOverwrite;
    stage.Append({kind, &key, &value, i % 5 == 0 ? Deadline::At(i << 50, false) : Deadline(), i});
    if (i % 9 == 0) Require(writer.WriteCut(staging, i).ok() && writer.Sync().ok(), "a cut is written");
  }
  Require(writer.Finish(1).ok(), "the log has an end");
  return *directory.ContentOf(SegmentName(1));
}

void WriteSeeds(const Corpus& corpus) {
  const GoldenStore store;
  CrashDirectory directory;
  store.WriteTo(directory);
  const auto content = [&](const std::string& name) { return *directory.ContentOf(name); };
  corpus.AddFile("segment", "golden-last", content(SegmentName(3)), 0);
  corpus.AddFile("segment", "golden-sealed", content(SegmentName(2)), 2);
  corpus.AddFile("segment", "written", WrittenSegment(), 0);
  corpus.AddFile("snapshot", "golden", content(SnapshotName(1)), 0);
  const std::string manifest = content(std::string(kManifestName));
  corpus.AddFile("manifest", "golden", manifest, 0);
  for (const GoldenFile& file : store.files) corpus.AddRecords(file.name(), file);
}

}  // namespace
}  // namespace shardmap

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: shardmap_fuzz_seeds FOLDER\n");
    return 2;
  }
  shardmap::WriteSeeds(shardmap::Corpus(arguments[1]));
  return 0;
}
