#include "base/crash_names.h"

#include <utility>

namespace shardmap {

CrashNames::FileRef CrashNames::Find(std::string_view name) const {
  const auto found = map_.find(name);
  return found == map_.end() ? nullptr : found->second;
}

CrashNames::FileRef CrashNames::Create(std::string_view name) {
  auto file = std::make_shared<CrashFile>();
  ++file->names;
  Add({std::string(name), file, {}, Change::State::kPending});
  return file;
}

CrashNames::FileRef CrashNames::CreateSynced(std::string_view name) {
  auto file = std::make_shared<CrashFile>();
  ++file->names;
  Add({std::string(name), file, {}, Change::State::kDurable});
  return file;
}

CrashNames::FileRef CrashNames::Rename(std::string_view from, std::string_view to) {
  FileRef replaced = Find(to);
  // POSIX: of two names of one file, which power loss may leave, both stay.
  if (replaced == Find(from)) return nullptr;
  if (replaced) --replaced->names;
  Add({std::string(to), Find(from), std::string(from), Change::State::kPending});
  return replaced;
}

CrashNames::FileRef CrashNames::Remove(std::string_view name) {
  FileRef file = Find(name);
  --file->names;
  Add({std::string(name), nullptr, {}, Change::State::kPending});
  return file;
}

void CrashNames::Apply(const Change& change, bool from_lingers, Map* map) {
  if (change.file) {
    (*map)[change.name] = change.file;
  } else {
    map->erase(change.name);
  }
  if (!change.from.empty() && !from_lingers) map->erase(change.from);
}

void CrashNames::Add(Change change) {
  Apply(change, false, &map_);
  changes_.push_back(std::move(change));
}

void CrashNames::Sync() {
  bool is_sure = true;
  for (Change& change : changes_) {
    if (change.state == Change::State::kPending) change.state = Change::State::kDurable;
    is_sure = is_sure && change.state == Change::State::kDurable;
  }
  if (!is_sure) return;
  changes_.clear();
  synced_ = map_;
}

void CrashNames::FailSync() {
  for (Change& change : changes_) {
    if (change.state == Change::State::kPending) change.state = Change::State::kUnsure;
  }
}

// Changes that are kept happen in their order. The new name of a rename comes in one step; where no order is kept, the
// old one may linger.
CrashNames::Map CrashNames::DrawMap(Random& random, const CrashOptions& options) const {
  Map drawn = synced_;
  if (changes_.empty()) return drawn;
  const bool keeps_order = options.keeps_order_of_names || random.OneIn(2);
  const size_t in_order = random.Below(changes_.size() + 1);
  for (size_t i = 0; i < changes_.size(); ++i) {
    const Change& change = changes_[i];
    if (change.state == Change::State::kDurable) {
      Apply(change, false, &drawn);
      continue;
    }
    const bool is_in_order = keeps_order && change.state == Change::State::kPending;
    const bool is_kept = is_in_order ? i < in_order : random.OneIn(2);
    if (is_kept) Apply(change, !keeps_order && random.OneIn(4), &drawn);
  }
  return drawn;
}

CrashNames CrashNames::AfterPowerLoss(Random& random, const CrashOptions& options,
                                      std::span<const CrashContent::PageRef> removed) const {
  CrashNames after;
  after.map_ = DrawMap(random, options);
  std::map<const CrashFile*, FileRef> files;  // two names may be of one
  for (auto& [name, file] : after.map_) {
    FileRef& copy = files[file.get()];
    if (!copy) {
      copy = std::make_shared<CrashFile>();
      copy->content = file->content.AfterPowerLoss(random, options, removed);
    }
    ++copy->names;
    file = copy;
  }
  after.synced_ = after.map_;
  return after;
}

CrashNames CrashNames::AfterKill() const {
  CrashNames after = *this;
  std::map<const CrashFile*, FileRef> files;
  const auto replace = [&files](FileRef& file) {
    if (!file) return;
    FileRef& copy = files[file.get()];
    if (!copy) {
      copy = std::make_shared<CrashFile>();
      copy->content = file->content;
    }
    file = copy;
  };
  for (auto& [name, file] : after.map_) {
    replace(file);
    ++file->names;
  }
  // Those too that programs see no more and the medium may have.
  for (auto& [name, file] : after.synced_) replace(file);
  for (Change& change : after.changes_) replace(change.file);
  return after;
}

}  // namespace shardmap
