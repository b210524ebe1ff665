#include "binding/environment.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <utility>

namespace shardmap {

Attachment::Attachment(napi_env env, std::shared_ptr<OpenStore> open_store)
    : env_(env), handle_(std::move(open_store)) {
  Napi::Float64Array control = Napi::Float64Array::New(env_, sizeof(ControlWords) / sizeof(double));
  control_ = reinterpret_cast<ControlWords*>(control.Data());
  control_array_ = Napi::Persistent(control);
  unreported_bytes_ = static_cast<int64_t>(store().shards() * sizeof(Shard));
  ReportMemory();
}

// The array keeps the memory that it shows. To detach it instead would abort the process where the thread is being
// terminated.
Napi::Float64Array Attachment::MakeVersions(const ValueVersions& versions) {
  using Owner = std::shared_ptr<const void>;
  const size_t bytes = (versions.shards - 1) * versions.stride_bytes + sizeof(double);
  void* first = const_cast<std::atomic<uint64_t>*>(versions.first);
  auto owner = std::make_unique<Owner>(versions.owner);
  const auto finalize = [](napi_env, void*, void* hint) { delete static_cast<Owner*>(hint); };
  napi_value buffer = nullptr;
  if (napi_create_external_arraybuffer(env_, first, bytes, finalize, owner.get(), &buffer) != napi_ok) {
    return Napi::Float64Array::New(env_, 0);
  }
  owner.release();  // NOLINT: the finalizer's from here on
  return Napi::Float64Array::New(env_, bytes / sizeof(double), Napi::ArrayBuffer(env_, buffer), 0);
}

Napi::Value Attachment::Versions() {
  const ValueVersions versions = store().value_versions();
  if (versions.shards != versions_shards_) {
    versions_ = Napi::Persistent(MakeVersions(versions));
    versions_shards_ = versions.shards;
  }
  return versions_.Value();
}

void Attachment::NoteVersion(const ValueVersion& version) {
  const bool is_settled = (version.version & 1) == 0;
  if (is_settled) {
    std::memcpy(&control_->version, &version.version, sizeof version.version);
  } else {
    NoteNoVersion();
  }
  control_->version_index = static_cast<double>(version.shard * (sizeof(Shard) / sizeof(double)));
  control_->version_shards = static_cast<double>(version.shards);
}

Attachment::~Attachment() { Napi::MemoryManagement::AdjustExternalMemory(env_, -reported_bytes_); }

void Attachment::ReportMemory() {
  int64_t bytes = std::max(reported_bytes_ + unreported_bytes_, int64_t{0});
  if (bytes >= 2 * measured_bytes_ + kMeasureBytesMin) {
    measured_bytes_ = static_cast<int64_t>(store().Stats().total_bytes());
    bytes = measured_bytes_;
  }
  Napi::MemoryManagement::AdjustExternalMemory(env_, bytes - reported_bytes_);
  reported_bytes_ = bytes;
  unreported_bytes_ = 0;
}

Environment* Environment::Create(napi_env env) {
  auto* environment = new Environment(env);
  napi_set_instance_data(env, environment, nullptr, nullptr);
  napi_add_env_cleanup_hook(env, CleanUp, environment);
  return environment;
}

Environment* Environment::Of(napi_env env) {
  void* environment = nullptr;
  napi_get_instance_data(env, &environment);
  return static_cast<Environment*>(environment);
}

void Environment::CleanUp(void* environment) {
  auto* self = static_cast<Environment*>(environment);
  napi_set_instance_data(self->env_, nullptr, nullptr, nullptr);
  delete self;
}

Environment::~Environment() {
  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    Unlisten(slot);
    UnlistenToLog(slot);
    if (slots_[slot].owner != nullptr) slots_[slot].owner->environment = nullptr;
  }
}

Napi::Object Environment::SetHooks(Napi::Object hooks) {
  create_error_ = Napi::Persistent(hooks.Get("createError").As<Napi::Function>());
  collect_ = Napi::Persistent(hooks.Get("collect").As<Napi::Function>());
  if (hooks.Get("news").IsFunction()) news_ = Napi::Persistent(hooks.Get("news").As<Napi::Function>());
  if (scratch_.IsEmpty()) {
    const Napi::Uint8Array scratch = hooks.Get("scratch").As<Napi::Uint8Array>();
    const Napi::Float64Array reply = hooks.Get("reply").As<Napi::Float64Array>();
    scratch_ = Napi::Persistent(scratch);
    scratch_bytes_ = scratch_.Value().Data();
    scratch_bytes_max_ = scratch.ByteLength();
    reply_ = Napi::Persistent(reply);
    reply_words_ = reinterpret_cast<ReplyWords*>(reply_.Value().Data());
  }
  Napi::Object arrays = Napi::Object::New(env_);
  arrays.Set("scratch", scratch_.Value());
  arrays.Set("reply", reply_.Value());
  return arrays;
}

