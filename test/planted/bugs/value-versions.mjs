// Of the versions by which a near cache tells that a value is current.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'value changed under an even version',
    why: 'who reads the new value may be shown the old one again',
    file: 'native/core/shard.h',
    find: '  value_version_.store(version + 1, std::memory_order_relaxed);\n',
    replace: '',
    test: 'core/value_version_test',
    filter: '*ThreadTest*',
  },
  {
    name: 'value version bumped before the change alone',
    why: 'who reads the old value after the bump keeps it for good',
    file: 'native/core/shard.h',
    find: '  change();\n  value_version_.store(version + 2, std::memory_order_release);',
    replace: '  value_version_.store(version + 2, std::memory_order_release);\n  change();',
    test: 'core/value_version_test',
    filter: '*ThreadTest*',
  },
  {
    name: 'value version not bumped',
    why: 'who keeps the old value would go on believing it',
    file: 'native/core/shard.h',
    find: '  value_version_.store(version + 2, std::memory_order_release);',
    replace: '  value_version_.store(version, std::memory_order_release);',
    test: 'core/value_version_test',
    filter: 'ValueVersionTest.*',
  },
  {
    name: 'value version that stays odd',
    why: 'nobody could keep a value any more',
    file: 'native/core/shard.h',
    find: '  value_version_.store(version + 2, std::memory_order_release);',
    replace: '  value_version_.store(version + 3, std::memory_order_release);',
    test: 'core/value_version_test',
    filter: 'ValueVersionTest.*',
  },
  {
    name: 'overwriting that leaves the value version alone',
    why: 'who keeps the old value would go on believing it',
    file: 'native/core/shard.cc',
    find: '  ChangeValueLocked([&] { entry->Overwrite(value, block, deadline); });',
    replace: '  entry->Overwrite(value, block, deadline);',
    test: 'core/value_version_test',
    filter: 'ValueVersionTest.*',
  },
  {
    name: 'deletion that leaves the value version alone',
    why: 'who keeps the value would go on believing it',
    file: 'native/core/shard.cc',
    find: `  ChangeValueLocked([&] {
    entry->MarkDead();
    found.index->Remove(found.slot);
  });`,
    replace: `  entry->MarkDead();
  found.index->Remove(found.slot);`,
    test: 'core/value_version_test',
    filter: 'ValueVersionTest.*',
  },
  {
    name: 'deletion under the next value version',
    why: 'who reads the value after the bump keeps it for good',
    file: 'native/core/shard.cc',
    find: `  ChangeValueLocked([&] {
    entry->MarkDead();
    found.index->Remove(found.slot);
  });`,
    replace: `  ChangeValueLocked([] {});
  entry->MarkDead();
  found.index->Remove(found.slot);`,
    test: 'core/value_version_test',
    filter: '*ThreadTest*',
  },
  {
    name: 'clear that leaves the value version alone',
    why: 'who keeps a value would go on believing it',
    file: 'native/core/shard.cc',
    find: `  ChangeValueLocked([&]() SHARDMAP_REQUIRES(mutex_) {
    ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
      contents->entries = entries_.TakeAll(&contents->numbers);
      contents->index = std::exchange(index_, Index());
      contents->old_index = std::exchange(old_index_, Index());
    });
  });`,
    replace: `  ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
    contents->entries = entries_.TakeAll(&contents->numbers);
    contents->index = std::exchange(index_, Index());
    contents->old_index = std::exchange(old_index_, Index());
  });`,
    test: 'core/value_version_test',
    filter: 'ValueVersionTest.*',
  },
  {
    name: 'clear under the next value version',
    why: 'who reads a value after the bump keeps it for good',
    file: 'native/core/shard.cc',
    find: `  ChangeValueLocked([&]() SHARDMAP_REQUIRES(mutex_) {
    ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
      contents->entries = entries_.TakeAll(&contents->numbers);
      contents->index = std::exchange(index_, Index());
      contents->old_index = std::exchange(old_index_, Index());
    });
  });`,
    replace: `  ChangeValueLocked([] {});
  ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
    contents->entries = entries_.TakeAll(&contents->numbers);
    contents->index = std::exchange(index_, Index());
    contents->old_index = std::exchange(old_index_, Index());
  });`,
    test: 'core/value_version_test',
    filter: '*ThreadTest*',
  },
  {
    name: 'value version read after the value',
    why: 'it may be that of a later value',
    file: 'native/core/store.cc',
    find: `  *version = {shards.size(), shard, shards[shard].value_version().load(std::memory_order_acquire)};
  return CountRead(guard, shards[shard].Get(shards.TableOf(shard), hashed, out, nullptr));`,
    replace: `  const bool found = shards[shard].Get(shards.TableOf(shard), hashed, out, nullptr);
  *version = {shards.size(), shard, shards[shard].value_version().load(std::memory_order_acquire)};
  return found;`,
    test: 'core/value_version_test',
    filter: '*ThreadTest*',
  },
  {
    name: 'value versions that are no numbers of their own',
    why: 'JavaScript compares them as doubles, and takes small ones for zero where denormals are off',
    file: 'native/core/shard.h',
    within: 'value_version_{kFirstValueVersion}',
    find: 'kFirstValueVersion',
    replace: '0',
    test: 'core/value_version_test',
    filter: 'ValueVersionTest.*',
  },
];
