// Of the whole package, addon and TypeScript, in histories and races of its workers.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'overwriting that near caches do not learn of',
    why: 'a thread goes on reading the old value after the new one was set',
    file: 'native/core/shard.cc',
    find: '  ChangeValueLocked([&] { entry->Overwrite(value, block, deadline); });',
    replace: '  entry->Overwrite(value, block, deadline);',
    test: 'linearizability/histories',
    filter: 'reads',
    kind: 'package',
  },
  {
    name: 'near cache that believes what it has',
    why: 'only the version of the shard tells whether the value is current',
    file: 'lib/near-cache.ts',
    find: 'this.#versions[record.versionIndex] === record.version',
    replace: 'true',
    test: 'linearizability/histories',
    filter: 'reads',
    kind: 'package',
  },
  {
    name: 'write on condition that does not look',
    why: 'two comparisons with the same value would both succeed',
    file: 'native/core/shard.cc',
    find: '      if (entry->stamp() != request.stamp) return PutOutcome::kChanged;\n',
    replace: '',
    test: 'linearizability/histories',
    filter: 'comparisons',
    kind: 'package',
  },
  {
    name: 'deletion on condition that does not look',
    why: 'it would delete a value that was set after the comparison',
    file: 'native/core/shard.cc',
    find: '  if (request.stamp != nullptr && found.entry->stamp() != *request.stamp) return DeleteOutcome::kChanged;\n',
    replace: '',
    test: 'linearizability/histories',
    filter: 'comparisons',
    kind: 'package',
  },
  {
    name: 'update that compares with what came while its function ran',
    why: 'the write of another thread would be lost',
    file: 'lib/atomics.ts',
    within: 'if (publish(slotOf, codec, key, next, sequence, version, lifetime)) return next;',
    find: 'publish(slotOf, codec, key, next, sequence, version, lifetime)',
    replace: `findStamped(slotOf(), key, ABSENT),
      publish(slotOf, codec, key, next, reply[2] as number, reply[3] as number, lifetime)`,
    test: 'linearizability/histories',
    filter: 'comparisons',
    kind: 'package',
  },
  {
    name: 'increment of two steps',
    why: 'of two increments at once one would be lost',
    file: 'lib/shard-map.ts',
    find: 'add(this.#native.slot, own, by, lifetime)',
    replace: `(() => {
      const current = this.get(key) ?? (typeof by === 'bigint' ? 0n : 0);
      const next = ((current as number) + (by as number)) as number | bigint;
      this.set(key, next as V);
      return next;
    })()`,
    test: 'linearizability/histories',
    filter: 'counters',
    kind: 'package',
  },
  {
    name: 'getAndDelete of two steps',
    why: 'two threads would get the same value',
    file: 'lib/shard-map.ts',
    find: 'this.#codec.decodeStored(take(this.#native.slot, own, undefined))',
    replace: `(() => {
      const current = this.get(key);
      this.delete(key);
      return current;
    })()`,
    test: 'linearizability/histories',
    filter: 'come and go',
    kind: 'package',
  },
  {
    name: 'computed insertion over what came meanwhile',
    why: 'the value that another thread inserted, and told of, would be lost',
    file: 'lib/shard-map.ts',
    within: 'if (computation.isOwnEntry) {',
    find: 'computation.isOwnEntry',
    replace: 'computation.isOwnEntry || computation.key === key',
    test: 'linearizability/histories',
    filter: 'come and go',
    kind: 'package',
  },
  {
    name: 'swap of a SyncMap of two steps',
    why: 'a value that another thread swaps in between would be lost',
    file: 'lib/sync-map.ts',
    find: 'return this.#loaded(replace(this.#slotOf, codecOf(map), key, value, ABSENT));',
    replace: `const previous = this.load(key);
    map.set(key, value);
    return previous;`,
    test: 'threads/sync-map',
    filter: 'swapped out once',
    kind: 'package',
  },
  {
    name: 'range of a SyncMap that has no end',
    why: 'a key that is stored again after its visit would be visited twice',
    file: 'lib/sync-map.ts',
    within: 'cursor.sequence <= last)',
    find: 'cursor.sequence <= last',
    replace: 'cursor.sequence <= Number.POSITIVE_INFINITY',
    test: 'threads/sync-map',
    filter: 'over no key twice',
    kind: 'package',
  },
  {
    name: 'near cache that shows what has expired',
    why: 'nothing tells a thread of a deadline that passes: such values must not be kept',
    file: 'native/binding/native_store.cc',
    find: '    attachment.NoteNoVersion();\n',
    replace: '    attachment.NoteVersion(shard, version);\n',
    test: 'linearizability/histories',
    filter: 'that expire',
    kind: 'package',
  },
  {
    name: 'lifetime that is left for the next operation',
    why: 'an entry set without a lifetime would have that of the one before',
    file: 'native/binding/environment.h',
    find: '    reply_words_->ttl = 0;\n',
    replace: '',
    test: 'lib/lifetime',
    filter: 'hold for their operation alone',
    kind: 'package',
  },
];
