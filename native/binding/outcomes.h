// What an environment has asked of other threads: brings each outcome to the function that waits for it, in the
// environment's thread. Until then the event loop is kept alive.
#pragma once

#include <napi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/status.h"
#include "binding/news_call.h"
#include "engine/mailbox.h"
#include "engine/registry.h"

namespace shardmap {

class Outcomes {
 public:
  // For any thread, to be called once: with an error, or with a store that was opened, or with neither.
  using Tell = std::function<void(const Status&, std::shared_ptr<OpenStore>)>;

  // Throws std::bad_alloc.
  Outcomes(napi_env env, std::shared_ptr<NewsCall> news_call);
  // What is told afterwards is dropped.
  ~Outcomes() { mailbox_->Close(); }
  Outcomes(const Outcomes&) = delete;
  Outcomes& operator=(const Outcomes&) = delete;

  // `done` is called with the error, if there is one, and the id of the store, if there is one: it is kept open until
  // `done` returned. Throws std::bad_alloc.
  Tell Expect(napi_value done);
  // Calls those whose outcomes have come.
  void Deliver();

 private:
  struct Outcome {
    uint64_t number;
    Status status;
    std::shared_ptr<OpenStore> opened;
  };

  void Deliver(const Outcome& outcome, const Napi::FunctionReference& done);

  const napi_env env_;
  const std::shared_ptr<NewsCall> news_call_;
  const std::shared_ptr<Mailbox<Outcome>> mailbox_;
  std::unordered_map<uint64_t, Napi::FunctionReference> waiting_;  // by the outcome's number
  uint64_t numbers_ = 0;
};

}  // namespace shardmap
