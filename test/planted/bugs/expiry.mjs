// Of deadlines in the core: what is seen after them, gone before them, or never removed.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'read that trusts the thread that removes what has expired',
    why: 'the thread is late, always',
    file: 'native/core/shard.cc',
    find: '  if (outcome != Entry::ReadOutcome::kRead || HasPassed(out->deadline())) return false;\n',
    replace: '  if (outcome != Entry::ReadOutcome::kRead) return false;\n',
    test: 'core/store_expiry_test',
    filter: '*Model*',
  },
  {
    name: 'write that takes an expired entry for one that is there',
    why: 'it would keep its place, and its event would be missing',
    file: 'native/core/shard.cc',
    find: '  if (HasPassedFor(request, entry->deadline()) && !request.restores()) return PutOutcome::kExpired;\n',
    replace: '',
    test: 'core/store_expiry_test',
    filter: '*Model*',
  },
  {
    name: 'deletion of an expired entry that says so',
    why: 'there was nothing to delete',
    file: 'native/core/shard.cc',
    find: '  if (HasPassed(found.entry->deadline())) return DeleteOutcome::kExpired;\n',
    replace: '',
    test: 'core/store_expiry_test',
    filter: '*Model*',
  },
  {
    name: 'deadline outside of the version of its value',
    why: 'a reader would see the value with the deadline of the one before',
    file: 'native/core/entry.cc',
    find: `  StoreState(version | kept | SplitValue(value, block, [value_words](size_t i, uint64_t word) {
               value_words[i].store(word, std::memory_order_release);
             }));
`,
    replace: `  StoreState(version | kept | SplitValue(value, block, [value_words, this](size_t i, uint64_t word) {
               value_words[i].store(word, std::memory_order_release);
               if (has_timer()) SetDeadline(Deadline());
             }));
  if (has_timer()) SetDeadline(deadline);
`,
    test: 'core/store_expiry_stress_test',
    filter: '*',
  },
  {
    name: 'timer that nobody is told of',
    why: 'the entry would stay until another one wakes the thread',
    file: 'native/core/shard.cc',
    find: '  has_new_timer_ = true;\n',
    replace: '  has_new_timer_ = has_new_timer_ && place == 0;\n',
    test: 'core/store_expiry_test',
    filter: '*',
  },
  {
    name: 'earlier deadline that stays in its list',
    why: 'the entry would be removed when it was due at first',
    file: 'native/core/shard.cc',
    find: '  if (deadline.exists() && deadline.ns() >= before.ns()) return;\n',
    replace: '  if (deadline.exists()) return;\n',
    test: 'core/store_expiry_test',
    filter: '*',
  },
  {
    name: 'entry that is moved without its timer',
    why: 'the wheel would lead to where it was, which is freed',
    file: 'native/core/shard.cc',
    find: '  if (to->deadline().exists()) wheel_->NoteMoved(place, TimersLocked());\n',
    replace: '  (void)place;\n',
    test: 'core/store_expiry_test',
    filter: '*Model*',
  },
  {
    name: 'earlier deadline that nobody asks to be called for',
    why: 'it would stay until the one that was asked for',
    file: 'native/core/shard.cc',
    find: 'request.deadline.exists() && !request.restores()',
    replace: 'request.deadline.exists() && wake_up_ns_ == kForever',
    test: 'core/store_expiry_test',
    filter: '*',
  },
  {
    name: 'first deadline that near caches do not learn of',
    why: 'they show a value without one until its shard changes',
    file: 'native/core/shard.cc',
    find: '    if (deadline != before) ChangeValueLocked([&] { entry->SetDeadline(deadline); });\n',
    replace: '    if (deadline != before) entry->SetDeadline(deadline);\n',
    test: 'core/store_expiry_test',
    filter: '*',
  },
  {
    name: 'wheel that begins a list and then skips the rest of it',
    why: 'what a slice left of it would expire a round later',
    file: 'native/core/timer_wheel.cc',
    find: '  if (list >= kDigits) begun_ = list;\n',
    replace: '',
    test: 'core/timer_wheel_test',
    filter: '*',
  },
  {
    name: 'list that is begun for good',
    why: 'in its next round it would be taken for due, over and over',
    file: 'native/core/timer_wheel.h',
    find: '    if (list == begun_) begun_ = kNone;\n',
    replace: '',
    test: 'core/timer_wheel_test',
    filter: '*',
  },
  {
    name: 'wheel that stays where it was while it is empty',
    why: 'a timer comes to a level far too high, and its thread is woken again and again',
    file: 'native/core/timer_wheel.h',
    find: '    MoveOn(now_ns);\n',
    replace: '    (void)now_ns;\n',
    test: 'core/timer_wheel_test',
    filter: '*Sleeps*',
  },
];
