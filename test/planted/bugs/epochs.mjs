// Of fences and epochs: memory that is freed while a reader may be looking at it.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'reclaimer without its fence',
    why: "the reader's announcement may still be on its way to memory when he looks",
    file: 'native/base/asymmetric_fence.cc',
    find: '  if (internal::g_has_membarrier) Membarrier(kBarrier);',
    replace: '  (void)kBarrier;',
    test: 'core/epoch_meeting_test',
    filter: '*WhatAReaderFoundIsNotFreed',
  },
  {
    name: 'reader without his fence',
    why: 'where there is no membarrier, the fence must be his own',
    file: 'native/core/epoch.h',
    find: '    LightFence();\n',
    replace: '',
    test: 'core/epoch_meeting_test',
    filter: '*NorWhereTheKernelHasNoMembarrier',
  },
  {
    name: 'light fence that stops the compiler alone',
    why: 'where there is no membarrier, the processor must be stopped as well',
    file: 'native/base/asymmetric_fence.h',
    within: `    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
}`,
    find: 'std::atomic_thread_fence(std::memory_order_seq_cst);',
    replace: 'std::atomic_signal_fence(std::memory_order_seq_cst);',
    test: 'core/epoch_meeting_test',
    filter: '*NorWhereTheKernelHasNoMembarrier',
  },
  {
    name: 'memory freed without a period of grace',
    why: 'a reader who began before may be looking at it',
    file: 'native/core/session.cc',
    find: '    HeavyFence();\n    if (!list_.AnyMayHold(waiting_epoch_)) waiting_.FreeAll();',
    replace: '    waiting_.FreeAll();',
    test: 'core/session_test',
    filter: 'SessionReclaimTest.*',
  },
  {
    name: 'memory that waited freed unasked',
    why: 'what waits for a reader waits until he has gone',
    file: 'native/core/session.cc',
    find: 'if (!waiting_.empty() && !list_.AnyMayHold(waiting_epoch_)) waiting_.FreeAll();',
    replace: 'if (!waiting_.empty()) waiting_.FreeAll();',
    test: 'core/session_test',
    filter: 'SessionReclaimTest.*',
  },
  {
    name: 'readers of the very epoch not waited for',
    why: 'memory is unlinked during an epoch, not before it',
    file: 'native/core/epoch.h',
    find: 'return began != kIdle && began <= epoch;',
    replace: 'return began != kIdle && began < epoch;',
    test: 'core/epoch_test',
    filter: 'EpochRecordTest.*',
  },
  {
    name: 'reader announced for a later epoch',
    why: 'he would not be waited for',
    file: 'native/core/epoch.h',
    find: 'epoch_.store(clock.Now(), std::memory_order_release);',
    replace: 'epoch_.store(clock.Now() + 1, std::memory_order_release);',
    test: 'core/epoch_test',
    filter: 'EpochRecordTest.*',
  },
  {
    name: 'reader who stays announced',
    why: 'nothing would ever be freed again',
    file: 'native/core/epoch.h',
    find: 'epoch_.store(kIdle, std::memory_order_release);',
    replace: '',
    test: 'core/epoch_test',
    filter: 'EpochRecordTest.*',
  },
  {
    name: 'reader withdrawn before his last look',
    why: 'the withdrawal releases what he did before it',
    file: 'native/core/epoch.h',
    find: 'epoch_.store(kIdle, std::memory_order_release);',
    replace: 'epoch_.store(kIdle, std::memory_order_relaxed);',
    test: 'core/store_stress_test',
    filter: '*StoreStressTest*',
    kind: 'thread',
  },
  {
    name: 'replaced value freed at once',
    why: 'readers may be looking at its block',
    file: 'native/core/shard.cc',
    find: '    context.session.retired().Add(replaced);',
    replace: '    Block::Free(replaced);',
    test: 'linearizability/store_histories_test',
    filter: '*',
  },
  {
    name: 'replaced value retired before it is unlinked',
    why: 'a reader who begins after its reclamation would still find it',
    file: 'native/core/shard.cc',
    find: '  ChangeValueLocked([&] { entry->Overwrite(value, block, deadline); });',
    replace: `  if (replaced != nullptr) {
    block_bytes_ -= replaced->total_bytes();
    context.session.retired().Add(std::exchange(replaced, nullptr));
    context.session.Reclaim();
  }
  ChangeValueLocked([&] { entry->Overwrite(value, block, deadline); });`,
    test: 'linearizability/store_histories_test',
    filter: '*',
  },
  {
    name: 'record shared by two sessions',
    why: "one thread's withdrawal would be the other's as well",
    file: 'native/core/session.cc',
    find: 'if (session->in_use_.compare_exchange_strong(free, true, std::memory_order_acquire)) return session;',
    replace: `if (session->in_use_.load() == free) {
      session->in_use_.store(true);
      return session;
    }`,
    test: 'core/session_test',
    filter: 'SessionThreadTest.TwoThatOpenAtTheSameMomentShareNoRecord',
  },
];
