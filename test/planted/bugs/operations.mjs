// Of operations of two steps between which another thread may come.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'insertion that looks first and then sets',
    why: 'two threads would both be told that theirs was the first',
    file: 'native/core/store.cc',
    find: 'Put(session, key, value, RequestFor(session, PutMode::kIfAbsent, existing, lifetime), &outcome)',
    replace: `[&] {
    const HashedKey hashed = Hashed(key);
    const ShardSet& shards = Shards();
    const size_t shard = shards.ShardOf(hashed.hash);
    outcome = PutOutcome::kExisted;
    if (shards[shard].Get(shards.TableOf(shard), hashed, existing, nullptr)) return Status();
    Status put = Put(session, key, value, RequestFor(session, PutMode::kOverwrite, nullptr, lifetime), &outcome);
    outcome = PutOutcome::kInserted;
    return put;
  }()`,
    test: 'linearizability/store_histories_test',
    filter: '*',
  },
  {
    name: 'deletion that looks first and then deletes',
    why: 'two threads would both be told that they had deleted it',
    file: 'native/core/store.cc',
    find: '    return shard.Delete(context, hashed, request);',
    replace: `    const bool is_there = shard.Has(Shards().TableOf(context.shard), hashed);
    const DeleteOutcome deleted = shard.Delete(context, hashed, request);
    return is_there && deleted == DeleteOutcome::kAbsent ? DeleteOutcome::kDeleted : deleted;`,
    test: 'linearizability/store_histories_test',
    filter: '*',
  },
  {
    name: 'busy value that counts as absent',
    why: 'a reader disturbed too often asks under the lock',
    file: 'native/core/shard.cc',
    within: `    if (entry == nullptr) return false;
    outcome = entry->Read(out, &version);  // no`,
    find: 'entry == nullptr',
    replace: 'true',
    test: 'linearizability/store_histories_test',
    filter: '*',
  },
  {
    name: 'structures that are saved over those of another thread',
    why: 'values that were written with the lost ones could not be read any more',
    file: 'native/core/structures.h',
    find: '    if (text_ != expected) return false;\n',
    replace: '    (void)expected;\n',
    test: 'core/structures_test',
    filter: 'StructuresTest.*',
  },
];
