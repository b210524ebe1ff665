// Of shards that are split while all go on.

/** @type {readonly import('../bugs.mjs').Bug[]} */
export const BUGS = [
  {
    name: 'removal that the copy does not follow',
    why: 'what was deleted would be back when the new shards are there',
    file: 'native/core/shard.cc',
    find: '  if (split_ != nullptr) FollowRemovalLocked(context, *entry);\n',
    replace: '',
    test: 'core/resharding_test',
    filter: '*ReshardingModelTest*',
  },
  {
    name: 'new value that the copy does not follow',
    why: 'the old one would be back when the new shards are there, in a block that is freed',
    file: 'native/core/shard.cc',
    within: `FollowDeadlineLocked(entry, before, place, request.now_ns);
  if (split_ != nullptr) FollowChangeLocked(context, *entry, key.hash);
`,
    find: '  if (split_ != nullptr) FollowChangeLocked(context, *entry, key.hash);\n',
    replace: '',
    test: 'core/resharding_test',
    filter: '*ReshardingModelTest*',
  },
  {
    name: 'renewal that the copy does not follow',
    why: 'an entry that a read has renewed would be gone with the old shards',
    file: 'native/core/shard.cc',
    within: `    entry->SetDeadline(deadline);
    if (split_ != nullptr) FollowChangeLocked(context, *entry, key.hash);
  }
  return DeadlineOutcome::kLater;`,
    find: '    if (split_ != nullptr) FollowChangeLocked(context, *entry, key.hash);\n',
    replace: '',
    test: 'core/store_expiry_test',
    filter: 'StoreExpiryModelTest.*',
  },
  {
    name: 'insertion into a shard that is level, and not into its copy',
    why: 'nobody would come to copy it',
    file: 'native/core/shard_split.cc',
    find: 'if (!split.is_level) return;',
    replace: 'if (!split.is_level || entry.sequence() != 0) return;',
    test: 'core/resharding_test',
    filter: '*ReshardingModelTest*',
  },
  {
    name: 'write to a shard that was split',
    why: 'nobody reads it any more',
    file: 'native/core/shard.cc',
    find: '  if (IsOverLocked()) return PutOutcome::kSplit;\n',
    replace: '',
    test: 'core/store_stress_test',
    filter: '*.AlsoWhileShardsAreAdded*',
  },
  {
    name: 'shards published when not all are level',
    why: 'what was inserted last would be lost',
    file: 'native/core/resharding.cc',
    find: 'HasFailed() || !lock.AreLevel()',
    replace: 'HasFailed()',
    test: 'core/resharding_test',
    filter: 'ReshardingTest.AShardThatIsNotLevelAnyMore*',
  },
  {
    name: 'value version that stays when its shard is split',
    why: 'a near cache would show what it has for good',
    file: 'native/core/shard_split.cc',
    find: '  value_version_.fetch_add(1, std::memory_order_release);\n',
    replace: '',
    test: 'core/resharding_test',
    filter: 'ReshardingTest.WhatNearCachesHaveIsReadAgain',
  },
  {
    name: 'claim that ends with its shard',
    why: 'an update would be called for ever by those who come in between',
    file: 'native/core/shard_split.cc',
    find: '    heir.claim_ = {claim_.hash, claim_.deadline_ns, claim_.session};\n',
    replace: '',
    test: 'core/resharding_test',
    filter: 'ReshardingTest.AClaimGoesToTheNewShard',
  },
  {
    name: 'blocks freed with copies that come to nothing',
    why: 'they are still those of the entries',
    file: 'native/core/resharding.cc',
    find: 'Blocks::kShared',
    replace: 'Blocks::kOwned',
    test: 'core/resharding_test',
    filter: '*ReshardingModelTest*',
  },
  {
    name: 'stamp that begins anew in a new shard',
    why: 'a replay would take the deletion of a key for later than its insertion',
    file: 'native/core/shard_split.cc',
    find: '  last_stamp_ = std::max(last_stamp_, stamp);\n',
    replace: '',
    test: 'core/resharding_test',
    filter: 'ReshardingLogTest.*',
  },
];
