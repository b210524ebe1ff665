#include "binding/native_batch.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "binding/batch.h"
#include "binding/callback.h"
#include "binding/environment.h"
#include "binding/node_api.h"
#include "binding/value_convert.h"
#include "binding/value_list.h"
#include "binding/vectors.h"

namespace shardmap {
namespace {

// The arguments of a call that takes any number of them, at most so many.
class Arguments {
 public:
  static constexpr size_t kMax = 264;

  // Node-API fills the rest of what it is given, so the whole is given for many only.
  Arguments(napi_env env, napi_callback_info info) {
    void* environment = nullptr;
    napi_get_cb_info(env, info, &count_, values_, nullptr, &environment);
    if (count_ > kFew) {
      count_ = kMax;
      napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr);
      count_ = std::min(count_, kMax);
    }
    environment_ = static_cast<Environment*>(environment);
    napi_get_value_uint32(env, values_[0], &first_);
  }

  Environment& environment() const { return *environment_; }
  // The first argument, of a slot or a batch.
  uint32_t first() const { return first_; }
  napi_value operator[](size_t index) const { return values_[index]; }
  std::span<const napi_value> from(size_t index) const {
    return {values_ + index, count_ > index ? count_ - index : 0};
  }

 private:
  static constexpr size_t kFew = 16;

  size_t count_ = kFew;
  uint32_t first_ = 0;
  Environment* environment_;
  napi_value values_[kMax];
};

using KeysOperation = napi_value (*)(napi_env, Attachment&, const Arguments&, std::span<const Key>);
using Adder = Status (Batch::*)(napi_env, std::span<const napi_value>);

// A batch for the time of one call.
class BatchLoan {
 public:
  explicit BatchLoan(Environment& environment) : environment_(environment), batch_(environment.TakeBatch()) {}
  ~BatchLoan() { environment_.GiveBack(std::move(batch_)); }
  BatchLoan(const BatchLoan&) = delete;
  BatchLoan& operator=(const BatchLoan&) = delete;

  Batch& operator*() const { return *batch_; }
  Batch* operator->() const { return batch_.get(); }

