#include "engine/wake_up.h"

namespace shardmap {

void WakeUp::Request() {
  MutexLock lock(mutex_);
  if (is_open_ && !is_under_way_) is_under_way_ = Call();
}

void WakeUp::Answer() {
  MutexLock lock(mutex_);
  is_under_way_ = false;
}

void WakeUp::Close() {
  MutexLock lock(mutex_);
  is_open_ = false;
}

}  // namespace shardmap
