// What the addon keeps for one JavaScript environment (a thread, or a vm context that loaded it): the library's hooks
// and the handles of stores. No reference to JavaScript lives anywhere else.
//
// Order of destruction: the cleanup hook closes every handle and deletes this; the finalizers of objects, which may run
// before or after, find out from NativeStore::environment.
#pragma once

#include <napi.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "binding/batch.h"
#include "binding/news_call.h"
#include "binding/outcomes.h"
#include "binding/times.h"
#include "binding/value_view.h"
#include "core/lifetime.h"
#include "engine/expiry_queue.h"
#include "engine/registry.h"

namespace shardmap {

// What an attachment tells JavaScript without being called.
struct ControlWords {
  double mutations;      // made by this environment
  double version;        // of the value that was returned last by getVersioned
  double version_index;  // where in the versions it is found again
  double near_hits;      // reads that the library answered by itself, until the addon has counted them; as `has`
  double near_has_hits;
  double version_shards;  // of how many shards the index is that of one
};

// What an encoded value that is returned is, and how long; the stamp that it was read with; and, from the library, the
// lifetime of what is put: LIFETIME in lib/native.ts.
struct ReplyWords {
  double kind;
  double length;
  double sequence;
  double version;
  double ttl;
  double existing;
};

// An environment's attachment to a store: one handle, however many objects share it.
class Attachment {
 public:
  // Throws std::bad_alloc.
  Attachment(napi_env env, std::shared_ptr<OpenStore> open_store);
  ~Attachment();
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

  const OpenStore& open_store() const { return handle_.open_store(); }
  Store& store() { return handle_.store(); }
  Session& session() { return handle_.session(); }
  ExpiryFeed& expiry_feed() { return handle_.expiry_feed(); }
  LogFeed& log_feed() { return handle_.log_feed(); }
  Resharder& resharder() { return handle_.resharder(); }

  // What a read does besides where the store's time to live is renewed by reads.
  void RenewIfSliding(const Key& key, const ReadValue& value) {
    if (store().slides() && value.deadline().slides()) store().Touch(session(), key);
  }
  // Tells this environment's iterators that the store was changed from here.
  void NoteMutation() {
    ++control_->mutations;
    unreported_bytes_ += session().TakeBytesDelta();
    if (unreported_bytes_ >= kReportBytes || unreported_bytes_ <= -kReportBytes) ReportMemory();
  }
  // Tells what a value that is about to be returned was read under: see NativeStore::control in lib/native.ts.
  void NoteVersion(const ValueVersion& version);
  // The same for one that no version tells of: a value that has a deadline expires without a change of its shard.
  void NoteNoVersion() { control_->version = std::numeric_limits<double>::quiet_NaN(); }
  // Makes iterators look at each entry of their page again before they show it: some may have expired by then.
  void NoteDeadlines() { ++control_->mutations; }
  void CountNearHits() {
    session().counters().read_hits.Add(static_cast<uint64_t>(std::exchange(control_->near_hits, 0)));
    session().counters().has_hits.Add(static_cast<uint64_t>(std::exchange(control_->near_has_hits, 0)));
  }
  // The Float64Arrays that JavaScript reads: what is noted here, and the value versions of all shards (empty where the
  // engine allows no arrays over memory of ours).
  Napi::Value Control() const { return control_array_.Value(); }
  // The latter are made anew where the store has other shards by now.
  Napi::Value Versions();
  // Of how many shards these are; and tells JavaScript so.
  size_t versions_shards() const { return versions_shards_; }
  void NoteVersionsShards() { control_->version_shards = static_cast<double>(versions_shards_); }

 private:
  // V8 hears of a store's memory each time it has changed by this much.
  static constexpr int64_t kReportBytes = int64_t{64} << 10;
  // By how much entries may grow before the next measurement, unless as much as was measured is more.
  static constexpr int64_t kMeasureBytesMin = int64_t{1} << 20;

