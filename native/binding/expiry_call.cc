#include "binding/expiry_call.h"

#include "binding/environment.h"
#include "binding/node_api.h"

namespace shardmap {
namespace {

// What a listener throws has nobody to catch it.
void ReportPendingException(napi_env env) {
  bool is_pending = false;
  napi_value error = nullptr;
  if (napi_is_exception_pending(env, &is_pending) != napi_ok || !is_pending) return;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

}  // namespace

std::shared_ptr<ExpiryCall> ExpiryCall::Create(napi_env env) {
  auto holder = std::make_unique<std::shared_ptr<ExpiryCall>>(new ExpiryCall(env));
  const std::shared_ptr<ExpiryCall> call = *holder;
  napi_value name = nullptr;
  napi_create_string_latin1(env, "shardmap:expired", NAPI_AUTO_LENGTH, &name);
  constexpr size_t kUnlimited = 0;
  constexpr size_t kThreads = 1;
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, kUnlimited, kThreads, nullptr,
                                                             nullptr, nullptr, Run, &call->function_);
  if (status != napi_ok) return nullptr;
  napi_unref_threadsafe_function(env, call->function_);
  napi_add_env_cleanup_hook(env, CleanUp, holder.release());
  return call;
}

void ExpiryCall::KeepAlive(bool does) {
  if (does) {
    napi_ref_threadsafe_function(env_, function_);
  } else {
    napi_unref_threadsafe_function(env_, function_);
  }
}

bool ExpiryCall::Call() { return napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking) == napi_ok; }

// `env` is nullptr where the environment ends.
void ExpiryCall::Run(napi_env env, napi_value, void*, void*) {
  Environment* environment = env == nullptr ? nullptr : Environment::Of(env);
  if (environment == nullptr) return;
  environment->expiry_call()->Answer();
  if (environment->expired().IsEmpty()) return;
  napi_call_function(env, Undefined(env), environment->expired().Value(), 0, nullptr, nullptr);
  ReportPendingException(env);
}

void ExpiryCall::CleanUp(void* holder) {
  const std::unique_ptr<std::shared_ptr<ExpiryCall>> call(static_cast<std::shared_ptr<ExpiryCall>*>(holder));
  (*call)->Close();
}

}  // namespace shardmap
