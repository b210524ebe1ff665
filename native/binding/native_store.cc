#include "binding/native_store.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "binding/callback.h"
#include "binding/environment.h"
#include "binding/key_reader.h"
#include "binding/node_api.h"
#include "binding/times.h"
#include "binding/value_convert.h"
#include "binding/value_list.h"
#include "binding/vectors.h"

namespace shardmap {
namespace {

// Entries asked for at once become arguments of one call, for which V8's stack must have room.
constexpr uint32_t kPageEntriesMax = 4096;

// A page ends after this many bytes of keys and values, so that few large values do not all come at once.
constexpr size_t kPageBytes = size_t{1} << 20;

// The value of a key, or `absent`.
napi_value Lookup(napi_env env, Attachment& attachment, const Key& key, napi_value absent) {
  const ReadGuard guard(attachment.session());
  ReadValue value;
  if (!attachment.store().Get(guard, key, &value)) return absent;
  attachment.RenewIfSliding(key, value);
  return ValueToJs(env, value);
}

napi_value Get(napi_env env, Attachment& attachment, const Key& key, const napi_value*) {
  return Lookup(env, attachment, key, nullptr);
}

napi_value Find(napi_env env, Attachment& attachment, const Key& key, const napi_value* args) {
  return Lookup(env, attachment, key, args[0]);
}

napi_value GetVersioned(napi_env env, Attachment& attachment, const Key& key, const napi_value*) {
  attachment.CountNearHits();
  const ReadGuard guard(attachment.session());
  ReadValue value;
  ValueVersion version{};
  if (!attachment.store().GetVersioned(guard, key, &value, &version)) return nullptr;
  if (value.deadline().exists()) {
    attachment.RenewIfSliding(key, value);
    attachment.NoteNoVersion();
  } else {
    attachment.NoteVersion(version);
  }
  return ValueToJs(env, value);
}

napi_value Versions(napi_env, Attachment& attachment, const napi_value*) {
  const napi_value versions = attachment.Versions();
  attachment.NoteVersionsShards();
  return versions;
}

napi_value Has(napi_env env, Attachment& attachment, const Key& key, const napi_value*) {
  const ReadGuard guard(attachment.session());
  return ToJs(env, attachment.store().Has(guard, key));
}

// (kind, out, first byte of out)
napi_value GetInto(napi_env env, Attachment& attachment, const Key& key, const napi_value* args) {
  const ReadGuard guard(attachment.session());
  ReadValue value;
  if (!attachment.store().Get(guard, key, &value)) return ToJs(env, kVectorAbsent);
  const bool is_vector = HasElementsOf(value, static_cast<ValueKind>(ReadSize(env, args[0])));
  const ViewBytes out(env, args[1]);
  const size_t first = ReadSize(env, args[2]);
  const bool has_room = first <= out.size && value.size() <= out.size - first;
  if (is_vector && has_room) {
    if (value.size() != 0) std::memcpy(out.first + first, value.bytes(), value.size());
    attachment.RenewIfSliding(key, value);
    return ToJs(env, static_cast<double>(value.size()));
  }
  Environment::Of(env)->NoteReply(static_cast<double>(value.kind()), static_cast<double>(value.size()));
  return ToJs(env, is_vector ? kVectorNoRoom : kVectorOther);
}

napi_value SetValue(napi_env env, Attachment& attachment, const Key& key, Value value, const Lifetime& lifetime) {
  const Status status = attachment.store().Set(attachment.session(), key, std::move(value), lifetime);
  if (!status.ok()) return Throw(env, status);
  attachment.NoteMutation();
  return nullptr;
}

napi_value Set(napi_env env, Attachment& attachment, const Key& key, const napi_value* args, const Lifetime& lifetime) {
  ValueReader value(env, args[0]);
  if (!value.ok()) return Throw(env, value.status());
  return SetValue(env, attachment, key, value.TakeValue(), lifetime);
}

napi_value SetEncoded(napi_env env, Attachment& attachment, const Key& key, const napi_value* args,
                      const Lifetime& lifetime) {
  Result<std::optional<Value>> value = ReadEncodedValue(env, args);
  if (!value.ok()) return Throw(env, value.status());
  return SetValue(env, attachment, key, *std::move(value.value()), lifetime);
}

napi_value InsertValue(napi_env env, Attachment& attachment, const Key& key, Value value, napi_value absent,
                       const Lifetime& lifetime) {
  const ReadGuard guard(attachment.session());
  ReadValue existing;
  Result<bool> inserted =
      attachment.store().Insert(guard, attachment.session(), key, std::move(value), &existing, lifetime);
  if (!inserted.ok()) return Throw(env, inserted.status());
  if (!inserted.value()) {
    attachment.RenewIfSliding(key, existing);
    return ValueToJs(env, existing);
  }
  attachment.NoteMutation();
  return absent;
}

napi_value Insert(napi_env env, Attachment& attachment, const Key& key, const napi_value* args,
                  const Lifetime& lifetime) {
  ValueReader value(env, args[0]);
  if (!value.ok()) return Throw(env, value.status());
  return InsertValue(env, attachment, key, value.TakeValue(), args[1], lifetime);
}

napi_value InsertEncoded(napi_env env, Attachment& attachment, const Key& key, const napi_value* args,
                         const Lifetime& lifetime) {
  Result<std::optional<Value>> value = ReadEncodedValue(env, args);
  if (!value.ok()) return Throw(env, value.status());
  return InsertValue(env, attachment, key, *std::move(value.value()), args[4], lifetime);
}

napi_value Delete(napi_env env, Attachment& attachment, const Key& key, const napi_value*) {
  Result<bool> deleted = attachment.store().Delete(attachment.session(), key);
  if (!deleted.ok()) return Throw(env, deleted.status());
  if (deleted.value()) attachment.NoteMutation();
  return ToJs(env, deleted.value());
}

napi_value Clear(napi_env env, Attachment& attachment, const napi_value*) {
  const Status status = attachment.store().Clear(attachment.session());
  attachment.NoteMutation();
  return status.ok() ? nullptr : Throw(env, status);
}

napi_value Size(napi_env env, Attachment& attachment, const napi_value*) {
  return ToJs(env, static_cast<double>(attachment.store().Size()));
}

uint64_t ReadSequence(napi_env env, napi_value value) {
  double number = 0;
  napi_get_value_double(env, value, &number);
  return number > 0 ? static_cast<uint64_t>(number) : 0;
}

// Appends sequence, key and value of each entry that is still there. Returns the number of the last one looked at.
uint64_t AppendEntries(napi_env env, Attachment& attachment, uint64_t after, uint32_t count, ValueList* items) {
  const ReadGuard guard(attachment.session());
  std::vector<ScannedEntry> entries;
  attachment.store().Scan(guard, after, count, &entries);
  uint64_t last = after;
  size_t bytes = 0;
  bool has_deadlines = false;
  for (const ScannedEntry& scanned : entries) {
    // Entries of one number are never parted, as the cursor could not tell them apart.
    if (bytes >= kPageBytes && scanned.sequence != last) break;
    last = scanned.sequence;
    ReadValue value;
    if (!attachment.store().ReadScanned(guard, scanned, &value)) continue;
    const Key key = scanned.entry->key();
    bytes += key.size + value.size();
    has_deadlines |= value.deadline().exists();
    items->Append(ToJs(env, static_cast<double>(scanned.sequence)));
    items->Append(KeyToJs(env, key));
    items->AppendValue(value);
  }
  if (has_deadlines) attachment.NoteDeadlines();
  return last;
}

napi_value Page(napi_env env, Attachment& attachment, const napi_value* args) {
  uint64_t after = ReadSequence(env, args[0]);
  uint32_t count = 0;
  napi_get_value_uint32(env, args[1], &count);
  count = std::clamp(count, 1u, kPageEntriesMax);
  ValueList items(env, ValueList::Form::kWithKinds);
  // More than one round only if every entry of a round was deleted under its hands.
  for (bool at_end = false; items.empty() && !at_end;) {
    const uint64_t last = AppendEntries(env, attachment, after, count, &items);
    at_end = last == after;
    after = last;
  }
  return items.ToJs();
}

napi_value LastSequence(napi_env env, Attachment& attachment, const napi_value*) {
  return ToJs(env, static_cast<double>(attachment.store().LastSequence()));
}

napi_value Recheck(napi_env env, Attachment& attachment, const Key& key, const napi_value* args) {
  const ReadGuard guard(attachment.session());
  ReadValue value;
  const uint64_t sequence = ReadSequence(env, args[0]);
  if (!attachment.store().GetIfSequence(guard, key, sequence, &value)) return args[1];
  return ValueToJs(env, value);
}

napi_value LoadStructures(napi_env env, Attachment& attachment, const napi_value*) {
  const std::optional<std::string> text = attachment.store().structures().Load();
  return text.has_value() ? Napi::String::New(env, *text) : Undefined(env);
}

std::optional<std::string> ReadText(napi_env env, napi_value value) {
  const Napi::Value text(env, value);
  return text.IsString() ? std::optional(text.As<Napi::String>().Utf8Value()) : std::nullopt;
}

napi_value SaveStructures(napi_env env, Attachment& attachment, const napi_value* args) {
  const std::optional<std::string> expected = ReadText(env, args[0]);
  Result<bool> saved =
      attachment.store().SaveStructures(attachment.session(), expected, ReadText(env, args[1]).value_or(""));
  return saved.ok() ? ToJs(env, saved.value()) : Throw(env, saved.status());
}

void SetFigure(Napi::Object object, const char* name, uint64_t figure) {
  object.Set(name, static_cast<double>(figure));
}

// What a shard has, and the store.
void SetShardStats(Napi::Object object, const ShardStats& stats) {
  SetFigure(object, "entries", stats.entries);
  SetFigure(object, "timedEntries", stats.timed_entries);
  SetFigure(object, "expiredEntries", stats.expired_entries);
  SetFigure(object, "bytesKeys", stats.key_bytes);
  SetFigure(object, "bytesValues", stats.value_bytes);
  SetFigure(object, "bytesEntries", stats.entry_bytes);
  SetFigure(object, "bytesIndex", stats.index_bytes);
  SetFigure(object, "bytesBlobs", stats.block_bytes);
  SetFigure(object, "bytesTimers", stats.timer_bytes);
  SetFigure(object, "bytesFree", stats.free_bytes);
  SetFigure(object, "lockWaits", stats.lock_waits);
  SetFigure(object, "readRetries", stats.read_retries);
  SetFigure(object, "readFallbacks", stats.read_fallbacks);
  SetFigure(object, "rehashes", stats.rehashes);
  SetFigure(object, "compactions", stats.compactions);
  SetFigure(object, "stallMaxNs", stats.stall_ns_max);
}

void SetOperations(Napi::Object object, const OperationCounts& counts) {
  SetFigure(object, "readHits", counts.read_hits);
  SetFigure(object, "readMisses", counts.read_misses);
  SetFigure(object, "hasHits", counts.has_hits);
  SetFigure(object, "hasMisses", counts.has_misses);
  SetFigure(object, "inserts", counts.inserts);
  SetFigure(object, "overwrites", counts.overwrites);
  SetFigure(object, "deletes", counts.deletes);
  SetFigure(object, "deleteMisses", counts.delete_misses);
  SetFigure(object, "clears", counts.clears);
}

// (slot, whether each shard's figures are wanted)
napi_value Stats(napi_env env, Attachment& attachment, const napi_value* args) {
  attachment.CountNearHits();
  std::vector<ShardStats> per_shard;
  const bool has_each = Napi::Value(env, args[0]).ToBoolean();
  const StoreStats stats = attachment.store().Stats(has_each ? &per_shard : nullptr);
  Napi::Object result = Napi::Object::New(env);
  SetShardStats(result, stats);
  SetOperations(result, stats.operations);
  SetFigure(result, "shards", stats.shards);
  SetFigure(result, "bytesTotal", stats.total_bytes());
  SetFigure(result, "bytesShards", stats.shard_bytes);
  SetFigure(result, "bytesRetired", stats.retired_bytes);
  if (!has_each) return result;
  Napi::Array each = Napi::Array::New(env, per_shard.size());
  for (uint32_t i = 0; i < per_shard.size(); ++i) {
    Napi::Object shard = Napi::Object::New(env);
    SetShardStats(shard, per_shard[i]);
    each[i] = shard;
  }
  result.Set("perShard", each);
  return result;
}

// (shards, done)
napi_value Reshard(napi_env env, Attachment& attachment, const napi_value* args) {
  Result<Outcomes::Tell> tell = Environment::Of(env)->Expect(args[1]);
  if (!tell.ok()) return Throw(env, tell.status());
  const Resharder::Done done = [tell = std::move(tell.value())](const Status& status) { tell(status, nullptr); };
  const Durability* const durability = attachment.open_store().durability.get();
  if (durability != nullptr && durability->options().is_readonly) {
    done(Status(Code::kReadonly, "The store was opened to be read only"));
    return nullptr;
  }
  try {
    attachment.resharder().Ask(ReadSize(env, args[0]), done);
  } catch (const std::bad_alloc&) {
    done(Status::OutOfMemory());
  } catch (const std::system_error& error) {
    done(Status(Code::kOutOfMemory, std::string("A thread could not be started: ") + error.what()));
  }
  return nullptr;
}

napi_value Close(napi_env env, napi_callback_info info) {
  napi_value slot_value;
  size_t count = 1;
  uint32_t slot;
  ReadArguments(env, info, &slot_value, &count, &slot)->Close(slot);
  return nullptr;
}

void Finalize(napi_env, void* data, void*) {
  const std::unique_ptr<NativeStore> store(static_cast<NativeStore*>(data));
  if (store->environment != nullptr) store->environment->Forget(store.get());
}

}  // namespace

Napi::Object NewNativeStore(Napi::Env env, std::shared_ptr<OpenStore> open_store) {
  const OpenStore& opened = *open_store;
  Environment* environment = Environment::Of(env);
  NativeStore* store = environment->Open(std::move(open_store));
  Napi::Object object = Napi::Object::New(env);
  napi_add_finalizer(env, object, store, Finalize, nullptr, nullptr);
  object.Set("slot", store->slot);
  object.Set("id", opened.id);
  object.Set("name", opened.name.has_value() ? Napi::Value(Napi::String::New(env, *opened.name)) : env.Undefined());
  const uint64_t ttl_ns = opened.store.ttl_ns();
  object.Set("ttl", ttl_ns == kForever ? 0 : static_cast<double>(ttl_ns) / kNanosPerMilli);
  object.Set("touch", opened.store.slides());
  object.Set("isDurable", opened.durability != nullptr);
  Attachment& attachment = *environment->AttachmentAt(store->slot);
  object.Set("control", attachment.Control());
  object.Set("versions", attachment.Versions());
  object.Set("versionShards", static_cast<double>(attachment.versions_shards()));
  return object;
}

void ReadShards(Napi::Value shards, OpenOptions* options) {
  const int64_t count = shards.As<Napi::Number>().Int64Value();
  options->grows = count < 0;
  options->shards = count < 0 ? 0 : static_cast<size_t>(count);
}

void AddStoreFunctions(Napi::Env env, Napi::Object exports) {
  const FunctionAdder add(env, exports);
  add("get", KeyedCallback<0, Get>);
  add("getVersioned", KeyedCallback<0, GetVersioned>);
  add("find", KeyedCallback<1, Find>);
  add("versions", Callback<0, Versions>);
  add("has", KeyedCallback<0, Has>);
  add("set", PutCallback<1, Set>);
  add("setEncoded", PutCallback<4, SetEncoded>);
  add("delete", KeyedCallback<0, Delete>);
  add("clear", Callback<0, Clear>);
  add("size", Callback<0, Size>);
  add("insert", PutCallback<2, Insert>);
  add("insertEncoded", PutCallback<5, InsertEncoded>);
  add("page", Callback<2, Page>);
  add("lastSequence", Callback<0, LastSequence>);
  add("recheck", KeyedCallback<2, Recheck>);
  add("getInto", KeyedCallback<3, GetInto>);
  add("stats", Callback<1, Stats>);
  add("loadStructures", Callback<0, LoadStructures>);
  add("saveStructures", Callback<2, SaveStructures>);
  add("reshard", Callback<2, Reshard>);
  add("close", Close);
}

}  // namespace shardmap
