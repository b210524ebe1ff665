#include "binding/outcomes.h"

#include <iterator>
#include <list>
#include <string>
#include <utility>

#include "binding/node_api.h"

namespace shardmap {

Outcomes::Outcomes(napi_env env, std::shared_ptr<NewsCall> news_call)
    : env_(env), news_call_(std::move(news_call)), mailbox_(std::make_shared<Mailbox<Outcome>>(news_call_)) {}

Outcomes::Tell Outcomes::Expect(napi_value done) {
  const uint64_t number = ++numbers_;
  auto letters = std::make_shared<std::list<Outcome>>();
  letters->push_back({number, Status(), nullptr});
  Tell tell = [mailbox = mailbox_, letters](const Status& status, std::shared_ptr<OpenStore> opened) {
    letters->front().status = status.Copy();
    letters->front().opened = std::move(opened);
    mailbox->Put(std::move(*letters));
  };
  waiting_[number] = Napi::Persistent(Napi::Function(env_, done));
  news_call_->Hold();
  return tell;
}

void Outcomes::Deliver() {
  for (const Outcome& outcome : mailbox_->TakeAll()) {
    const auto waiting = waiting_.find(outcome.number);
    const Napi::FunctionReference done = std::move(waiting->second);
    waiting_.erase(waiting);
    news_call_->LetGo();
    Deliver(outcome, done);
  }
}

void Outcomes::Deliver(const Outcome& outcome, const Napi::FunctionReference& done) {
  napi_value args[] = {Undefined(env_), Undefined(env_)};
  if (!outcome.status.ok()) {
    args[0] = ErrorOf(env_, outcome.status);
    if (args[0] == nullptr) return ReportPendingException(env_);
  } else if (outcome.opened != nullptr) {
    const std::string& id = outcome.opened->id;
    napi_create_string_utf8(env_, id.data(), id.size(), &args[1]);
  }
  napi_call_function(env_, Undefined(env_), done.Value(), std::size(args), args, nullptr);
  ReportPendingException(env_);
}

}  // namespace shardmap