  // Tells V8 how much memory outside its heap the store takes, so that garbage collection, which closes maps that were
  // dropped, comes when it is worth while, and no more often: V8 collects where that memory grows. Counts what this
  // environment's writes make entries grow by, and measures all there is now and then.
  void ReportMemory();
  Napi::Float64Array MakeVersions(const ValueVersions& versions);

  Napi::Env env_;
  Handle handle_;
  int64_t unreported_bytes_ = 0;
  int64_t reported_bytes_ = 0;
  int64_t measured_bytes_ = 0;
  Napi::Reference<Napi::Float64Array> control_array_;
  ControlWords* control_;  // its memory
  Napi::Reference<Napi::Float64Array> versions_;
  size_t versions_shards_ = 0;
};

class Environment;

// What a JavaScript object holds of a store: its place in the environment's table. Freed by the object's finalizer.
struct NativeStore {
  Environment* environment;  // nullptr once the environment is gone
  uint32_t slot;             // 0 once closed
};

class Environment {
 public:
  // Makes the environment of `env` and has it cleaned up when `env` ends.
  static Environment* Create(napi_env env);
  static Environment* Of(napi_env env);

  // Takes what lib/native.ts declares as AddonHooks: the functions that were given last, the arrays that were first.
  // Returns the arrays as AddonReply.
  Napi::Object SetHooks(Napi::Object hooks);
  // createError(code, message, file, offset); empty where there are no hooks yet.
  const Napi::FunctionReference& create_error() const { return create_error_; }
  // Called when there is something to take for a slot that listens; empty as well.
  const Napi::FunctionReference& news() const { return news_; }
  // collect(...items) returns the array of its arguments: far cheaper than setting elements one by one.
  const Napi::FunctionReference& collect() const { return collect_; }

  // Leaves an encoded value where AddonReply says, and returns what is to be returned for it.
  napi_value Reply(const ValueView& value);
  // AddonReply's scratch, and its memory: free to use until the next call of the addon.
  napi_value scratch() const { return scratch_.Value(); }
  std::span<uint8_t> scratch_bytes() const { return {scratch_bytes_, scratch_bytes_max_}; }
  // Note numbers of AddonReply.
  void NoteReply(double kind, double length) {
    reply_words_->kind = kind;
    reply_words_->length = length;
  }
  void NoteStamp(const EntryStamp& stamp) {
    reply_words_->sequence = static_cast<double>(stamp.sequence);
    reply_words_->version = stamp.version;
  }

  // The lifetime that the library has left for a function that puts an entry, or else `by_default`. To be taken when
  // the function begins: reading its arguments may run code of the user's, which may put another entry.
  Lifetime TakeLifetime(const Lifetime& by_default) {
    const double ttl_ms = reply_words_->ttl;
    const double existing = reply_words_->existing;
    if ((std::bit_cast<uint64_t>(ttl_ms) | std::bit_cast<uint64_t>(existing)) == 0) return by_default;
    reply_words_->ttl = 0;
    reply_words_->existing = 0;
    constexpr double kKeeps = 2;
    Lifetime lifetime = LifetimeOf(ttl_ms);
    lifetime.keeps = existing == 0 ? by_default.keeps && lifetime.is_default : existing == kKeeps;
    return lifetime;
  }

  // A batch for one call, to be given back: its memory is used again. Throws std::bad_alloc.
  std::unique_ptr<Batch> TakeBatch() {
    return spare_batch_ != nullptr ? std::move(spare_batch_) : std::make_unique<Batch>();
  }
  void GiveBack(std::unique_ptr<Batch> batch) {
    batch->Clear();
    spare_batch_ = std::move(batch);
  }

  // Batches that live longer, by number. Throws std::bad_alloc.
  uint32_t OpenBatch();
  // The batch, or nullptr. Who runs code of the user's meanwhile keeps it by the pointer.
  std::shared_ptr<Batch> BatchAt(uint32_t number) const;
  void CloseBatch(uint32_t number);

