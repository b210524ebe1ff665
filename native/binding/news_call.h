// Calls the library's hook `news` in the environment's thread, whichever thread asks for that.
//
// A thread-safe function of Node-API does it. Node frees that when the environment ends, by a cleanup hook of its own,
// and calling it then would crash (in Node 20 and 22 for certain). So it is called under the mutex of WakeUp only, and
// closed by a cleanup hook that is added after Node's: the hook that was added last runs first.
#pragma once

#include <node_api.h>

#include <cstddef>
#include <memory>

#include "engine/wake_up.h"

namespace shardmap {

class NewsCall final : public WakeUp {
 public:
  // In the environment's thread. nullptr where Node refuses. Throws std::bad_alloc.
  static std::shared_ptr<NewsCall> Create(napi_env env);

  // Waiting for a call keeps the event loop alive while anybody holds it. In the environment's thread.
  void Hold();
  void LetGo();

 private:
  explicit NewsCall(napi_env env) : env_(env) {}

  bool Call() override;
  static void Run(napi_env env, napi_value function, void* context, void* argument);
  static void CleanUp(void* holder);

  const napi_env env_;
  napi_threadsafe_function function_ = nullptr;  // constant after Create; freed by Node
  size_t holders_ = 0;
};

}  // namespace shardmap
