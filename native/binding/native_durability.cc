#include "binding/native_durability.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "binding/callback.h"
#include "binding/environment.h"
#include "binding/native_store.h"
#include "binding/node_api.h"
#include "binding/times.h"
#include "engine/registry.h"

namespace shardmap {
namespace {

// --- Opening ---------------------------------------------------------------------------------------------------------

// How far an opening is, for the thread that waits for it to look at.
struct Progress {
  std::atomic<uint64_t> bytes{0};
  std::atomic<uint64_t> bytes_total{0};
  std::atomic<uint64_t> records{0};

  void Note(const RecoveryProgress& progress) {
    bytes.store(progress.bytes, std::memory_order_relaxed);
    bytes_total.store(progress.bytes_total, std::memory_order_relaxed);
    records.store(progress.records, std::memory_order_relaxed);
  }
};
using SharedProgress = std::shared_ptr<Progress>;

struct OpenRequest {
  std::string directory;
  std::optional<std::u16string> name;
  OpenOptions options;
  DurabilityOptions durability;
};

// (dir, name, shards, ttl, touch, fsync, flushInterval, recovery, readonly, done)
OpenRequest ReadRequest(const Napi::CallbackInfo& info) {
  OpenRequest request;
  request.directory = info[0].As<Napi::String>().Utf8Value();
  if (info[1].IsString()) request.name = info[1].As<Napi::String>().Utf16Value();
  ReadShards(info[2], &request.options);
  const double ttl_ms = info[3].As<Napi::Number>().DoubleValue();
  if (ttl_ms != 0) request.options.ttl_ns = NanosOf(ttl_ms);
  request.options.slides = info[4].As<Napi::Boolean>().Value();
  request.durability.policy = static_cast<SyncPolicy>(info[5].As<Napi::Number>().Uint32Value());
  request.durability.interval_ns = static_cast<uint64_t>(info[6].As<Napi::Number>().DoubleValue() * 1e6);
  request.durability.recovery = static_cast<RecoveryMode>(info[7].As<Napi::Number>().Uint32Value());
  request.durability.is_readonly = info[8].As<Napi::Boolean>().Value();
  return request;
}

void OpenAndTell(const OpenRequest& request, Progress& progress, const Outcomes::Tell& tell) {
  try {
    auto opened = Registry::OfProcess().Open(request.directory, request.name, request.options, request.durability,
                                             [&progress](const RecoveryProgress& now) { progress.Note(now); });
    tell(opened.status(), std::move(opened.value()));
  } catch (const std::bad_alloc&) {
    tell(Status::OutOfMemory(), nullptr);
  } catch (const std::system_error& error) {
    tell(Status(Code::kOutOfMemory, std::string("A thread could not be started: ") + error.what()), nullptr);
  }
}

// In a thread of its own, which nobody waits for: the environment may end meanwhile, and the process.
Napi::Value Open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto tell = Environment::Of(env)->Expect(info[9]);
  if (!tell.ok()) return Napi::Value(env, Throw(env, tell.status()));
  auto progress = std::make_shared<Progress>();
  try {
    std::thread([request = ReadRequest(info), progress, tell = tell.value()] {
      OpenAndTell(request, *progress, tell);
    }).detach();
  } catch (const std::bad_alloc&) {
    tell.value()(Status::OutOfMemory(), nullptr);
  } catch (const std::system_error& error) {
    tell.value()(Status(Code::kOutOfMemory, std::string("A thread could not be started: ") + error.what()), nullptr);
  }
  const auto finalize = [](Napi::Env, SharedProgress* shared) { delete shared; };
  return Napi::External<SharedProgress>::New(env, new SharedProgress(std::move(progress)), finalize);
}

// (what open returned)
Napi::Value ProgressOf(const Napi::CallbackInfo& info) {
  const Progress& progress = **info[0].As<Napi::External<SharedProgress>>().Data();
  Napi::Array figures = Napi::Array::New(info.Env(), 3);
  figures[0u] = static_cast<double>(progress.bytes.load(std::memory_order_relaxed));
  figures[1u] = static_cast<double>(progress.bytes_total.load(std::memory_order_relaxed));
  figures[2u] = static_cast<double>(progress.records.load(std::memory_order_relaxed));
  return figures;
}

// --- What an open store is asked for ---------------------------------------------------------------------------------

// What `ask(durability, done)` does, told to the function `done`. At once where the store is in no directory.
template <typename Ask>
napi_value InBackground(napi_env env, Attachment& attachment, napi_value done, Ask ask) {
  Result<Outcomes::Tell> tell = Environment::Of(env)->Expect(done);
  if (!tell.ok()) return Throw(env, tell.status());
  const Durability::Done told = [tell = std::move(tell.value())](const Status& status) { tell(status, nullptr); };
  Durability* const durability = attachment.open_store().durability.get();
  if (durability == nullptr) {
    told(Status());
    return nullptr;
  }
  try {
    ask(*durability, told);
  } catch (const std::bad_alloc&) {
    told(Status::OutOfMemory());
  }
  return nullptr;
}

// (done)
napi_value Flush(napi_env env, Attachment& attachment, const napi_value* args) {
  return InBackground(env, attachment, args[0],
                      [](Durability& durability, Durability::Done done) { durability.Flush(std::move(done)); });
}

// (done)
napi_value Compact(napi_env env, Attachment& attachment, const napi_value* args) {
  return InBackground(env, attachment, args[0],
                      [](Durability& durability, Durability::Done done) { durability.Compact(std::move(done)); });
}

// (path, done)
napi_value BackUp(napi_env env, Attachment& attachment, const napi_value* args) {
  const std::string path = Napi::String(env, args[0]).Utf8Value();
  return InBackground(env, attachment, args[1], [&path](Durability& durability, Durability::Done done) {
    durability.BackUp(path, std::move(done));
  });
}

napi_value FlushSync(napi_env env, Attachment& attachment, const napi_value*) {
  Durability* const durability = attachment.open_store().durability.get();
  if (durability == nullptr) return nullptr;
  const Status status = durability->FlushSync();
  return status.ok() ? nullptr : Throw(env, status);
}

// --- What there is to know of it -------------------------------------------------------------------------------------

Napi::Array LossesOf(Napi::Env env, const RecoverySummary& recovery) {
  Napi::Array losses = Napi::Array::New(env);
  for (const Loss& loss : recovery.losses) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("file", loss.file);
    item.Set("offset", static_cast<double>(loss.offset));
    item.Set("bytes", static_cast<double>(loss.bytes));
    item.Set("reason", loss.what);
    losses[losses.Length()] = item;
  }
  return losses;
}