 private:
  Environment& environment_;
  std::unique_ptr<Batch> batch_;
};

// Calls `operation(attachment, batch)` with a batch of the keys, or entries, that are arguments from `kFirstItem` on;
// the argument `kPlace` is the place of the first of them, for errors: 0 for none. As in KeyedCall, the store is
// looked up after the items were read.
template <size_t kFirstItem, Adder kAdder, size_t kPlace, typename Operation>
napi_value CallWithItems(napi_env env, const Arguments& args, Operation operation) {
  Environment& environment = args.environment();
  const uint64_t opening = environment.OpeningAt(args.first());
  try {
    const BatchLoan batch(environment);
    if (kPlace != 0) batch->StartAt(ReadSize(env, args[kPlace]));
    const Status status = ((*batch).*kAdder)(env, args.from(kFirstItem));
    if (!status.ok()) return Throw(env, status);
    Attachment* attachment = environment.AttachmentAt(args.first());
    if (attachment == nullptr || environment.OpeningAt(args.first()) != opening) return ThrowClosed(env);
    return operation(*attachment, *batch);
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

template <size_t kFirstKey, KeysOperation kOperation, size_t kPlace>
napi_value OnKeys(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  return CallWithItems<kFirstKey, &Batch::AddKeys, kPlace>(
      env, args, [&](Attachment& attachment, Batch& batch) { return kOperation(env, attachment, args, batch.keys()); });
}

using ReadValues = std::array<ReadValue, Arguments::kMax>;
using Found = std::array<bool, Arguments::kMax>;

// Replies of many results, as lib/native.ts has them.
constexpr double kValues = 0;
constexpr double kWithKinds = 1;
constexpr double kNumbers = 2;
constexpr size_t kFoundAt = 2048;

// The results of a call on many keys on their way to JavaScript. Numbers, and whether there is an entry, go through
// memory that it reads without a call: making JavaScript's values here costs several times as much
// (docs/performance.md, batches).
class Results {
 public:
  Results(napi_env env, Environment& environment, size_t count)
      : env_(env), environment_(environment), count_(count), bytes_(environment.scratch_bytes()) {}

  bool HasRoom() const { return count_ * sizeof(double) <= kFoundAt && kFoundAt + count_ <= bytes_.size(); }

  // One after the other.
  void SetFound(size_t i, bool is_found) {
    bytes_[kFoundAt + i] = is_found ? 1 : 0;
    found_ += is_found ? 1 : 0;
  }
  void SetValue(size_t i, const ReadValue& value, bool is_found) {
    SetFound(i, is_found);
    if (!list_.has_value()) {
      if (!is_found) return;
      if (value.kind() == ValueKind::kNumber) return SetNumber(i, value.first_word());
      BeginList(i);
    }
    if (is_found) {
      list_->AppendValue(value);
    } else {
      list_->AppendUndefined();
    }
  }

  napi_value ToJs() {
    const double form = !list_.has_value() ? kNumbers : list_->has_kinds() ? kWithKinds : kValues;
    environment_.NoteReply(form, static_cast<double>(found_));
    return list_.has_value() ? list_->ToJsForNow() : Undefined(env_);
  }

 private:
  void SetNumber(size_t i, uint64_t word) { std::memcpy(&bytes_[i * sizeof word], &word, sizeof word); }
  // With the numbers before the first value that is none.
  void BeginList(size_t end) {
    list_.emplace(env_, ValueList::Form::kPlain);
    list_->Reserve(count_);
    for (size_t i = 0; i < end; ++i) {
      if (bytes_[kFoundAt + i] == 0) {
        list_->AppendUndefined();
        continue;
      }
      double number;
      std::memcpy(&number, &bytes_[i * sizeof number], sizeof number);
      list_->Append(shardmap::ToJs(env_, number));
    }
  }

  const napi_env env_;
  Environment& environment_;
  const size_t count_;
  const std::span<uint8_t> bytes_;
  size_t found_ = 0;
  std::optional<ValueList> list_;
};

Status TooMany() { return Status(Code::kInvalidArgument, "Too many items for one call"); }

// What reading them does besides.
void RenewIfSliding(Attachment& attachment, std::span<const Key> keys, const ReadValue* values, const bool* found) {
  if (!attachment.store().slides()) return;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (found[i]) attachment.RenewIfSliding(keys[i], values[i]);
  }
}

// In groups, whose values are in the cache until they are converted.
napi_value GetMany(napi_env env, Attachment& attachment, const Arguments& args, std::span<const Key> keys) {
  constexpr size_t kGroup = BatchGroup::kKeysMax;
  Results results(env, args.environment(), keys.size());
  if (!results.HasRoom()) return Throw(env, TooMany());
  const ReadGuard guard(attachment.session());
  for (size_t first = 0; first < keys.size(); first += kGroup) {
    const std::span<const Key> group = keys.subspan(first, std::min(kGroup, keys.size() - first));
    std::array<ReadValue, kGroup> values;
    std::array<bool, kGroup> found;
    attachment.store().GetMany(guard, group, values.data(), found.data());
    for (size_t i = 0; i < group.size(); ++i) results.SetValue(first + i, values[i], found[i]);
    RenewIfSliding(attachment, group, values.data(), found.data());
  }
  return results.ToJs();
}

napi_value HasMany(napi_env env, Attachment& attachment, const Arguments& args, std::span<const Key> keys) {
  Results results(env, args.environment(), keys.size());
  if (!results.HasRoom()) return Throw(env, TooMany());
  const ReadGuard guard(attachment.session());
  Found found;
  attachment.store().HasMany(guard, keys, found.data());
  for (size_t i = 0; i < keys.size(); ++i) results.SetFound(i, found[i]);
  return nullptr;
}

// --- Vectors ---------------------------------------------------------------------------------------------------------

// (slot, kind, out, first byte of out, bytes of a row, mask, first byte of mask, ...keys)
napi_value Gather(napi_env env, Attachment& attachment, const Arguments& args, std::span<const Key> keys) {
  const ReadGuard guard(attachment.session());
  ReadValues values;
  Found found;
  const size_t count = attachment.store().GetMany(guard, keys, values.data(), found.data());
  const auto kind = static_cast<ValueKind>(ReadSize(env, args[1]));
  const ViewBytes out(env, args[2]);
  const ViewBytes mask(env, args[5]);
  const size_t first = ReadSize(env, args[3]);
  const size_t row = ReadSize(env, args[4]);
  const size_t mask_first = ReadSize(env, args[6]);
  const bool has_room = first <= out.size && keys.size() * row <= out.size - first && mask_first <= mask.size &&
                        keys.size() <= mask.size - mask_first;
  if (!has_room) return ToJs(env, kVectorNoRoom);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!found[i] || (HasElementsOf(values[i], kind) && values[i].size() == row)) continue;
    args.environment().NoteReply(static_cast<double>(values[i].kind()), static_cast<double>(values[i].size()));
    return ToJs(env, kVectorOther - static_cast<double>(i));
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    mask.first[mask_first + i] = found[i] ? 1 : 0;
    if (found[i] && row != 0) std::memcpy(out.first + first + i * row, values[i].bytes(), row);
  }
  RenewIfSliding(attachment, keys, values.data(), found.data());
  return ToJs(env, static_cast<double>(count));
}

