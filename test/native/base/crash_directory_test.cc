// Danger: the simulated medium is kinder than a real one, so that a log passes which loses data; or it loses what no
// medium loses, so that a right log fails.
#include "base/crash_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <thread>

#include "base/file_fixtures.h"

namespace shardmap {
namespace {

using Kind = CrashDirectory::Kind;
using Lasting = CrashDirectory::Lasting;
using Mode = Directory::OpenMode;

constexpr size_t kSector = 512;
constexpr size_t kPage = 4096;

std::string Text(size_t size, char letter) { return std::string(size, letter); }

std::string At(const std::string& content, size_t index, size_t size) { return content.substr(index * size, size); }

bool IsOf(const std::string& bytes, char letter) {
  return std::all_of(bytes.begin(), bytes.end(), [letter](char byte) { return byte == letter; });
}

class CrashDirectoryTest : public testing::Test {
 protected:
  // Old text, synced, with its name.
  std::unique_ptr<File> SyncedFile(std::string_view name, std::string_view content) {
    auto file = CreateFile(directory_, name, content);
    EXPECT_FALSE(file->Sync());
    EXPECT_FALSE(directory_.Sync());
    return file;
  }
  std::string CrashContentOf(std::string_view name, const CrashOptions& options = {}) {
    return directory_.CrashCopy(random_, options)->ContentOf(name).value_or("none");
  }
  std::set<std::string> CrashContentsOf(std::string_view name, const CrashOptions& options = {}) {
    std::set<std::string> contents;
    for (size_t i = 0; i < kCopies; ++i) contents.insert(CrashContentOf(name, options));
    return contents;
  }
  // "a=x b=y", what copies have, each once.
  std::set<std::string> CrashStates(const CrashOptions& options = {}) {
    std::set<std::string> states;
    for (size_t i = 0; i < kCopies; ++i) states.insert(StateOf(*directory_.CrashCopy(random_, options)));
    return states;
  }
  static std::string StateOf(CrashDirectory& directory) {
    std::vector<std::string> names;
    EXPECT_FALSE(directory.List(&names));
    std::string state;
    for (const std::string& name : names) state += (state.empty() ? "" : " ") + name + "=" + *directory.ContentOf(name);
    return state;
  }
  void SyncWith(File& file, std::errc error) {
    directory_.Fail(directory_.calls(), error, Lasting::kOnce);
    EXPECT_EQ(file.Sync(), error);
  }

  // So many that what one in eight copies does is not missed, in years.
  static constexpr size_t kCopies = 400;

