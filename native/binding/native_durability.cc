#include "binding/native_durability.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "binding/callback.h"
#include "binding/environment.h"
#include "binding/node_api.h"
#include "binding/times.h"
#include "engine/registry.h"

namespace shardmap {
namespace {

// Work for the thread pool, and the function that is called with its outcome in the environment's thread: with code and
// message of an error, or with the id of a store that was opened, or with nothing.
class PoolWork {
 public:
  using Work = std::function<Status(PoolWork&)>;

  // Deletes itself when it is done.
  static napi_value Start(napi_env env, napi_value done, Work work) {
    auto pool_work = std::make_unique<PoolWork>(std::move(work));
    napi_value name = nullptr;
    napi_create_string_latin1(env, "shardmap", NAPI_AUTO_LENGTH, &name);
    napi_create_reference(env, done, 1, &pool_work->done_);
    napi_create_async_work(env, nullptr, name, Execute, Complete, pool_work.get(), &pool_work->work_handle_);
    napi_queue_async_work(env, pool_work->work_handle_);
    pool_work.release();
    return nullptr;
  }
  explicit PoolWork(Work work) : work_(std::move(work)) {}

  // Kept open until the outcome was told.
  std::shared_ptr<OpenStore> opened;

 private:
  static void Execute(napi_env, void* data) {
    auto* const self = static_cast<PoolWork*>(data);
    try {
      self->status_ = self->work_(*self);
    } catch (const std::bad_alloc&) {
      self->status_ = Status::OutOfMemory();
    } catch (const std::system_error& error) {
      self->status_ = Status(Code::kOutOfMemory, std::string("A thread could not be started: ") + error.what());
    }
  }

  static void Complete(napi_env env, napi_status, void* data) {
    const std::unique_ptr<PoolWork> self(static_cast<PoolWork*>(data));
    napi_value done = nullptr;
    napi_get_reference_value(env, self->done_, &done);
    napi_delete_reference(env, self->done_);
    napi_delete_async_work(env, self->work_handle_);
    const auto text = [env](std::string_view chars) {
      napi_value value = nullptr;
      napi_create_string_utf8(env, chars.data(), chars.size(), &value);
      return value;
    };
    napi_value args[] = {Undefined(env), Undefined(env), Undefined(env)};
    if (!self->status_.ok()) {
      args[0] = text(CodeName(self->status_.code()));
      args[1] = text(self->status_.message());
    } else if (self->opened != nullptr) {
      args[2] = text(self->opened->id);
    }
    napi_call_function(env, Undefined(env), done, std::size(args), args, nullptr);
  }

  const Work work_;
  Status status_;
  napi_ref done_ = nullptr;
  napi_async_work work_handle_ = nullptr;
};

// (dir, name, shards, ttl, touch, fsync, flushInterval, isStrict, done)
Napi::Value Open(const Napi::CallbackInfo& info) {
  const std::string directory = info[0].As<Napi::String>().Utf8Value();
  std::optional<std::u16string> name;
  if (info[1].IsString()) name = info[1].As<Napi::String>().Utf16Value();
  OpenOptions options;
  options.shards = static_cast<size_t>(info[2].As<Napi::Number>().Int64Value());
  const double ttl_ms = info[3].As<Napi::Number>().DoubleValue();
  if (ttl_ms != 0) options.ttl_ns = NanosOf(ttl_ms);
  options.slides = info[4].As<Napi::Boolean>().Value();
  DurabilityOptions durability;
  durability.policy = static_cast<SyncPolicy>(info[5].As<Napi::Number>().Uint32Value());
  durability.interval_ns = static_cast<uint64_t>(info[6].As<Napi::Number>().DoubleValue() * 1e6);
  durability.recovery = info[7].As<Napi::Boolean>().Value() ? RecoveryMode::kStrict : RecoveryMode::kTail;
  PoolWork::Start(info.Env(), info[8], [=](PoolWork& work) {
    auto opened = Registry::OfProcess().Open(directory, name, options, durability);
    if (!opened.ok()) return opened.TakeStatus();
    work.opened = std::move(opened.value());
    return Status();
  });
  return info.Env().Undefined();
}

// (done)
template <Status (Durability::*kWork)()>
napi_value InPool(napi_env env, Attachment& attachment, const napi_value* args) {
  return PoolWork::Start(env, args[0], [store = attachment.shared()](PoolWork&) {
    return store->durability == nullptr ? Status() : (store->durability.get()->*kWork)();
  });
}

napi_value FlushSync(napi_env env, Attachment& attachment, const napi_value*) {
  Durability* const durability = attachment.shared()->durability.get();
  if (durability == nullptr) return nullptr;
  const Status status = durability->Flush();
  return status.ok() ? nullptr : Throw(env, status);
}

}  // namespace

void AddDurabilityFunctions(Napi::Env env, Napi::Object exports) {
  exports.Set("open", Napi::Function::New(env, Open));
  const FunctionAdder add(env, exports);
  add("flush", Callback<1, InPool<&Durability::Flush>>);
  add("flushSync", Callback<0, FlushSync>);
  add("compact", Callback<1, InPool<&Durability::Compact>>);
}

}  // namespace shardmap
