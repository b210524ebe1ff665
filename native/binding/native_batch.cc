#include "binding/native_batch.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "binding/batch.h"
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

  Arguments(napi_env env, napi_callback_info info) {
    void* environment = nullptr;
    napi_get_cb_info(env, info, &count_, values_, nullptr, &environment);
    count_ = std::min(count_, kMax);
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
  size_t count_ = kMax;
  uint32_t first_ = 0;
  Environment* environment_;
  napi_value values_[kMax];
};

using Operation = napi_value (*)(napi_env, Attachment&, const Arguments&, std::span<const Key>);

// A batch for the time of one call.
class BatchLoan {
 public:
  explicit BatchLoan(Environment& environment) : environment_(environment), batch_(environment.TakeBatch()) {}
  ~BatchLoan() { environment_.GiveBack(std::move(batch_)); }
  BatchLoan(const BatchLoan&) = delete;
  BatchLoan& operator=(const BatchLoan&) = delete;

  Batch* operator->() const { return batch_.get(); }

 private:
  Environment& environment_;
  std::unique_ptr<Batch> batch_;
};

// Turns an operation on the keys that are arguments from `kFirstKey` on into a callback; the argument
// `kPlace` is the place of the first of them, for errors. As in KeyedCallback of native_store.cc, the store is looked
// up after the keys were read.
template <size_t kFirstKey, Operation kOperation, size_t kPlace>
napi_value OnKeys(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  const uint64_t opening = environment.OpeningAt(args.first());
  try {
    const BatchLoan batch(environment);
    batch->StartAt(ReadSize(env, args[kPlace]));
    const Status status = batch->AddKeys(env, args.from(kFirstKey));
    if (!status.ok()) return Throw(env, status);
    Attachment* attachment = environment.AttachmentAt(args.first());
    if (attachment == nullptr || environment.OpeningAt(args.first()) != opening) return ThrowClosed(env);
    return kOperation(env, *attachment, args, batch->keys());
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

using ReadValues = std::array<ReadValue, Arguments::kMax>;
using Found = std::array<bool, Arguments::kMax>;

napi_value GetMany(napi_env env, Attachment& attachment, const Arguments& args, std::span<const Key> keys) {
  const ReadGuard guard(attachment.session());
  ReadValues values;
  Found found;
  attachment.store().GetMany(guard, keys, values.data(), found.data());
  bool any_encoded = false;
  for (size_t i = 0; i < keys.size(); ++i) any_encoded |= found[i] && IsEncoded(values[i].kind());
  args.environment().NoteReply(any_encoded ? 1 : 0, 0);
  ValueList list(env, any_encoded ? ValueList::Form::kWithKinds : ValueList::Form::kPlain);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (found[i]) {
      list.AppendValue(values[i]);
    } else {
      list.AppendUndefined();
    }
  }
  return list.ToJs();
}

napi_value HasMany(napi_env env, Attachment& attachment, const Arguments&, std::span<const Key> keys) {
  const ReadGuard guard(attachment.session());
  Found found;
  attachment.store().HasMany(guard, keys, found.data());
  ValueList list(env, ValueList::Form::kPlain);
  for (size_t i = 0; i < keys.size(); ++i) list.Append(ToJs(env, found[i]));
  return list.ToJs();
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
  return ToJs(env, static_cast<double>(count));
}

// --- Writes ----------------------------------------------------------------------------------------------------------

using Adder = Status (Batch::*)(napi_env, std::span<const napi_value>);

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

using BatchOperation = napi_value (*)(napi_env, Attachment&, Batch&);

// (slot, batch)
template <BatchOperation kOperation>
napi_value OnBatch(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Attachment* attachment = args.environment().AttachmentAt(args.first());
  if (attachment == nullptr) return ThrowClosed(env);
  const std::shared_ptr<Batch> batch = args.environment().BatchAt(static_cast<uint32_t>(ReadSize(env, args[1])));
  if (batch == nullptr) return Throw(env, Status(Code::kInvalidArgument, "This batch is not open"));
  try {
    return kOperation(env, *attachment, *batch);
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

// Entries that were set are no longer in the batch: it can be tried again.
napi_value SetMany(napi_env env, Attachment& attachment, Batch& batch) {
  size_t failed = 0;
  const Status status = attachment.store().SetMany(attachment.session(), batch.entries(), &failed);
  attachment.NoteMutation();
  if (!status.ok()) {
    batch.DropEntries(failed);
    return Throw(env, status);
  }
  batch.Clear();
  return nullptr;
}

napi_value DeleteMany(napi_env env, Attachment& attachment, Batch& batch) {
  size_t deleted = 0;
  const Status status = attachment.store().DeleteMany(attachment.session(), batch.keys(), &deleted);
  if (deleted != 0) attachment.NoteMutation();
  return status.ok() ? ToJs(env, static_cast<double>(deleted)) : Throw(env, status);
}

}  // namespace

void AddBatchFunctions(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, napi_callback callback) {
    napi_value function = nullptr;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, Environment::Of(env), &function);
    exports.Set(name, function);
  };
  add("getMany", OnKeys<2, GetMany, 1>);
  add("hasMany", OnKeys<2, HasMany, 1>);
  add("gather", OnKeys<7, Gather, 6>);
  add("openBatch", OpenBatch);
  add("closeBatch", CloseBatch);
  add("addKeys", AddTo<&Batch::AddKeys>);
  add("addEntries", AddTo<&Batch::AddEntries>);
  add("addEncoded", AddTo<&Batch::AddEncoded>);
  add("setMany", OnBatch<SetMany>);
  add("deleteMany", OnBatch<DeleteMany>);
}

}  // namespace shardmap
