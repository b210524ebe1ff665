// How any thread makes a listener's thread look at what has come: by a call that the listener answers in its own time.
// One call is under way at a time, however many ask for it, and none is made for a listener that has gone.
#pragma once

#include "base/mutex.h"

namespace shardmap {

class WakeUp {
 public:
  WakeUp() = default;
  virtual ~WakeUp() = default;
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  // From any thread: something has come. Makes a call, unless one is under way.
  void Request() SHARDMAP_EXCLUDES(mutex_);
  // The listener is called, and is about to look: what comes from now on makes another call.
  void Answer() SHARDMAP_EXCLUDES(mutex_);
  // The listener goes. When this returns no call is being made, and none will be.
  void Close() SHARDMAP_EXCLUDES(mutex_);

 private:
  // Makes the call; false where that is impossible. Under the mutex: must neither wait nor call back.
  virtual bool Call() = 0;

  Mutex mutex_;
  bool is_open_ SHARDMAP_GUARDED_BY(mutex_) = true;
  bool is_under_way_ SHARDMAP_GUARDED_BY(mutex_) = false;
};

}  // namespace shardmap