napi_value LogStats(napi_env env, Attachment& attachment, const napi_value*) {
  const Durability* const durability = attachment.open_store().durability.get();
  if (durability == nullptr) return nullptr;
  const DurabilityFigures figures = durability->Figures();
  const RecoverySummary& recovery = durability->recovery();
  Napi::Object result = Napi::Object::New(env);
  const auto set = [&result](const char* name, double figure) { result.Set(name, figure); };
  result.Set("isReadonly", durability->options().is_readonly);
  result.Set("hasFailed", figures.log.has_failed);
  if (!figures.log.refusal.ok()) result.Set("refusal", std::string(figures.log.refusal.message()));
  set("bytesStaged", static_cast<double>(figures.log.staged_bytes));
  set("bytesWritten", static_cast<double>(figures.log.written_bytes));
  set("bytesSegments", static_cast<double>(figures.segment_bytes));
  set("bytesSnapshot", static_cast<double>(figures.compaction.snapshot_bytes));
  set("segments", static_cast<double>(figures.log.segment + 1 - figures.compaction.first_segment));
  set("lagMs", static_cast<double>(figures.log.lag_ns) / 1e6);
  set("syncs", static_cast<double>(figures.log.syncs));
  set("syncLastMs", static_cast<double>(figures.log.sync_ns_last) / 1e6);
  set("syncMaxMs", static_cast<double>(figures.log.sync_ns_max) / 1e6);
  set("failures", static_cast<double>(figures.log.failures));
  if (figures.compaction.ended_ns != 0) {
    set("snapshotAgeMs", static_cast<double>(Clock::Steady().NowNanos() - figures.compaction.ended_ns) / 1e6);
  }
  set("compactions", static_cast<double>(figures.compaction.count));
  set("compactionMs", static_cast<double>(figures.compaction.nanos) / 1e6);
  set("recoveredBytes", static_cast<double>(recovery.read.bytes));
  set("recoveredRecords", static_cast<double>(recovery.read.records));
  set("recoveryMs", static_cast<double>(recovery.nanos) / 1e6);
  set("tailBytes", static_cast<double>(recovery.tail_bytes));
  result.Set("losses", LossesOf(env, recovery));
  return result;
}

napi_value ListenToLog(napi_env env, Environment& environment, uint32_t slot, const napi_value*) {
  const Status status = environment.ListenToLog(slot);
  return status.ok() ? nullptr : Throw(env, status);
}

napi_value UnlistenToLog(napi_env env, napi_callback_info info) {
  napi_value slot_value;
  size_t count = 1;
  uint32_t slot;
  ReadArguments(env, info, &slot_value, &count, &slot)->UnlistenToLog(slot);
  return nullptr;
}

napi_value TakeLogNews(napi_env env, Environment& environment, uint32_t slot, const napi_value*) {
  Napi::Array items = Napi::Array::New(env);
  Mailbox<LogNews>* const log_news = environment.LogNewsAt(slot);
  if (log_news == nullptr) return items;
  const auto add = [&items](auto item) { items[items.Length()] = item; };
  for (const LogNews& news : log_news->TakeAll()) {
    add(static_cast<double>(news.kind));
    const napi_value error = news.status.ok() ? Undefined(env) : ErrorOf(env, news.status);
    if (error == nullptr) return items;
    add(error);
    add(static_cast<double>(news.compaction.log_bytes));
    add(static_cast<double>(news.compaction.nanos) / 1e6);
    add(static_cast<double>(news.compaction.snapshot_bytes));
  }
  return items;
}

}  // namespace

void AddDurabilityFunctions(Napi::Env env, Napi::Object exports) {
  exports.Set("open", Napi::Function::New<Guarded<Open>>(env, "open"));
  exports.Set("progress", Napi::Function::New<Guarded<ProgressOf>>(env, "progress"));
  const FunctionAdder add(env, exports);
  add("flush", Callback<1, Flush>);
  add("flushSync", Callback<0, FlushSync>);
  add("compact", Callback<1, Compact>);
  add("backUp", Callback<2, BackUp>);
  add("logStats", Callback<0, LogStats>);
  add("listenToLog", SlotCallback<0, ListenToLog>);
  add("unlistenToLog", UnlistenToLog);
  add("takeLogNews", SlotCallback<0, TakeLogNews>);
}

}  // namespace shardmap
