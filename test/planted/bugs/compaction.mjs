// Of compaction: what leads to entries that were rewritten.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'compaction that leaves the slots as they were',
    why: 'they lead to the old copy, which is freed, and is never overwritten',
    file: 'native/core/shard.cc',
    find: '  slot->store(Slot::Word(to, hash), std::memory_order_release);\n',
    replace: '  (void)slot;\n',
    test: 'linearizability/store_histories_test',
    filter: '*',
  },
  {
    name: 'compaction that does not look into the draining table',
    why: 'entries that have not moved yet have their slot there',
    file: 'native/core/shard.cc',
    find: '  if (slot == nullptr) slot = old_index_.view().FindSlotOf(from, hash);\n',
    replace: '  if (slot == nullptr) return;\n',
    test: 'linearizability/store_histories_test',
    filter: '*',
  },
  {
    name: 'compaction published before its copy is written',
    why: 'the slot releases the copy to whoever finds it',
    file: 'native/core/shard.cc',
    find: '  slot->store(Slot::Word(to, hash), std::memory_order_release);',
    replace: '  slot->store(Slot::Word(to, hash), std::memory_order_relaxed);',
    test: 'core/shard_test',
    filter: 'ShardTest.WhatStays*',
    kind: 'thread',
  },
  {
    name: 'compaction that copies too few words',
    why: 'the copy is the entry from then on',
    file: 'native/core/entry.cc',
    within: `  for (size_t i = 0; i < value_words(); ++i) {
    new (copy`,
    find: 'value_words()',
    replace: 'value_words() > 1 ? value_words() - 1 : 1',
    test: 'linearizability/store_histories_test',
    filter: '*',
  },
  {
    name: 'version not bumped by a compaction',
    why: 'the chunks of a view may be of one moment and their number of another',
    file: 'native/core/entry_list.cc',
    find: '  Change(RecordsIn(records), static_cast<size_t>(next - RecordsIn(records)), end_.load(std::memory_order_relaxed));',
    replace: `  chunks_.store(RecordsIn(records), std::memory_order_release);
  count_.store(static_cast<uint32_t>(next - RecordsIn(records)), std::memory_order_release);`,
    test: 'core/entry_list_view_test',
    filter: '*WhileChunksAreRewritten',
  },
  {
    name: 'compaction that changes records in place',
    why: 'a view leads to them, and to the chunks that they were of',
    file: 'native/core/entry_list.cc',
    find: 'allocated_bytes_ += chunk.block->total_bytes();',
    replace: `allocated_bytes_ += chunk.block->total_bytes();
    if (count == 1) {
      chunks[first].block = chunk.block;
      chunks[first].used.store(chunk.used_bytes(), std::memory_order_relaxed);
      chunks[first].dead = chunk.dead;
      chunks[first].number = chunk.number;
      Block::Free(records);
      return;
    }`,
    test: 'core/entry_list_test',
    filter: 'EntryListTest.ViewStaysAsItIsWhateverHappensToTheList',
  },
  {
    name: 'rewritten chunk freed at once',
    why: 'views lead to it',
    file: 'native/core/entry_list.cc',
    find: 'retired.Add(chunks[i].block);',
    replace: 'Block::Free(chunks[i].block);',
    test: 'core/entry_list_view_test',
    filter: '*WhileChunksAreRewritten',
  },
  {
    name: 'records of rewritten chunks freed at once',
    why: 'views lead to them',
    file: 'native/core/entry_list.cc',
    find: '  retired.Add(BlockOf(chunks_.load(std::memory_order_relaxed)));',
    replace: '  Block::Free(BlockOf(chunks_.load(std::memory_order_relaxed)));',
    test: 'core/entry_list_view_test',
    filter: '*WhileChunksAreRewritten',
  },
];
