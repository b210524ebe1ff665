// Of batches: other results than of their operations one after the other.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'candidate of a batch read uncompared',
    why: 'other keys have its tag',
    file: 'native/core/shard.cc',
    find: `  if (candidate != nullptr && candidate->Matches(key.key)) {
    const Entry::ReadOutcome`,
    replace: `  if (candidate != nullptr) {
    const Entry::ReadOutcome`,
    test: 'core/batch_test',
    filter: 'BatchTest.*',
    quick: true,
  },
  {
    name: 'candidate of a batch taken for there uncompared',
    why: 'other keys have its tag',
    file: 'native/core/shard.cc',
    find: 'if (candidate != nullptr && candidate->Matches(key.key)) return !candidate->is_dead();',
    replace: 'if (candidate != nullptr) return !candidate->is_dead();',
    test: 'core/batch_test',
    filter: 'BatchTest.*',
  },
  {
    name: 'batch written shard by shard',
    why: 'its keys would be iterated in another order than given',
    file: 'native/core/store.cc',
    find: '  for (BatchEntry& entry : entries) {\n    if (!entry.value.PrepareForStore()',
    replace: `  std::stable_sort(entries.begin(), entries.end(), [&](const BatchEntry& a, const BatchEntry& b) {
    return ShardOf(Hashed(a.key).hash) < ShardOf(Hashed(b.key).hash);
  });
  for (BatchEntry& entry : entries) {\n    if (!entry.value.PrepareForStore()`,
    test: 'core/batch_test',
    filter: 'BatchTest.*',
    quick: true,
  },
  {
    name: 'group of a batch written backwards',
    why: 'of two entries with one key the later wins',
    file: 'native/core/store.cc',
    find: '  for (BatchEntry& entry : entries) {\n    if (!entry.value.PrepareForStore()',
    replace: `  std::reverse(entries.begin(), entries.end());
  for (BatchEntry& entry : entries) {\n    if (!entry.value.PrepareForStore()`,
    test: 'core/batch_test',
    filter: 'BatchTest.OfTwoEntries*',
  },
  {
    name: 'run that goes on into another shard',
    why: 'nobody would look for the key there',
    file: 'native/core/batch.h',
    find: 'while (end < size && shards[end] == shards[first]) ++end;',
    replace: 'while (end < size && shards[end] / 2 == shards[first] / 2) ++end;',
    test: 'core/batch_test',
    filter: 'BatchTest.*',
  },
  {
    name: 'lock kept for as many as come',
    why: 'everybody else would wait for the whole batch',
    file: 'native/core/batch.h',
    find: 'kKeysMax = 32;',
    replace: 'kKeysMax = 50000;',
    test: 'core/batch_test',
    filter: 'BatchThreadTest.GivesTheLockUp*',
  },
  {
    name: 'batch that looks into tables outside an epoch',
    why: 'a table may be freed while it is looked at',
    file: 'native/core/store.cc',
    find: '  const ReadGuard guard(session);\n  for (size_t i = 0; i < group->size; ++i) shards_',
    replace: '  (void)session;\n  for (size_t i = 0; i < group->size; ++i) shards_',
    test: 'core/store_stress_test',
    filter: '*StoreStressTest*',
    kind: 'thread',
  },
  {
    name: 'reservation of a deletion in a batch kept for nothing',
    why: 'the log would run out of room',
    file: 'native/core/store.cc',
    find: '    if (deleted == 0 && sink_ != nullptr) sink_->Release();\n    *count',
    replace: '    *count',
    test: 'core/mutation_sink_test',
    filter: 'MutationSinkTest.*',
  },
  {
    name: 'block of a key lost where a batch fails',
    why: 'nobody else knows of it',
    file: 'native/core/store.cc',
    find: '      if (block != nullptr) Block::Free(block);\n',
    replace: '      (void)block;\n',
    test: 'core/store_out_of_memory_test',
    filter: 'StoreOutOfMemoryLeakTest.*',
  },
];
