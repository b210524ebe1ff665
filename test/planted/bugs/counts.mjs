// Of insertion order and of sizes.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: "number that ignores the shard's last",
    why: 'numbers of one shard strictly rise, whoever inserts',
    file: 'native/core/sequencer.h',
    within: 'std::max({base_, session_last, shard_last}) + 1',
    find: 'std::max({base_, session_last, shard_last})',
    replace: 'std::max(base_, session_last)',
    test: 'core/sequencer_test',
    filter: 'SequencerTest.*',
  },
  {
    name: 'second inserter who counts by one',
    why: 'insertions that follow one another in two threads would be out of order',
    file: 'native/core/sequencer.h',
    find: '    if (inserter != kMany) inserter_.store(kMany, std::memory_order_release);\n    return false;',
    replace: '    return inserter != kMany;',
    test: 'core/store_stress_test',
    filter: 'StoreOrderTest.*',
  },
  {
    name: "last number that is the last shard's",
    why: 'a walk that ends there would leave out what was inserted before it began',
    file: 'native/core/store.cc',
    find: 'last = std::max(last, shard.last_sequence());',
    replace: 'last = shard.last_sequence();',
    test: 'core/store_test',
    filter: 'StoreTest.TheLastNumberIsThatOfTheNewestEntryAlsoOfOneThatIsGone',
  },
  {
    name: 'size that a clear does not change',
    why: 'sizes are sums of what each session did',
    file: 'native/core/store.cc',
    find: '    session.AddToSize(-static_cast<int64_t>(contents[i].count));\n',
    replace: '',
    test: 'core/shard_test',
    filter: 'ShardTest.ClearsInTheMiddleOfAMove',
  },
  {
    name: 'size that a deletion does not change',
    why: 'sizes are sums of what each session did',
    file: 'native/core/shard.cc',
    find: '  context.session.AddToSize(-1);\n',
    replace: '',
    test: 'core/store_stress_test',
    filter: 'StoreAtomicityTest.*',
  },
];