// --- Writes ----------------------------------------------------------------------------------------------------------

// (batch, ...items)
template <Adder kAdder>
napi_value AddTo(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const std::shared_ptr<Batch> batch = args.environment().BatchAt(args.first());
  if (batch == nullptr) return Throw(env, Status(Code::kInvalidArgument, "This batch is not open"));
  try {
    const Status status = ((*batch).*kAdder)(env, args.from(1));
    return status.ok() ? nullptr : Throw(env, status);
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

napi_value OpenBatch(napi_env env, napi_callback_info info) {
  try {
    return ToJs(env, static_cast<double>(Arguments(env, info).environment().OpenBatch()));
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

napi_value CloseBatch(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  args.environment().CloseBatch(args.first());
  return nullptr;
}

// Gets the store of the first argument, and the batch of the second.
template <typename Operation>
napi_value CallWithBatch(napi_env env, const Arguments& args, Operation operation) {
  Attachment* attachment = args.environment().AttachmentAt(args.first());
  if (attachment == nullptr) return ThrowClosed(env);
  const std::shared_ptr<Batch> batch = args.environment().BatchAt(static_cast<uint32_t>(ReadSize(env, args[1])));
  if (batch == nullptr) return Throw(env, Status(Code::kInvalidArgument, "This batch is not open"));
  try {
    return operation(*attachment, *batch);
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

// Entries that were set are no longer in the batch: it can be tried again. How many they were is noted as reply.
napi_value SetAll(napi_env env, Attachment& attachment, Batch& batch, const Lifetime& lifetime) {
  size_t failed = 0;
  const Status status = attachment.store().SetMany(attachment.session(), batch.entries(), &failed, lifetime);
  attachment.NoteMutation();
  if (!status.ok()) {
    batch.DropEntries(failed);
    Environment::Of(env)->NoteReply(static_cast<double>(failed), 0);
    return Throw(env, status);
  }
  batch.Clear();
  return nullptr;
}

napi_value DeleteAll(napi_env env, Attachment& attachment, std::span<const Key> keys) {
  size_t deleted = 0;
  const Status status = attachment.store().DeleteMany(attachment.session(), keys, &deleted);
  if (deleted != 0) attachment.NoteMutation();
  return status.ok() ? ToJs(env, static_cast<double>(deleted)) : Throw(env, status);
}

// (slot, batch)
napi_value SetMany(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Lifetime lifetime = args.environment().TakeLifetime({});
  return CallWithBatch(env, args, [env, &lifetime](Attachment& attachment, Batch& batch) {
    return SetAll(env, attachment, batch, lifetime);
  });
}

// (slot, batch)
napi_value DeleteMany(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  return CallWithBatch(
      env, args, [env](Attachment& attachment, Batch& batch) { return DeleteAll(env, attachment, batch.keys()); });
}

// Both for so few that a call takes them: all in one crossing.

// (slot, ...entries)
napi_value SetEntries(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Lifetime lifetime = args.environment().TakeLifetime({});
  return CallWithItems<1, &Batch::AddEntries, 0>(env, args, [env, &lifetime](Attachment& attachment, Batch& batch) {
    return SetAll(env, attachment, batch, lifetime);
  });
}

// (slot, ...keys)
napi_value DeleteKeys(napi_env env, Attachment& attachment, const Arguments&, std::span<const Key> keys) {
  return DeleteAll(env, attachment, keys);
}

}  // namespace

void AddBatchFunctions(Napi::Env env, Napi::Object exports) {
  const FunctionAdder add(env, exports);
  add("getMany", OnKeys<2, GetMany, 1>);
  add("hasMany", OnKeys<2, HasMany, 1>);
  add("setEntries", SetEntries);
  add("deleteKeys", OnKeys<1, DeleteKeys, 0>);
  add("gather", OnKeys<7, Gather, 6>);
  add("openBatch", OpenBatch);
  add("closeBatch", CloseBatch);
  add("addKeys", AddTo<&Batch::AddKeys>);
  add("addEntries", AddTo<&Batch::AddEntries>);
  add("addEncoded", AddTo<&Batch::AddEncoded>);
  add("setMany", SetMany);
  add("deleteMany", DeleteMany);
}

}  // namespace shardmap
