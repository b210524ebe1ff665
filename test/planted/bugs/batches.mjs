// Of batches: other results than of their operations one after the other.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'candidate of a batch read uncompared',
    why: 'other keys have its tag',
    file: 'native/core/shard.cc',
    within: `candidate->Matches(key.key)) {
    const Entry::ReadOutcome`,
    find: 'candidate->Matches(key.key)',
    replace: 'true',
    test: 'core/batch_test',
    filter: 'BatchTest.*',
  },
  {
    name: 'candidate of a batch taken for there uncompared',
    why: 'other keys have its tag',
    file: 'native/core/shard.cc',
    within: `candidate->Matches(key.key)) {
    return !candidate`,
    find: 'candidate->Matches(key.key)',
    replace: 'true',
    test: 'core/batch_test',
    filter: 'BatchTest.*',
  },
  {
    name: 'batch written shard by shard',
    why: 'its keys would be iterated in another order than given',
    file: 'native/core/store.cc',
    within: `for (BatchEntry& entry : entries) {
    if (!entry.value.PrepareForStore()`,
    find: 'entries',
    replace: `std::stable_sort(entries.begin(), entries.end(), [&](const BatchEntry& a, const BatchEntry& b) {
    return ShardOf(Hashed(a.key)) < ShardOf(Hashed(b.key));
  }), entries`,
    test: 'core/batch_test',
    filter: 'BatchTest.*',
  },
  {
    name: 'group of a batch written backwards',
    why: 'of two entries with one key the later wins',
    file: 'native/core/store.cc',
    within: `for (BatchEntry& entry : entries) {
    if (!entry.value.PrepareForStore()`,
    find: 'entries',
    replace: 'std::reverse(entries.begin(), entries.end()), entries',
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
    alone: true,
  },
  {
    name: 'batch that looks into tables outside an epoch',
    why: 'a table may be freed while it is looked at',
    file: 'native/core/store.cc',
    find: `  const ReadGuard guard(session);
  const ShardSet& shards = Shards();
  for (size_t i = 0; i < group->size; ++i) shards[shards.ShardOf(group->keys[i].hash)].Prefetch();
  return PrepareReads(group);
`,
    replace: `  (void)session;
  const ShardSet& shards = Shards();
  for (size_t i = 0; i < group->size; ++i) shards[shards.ShardOf(group->keys[i].hash)].Prefetch();
  return PrepareReads(group);
`,
    test: 'core/store_stress_test',
    filter: '*StoreStressTest*',
    kind: 'thread',
  },
  {
    name: 'deletions sorted to the places of the next shard',
    why: 'keys of the first would be missing, and those of the last run over the end',
    file: 'native/core/store.cc',
    find: '++places[shard_of[i] + 1];',
    replace: '++places[shard_of[i]];',
    test: 'core/batch_test',
    filter: 'BatchTest.*',
  },
  {
    name: 'deletions sorted to places that were not summed',
    why: 'the keys of a shard would go where those of another are',
    file: 'native/core/store.cc',
    find: '    std::partial_sum(places.begin(), places.end(), places.begin());\n',
    replace: '',
    test: 'core/batch_test',
    filter: 'BatchTest.*',
  },
  {
    name: 'deletions of a shard sorted to one place',
    why: 'only one of them would be made',
    file: 'native/core/store.cc',
    find: 'places[shard_of[i]]++',
    replace: 'places[shard_of[i]]',
    test: 'core/batch_test',
    filter: 'BatchTest.*',
  },
  {
    name: 'group of sorted deletions that begins anew',
    why: 'the order is of the whole batch',
    file: 'native/core/store.cc',
    find: 'ordered[i] = keys[order[first + i]];',
    replace: 'ordered[i] = keys[order[i]];',
    test: 'core/batch_test',
    filter: 'BatchTest.*',
  },
  {
    name: 'group of sorted deletions that skips one',
    why: 'its last key would never be deleted',
    file: 'native/core/store.cc',
    find: 'group = {ordered.data(), group.size()};',
    replace: 'group = {ordered.data(), group.size() - (first == 0 ? 0 : 1)};',
    test: 'core/batch_test',
    filter: 'BatchTest.*',
  },
  {
    name: 'second part of a large deletion that is the first again',
    why: 'so many are sorted at a time, and each part has its own keys',
    file: 'native/core/store.cc',
    within: 'keys.subspan(first, std::min(kSortedKeysMax',
    find: 'first',
    replace: '0',
    test: 'core/batch_test',
    filter: 'BatchTest.*',
  },
  {
    name: 'deletions sorted although a sink learns of them',
    why: 'it is to learn of them in the order given, up to one that it refuses',
    file: 'native/core/store.cc',
    within: 'sink_ != nullptr || keys.size() <',
    find: 'sink_ != nullptr',
    replace: 'false',
    test: 'core/mutation_sink_test',
    filter: 'MutationSinkTest.*',
  },
  {
    name: 'deletions that fail where there is no memory to sort them',
    why: 'deleting needs none',
    file: 'native/core/store.cc',
    within: `  } catch (const std::bad_alloc&) {
    return {};
`,
    find: 'return {};',
    replace: 'throw;',
    test: 'core/store_out_of_memory_test',
    filter: 'StoreOutOfMemory*',
  },
  {
    name: 'reservation of a deletion in a batch kept for nothing',
    why: 'the log would run out of room',
    file: 'native/core/store.cc',
    within: `if (count.deleted == 0) ReleaseMutation(session);
    session.counters()`,
    find: 'count.deleted == 0',
    replace: 'false',
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
  {
    name: 'last entries of a large batch left behind',
    why: 'they wait for one more, which does not come',
    file: 'lib/batch.ts',
    within: 'this.#handOver(this.#argsUsed);\n      this.#batch.set(slot, lifetime);',
    find: 'this.#handOver(this.#argsUsed);',
    replace: '',
    test: 'lib/batches',
    filter: 'a batch',
    kind: 'package',
  },
  {
    name: 'entries that came before an object set behind it',
    why: 'a batch is in its order, whatever its values are',
    file: 'lib/batch.ts',
    within: 'used = this.#handOver(used);\n        this.#addOne',
    find: 'used = this.#handOver(used);',
    replace: 'this.#handOver(1);',
    test: 'lib/batches',
    filter: 'a batch',
    kind: 'package',
  },
];
