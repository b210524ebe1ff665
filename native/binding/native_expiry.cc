#include "binding/native_expiry.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <vector>

#include "binding/callback.h"
#include "binding/environment.h"
#include "binding/key_reader.h"
#include "binding/node_api.h"
#include "binding/times.h"
#include "binding/value_convert.h"
#include "binding/value_list.h"
#include "engine/expiry_queue.h"

namespace shardmap {
namespace {

// Entries taken at once become arguments of one call, as those of a page.
constexpr uint32_t kTakenEntriesMax = 4096;

// No more after this many bytes of keys and values, likewise.
constexpr size_t kTakenBytes = size_t{1} << 20;

// --- Deadlines -------------------------------------------------------------------------------------------------------

// (ttl)
napi_value Expire(napi_env env, Attachment& attachment, const Key& key, const napi_value* args) {
  double ttl_ms = 0;
  napi_get_value_double(env, args[0], &ttl_ms);
  Result<Store::Expires> before = attachment.store().SetLifetime(attachment.session(), key, LifetimeOf(ttl_ms));
  if (!before.ok()) return Throw(env, before.status());
  if (before.value() != Store::Expires::kAbsent) attachment.NoteMutation();
  return ToJs(env, static_cast<double>(before.value()));
}

napi_value Touch(napi_env env, Attachment& attachment, const Key& key, const napi_value*) {
  return ToJs(env, attachment.store().Touch(attachment.session(), key));
}

napi_value TimeLeft(napi_env env, Attachment& attachment, const Key& key, const napi_value*) {
  const ReadGuard guard(attachment.session());
  const uint64_t nanos = attachment.store().TimeLeft(guard, key);
  return nanos == 0 ? nullptr : ToJs(env, WholeMillisOf(nanos));
}

// --- News ------------------------------------------------------------------------------------------------------------

// (entries at most, bytes at most)
napi_value Listen(napi_env env, Environment& environment, uint32_t slot, const napi_value* args) {
  const ExpiryQueue::Limits limits{ReadSize(env, args[0]), ReadSize(env, args[1])};
  const Status status = environment.Listen(slot, limits);
  return status.ok() ? nullptr : Throw(env, status);
}

napi_value Unlisten(napi_env env, napi_callback_info info) {
  napi_value slot_value;
  size_t count = 1;
  uint32_t slot;
  ReadArguments(env, info, &slot_value, &count, &slot)->Unlisten(slot);
  return nullptr;
}

void AppendRun(napi_env env, const ExpiredRun& run, ValueList* items) {
  for (size_t i = run.first; i != run.end; ++i) {
    const ExpiredBatch::Entry& entry = (*run.batch)[i];
    items->Append(KeyToJs(env, entry.key));
    items->AppendValue({entry.kind, entry.value, entry.value_bytes});
  }
}

// (entries at most)
napi_value TakeExpired(napi_env env, Environment& environment, uint32_t slot, const napi_value* args) {
  uint32_t count = 0;
  napi_get_value_uint32(env, args[0], &count);
  count = std::clamp(count, 1u, kTakenEntriesMax);
  ValueList items(env, ValueList::Form::kWithKinds);
  uint64_t dropped = 0;
  if (ExpiryQueue* queue = environment.ExpiredAt(slot)) {
    for (const ExpiredRun& run : queue->Take(count, kTakenBytes)) AppendRun(env, run, &items);
    dropped = queue->TakeDropped();
  }
  environment.NoteReply(0, static_cast<double>(dropped));
  return items.ToJs();
}

// (does)
napi_value KeepAlive(napi_env env, napi_callback_info info) {
  napi_value does_value;
  size_t count = 1;
  uint32_t unused;
  Environment* environment = ReadArguments(env, info, &does_value, &count, &unused);
  bool does = false;
  napi_get_value_bool(env, does_value, &does);
  try {
    const Status status = environment->KeepAlive(does);
    return status.ok() ? nullptr : Throw(env, status);
  } catch (const std::bad_alloc&) {
    return Throw(env, Status::OutOfMemory());
  }
}

}  // namespace

void AddExpiryFunctions(Napi::Env env, Napi::Object exports) {
  const FunctionAdder add(env, exports);
  add("expire", KeyedCallback<1, Expire>);
  add("touch", KeyedCallback<0, Touch>);
  add("timeLeft", KeyedCallback<0, TimeLeft>);
  add("listen", SlotCallback<2, Listen>);
  add("unlisten", Unlisten);
  add("takeExpired", SlotCallback<1, TakeExpired>);
  add("keepAlive", KeepAlive);
}

}  // namespace shardmap