  CrashDirectory directory_;
  Random random_{7};
};

// --- Contents --------------------------------------------------------------------------------------------------------

TEST_F(CrashDirectoryTest, WhatWasSyncedStays) {
  const std::string content = random_.Bytes(3 * kPage + 100);
  SyncedFile("a", content);
  EXPECT_EQ(CrashContentsOf("a"), std::set<std::string>{content});
}

TEST_F(CrashDirectoryTest, WhatWasNotSyncedIsKeptOrLostBySector) {
  const auto file = SyncedFile("a", Text(2 * kPage, 'o'));
  EXPECT_FALSE(WriteFully(*file, 0, BytesOf(Text(2 * kPage, 'n'))));
  for (const size_t sector : {kSector, kPage}) {
    CrashOptions options;
    options.sector_bytes = sector;
    options.tears_sectors = false;
    const std::set<std::string> contents = CrashContentsOf("a", options);
    EXPECT_TRUE(contents.contains(Text(2 * kPage, 'o')));
    EXPECT_TRUE(contents.contains(Text(2 * kPage, 'n')));
    EXPECT_GT(contents.size(), 3u);
    for (const std::string& content : contents) {
      ASSERT_EQ(content.size(), 2 * kPage);
      for (size_t i = 0; i < content.size() / sector; ++i) {
        const std::string bytes = At(content, i, sector);
        ASSERT_TRUE(IsOf(bytes, 'o') || IsOf(bytes, 'n')) << "sector " << i << ", seed " << TestSeed();
      }
    }
  }
}

TEST_F(CrashDirectoryTest, SectorsTear) {
  const auto file = SyncedFile("a", Text(kPage, 'o'));
  EXPECT_FALSE(WriteFully(*file, 0, BytesOf(Text(kPage, 'n'))));
  size_t new_before_old = 0;
  size_t old_before_new = 0;
  for (const std::string& content : CrashContentsOf("a", {.sector_bytes = kSector})) {
    for (size_t i = 0; i < kPage / kSector; ++i) {
      const std::string bytes = At(content, i, kSector);
      new_before_old += bytes.find("no") != std::string::npos;
      old_before_new += bytes.find("on") != std::string::npos;
    }
  }
  EXPECT_GT(new_before_old, 0u) << "seed " << TestSeed();
  EXPECT_GT(old_before_new, 0u) << "seed " << TestSeed();
}

TEST_F(CrashDirectoryTest, ASectorWrittenTwiceMayBeAsBetween) {
  const auto file = SyncedFile("a", Text(kSector, '1'));
  EXPECT_FALSE(WriteFully(*file, 0, BytesOf(Text(kSector, '2'))));
  EXPECT_FALSE(WriteFully(*file, 0, BytesOf(Text(kSector, '3'))));
  const std::set<std::string> expected = {Text(kSector, '1'), Text(kSector, '2'), Text(kSector, '3')};
  EXPECT_EQ(CrashContentsOf("a", {.tears_sectors = false}), expected) << "seed " << TestSeed();
}

TEST_F(CrashDirectoryTest, ANewSizeIsKeptInPartAndWhatIsMissingIsZero) {
  const auto file = SyncedFile("a", Text(1000, 'o'));
  EXPECT_FALSE(WriteFully(*file, 1000, BytesOf(Text(9000, 'n'))));
  std::set<size_t> sizes;
  bool has_zeros = false;
  for (const std::string& content : CrashContentsOf("a")) {
    sizes.insert(content.size());
    ASSERT_GE(content.size(), 1000u);
    ASSERT_LE(content.size(), 10'000u);
    ASSERT_TRUE(IsOf(content.substr(0, 1000), 'o')) << "seed " << TestSeed();
    ASSERT_EQ(content.find_first_not_of(std::string("n\0", 2), 1000), std::string::npos) << "seed " << TestSeed();
    has_zeros = has_zeros || content.find('\0') != std::string::npos;
  }
  EXPECT_TRUE(sizes.contains(1000) && sizes.contains(10'000)) << "seed " << TestSeed();
  const auto whole_sectors = std::count_if(sizes.begin(), sizes.end(), [](size_t size) { return size % kSector == 0; });
  EXPECT_GT(whole_sectors, 5) << "seed " << TestSeed();
  EXPECT_GT(sizes.size() - static_cast<size_t>(whole_sectors), 5u) << "seed " << TestSeed();
  EXPECT_TRUE(has_zeros) << "seed " << TestSeed();
}

TEST_F(CrashDirectoryTest, ALostCutLeavesWhatWasCut) {
  const auto file = SyncedFile("a", Text(6000, 'o'));
  EXPECT_FALSE(file->SetSize(100));
  const std::set<std::string> contents = CrashContentsOf("a");
  EXPECT_TRUE(contents.contains(Text(6000, 'o')) && contents.contains(Text(100, 'o'))) << "seed " << TestSeed();
  EXPECT_FALSE(file->Sync());
  EXPECT_EQ(CrashContentsOf("a"), std::set<std::string>{Text(100, 'o')});
}

TEST_F(CrashDirectoryTest, UnwrittenSectorsMayShowRemovedFiles) {
  SyncedFile("removed", Text(2 * kPage, 'r'));
  EXPECT_FALSE(directory_.Remove("removed"));
  EXPECT_FALSE(directory_.Sync());
  const auto file = SyncedFile("a", Text(kPage, 'o'));
  EXPECT_FALSE(WriteFully(*file, 0, BytesOf(Text(2 * kPage, 'n'))));
  bool shows_removed = false;
  for (const std::string& content : CrashContentsOf("a")) {
    ASSERT_EQ(content.substr(0, kPage).find('r'), std::string::npos) << "seed " << TestSeed();
    shows_removed = shows_removed || content.find('r') != std::string::npos;
  }
  EXPECT_TRUE(shows_removed) << "seed " << TestSeed();
  for (const std::string& content : CrashContentsOf("a", {.shows_removed_files = false})) {
    ASSERT_EQ(content.find('r'), std::string::npos) << "seed " << TestSeed();
  }
}

// Any writes, cuts and syncs: each byte of a copy is as synced or as some write since left it, and a copy's copies are
// all alike.
TEST_F(CrashDirectoryTest, RandomUseNeverLosesSyncedBytesNorInventsAny) {
  const auto file = SyncedFile("a", "");
  std::string now;
  std::vector<std::set<char>> possible;  // of each byte; more than one where it is not sure
  size_t size_min = 0;
  const auto note = [&] {
    possible.resize(std::max(possible.size(), now.size()), {'\0'});
    for (size_t i = 0; i < possible.size(); ++i) possible[i].insert(i < now.size() ? now[i] : '\0');
    size_min = std::min(size_min, now.size());
  };
  for (size_t round = 0; round < Scaled(1000); ++round) {
    const size_t offset = random_.Below(now.size() + 2000);
    if (random_.OneIn(10)) {
      ASSERT_FALSE(file->SetSize(offset % 20'000));
      now.resize(offset % 20'000);
      note();
    } else if (random_.OneIn(6)) {
      ASSERT_FALSE(file->Sync());
      possible.clear();
      size_min = now.size();
      for (char byte : now) possible.push_back({byte});
    } else if (now.size() < 20'000) {
      const std::string bytes = random_.Bytes(1 + random_.Below(3000));
      ASSERT_FALSE(WriteFully(*file, offset, BytesOf(bytes)));
      now.resize(std::max(now.size(), offset + bytes.size()));
      now.replace(offset, bytes.size(), bytes);
      note();
    }
    ASSERT_EQ(directory_.ContentOf("a"), now);
    const auto copy = directory_.CrashCopy(random_);
    const std::string content = *copy->ContentOf("a");
    ASSERT_GE(content.size(), size_min) << "seed " << TestSeed();
    ASSERT_LE(content.size(), possible.size()) << "seed " << TestSeed();
    for (size_t i = 0; i < content.size(); ++i) {
      ASSERT_TRUE(possible[i].contains(content[i])) << "byte " << i << ", round " << round << ", seed " << TestSeed();
    }
    ASSERT_EQ(copy->CrashCopy(random_)->ContentOf("a"), content) << "seed " << TestSeed();
    ASSERT_FALSE(OpenOrNull(*copy, "a", Mode::kReadWrite)->SetSize(content.size() + kPage));
    ASSERT_EQ(copy->ContentOf("a"), content + Text(kPage, '\0')) << "what was cut shows again, seed " << TestSeed();
  }
}

// --- Names -----------------------------------------------------------------------------------------------------------

TEST_F(CrashDirectoryTest, AFilesSyncDoesNotKeepItsName) {
  const auto file = CreateFile(directory_, "a", "x");
  EXPECT_FALSE(file->Sync());
  EXPECT_EQ(CrashStates(), (std::set<std::string>{"", "a=x"})) << "seed " << TestSeed();
  EXPECT_FALSE(directory_.Sync());
  EXPECT_EQ(CrashStates(), std::set<std::string>{"a=x"});
}

TEST_F(CrashDirectoryTest, ANamesSyncDoesNotKeepItsFile) {
  const auto file = CreateFile(directory_, "a", "x");
  EXPECT_FALSE(directory_.Sync());
  EXPECT_TRUE(CrashContentsOf("a").contains("")) << "seed " << TestSeed();
}

TEST_F(CrashDirectoryTest, ARenameIsKeptOrLostAndItsTargetIsAlwaysThere) {
  SyncedFile("target", "old");
  SyncedFile("temporary", "new");
  EXPECT_FALSE(directory_.Rename("temporary", "target"));
  const std::set<std::string> in_order = {"target=new", "target=old temporary=new"};
  EXPECT_EQ(CrashStates({.keeps_order_of_names = true}), in_order) << "seed " << TestSeed();
  std::set<std::string> lingering = in_order;
  lingering.insert("target=new temporary=new");
  EXPECT_EQ(CrashStates(), lingering) << "seed " << TestSeed();
  EXPECT_FALSE(directory_.Sync());
  EXPECT_EQ(CrashStates(), std::set<std::string>{"target=new"});
}

TEST_F(CrashDirectoryTest, ChangesAreKeptByThemselvesOrInOrder) {
  SyncedFile("a", "1");
  SyncedFile("b", "2");
  EXPECT_FALSE(directory_.Remove("a"));
  EXPECT_FALSE(directory_.Remove("b"));
  EXPECT_EQ(CrashStates(), (std::set<std::string>{"a=1 b=2", "a=1", "b=2", ""})) << "seed " << TestSeed();
  EXPECT_EQ(CrashStates({.keeps_order_of_names = true}), (std::set<std::string>{"a=1 b=2", "b=2", ""}));
}

// Of so many changes that chance alone keeps no order.
TEST_F(CrashDirectoryTest, HalfTheCopiesKeepTheOrderOfChanges) {
  for (char name = 'a'; name <= 'p'; ++name) CreateFile(directory_, std::string(1, name));
  size_t in_order = 0;
  for (size_t i = 0; i < kCopies; ++i) {
    std::vector<std::string> names;
    EXPECT_FALSE(directory_.CrashCopy(random_)->List(&names));
    in_order += names.empty() || names.back()[0] == 'a' + static_cast<char>(names.size()) - 1;
  }
  EXPECT_TRUE(in_order > kCopies / 4 && in_order < kCopies * 3 / 4) << in_order << ", seed " << TestSeed();
}

TEST_F(CrashDirectoryTest, AnOldNameThatLingersIsOfTheSameFile) {
  SyncedFile("a", "1");
  EXPECT_FALSE(directory_.Rename("a", "b"));
  for (;;) {
    const auto copy = directory_.CrashCopy(random_);
    if (StateOf(*copy) != "a=1 b=1") continue;
    EXPECT_FALSE(WriteFully(*OpenOrNull(*copy, "a", Mode::kReadWrite), 0, BytesOf("2")));
    EXPECT_FALSE(copy->Rename("a", "b"));
    EXPECT_EQ(StateOf(*copy), "a=2 b=2") << "POSIX: a rename of a file to another of its names does nothing";
    EXPECT_FALSE(copy->Remove("a"));
    EXPECT_EQ(StateOf(*copy), "b=2");
    break;
  }
}

// --- Failed syncs ----------------------------------------------------------------------------------------------------

TEST_F(CrashDirectoryTest, AfterAFailedSyncAnotherProvesNothing) {
  const auto file = SyncedFile("a", "old");
  EXPECT_FALSE(WriteFully(*file, 0, BytesOf("new")));
  SyncWith(*file, std::errc::io_error);
  EXPECT_FALSE(file->Sync());
  EXPECT_EQ(directory_.ContentOf("a"), "new") << "as programs see it";
  EXPECT_EQ(CrashContentsOf("a", {.tears_sectors = false}), (std::set<std::string>{"new", "old"}));
  EXPECT_FALSE(WriteFully(*file, 0, BytesOf("own")));
  EXPECT_FALSE(file->Sync());
  EXPECT_EQ(CrashContentsOf("a"), std::set<std::string>{"own"}) << "written again, it is synced";
}

TEST_F(CrashDirectoryTest, AfterAFailedSyncTheSizeIsNotSureEither) {
  const auto file = SyncedFile("a", "");
  EXPECT_FALSE(file->SetSize(5000));
  SyncWith(*file, std::errc::no_space_on_device);
  EXPECT_FALSE(file->Sync());
  EXPECT_GT(CrashContentsOf("a").size(), 1u) << "seed " << TestSeed();
}

TEST_F(CrashDirectoryTest, AnInterruptedSyncLosesNothing) {
  const auto file = SyncedFile("a", "old");
  EXPECT_FALSE(WriteFully(*file, 0, BytesOf("new")));
  SyncWith(*file, std::errc::interrupted);
  EXPECT_FALSE(file->Sync());
  EXPECT_EQ(CrashContentsOf("a"), std::set<std::string>{"new"});
}

TEST_F(CrashDirectoryTest, AfterAFailedSyncOfNamesTheyAreNotSureButLaterOnesAre) {
  SyncedFile("a", "1");
  EXPECT_FALSE(directory_.Rename("a", "b"));
  directory_.Fail(directory_.calls(), std::errc::io_error, Lasting::kOnce);
  EXPECT_EQ(directory_.Sync(), std::errc::io_error);
  SyncedFile("c", "2");
  EXPECT_EQ(CrashStates(), (std::set<std::string>{"a=1 c=2", "b=1 c=2", "a=1 b=1 c=2"})) << "seed " << TestSeed();
}

// --- Kills -----------------------------------------------------------------------------------------------------------

TEST_F(CrashDirectoryTest, AKillLosesNothingAndSyncsNothing) {
  const auto file = SyncedFile("a", "old");
  const auto unnamed = CreateFile(directory_, "b", "1");
  EXPECT_FALSE(unnamed->Sync());
  EXPECT_FALSE(WriteFully(*file, 0, BytesOf("new")));
  const auto killed = directory_.KillCopy();
  EXPECT_FALSE(WriteFully(*file, 0, BytesOf("not")));
  EXPECT_FALSE(WriteFully(*unnamed, 0, BytesOf("2")));
  EXPECT_FALSE(directory_.Remove("b"));
  EXPECT_EQ(StateOf(*killed), "a=new b=1");
  std::set<std::string> contents;
  size_t with_b = 0;
  for (size_t i = 0; i < kCopies; ++i) {
    const auto crashed = killed->CrashCopy(random_, {.tears_sectors = false});
    contents.insert(*crashed->ContentOf("a"));
    const std::optional<std::string> b = crashed->ContentOf("b");
    with_b += b.has_value();
    EXPECT_EQ(b.value_or("1"), "1") << "what the other wrote later";
  }
  EXPECT_EQ(contents, (std::set<std::string>{"new", "old"})) << "seed " << TestSeed();
  EXPECT_TRUE(with_b > 0 && with_b < kCopies) << "seed " << TestSeed();
}

TEST_F(CrashDirectoryTest, CopiesBeginUnlockedHealthyAndUncounted) {
  std::string holder;
  std::unique_ptr<DirectoryLock> lock;
  ASSERT_FALSE(directory_.Lock("lock", "self", &holder, &lock));
  directory_.SetHook([](const CrashDirectory::Call&) { FAIL() << "a copy has no hook"; });
  directory_.Fail(0, std::errc::io_error, Lasting::kForEver);
  const std::unique_ptr<CrashDirectory> copies[] = {directory_.CrashCopy(random_), directory_.KillCopy()};
  for (const auto& copy : copies) {
    EXPECT_EQ(copy->calls(), 0u);
    std::unique_ptr<DirectoryLock> own;
    EXPECT_FALSE(copy->Lock("lock", "self", &holder, &own));
  }
}

TEST_F(CrashDirectoryTest, TheSameRandomDrawsTheSameCopy) {
  SyncedFile("b", "removed");
  const auto file = SyncedFile("a", Text(kPage, 'o'));
  EXPECT_FALSE(WriteFully(*file, 100, BytesOf(random_.Bytes(3 * kPage))));
  EXPECT_FALSE(directory_.Remove("b"));
  CreateFile(directory_, "c", random_.Bytes(kPage));
  for (uint64_t stream = 0; stream < 50; ++stream) {
    Random first(stream);
    Random second(stream);
    ASSERT_EQ(StateOf(*directory_.CrashCopy(first)), StateOf(*directory_.CrashCopy(second)));
  }
}

// --- Faults ----------------------------------------------------------------------------------------------------------

// One call of each kind, in their order; what each returned.
class EveryCall {
 public:
  explicit EveryCall(CrashDirectory& directory) {
    Note(directory.Open("a", Mode::kCreate, &file_));
    if (!file_) return;
    size_t count = 0;
    uint64_t size = 0;
    std::array<uint8_t, 4> bytes = {};
    std::vector<std::string> names;
    std::string holder;
    std::unique_ptr<DirectoryLock> lock;
    Note(file_->ReadAt(0, bytes, &count));
    Note(file_->WriteAt(0, bytes, &count));
    Note(file_->SetSize(3));
    Note(file_->GetSize(&size));
    Note(file_->Sync());
    Note(directory.Rename("a", "b"));
    Note(directory.Remove("b"));
    Note(directory.List(&names));
    Note(directory.Sync());
    Note(directory.Lock("lock", "self", &holder, &lock));
  }

  const std::vector<std::error_code>& errors() const { return errors_; }

 private:
  void Note(std::error_code error) { errors_.push_back(error); }

  std::unique_ptr<File> file_;
  std::vector<std::error_code> errors_;
};

TEST_F(CrashDirectoryTest, EveryCallCountsAndIsHeardBefore) {
  std::vector<Kind> kinds;
  std::vector<std::string> names;
  directory_.SetHook([&](const CrashDirectory::Call& call) {
    EXPECT_EQ(call.number, kinds.size());
    kinds.push_back(call.kind);
    names.emplace_back(call.name);
    if (call.kind == Kind::kRename) {
      EXPECT_EQ(directory_.KillCopy()->ContentOf("a"), std::string(3, '\0'));
    }
  });
  EveryCall calls(directory_);
  ASSERT_EQ(kinds.size(), calls.errors().size());
  EXPECT_EQ(directory_.calls(), kinds.size());
  for (size_t i = 0; i < kinds.size(); ++i) EXPECT_EQ(static_cast<size_t>(kinds[i]), i);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "a", "a", "a", "a", "a", "a", "b", "", "", "lock"}));
}

TEST_F(CrashDirectoryTest, AnyCallFailsWithAnyErrorOnceOrForEver) {
  const size_t count = EveryCall(directory_).errors().size();
  for (const std::errc error : {std::errc::io_error, std::errc::no_space_on_device, std::errc::interrupted,
                                std::errc::too_many_files_open, std::errc::read_only_file_system}) {
    for (size_t failing = 0; failing < count; ++failing) {
      CrashDirectory once, for_ever;
      once.Fail(failing, error, Lasting::kOnce);
      for_ever.Fail(failing, error, Lasting::kForEver);
      const std::vector<std::error_code> errors = EveryCall(once).errors();
      ASSERT_GT(errors.size(), failing);
      EXPECT_EQ(errors[failing], error);
      const std::vector<std::error_code> all = EveryCall(for_ever).errors();
      for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i] == error, i >= failing) << "call " << i;
      for_ever.Heal();
      std::vector<std::string> names;
      EXPECT_FALSE(for_ever.List(&names));
      // Only what needs the failed one fails too: there is no file, or it kept its name.
      if (failing == 0 || failing == 6) continue;
      EXPECT_EQ(std::count(errors.begin(), errors.end(), std::error_code()), count - 1);
    }
  }
}

TEST_F(CrashDirectoryTest, FailedCallsHaveNoEffect) {
  const auto file = SyncedFile("a", "old");
  directory_.Fail(directory_.calls(), std::errc::io_error, Lasting::kForEver);
  size_t written = 1;
  EXPECT_TRUE(file->WriteAt(0, BytesOf("new"), &written));
  EXPECT_EQ(written, 0u);
  EXPECT_TRUE(file->SetSize(0));
  EXPECT_TRUE(directory_.Rename("a", "b"));
  EXPECT_TRUE(directory_.Remove("a"));
  std::unique_ptr<File> none;
  EXPECT_TRUE(directory_.Open("b", Mode::kCreate, &none));
  EXPECT_EQ(none, nullptr);
  directory_.Heal();
  EXPECT_EQ(StateOf(directory_), "a=old");
}

TEST_F(CrashDirectoryTest, AHookMakesTheVeryCallFail) {
  const auto file = SyncedFile("a", "x");
  directory_.SetHook([this](const CrashDirectory::Call& call) {
    if (call.kind == Kind::kSync) directory_.Fail(call.number, std::errc::io_error, Lasting::kOnce);
  });
  size_t written = 0;
  EXPECT_FALSE(file->WriteAt(0, BytesOf("y"), &written));
  EXPECT_EQ(file->Sync(), std::errc::io_error);
  EXPECT_FALSE(directory_.Sync());
  directory_.SetHook(nullptr);
  EXPECT_FALSE(file->Sync());
}

TEST_F(CrashDirectoryTest, ShortCallsDoAPart) {
  directory_.Put("a", Text(1000, 'o'));
  const auto file = OpenOrNull(directory_, "a", Mode::kReadWrite);
  for (size_t i = 0; i < 100; ++i) {
    const std::string before = *directory_.ContentOf("a");
    size_t count = 0;
    std::array<uint8_t, 1000> bytes;
    directory_.Shorten(directory_.calls(), Lasting::kOnce);
    EXPECT_FALSE(file->ReadAt(0, bytes, &count));
    EXPECT_TRUE(count > 0 && count < 1000) << count;
    directory_.Shorten(directory_.calls(), Lasting::kOnce);
    EXPECT_FALSE(file->WriteAt(0, BytesOf(Text(1000, static_cast<char>('a' + i % 20))), &count));
    EXPECT_TRUE(count > 0 && count < 1000) << count;
    EXPECT_EQ(directory_.ContentOf("a")->substr(count), before.substr(count));
    EXPECT_FALSE(file->ReadAt(0, bytes, &count));
    EXPECT_EQ(count, 1000u) << "once is once";
  }
}

// --- Room ------------------------------------------------------------------------------------------------------------

TEST_F(CrashDirectoryTest, AFullMediumTakesAPartAndThenNothing) {
  SyncedFile("other", Text(600, 'x'));
  directory_.SetCapacity(1000);
  const auto file = CreateFile(directory_, "a");
  size_t written = 0;
  EXPECT_FALSE(file->WriteAt(0, BytesOf(Text(1000, 'y')), &written));
  EXPECT_EQ(written, 400u);
  EXPECT_EQ(file->WriteAt(400, BytesOf("z"), &written), std::errc::no_space_on_device);
  EXPECT_EQ(file->SetSize(401), std::errc::no_space_on_device);
  EXPECT_FALSE(file->WriteAt(0, BytesOf(Text(400, 'w')), &written)) << "what is there may be overwritten";
  EXPECT_EQ(written, 400u);
  EXPECT_EQ(directory_.ContentOf("a"), Text(400, 'w'));
  const auto copy = directory_.KillCopy();
  EXPECT_EQ(WriteFully(*OpenOrNull(*copy, "a", Mode::kReadWrite), 400, BytesOf("z")), std::errc::no_space_on_device);
}

TEST_F(CrashDirectoryTest, RoomComesBackWhenAFileIsGoneAndClosed) {
  directory_.SetCapacity(1000);
  auto full = CreateFile(directory_, "full", Text(1000, 'x'));
  const auto file = CreateFile(directory_, "a");
  EXPECT_FALSE(directory_.Remove("full"));
  EXPECT_EQ(WriteFully(*file, 0, BytesOf("y")), std::errc::no_space_on_device);
  full.reset();
  EXPECT_FALSE(WriteFully(*file, 0, BytesOf(Text(1000, 'y'))));
  EXPECT_FALSE(file->SetSize(300));
  CreateFile(directory_, "replaced", Text(700, 'z'));
  EXPECT_FALSE(directory_.Rename("a", "replaced"));
  EXPECT_FALSE(WriteFully(*file, 300, BytesOf(Text(700, 'z'))));
}

// --- What a test arranges --------------------------------------------------------------------------------------------

TEST_F(CrashDirectoryTest, WhatIsPutIsDurableWhateverWasThere) {
  SyncedFile("a", "old");
  EXPECT_FALSE(directory_.Remove("a"));
  directory_.Put("a", "put");
  const auto file = CreateFile(directory_, "unsure");
  EXPECT_FALSE(file->SetSize(5));
  EXPECT_FALSE(file->SetSize(0));
  SyncWith(*file, std::errc::io_error);
  directory_.Put("unsure", "");
  EXPECT_FALSE(directory_.Sync());
  directory_.Put("b", Text(kPage, 'p'));
  directory_.Put("b", "shorter");
  EXPECT_EQ(CrashStates(), std::set<std::string>{"a=put b=shorter unsure="});
  EXPECT_EQ(directory_.ContentOf("c"), std::nullopt);
}

TEST_F(CrashDirectoryTest, FilesAndLocksMayOutliveIt) {
  auto directory = std::make_unique<CrashDirectory>();
  std::string holder;
  std::unique_ptr<DirectoryLock> lock;
  const auto file = CreateFile(*directory, "a", "x");
  EXPECT_FALSE(directory->Lock("lock", "self", &holder, &lock));
  directory.reset();
  EXPECT_EQ(ReadAll(*file), "x");
}

TEST_F(CrashDirectoryTest, ThreadsCopyItWhileOthersWrite) {
  std::vector<std::thread> threads;
  for (const std::string name : {"a", "b"}) {
    threads.emplace_back([this, name] {
      Random random(name[0]);
      for (size_t i = 0; i < Scaled(200); ++i) {
        const auto file = CreateFile(directory_, name, Text(random.Below(3 * kPage), name[0]));
        EXPECT_FALSE(random.OneIn(2) && file->Sync());
        EXPECT_FALSE(directory_.Rename(name, name + name));
      }
    });
  }
  for (size_t i = 0; i < Scaled(200); ++i) {
    for (const auto& copy : {directory_.CrashCopy(random_, {.shows_removed_files = false}), directory_.KillCopy()}) {
      for (const std::string name : {"aa", "bb"}) {
        const std::string content = copy->ContentOf(name).value_or("");
        EXPECT_EQ(content.find_first_not_of({name[0], '\0'}), std::string::npos);
        copy->Put(name, "changed");
      }
    }
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace shardmap
