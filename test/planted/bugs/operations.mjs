// Of operations of two steps between which another thread may come.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'insertion that looks first and then sets',
    why: 'two threads would both be told that theirs was the first',
    file: 'native/core/store.cc',
    find: 'Put(session, key, value, RequestFor(PutMode::kIfAbsent, existing, lifetime), &outcome)',
    replace: `[&] {
    const HashedKey hashed = Hashed(key);
    const size_t shard = ShardOf(hashed.hash);
    outcome = PutOutcome::kExisted;
    if (shards_[shard].Get(TableOf(shard), hashed, existing, nullptr)) return Status();
    Status put = Put(session, key, value, RequestFor(PutMode::kOverwrite, nullptr, lifetime), &outcome);
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
    find: '  *outcome = shards_[shard].Delete(ContextFor(session, shard), hashed, request);',
    replace: `  const bool is_there = shards_[shard].Has(TableOf(shard), hashed);
  *outcome = shards_[shard].Delete(ContextFor(session, shard), hashed, request);
  if (is_there && *outcome == DeleteOutcome::kAbsent) *outcome = DeleteOutcome::kDeleted;`,
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
