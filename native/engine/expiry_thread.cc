#include "engine/expiry_thread.h"

#include <algorithm>
#include <exception>
#include <utility>

#if !defined(_WIN32)
#include <pthread.h>
#include <signal.h>
#endif

namespace shardmap {
namespace {

// While it lives, threads that are started here get no signals: these are for threads that expect them.
class SignalsBlocked {
 public:
#if defined(_WIN32)
  SignalsBlocked() {}
#else
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
#endif
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

#if !defined(_WIN32)
 private:
  sigset_t before_;
#endif
};

// What debuggers and `top -H` show; at most 15 characters.
void NameThisThread() {
#if defined(__linux__)
  pthread_setname_np(pthread_self(), "shardmap-expiry");
#elif defined(__APPLE__)
  pthread_setname_np("shardmap-expiry");
#endif
}

}  // namespace

ExpiryThread::Served::Served(Store& served_store) : store(served_store), session(store.OpenSession()) {
  try {
    shards.Grow(store.shards());
  } catch (...) {
    store.CloseSession(session);
    throw;
  }
}

ExpiryThread::Served::~Served() { store.CloseSession(session); }

ExpiryThread& ExpiryThread::OfProcess() {
  static ExpiryThread* const thread = new ExpiryThread(Clock::Steady());
  return *thread;
}

ExpiryThread::~ExpiryThread() {
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void ExpiryThread::Add(Store& store) {
  auto served = std::make_unique<Served>(store);
  MutexLock lock(mutex_);
  if (free_numbers_.empty()) AddNumbersLocked();
  Served* const added = stores_.emplace(&store, std::move(served)).first->second.get();
  added->number = free_numbers_.back();
  free_numbers_.pop_back();
  by_number_[added->number] = added;
}

// With room for all to be given back, which must not fail.
void ExpiryThread::AddNumbersLocked() {
  const size_t first = by_number_.size();
  const size_t end = 2 * first + 8;
  free_numbers_.reserve(end);
  queue_.Grow(end);
  by_number_.resize(end, nullptr);
  for (size_t number = end; number > first; --number) free_numbers_.push_back(number - 1);
}

void ExpiryThread::Remove(Store& store) {
  std::unique_ptr<Served> served;  // goes after the lock
  MutexLock lock(mutex_);
  const auto found = stores_.find(&store);
  served = std::move(found->second);
  stores_.erase(found);
  served->is_leaving = true;
  queue_.Remove(served->number);
  while (serving_ == served.get()) slice_end_.Wait(mutex_);
  by_number_[served->number] = nullptr;
  free_numbers_.push_back(served->number);
}

void ExpiryThread::Schedule(Store& store, size_t shard, uint64_t due_ns) {
  // What comes too late goes behind what has waited for its turn.
  const uint64_t due = std::max(due_ns, clock_.NowNanos());
  MutexLock lock(mutex_);
  const auto found = stores_.find(&store);
  if (found == stores_.end()) return;
  Served& served = *found->second;
  if (due < served.shards.due_ns(shard)) served.shards.Put(shard, due);
  if (due < queue_.due_ns(served.number)) queue_.Put(served.number, due);
  if (!is_started_) {
    StartLocked();
  } else if (due < sleeps_until_ns_) {
    wake_.NotifyAll();
  }
}

void ExpiryThread::Expect(Store& store, size_t shards) {
  MutexLock lock(mutex_);
  const auto found = stores_.find(&store);
  if (found != stores_.end()) found->second->shards.Grow(shards);
}

void ExpiryThread::LookAgain() {
  MutexLock lock(mutex_);
  wake_.NotifyAll();
}

void ExpiryThread::StartLocked() {
  const SignalsBlocked blocked;
  try {
    thread_ = std::thread([this] { Run(); });
    is_started_ = true;
  } catch (const std::exception&) {
    // Not now: entries are kept longer, and absent all the same to whoever asks for them.
  }
}

void ExpiryThread::Run() {
  NameThisThread();
  MutexLock lock(mutex_);
  while (!is_stopping_) {
    const uint64_t due_ns = queue_.first_due_ns();
    const uint64_t now_ns = clock_.NowNanos();
    if (due_ns <= now_ns) {
      ServeLocked(*by_number_[queue_.first()]);
    } else {
      SleepLocked(due_ns, now_ns);
    }
  }
}

void ExpiryThread::ServeLocked(Served& served) {
  const size_t shard = served.shards.first();
  served.shards.Remove(shard);
  queue_.Remove(served.number);
  serving_ = &served;
  mutex_.Unlock();
  const uint64_t due_ns = served.store.ExpireSome(*served.session, shard);
  const uint64_t now_ns = clock_.NowNanos();
  mutex_.Lock();
  serving_ = nullptr;
  if (served.is_leaving) return slice_end_.NotifyAll();
  // Where there is more to do at once, others have their turns first. Schedule may have been called meanwhile, too.
  const uint64_t next_ns = std::min(std::max(due_ns, now_ns), served.shards.due_ns(shard));
  if (next_ns != kForever) served.shards.Put(shard, next_ns);
  if (!served.shards.empty()) queue_.Put(served.number, std::max(served.shards.first_due_ns(), now_ns));
}

void ExpiryThread::SleepLocked(uint64_t until_ns, uint64_t now_ns) {
  sleeps_until_ns_ = until_ns;
  if (until_ns == kForever) {
    wake_.Wait(mutex_);
  } else {
    wake_.WaitFor(mutex_, until_ns - now_ns);
  }
  sleeps_until_ns_ = 0;
}

}  // namespace shardmap