napi_value Environment::Reply(const ValueView& value) {
  napi_value bytes = nullptr;
  void* memory = scratch_bytes_;
  if (value.size <= scratch_bytes_max_) {
    bytes = scratch_.Value();
  } else if (napi_create_arraybuffer(env_, value.size, &memory, &bytes) != napi_ok) {
    return nullptr;
  }
  if (value.size != 0) std::memcpy(memory, value.bytes, value.size);
  NoteReply(static_cast<double>(value.kind), static_cast<double>(value.size));
  return bytes;
}

uint32_t Environment::OpenBatch() {
  auto batch = std::make_shared<Batch>();
  const auto closed = std::find(batches_.begin(), batches_.end(), nullptr);
  const auto number = static_cast<uint32_t>(closed - batches_.begin());
  if (closed == batches_.end()) {
    batches_.push_back(std::move(batch));
  } else {
    *closed = std::move(batch);
  }
  return number;
}

std::shared_ptr<Batch> Environment::BatchAt(uint32_t number) const {
  return number < batches_.size() ? batches_[number] : nullptr;
}

void Environment::CloseBatch(uint32_t number) {
  if (number < batches_.size()) batches_[number] = nullptr;
}

std::shared_ptr<Attachment> Environment::Attach(std::shared_ptr<OpenStore> open_store) {
  std::weak_ptr<Attachment>& known = attachments_[open_store.get()];
  if (std::shared_ptr<Attachment> attachment = known.lock()) return attachment;
  auto attachment = std::make_shared<Attachment>(env_, std::move(open_store));
  known = attachment;
  return attachment;
}

NativeStore* Environment::Open(std::shared_ptr<OpenStore> open_store) {
  std::shared_ptr<Attachment> attachment = Attach(std::move(open_store));
  if (free_slots_.empty()) {
    slots_.emplace_back();
    free_slots_.reserve(slots_.capacity());  // so that closing a slot never allocates
    free_slots_.push_back(static_cast<uint32_t>(slots_.size() - 1));
  }
  const uint32_t slot = free_slots_.back();
  auto owner = std::make_unique<NativeStore>(NativeStore{this, slot});
  free_slots_.pop_back();
  slots_[slot] = {std::move(attachment), owner.get(), ++openings_, nullptr, nullptr};
  return owner.release();
}

void Environment::Close(uint32_t slot) {
  if (AttachmentAt(slot) == nullptr) return;
  Unlisten(slot);
  UnlistenToLog(slot);
  Slot& closing = slots_[slot];
  if (closing.owner != nullptr) closing.owner->slot = 0;
  closing.owner = nullptr;
  const OpenStore* open_store = &closing.attachment->open_store();
  closing.attachment.reset();
  free_slots_.push_back(slot);
  const auto known = attachments_.find(open_store);
  if (known != attachments_.end() && known->second.expired()) attachments_.erase(known);
}

Status Environment::StartCalls() {
  if (news_call_ == nullptr) news_call_ = NewsCall::Create(env_);
  if (news_call_ != nullptr) return Status();
  return Status(Code::kInvalidArgument, "Node.js has no thread-safe function for this thread");
}

Status Environment::Listen(uint32_t slot, const ExpiryQueue::Limits& limits) {
  if (slots_[slot].expired != nullptr) return Status();
  Status status = StartCalls();
  if (!status.ok()) return status;
  auto queue = std::make_shared<ExpiryQueue>(limits, news_call_);
  slots_[slot].attachment->expiry_feed().Add(queue);
  slots_[slot].expired = std::move(queue);
  return status;
}

void Environment::Unlisten(uint32_t slot) {
  if (ExpiredAt(slot) == nullptr) return;
  slots_[slot].attachment->expiry_feed().Remove(ExpiredAt(slot));
  slots_[slot].expired = nullptr;
}

Status Environment::ListenToLog(uint32_t slot) {
  if (slots_[slot].log_news != nullptr) return Status();
  Status status = StartCalls();
  if (!status.ok()) return status;
  auto log_news = std::make_shared<Mailbox<LogNews>>(news_call_);
  slots_[slot].attachment->log_feed().Add(log_news);
  slots_[slot].log_news = std::move(log_news);
  return status;
}

void Environment::UnlistenToLog(uint32_t slot) {
  if (LogNewsAt(slot) == nullptr) return;
  slots_[slot].attachment->log_feed().Remove(LogNewsAt(slot));
  slots_[slot].log_news = nullptr;
}

Status Environment::KeepAlive(bool does) {
  Status status = StartCalls();
  if (!status.ok()) return status;
  if (does) {
    news_call_->Hold();
  } else {
    news_call_->LetGo();
  }
  return status;
}

Result<Outcomes::Tell> Environment::Expect(napi_value done) {
  Status status = StartCalls();
  if (!status.ok()) return status;
  if (!outcomes_.has_value()) outcomes_.emplace(env_, news_call_);
  return outcomes_->Expect(done);
}

void Environment::Forget(NativeStore* store) {
  const uint32_t slot = store->slot;
  if (slot == 0) return;
  slots_[slot].owner = nullptr;
  if (!slots_[slot].attachment->open_store().name.has_value()) Close(slot);
}

}  // namespace shardmap
