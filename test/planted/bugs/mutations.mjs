// Of what a log is told, and of what it gives back.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'effect shown before it is appended',
    why: 'a log that ends there would have what another thread did because of it, and not the effect itself',
    file: 'native/core/shard.cc',
    find: `  AppendLocked(context, Mutation::Kind::kOverwrite, key, &value, deadline);
  ChangeValueLocked([&] { entry->Overwrite(value, block, deadline); });
`,
    replace: `  ChangeValueLocked([&] { entry->Overwrite(value, block, deadline); });
  AppendLocked(context, Mutation::Kind::kOverwrite, key, &value, deadline);
`,
    test: 'core/mutation_sink_test',
    filter: 'MutationSinkTest.NothingIsToBeSeenBeforeItIsAppended',
  },
  {
    name: 'deletion shown before it is appended',
    why: 'a log that ends there would have what another thread did because of it, and not the effect itself',
    file: 'native/core/shard.cc',
    find: `  AppendLocked(context, Mutation::Kind::kDelete, key, nullptr, {});
  RemoveLocked(context, found);
`,
    replace: `  RemoveLocked(context, found);
  AppendLocked(context, Mutation::Kind::kDelete, key, nullptr, {});
`,
    test: 'core/mutation_sink_stress_test',
    filter: 'SeenIsAppendedTest.*',
  },
  {
    name: 'clear that locks one shard after the other',
    why: 'what was set after it to one shard would stay, and what was set later still to another would be gone',
    file: 'native/core/all_shards_lock.cc',
    find: '  for (size_t i = 0; i < shards_.size(); ++i) shards_[i].TakeAllLocked(&contents[i]);\n',
    replace: `  for (Shard& shard : shards_) shard.mutex_.Unlock();
  for (size_t i = 0; i < shards_.size(); ++i) {
    shards_[i].mutex_.Lock();
    shards_[i].TakeAllLocked(&contents[i]);
    shards_[i].mutex_.Unlock();
  }
  for (Shard& shard : shards_) shard.mutex_.Lock();
`,
    test: 'core/mutation_sink_stress_test',
    filter: 'ClearTest.LeavesNoEntryThatWasSetBeforeOneThatIsGone',
  },
  {
    name: "stamp that ignores the shard's last",
    why: 'a replay would take the earlier of two changes of a key for the later',
    file: 'native/core/session.h',
    find: 'last_sequence_ = std::max(last_sequence_, others_last) + 1;',
    replace: 'last_sequence_ += 1 + 0 * others_last;',
    test: 'core/mutation_sink_test',
    filter: 'MutationSinkTest.StampsRiseWithinAShardWhoeverChangesIt',
  },
  {
    name: "clear whose stamp is not its shards' last",
    why: 'a replay would clear away what was set after it',
    file: 'native/core/all_shards_lock.cc',
    find: '  RaiseStamps(stamp);\n',
    replace: '',
    test: 'core/mutation_sink_test',
    filter: 'MutationSinkTest.WhatComesAfterAClearHasALaterStamp',
  },
  {
    name: 'stamp that is taken for the last number',
    why: 'a walk to the last entry would meet keys again that are inserted meanwhile',
    file: 'native/core/shard.cc',
    find: '  last_stamp_ = context.session.NextStamp(LastStampLocked());\n',
    replace: `  last_stamp_ = context.session.NextStamp(LastStampLocked());
  last_sequence_.store(last_stamp_, std::memory_order_release);
`,
    test: 'core/mutation_sink_test',
    filter: 'MutationSinkTest.StampsDoNotMoveTheLastNumber',
  },
  {
    name: 'expired entry that gives up its place while a log is replayed',
    why: 'it had not expired when it was overwritten',
    file: 'native/core/shard.cc',
    find: 'HasPassedFor(request, entry->deadline()) && !request.restores()',
    replace: 'HasPassedFor(request, entry->deadline())',
    test: 'core/store_restore_test',
    filter: 'StoreRestoreTest.*',
  },
];
