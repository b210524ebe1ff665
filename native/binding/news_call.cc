#include "binding/news_call.h"

#include "binding/environment.h"
#include "binding/node_api.h"

namespace shardmap {
std::shared_ptr<NewsCall> NewsCall::Create(napi_env env) {
  auto holder = std::make_unique<std::shared_ptr<NewsCall>>(new NewsCall(env));
  const std::shared_ptr<NewsCall> call = *holder;
  napi_value name = nullptr;
  napi_create_string_latin1(env, "shardmap:news", NAPI_AUTO_LENGTH, &name);
  constexpr size_t kUnlimited = 0;
  constexpr size_t kThreads = 1;
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, kUnlimited, kThreads, nullptr,
                                                             nullptr, nullptr, Run, &call->function_);
  if (status != napi_ok) return nullptr;
  napi_unref_threadsafe_function(env, call->function_);
  napi_add_env_cleanup_hook(env, CleanUp, holder.release());
  return call;
}

void NewsCall::Hold() {
  if (holders_++ == 0) napi_ref_threadsafe_function(env_, function_);
}

void NewsCall::LetGo() {
  if (--holders_ == 0) napi_unref_threadsafe_function(env_, function_);
}

bool NewsCall::Call() { return napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking) == napi_ok; }

// `env` is nullptr where the environment ends.
void NewsCall::Run(napi_env env, napi_value, void*, void*) {
  Environment* environment = env == nullptr ? nullptr : Environment::Of(env);
  if (environment == nullptr) return;
  environment->news_call()->Answer();
  environment->DeliverOutcomes();
  if (environment->news().IsEmpty()) return;
  napi_call_function(env, Undefined(env), environment->news().Value(), 0, nullptr, nullptr);
  ReportPendingException(env);
}

void NewsCall::CleanUp(void* holder) {
  const std::unique_ptr<std::shared_ptr<NewsCall>> call(static_cast<std::shared_ptr<NewsCall>*>(holder));
  (*call)->Close();
}

}  // namespace shardmap
