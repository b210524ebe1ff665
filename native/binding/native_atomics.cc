#include "binding/native_atomics.h"

#include <optional>
#include <utility>

#include "binding/callback.h"
#include "binding/environment.h"
#include "binding/node_api.h"
#include "binding/value_convert.h"

namespace shardmap {
namespace {

// What keeps the deadline of an entry that is there.
constexpr Lifetime kKept{.keeps = true};

using ValueMethod = napi_value (*)(napi_env, Attachment&, const Key&, Value value, const napi_value* args,
                                   const Lifetime& lifetime);

// A method whose value is the argument `kFirst`, a primitive.
template <size_t kFirst, ValueMethod kMethod>
napi_value WithPrimitive(napi_env env, Attachment& attachment, const Key& key, const napi_value* args,
                         const Lifetime& lifetime) {
  ValueReader value(env, args[kFirst]);
  if (!value.ok()) return Throw(env, value.status());
  return kMethod(env, attachment, key, value.TakeValue(), args, lifetime);
}

// The same for an encoded value, in four arguments.
template <size_t kFirst, ValueMethod kMethod>
napi_value WithEncoded(napi_env env, Attachment& attachment, const Key& key, const napi_value* args,
                       const Lifetime& lifetime) {
  Result<std::optional<Value>> value = ReadEncodedValue(env, args + kFirst);
  if (!value.ok()) return Throw(env, value.status());
  return kMethod(env, attachment, key, *std::move(value.value()), args, lifetime);
}

// True if it was done.
napi_value Reply(napi_env env, Attachment& attachment, Result<bool> done) {
  if (!done.ok()) return Throw(env, done.status());
  if (done.value()) attachment.NoteMutation();
  return ToJs(env, done.value());
}

// Gives the argument `kAbsent` where there was no value.
template <size_t kAbsent>
napi_value Exchange(napi_env env, Attachment& attachment, const Key& key, Value value, const napi_value* args,
                    const Lifetime& lifetime) {
  const ReadGuard guard(attachment.session());
  ReadValue previous;
  Result<bool> existed =
      attachment.store().Exchange(guard, attachment.session(), key, std::move(value), &previous, lifetime);
  if (!existed.ok()) return Throw(env, existed.status());
  attachment.NoteMutation();
  return existed.value() ? ValueToJs(env, previous) : args[kAbsent];
}

// (absent)
napi_value Take(napi_env env, Attachment& attachment, const Key& key, const napi_value* args) {
  const ReadGuard guard(attachment.session());
  ReadValue previous;
  Result<bool> existed = attachment.store().Take(guard, attachment.session(), key, &previous);
  if (!existed.ok()) return Throw(env, existed.status());
  if (!existed.value()) return args[0];
  attachment.NoteMutation();
  return ValueToJs(env, previous);
}

// Undefined where the value is no counter for it, and what is in the way in the reply.
napi_value Increment(napi_env env, Attachment& attachment, const Key& key, Value by, const napi_value* args,
                     const Lifetime& lifetime) {
  const ReadGuard guard(attachment.session());
  ReadValue total;
  Result<PutOutcome> outcome =
      attachment.store().Add(guard, attachment.session(), key, std::move(by), &total, lifetime);
  if (!outcome.ok()) return Throw(env, outcome.status());
  switch (outcome.value()) {
    case PutOutcome::kInserted:
      attachment.NoteMutation();
      return args[0];
    case PutOutcome::kOverwritten:
      attachment.NoteMutation();
      return ValueToJs(env, total);
    default:
      Environment::Of(env)->NoteReply(static_cast<double>(total.kind()),
                                      outcome.value() == PutOutcome::kOtherType ? 0 : 1);
      return nullptr;
  }
}

// --- If it is what is expected: (expected, is met by absence, ...) ---------------------------------------------------

bool ReadFlag(napi_env env, napi_value value) {
  bool flag = false;
  napi_get_value_bool(env, value, &flag);
  return flag;
}

napi_value CompareAndSet(napi_env env, Attachment& attachment, const Key& key, Value value, const napi_value* args,
                         const Lifetime& lifetime) {
  ValueReader reader(env, args[0]);
  if (!reader.ok()) return Throw(env, reader.status());
  const Value expected = reader.TakeValue();
  const ReadGuard guard(attachment.session());
  return Reply(env, attachment,
               attachment.store().CompareAndSet(guard, attachment.session(), key, {expected, ReadFlag(env, args[1])},
                                                std::move(value), lifetime));
}

napi_value CompareAndDelete(napi_env env, Attachment& attachment, const Key& key, const napi_value* args) {
  ValueReader reader(env, args[0]);
  if (!reader.ok()) return Throw(env, reader.status());
  const Value expected = reader.TakeValue();
  const ReadGuard guard(attachment.session());
  return Reply(env, attachment,
               attachment.store().CompareAndDelete(guard, attachment.session(), key, {expected, false}));
}

// --- If nobody changed it: (..., sequence, version) ------------------------------------------------------------------

EntryStamp ReadStamp(napi_env env, const napi_value* args) {
  double sequence = 0;
  EntryStamp stamp;
  napi_get_value_double(env, args[0], &sequence);
  napi_get_value_uint32(env, args[1], &stamp.version);
  stamp.sequence = sequence > 0 ? static_cast<uint64_t>(sequence) : 0;
  return stamp;
}

// (absent)
napi_value FindStamped(napi_env env, Attachment& attachment, const Key& key, const napi_value* args) {
  const ReadGuard guard(attachment.session());
  ReadValue value;
  EntryStamp stamp;
  const bool is_found = attachment.store().GetStamped(guard, key, &value, &stamp);
  Environment::Of(env)->NoteStamp(stamp);
  return is_found ? ValueToJs(env, value) : args[0];
}

template <size_t kStamp>
napi_value SetIf(napi_env env, Attachment& attachment, const Key& key, Value value, const napi_value* args,
                 const Lifetime& lifetime) {
  const EntryStamp stamp = ReadStamp(env, args + kStamp);
  return Reply(env, attachment, attachment.store().SetIf(attachment.session(), key, std::move(value), stamp, lifetime));
}

napi_value DeleteIf(napi_env env, Attachment& attachment, const Key& key, const napi_value* args) {
  const EntryStamp stamp = ReadStamp(env, args);
  return Reply(env, attachment, attachment.store().DeleteIf(attachment.session(), key, stamp));
}

// (milliseconds)
napi_value Claim(napi_env env, Attachment& attachment, const Key& key, const napi_value* args) {
  constexpr uint64_t kNanosPerMilli = 1'000'000;
  uint32_t millis = 0;
  napi_get_value_uint32(env, args[0], &millis);
  return ToJs(env, attachment.store().Claim(attachment.session(), key, millis * kNanosPerMilli));
}

napi_value Release(napi_env, Attachment& attachment, const Key& key, const napi_value*) {
  attachment.store().Release(attachment.session(), key);
  return nullptr;
}

}  // namespace

void AddAtomicFunctions(Napi::Env env, Napi::Object exports) {
  const FunctionAdder add(env, exports);
  add("exchange", PutCallback<2, WithPrimitive<0, Exchange<1>>>);
  add("exchangeEncoded", PutCallback<5, WithEncoded<0, Exchange<4>>>);
  add("take", KeyedCallback<1, Take>);
  add("increment", PutCallback<1, WithPrimitive<0, Increment>, kKept>);
  add("compareAndSet", PutCallback<3, WithPrimitive<2, CompareAndSet>>);
  add("compareAndSetEncoded", PutCallback<6, WithEncoded<2, CompareAndSet>>);
  add("compareAndDelete", KeyedCallback<1, CompareAndDelete>);
  add("findStamped", KeyedCallback<1, FindStamped>);
  add("setIf", PutCallback<3, WithPrimitive<0, SetIf<1>>, kKept>);
  add("setEncodedIf", PutCallback<6, WithEncoded<0, SetIf<4>>, kKept>);
  add("deleteIf", KeyedCallback<2, DeleteIf>);
  add("claim", KeyedCallback<1, Claim>);
  add("release", KeyedCallback<0, Release>);
}

}  // namespace shardmap
