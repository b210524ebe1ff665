// Of composite keys and of hashes: keys that meet.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'part without its kind',
    why: 'the string of a number would be that number',
    file: 'native/core/composite_key.cc',
    find: ' << kTagBits | static_cast<uint64_t>(part.kind)',
    replace: ' << kTagBits',
    test: 'core/composite_key_test',
    filter: '*EqualBytesAreEqualParts',
  },
  {
    name: 'parts that run into one another',
    why: "['a', 'b'] would be ['ab']",
    file: 'native/core/composite_key.cc',
    find: '  uint8_t* end = WriteVarint(head, bytes_ + size_);',
    replace: '  (void)head;\n  uint8_t* end = bytes_ + size_;',
    test: 'core/composite_key_test',
    filter: '*EqualBytesAreEqualParts',
  },
  {
    name: 'fraction taken for an integer',
    why: '0.5 would be 0',
    file: 'native/core/composite_key.cc',
    find: '  return static_cast<double>(*integer) == number;',
    replace: '  return true;',
    test: 'core/composite_key_test',
    filter: '*GivesBackEveryNumber',
  },
  {
    name: 'part that is longer than its key',
    why: 'bytes beyond the key would be read',
    file: 'native/core/composite_key.cc',
    find: ' || number > static_cast<size_t>(end_ - content)',
    replace: '',
    test: 'core/composite_key_test',
    filter: '*CutBytesEndInNoPart',
  },
  {
    name: 'length left out of the hash',
    why: 'keys that differ in nothing but zeros at their end would meet',
    file: 'native/core/hash.h',
    find: 'return FoldedMultiply(even ^ odd, size ^ seed.words[1]);',
    replace: 'return FoldedMultiply(even ^ odd, seed.words[1]);',
    test: 'core/hash_test',
    filter: 'HashTest.*',
  },
  {
    name: 'middle of a long key left out of the hash',
    why: 'keys that differ in it alone would meet',
    file: 'native/core/hash.h',
    find: '    if (p < last) even = FoldedMultiply(Load64(p) ^ seed.words[1], Load64(p + 8) ^ even);\n',
    replace: '',
    test: 'core/hash_test',
    filter: 'HashTest.*',
  },
];
