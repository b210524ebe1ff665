// Of the allocator of regions: memory that two own, and memory that nobody uses and that is kept.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'the free neighbour before stays by itself',
    why: 'memory falls into small pieces, and no region ever goes back',
    file: 'native/base/region_heap.cc',
    within: 'if (piece->follows_free()) {',
    find: 'piece->follows_free()',
    replace: 'piece->follows_free() && size == 0',
    test: 'base/region_heap_test',
    filter: 'RegionHeapTest.*',
  },
  {
    name: 'a piece may be too small for what it is taken for',
    why: 'two owners are given the same bytes',
    file: 'native/base/region_heap.cc',
    within: 'found == nullptr || found->bytes() < bytes',
    find: 'found->bytes() < bytes',
    replace: 'false',
    test: 'base/region_heap_test',
    filter: 'RegionHeapTest.RandomUseKeepsAllBytesAndGivesAllBack',
  },
  {
    name: 'a region huge from the start, however little there is',
    why: 'a small process is charged for two megabytes that it never touched',
    file: 'native/base/region_heap.cc',
    within: 'is_huge = regions_ >= kRegionsBeforeHuge;',
    find: 'regions_ >= kRegionsBeforeHuge',
    replace: 'true',
    test: 'base/region_heap_test',
    filter: 'RegionHeapTest.FirstRegionsAreHugeOnceFullAndLaterOnesAtOnce',
  },
];