  // The attachment in a slot, or nullptr for a number that is no open slot's. Hot methods get their store so, by a
  // small integer, and not by functions of its own: V8 calls a function much faster where it is the same for every
  // store (docs/performance.md, crossings).
  Attachment* AttachmentAt(uint32_t slot) const {
    return slot < slots_.size() ? slots_[slot].attachment.get() : nullptr;
  }
  // The number of the slot's latest opening. A slot that was closed may be another store's later, but no number is
  // given twice: who lets a user's code run in between finds out by it whether the slot is what it was.
  uint64_t OpeningAt(uint32_t slot) const { return slot < slots_.size() ? slots_[slot].opening : 0; }

  // Opens a slot for a store, in which the environment's attachment to it is shared. Throws std::bad_alloc.
  NativeStore* Open(std::shared_ptr<OpenStore> open_store);
  // Closes a slot; idempotent.
  void Close(uint32_t slot);
  // From now on entries of the store in an open slot that expire wait in a queue, and the hook `news` is called. Where
  // that is so already, nothing changes. Throws std::bad_alloc.
  Status Listen(uint32_t slot, const ExpiryQueue::Limits& limits);
  // Ends that, and drops what waits. Idempotent.
  void Unlisten(uint32_t slot);
  // The queue, or nullptr.
  ExpiryQueue* ExpiredAt(uint32_t slot) const { return slot < slots_.size() ? slots_[slot].expired.get() : nullptr; }
  // The same for what the store's log does: see LogFeed.
  Status ListenToLog(uint32_t slot);
  void UnlistenToLog(uint32_t slot);
  Mailbox<LogNews>* LogNewsAt(uint32_t slot) const {
    return slot < slots_.size() ? slots_[slot].log_news.get() : nullptr;
  }
  // Whether waiting for calls of `news` keeps the event loop alive; at first it does not. To be asked for in turns.
  // Throws std::bad_alloc.
  Status KeepAlive(bool does);
  // What brings the outcome of what another thread does to `done`: see Outcomes. Throws std::bad_alloc.
  Result<Outcomes::Tell> Expect(napi_value done);
  // Calls those whose outcomes have come.
  void DeliverOutcomes() {
    if (outcomes_.has_value()) outcomes_->Deliver();
  }
  // Not before any of these.
  NewsCall* news_call() const { return news_call_.get(); }

  // Called when the JavaScript object is gone. Closes its slot, unless the store has a name: then it stays open until
  // the environment ends.
  void Forget(NativeStore* store);

 private:
  struct Slot {
    std::shared_ptr<Attachment> attachment;  // nullptr while closed
    NativeStore* owner = nullptr;            // nullptr where the object is gone
    uint64_t opening = 0;
    std::shared_ptr<ExpiryQueue> expired;        // nullptr where nobody listens
    std::shared_ptr<Mailbox<LogNews>> log_news;  // likewise
  };

  explicit Environment(napi_env env) : env_(env) {}
  ~Environment();

  static void CleanUp(void* environment);

  std::shared_ptr<Attachment> Attach(std::shared_ptr<OpenStore> open_store);
  // Makes news_call_ if there is none.
  Status StartCalls();

  napi_env env_;
  Napi::FunctionReference create_error_;
  Napi::FunctionReference collect_;
  Napi::FunctionReference news_;
  Napi::Reference<Napi::Uint8Array> scratch_;
  Napi::Reference<Napi::Float64Array> reply_;
  uint8_t* scratch_bytes_ = nullptr;  // the memory of scratch_
  size_t scratch_bytes_max_ = 0;
  ReplyWords no_reply_{};
  ReplyWords* reply_words_ = &no_reply_;  // the memory of reply_, once there are hooks
  std::unordered_map<const OpenStore*, std::weak_ptr<Attachment>> attachments_;
  std::vector<Slot> slots_{Slot{}};  // slot 0 is never open
  std::vector<uint32_t> free_slots_;
  uint64_t openings_ = 0;
  std::unique_ptr<Batch> spare_batch_;
  std::vector<std::shared_ptr<Batch>> batches_;  // by number; nullptr where closed
  std::shared_ptr<NewsCall> news_call_;          // nullptr until somebody waits for it
  std::optional<Outcomes> outcomes_;
};

}  // namespace shardmap
