// Bugs that our tests must notice: each replaces a text that occurs once in the sources by another.
//
// Left out, because no test on one machine can show them: memory orders that are weaker than the processor's own where
// they guard no plain memory (x86 keeps loads and stores in order all the same, and ThreadSanitizer judges plain memory
// only), such as the acquire loads of a value's words.

/**
 * `test` is a file of test/native without its ending, and `filter` the tests in it that must fail; `kind` is the build
 * in which they do, optimised or under ThreadSanitizer. `quick` marks those that CI plants.
 *
 * @typedef {{
 *   name: string, why: string, file: string, find: string, replace: string,
 *   test: string, filter: string, kind?: 'plain' | 'thread', quick?: boolean,
 * }} Bug
 */

/** @type {readonly Bug[]} */
export const BUGS = [
  // --- Fences and epochs ---------------------------------------------------------------------------------------------
  {
    name: 'reclaimer without its fence',
    why: "the reader's announcement may still be on its way to memory when he looks",
    file: 'native/base/asymmetric_fence.cc',
    find: '  if (internal::g_has_membarrier) Membarrier(kBarrier);',
    replace: '  (void)kBarrier;',
    test: 'core/epoch_meeting_test',
    filter: '*WhatAReaderFoundIsNotFreed',
    quick: true,
  },
  {
    name: 'reader without his fence',
    why: 'where there is no membarrier, the fence must be his own',
    file: 'native/core/epoch.h',
    find: '    LightFence();\n',
    replace: '',
    test: 'core/epoch_meeting_test',
    filter: '*NorWhereTheKernelHasNoMembarrier',
  },
  {
    name: 'light fence that stops the compiler alone',
    why: 'where there is no membarrier, the processor must be stopped as well',
    file: 'native/base/asymmetric_fence.h',
    find: '    std::atomic_thread_fence(std::memory_order_seq_cst);\n  }\n}',
    replace: '    std::atomic_signal_fence(std::memory_order_seq_cst);\n  }\n}',
    test: 'core/epoch_meeting_test',
    filter: '*NorWhereTheKernelHasNoMembarrier',
  },
  {
    name: 'memory freed without a period of grace',
    why: 'a reader who began before may be looking at it',
    file: 'native/core/session.cc',
    find: '    HeavyFence();\n    if (!list_.AnyMayHold(waiting_epoch_)) waiting_.FreeAll();',
    replace: '    waiting_.FreeAll();',
    test: 'core/session_test',
    filter: 'SessionReclaimTest.*',
    quick: true,
  },
  {
    name: 'memory that waited freed unasked',
    why: 'what waits for a reader waits until he has gone',
    file: 'native/core/session.cc',
    find: 'if (!waiting_.empty() && !list_.AnyMayHold(waiting_epoch_)) waiting_.FreeAll();',
    replace: 'if (!waiting_.empty()) waiting_.FreeAll();',
    test: 'core/session_test',
    filter: 'SessionReclaimTest.*',
  },
  {
    name: 'readers of the very epoch not waited for',
    why: 'memory is unlinked during an epoch, not before it',
    file: 'native/core/epoch.h',
    find: 'return began != kIdle && began <= epoch;',
    replace: 'return began != kIdle && began < epoch;',
    test: 'core/epoch_test',
    filter: 'EpochRecordTest.*',
  },
  {
    name: 'reader announced for a later epoch',
    why: 'he would not be waited for',
    file: 'native/core/epoch.h',
    find: 'epoch_.store(clock.Now(), std::memory_order_release);',
    replace: 'epoch_.store(clock.Now() + 1, std::memory_order_release);',
    test: 'core/epoch_test',
    filter: 'EpochRecordTest.*',
  },
  {
    name: 'reader who stays announced',
    why: 'nothing would ever be freed again',
    file: 'native/core/epoch.h',
    find: 'void Exit() { epoch_.store(kIdle, std::memory_order_release); }',
    replace: 'void Exit() {}',
    test: 'core/epoch_test',
    filter: 'EpochRecordTest.*',
  },
  {
    name: 'reader withdrawn before his last look',
    why: 'the withdrawal releases what he did before it',
    file: 'native/core/epoch.h',
    find: 'void Exit() { epoch_.store(kIdle, std::memory_order_release); }',
    replace: 'void Exit() { epoch_.store(kIdle, std::memory_order_relaxed); }',
    test: 'core/store_stress_test',
    filter: '*StoreStressTest*',
    kind: 'thread',
  },
  {
    name: 'replaced value freed at once',
    why: 'readers may be looking at its block',
    file: 'native/core/shard.cc',
    find: '    context.session.retired().Add(replaced);',
    replace: '    Block::Free(replaced);',
    test: 'linearizability/store_histories_test',
    filter: '*',
  },
  {
    name: 'replaced value retired before it is unlinked',
    why: 'a reader who begins after its reclamation would still find it',
    file: 'native/core/shard.cc',
    find: '  ChangeValueLocked([&] { entry->Overwrite(value, block); });',
    replace: `  if (replaced != nullptr) {
    block_bytes_ -= replaced->total_bytes();
    context.session.retired().Add(std::exchange(replaced, nullptr));
    context.session.Reclaim();
  }
  ChangeValueLocked([&] { entry->Overwrite(value, block); });`,
    test: 'linearizability/store_histories_test',
    filter: '*',
  },
  {
    name: 'record shared by two sessions',
    why: "one thread's withdrawal would be the other's as well",
    file: 'native/core/session.cc',
    find: 'if (session->in_use_.compare_exchange_strong(free, true, std::memory_order_acquire)) return session;',
    replace: `if (session->in_use_.load() == free) {
      session->in_use_.store(true);
      return session;
    }`,
    test: 'core/session_test',
    filter: 'SessionThreadTest.TwoThatOpenAtTheSameMomentShareNoRecord',
  },

  // --- Composite keys ------------------------------------------------------------------------------------------------
  {
    name: 'part without its kind',
    why: 'the string of a number would be that number',
    file: 'native/core/composite_key.cc',
    find: ' << kTagBits | static_cast<uint64_t>(part.kind)',
    replace: ' << kTagBits',
    test: 'core/composite_key_test',
    filter: '*EqualBytesAreEqualParts',
    quick: true,
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

  // --- Values --------------------------------------------------------------------------------------------------------
  {
    name: 'value written without the mark',
    why: 'a reader cannot tell that the words are being replaced',
    file: 'native/core/entry.cc',
    find: '  state_.store(before | kWriting, std::memory_order_relaxed);\n',
    replace: '',
    test: 'core/entry_contention_test',
    filter: '*',
  },
  {
    name: 'value believed without a second look',
    why: 'it may have been replaced while it was copied',
    file: 'native/core/entry.h',
    find: '    if (state_.load(std::memory_order_relaxed) != state) continue;\n',
    replace: '',
    test: 'core/entry_contention_test',
    filter: '*',
    quick: true,
  },
  {
    name: 'version that stands still',
    why: 'a value of the same kind and size would look like the one before',
    file: 'native/core/entry.cc',
    find: 'const uint64_t version = NextVersion(before) & ~uint64_t{UINT32_MAX};',
    replace: 'const uint64_t version = before & ~uint64_t{UINT32_MAX};',
    test: 'core/entry_test',
    filter: 'EntryTest.EveryChangeGivesTheStateANewVersion',
    quick: true,
  },
  {
    name: 'length not of the copy',
    why: 'the length is part of what the second look makes sure of',
    file: 'native/core/entry.h',
    find: '    out->size_ = bytes;\n',
    replace: '    out->size_ = (state_.load(std::memory_order_relaxed) >> 16) & 255;\n',
    test: 'core/entry_test',
    filter: 'EntryTest.ReadersNeverSee*',
  },
  {
    name: 'length of a new value unchecked',
    why: 'one that is too long runs over the key behind it',
    file: 'native/core/entry.h',
    find: 'bool FitsInline(const Value& value) const { return value.size() <= 8 * value_words(); }',
    replace: 'bool FitsInline(const Value& value) const { return value.size() <= kInlineValueBytesMax; }',
    test: 'core/entry_test',
    filter: 'EntryTest.OverwritesAnySizeWithAnyOther',
    quick: true,
  },
  {
    name: 'length of a key unchecked',
    why: 'a key would match every key that it begins with',
    file: 'native/core/entry.h',
    find: 'return InlineKeyBytes() == key.size && SameBytes(key_area(), key.bytes, key.size);',
    replace: 'return InlineKeyBytes() >= key.size && SameBytes(key_area(), key.bytes, key.size);',
    test: 'core/entry_test',
    filter: 'EntryTest.MatchesItsKeyAndNoOther',
  },
  {
    name: 'length of a long key unchecked',
    why: 'the comparison would run over the end of its block',
    file: 'native/core/entry.h',
    find: 'return block->bytes == key.size && SameBytes(block->payload(), key.bytes, key.size);',
    replace: 'return SameBytes(block->payload(), key.bytes, key.size);',
    test: 'core/entry_test',
    filter: 'EntryTest.MatchesItsKeyAndNoOther',
  },
  {
    name: 'length of a key not limited',
    why: 'what is too long for others, a log say, must not get in',
    file: 'native/core/store.cc',
    find: 'return key.size <= kKeyBytesMax && value_size <= kValueBytesMax;',
    replace: '(void)key;\n  return value_size <= kValueBytesMax;',
    test: 'core/store_test',
    filter: '*',
  },
  {
    name: 'deleted entry that looks alive',
    why: 'scans and compaction tell by the mark',
    file: 'native/core/shard.cc',
    find: '  place.entry->MarkDead();\n',
    replace: '',
    test: 'core/store_test',
    filter: '*',
  },

  // --- Versions of values --------------------------------------------------------------------------------------------
  {
    name: 'value changed under an even version',
    why: 'who reads the new value may be shown the old one again',
    file: 'native/core/shard.cc',
    find: '  value_version_.store(version + 1, std::memory_order_relaxed);\n',
    replace: '',
    test: 'core/value_version_test',
    filter: '*ThreadTest*',
    quick: true,
  },
  {
    name: 'value version bumped before the change alone',
    why: 'who reads the old value after the bump keeps it for good',
    file: 'native/core/shard.cc',
    find: '  change();\n  value_version_.store(version + 2, std::memory_order_release);',
    replace: '  value_version_.store(version + 2, std::memory_order_release);\n  change();',
    test: 'core/value_version_test',
    filter: '*ThreadTest*',
  },
  {
    name: 'value version not bumped',
    why: 'who keeps the old value would go on believing it',
    file: 'native/core/shard.cc',
    find: '  value_version_.store(version + 2, std::memory_order_release);',
    replace: '  value_version_.store(version, std::memory_order_release);',
    test: 'core/value_version_test',
    filter: 'ValueVersionTest.*',
  },
  {
    name: 'value version that stays odd',
    why: 'nobody could keep a value any more',
    file: 'native/core/shard.cc',
    find: '  value_version_.store(version + 2, std::memory_order_release);',
    replace: '  value_version_.store(version + 3, std::memory_order_release);',
    test: 'core/value_version_test',
    filter: 'ValueVersionTest.*',
  },
  {
    name: 'overwriting that leaves the value version alone',
    why: 'who keeps the old value would go on believing it',
    file: 'native/core/shard.cc',
    find: '  ChangeValueLocked([&] { entry->Overwrite(value, block); });',
    replace: '  entry->Overwrite(value, block);',
    test: 'core/value_version_test',
    filter: 'ValueVersionTest.*',
    quick: true,
  },
  {
    name: 'deletion that leaves the value version alone',
    why: 'who keeps the value would go on believing it',
    file: 'native/core/shard.cc',
    find: `  ChangeValueLocked([&] {
    place.entry->MarkDead();
    place.index->Remove(place.slot);
  });`,
    replace: `  place.entry->MarkDead();
  place.index->Remove(place.slot);`,
    test: 'core/value_version_test',
    filter: 'ValueVersionTest.*',
  },
  {
    name: 'deletion under the next value version',
    why: 'who reads the value after the bump keeps it for good',
    file: 'native/core/shard.cc',
    find: `  ChangeValueLocked([&] {
    place.entry->MarkDead();
    place.index->Remove(place.slot);
  });`,
    replace: `  ChangeValueLocked([] {});
  place.entry->MarkDead();
  place.index->Remove(place.slot);`,
    test: 'core/value_version_test',
    filter: '*ThreadTest*',
  },
  {
    name: 'clear that leaves the value version alone',
    why: 'who keeps a value would go on believing it',
    file: 'native/core/shard.cc',
    find: `    ChangeValueLocked([&]() SHARDMAP_REQUIRES(mutex_) {
      ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
        entries = entries_.TakeAll();
        index = std::exchange(index_, Index());
        old_index = std::exchange(old_index_, Index());
      });
    });`,
    replace: `    ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
      entries = entries_.TakeAll();
      index = std::exchange(index_, Index());
      old_index = std::exchange(old_index_, Index());
    });`,
    test: 'core/value_version_test',
    filter: 'ValueVersionTest.*',
  },
  {
    name: 'clear under the next value version',
    why: 'who reads a value after the bump keeps it for good',
    file: 'native/core/shard.cc',
    find: `    ChangeValueLocked([&]() SHARDMAP_REQUIRES(mutex_) {
      ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
        entries = entries_.TakeAll();
        index = std::exchange(index_, Index());
        old_index = std::exchange(old_index_, Index());
      });
    });`,
    replace: `    ChangeValueLocked([] {});
    ChangeLayoutLocked([&]() SHARDMAP_REQUIRES(mutex_) {
      entries = entries_.TakeAll();
      index = std::exchange(index_, Index());
      old_index = std::exchange(old_index_, Index());
    });`,
    test: 'core/value_version_test',
    filter: '*ThreadTest*',
  },
  {
    name: 'value version read after the value',
    why: 'it may be that of a later value',
    file: 'native/core/store.cc',
    find: `  *version = shards_[*shard].value_version().load(std::memory_order_acquire);
  return shards_[*shard].Get(TableOf(*shard), hashed, out, nullptr);`,
    replace: `  const bool found = shards_[*shard].Get(TableOf(*shard), hashed, out, nullptr);
  *version = shards_[*shard].value_version().load(std::memory_order_acquire);
  return found;`,
    test: 'core/value_version_test',
    filter: '*ThreadTest*',
  },
  {
    name: 'value versions that are no numbers of their own',
    why: 'JavaScript compares them as doubles, and takes small ones for zero where denormals are off',
    file: 'native/core/shard.h',
    find: 'kFirstValueVersion = uint64_t{0x3ff} << 52;',
    replace: 'kFirstValueVersion = 0;',
    test: 'core/value_version_test',
    filter: 'ValueVersionTest.*',
  },

  // --- Hashes --------------------------------------------------------------------------------------------------------
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

  // --- The table -----------------------------------------------------------------------------------------------------
  {
    name: '"not found" believed without a second look',
    why: 'the key may have moved to the new table behind the reader',
    file: 'native/core/shard.cc',
    find: '    if (is_settled) return nullptr;',
    replace: '    (void)is_settled;\n    return nullptr;',
    test: 'core/shard_test',
    filter: 'ShardTest.WhatStaysIsFoundAtEveryMomentOfAMove',
  },
  {
    name: 'tables changed under an even version',
    why: 'a reader in the middle of the change cannot tell',
    file: 'native/core/shard.cc',
    find: '  layout_version_.store(version + 1, std::memory_order_relaxed);\n',
    replace: '',
    test: 'core/shard_test',
    filter: 'ShardTest.WhatStaysIsFoundAtEveryMomentOfAMove',
  },
  {
    name: 'version not bumped by a change of tables',
    why: 'a reader cannot tell that there was one',
    file: 'native/core/shard.cc',
    find: '  layout_version_.store(version + 2, std::memory_order_release);',
    replace: '  layout_version_.store(version, std::memory_order_release);',
    test: 'core/shard_test',
    filter: 'ShardTest.WhatStaysIsFoundAtEveryMomentOfAMove',
  },
  {
    name: 'draining table not looked at',
    why: 'entries that have not moved yet are only there',
    file: 'native/core/shard.cc',
    find: '    if (draining != 0) {',
    replace: '    if (false) {',
    test: 'core/shard_test',
    filter: 'ShardTest.FindsEverythingAtEachStageOfOneMove',
  },
  {
    name: 'draining table cleared as it goes',
    why: 'a search would end at the first empty slot, short of entries that have not moved',
    file: 'native/core/index.cc',
    find: '    slots[i].store(Slot::kTombstone, std::memory_order_release);',
    replace: '    slots[i].store(Slot::kEmpty, std::memory_order_release);',
    test: 'core/index_test',
    filter: '*IndexMoveTest*',
  },
  {
    name: 'slot emptied in a line that was full',
    why: 'a search would end there, short of entries that were put into the next line',
    file: 'native/core/index.cc',
    find: 'const bool line_was_never_full = HasEmpty(line);',
    replace: 'const bool line_was_never_full = true;\n  (void)line;',
    test: 'core/index_test',
    filter: '*',
    quick: true,
  },
  {
    name: 'table of any size accepted',
    why: 'what table is needed may have changed while one was allocated; a full one is searched for room for ever',
    file: 'native/core/shard.cc',
    find: 'if (spare.capacity() != GrownCapacityLocked()) return false;',
    replace: 'if (!spare.allocated()) return false;',
    test: 'core/shard_test',
    filter: 'ShardSpareTableTest.*',
    quick: true,
  },
  {
    name: 'table that filled meanwhile shrunk all the same',
    why: 'it may not have room for what there is now, and what is moving already would be lost',
    file: 'native/core/shard.cc',
    find: '  if (ShrunkCapacityLocked() == capacity) BeginMoveLocked',
    replace: '  BeginMoveLocked',
    test: 'core/shard_test',
    filter: 'ShardSpareTableTest.*',
  },
  {
    name: 'table shrunk in the middle of a move',
    why: 'what has not moved yet would be lost',
    file: 'native/core/shard.cc',
    find: 'return IsMovingLocked() || capacity <= kMoveAtOnceSlots',
    replace: 'return capacity <= kMoveAtOnceSlots',
    test: 'core/shard_test',
    filter: 'ShardTest.*:ShardSpareTableTest.*',
  },
  {
    name: 'table allocated in vain kept',
    why: 'nobody else knows of it',
    file: 'native/core/shard.cc',
    find: '~SpareIndex() { Free(); }',
    replace: '~SpareIndex() {}',
    test: 'core/shard_test',
    filter: 'ShardSpareTableTest.*',
  },
  {
    name: 'table freed after it was put to use',
    why: "the spare is no longer the writer's own",
    file: 'native/core/shard.cc',
    find: 'BeginMoveLocked(context, std::exchange(spare, Index()));',
    replace: 'BeginMoveLocked(context, spare);',
    test: 'core/shard_test',
    filter: 'ShardTest.*',
  },
  {
    name: 'clear that forgets the draining table',
    why: 'what had not moved yet would rise from the dead',
    file: 'native/core/shard.cc',
    find: '      old_index = std::exchange(old_index_, Index());\n',
    replace: '',
    test: 'core/shard_test',
    filter: 'ShardTest.ClearsInTheMiddleOfAMove',
  },
  {
    name: 'insertion published before its entry is written',
    why: 'the slot releases the entry to whoever finds it',
    file: 'native/core/index.cc',
    find: '      slot.store(Slot::Word(entry, hash), std::memory_order_release);',
    replace: '      slot.store(Slot::Word(entry, hash), std::memory_order_relaxed);',
    test: 'core/store_stress_test',
    filter: '*StoreStressTest*',
    kind: 'thread',
  },

  // --- Compaction ----------------------------------------------------------------------------------------------------
  {
    name: 'compaction that leaves the slots as they were',
    why: 'they lead to the old copy, which is freed, and is never overwritten',
    file: 'native/core/shard.cc',
    find: '    slot->store(Slot::Word(to, hash), std::memory_order_release);\n',
    replace: '    (void)to;\n    (void)slot;\n',
    test: 'linearizability/store_histories_test',
    filter: '*',
    quick: true,
  },
  {
    name: 'compaction that does not look into the draining table',
    why: 'entries that have not moved yet have their slot there',
    file: 'native/core/shard.cc',
    find: '    if (slot == nullptr) slot = old_index.FindSlotOf(from, hash);\n',
    replace: '    (void)old_index;\n    if (slot == nullptr) return;\n',
    test: 'linearizability/store_histories_test',
    filter: '*',
  },
  {
    name: 'compaction published before its copy is written',
    why: 'the slot releases the copy to whoever finds it',
    file: 'native/core/shard.cc',
    find: '    slot->store(Slot::Word(to, hash), std::memory_order_release);',
    replace: '    slot->store(Slot::Word(to, hash), std::memory_order_relaxed);',
    test: 'core/shard_test',
    filter: 'ShardTest.WhatStays*',
    kind: 'thread',
  },
  {
    name: 'compaction that copies too few words',
    why: 'the copy is the entry from then on',
    file: 'native/core/entry.cc',
    find: '  for (size_t i = 0; i < value_words(); ++i) {\n    new (copy',
    replace: '  for (size_t i = 0; i < (value_words() > 1 ? value_words() - 1 : 1); ++i) {\n    new (copy',
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
    quick: true,
  },
  {
    name: 'compaction that changes records in place',
    why: 'a view leads to them, and to the chunks that they were of',
    file: 'native/core/entry_list.cc',
    find: '  EntryChunk* next = CopyRecords(chunks, 0, first, RecordsIn(records));\n',
    replace: `  if (count == 1 && block != nullptr) {
    allocated_bytes_ += block->total_bytes();
    chunks[first].block = block;
    chunks[first].used.store(used, std::memory_order_relaxed);
    chunks[first].dead = 0;
    Block::Free(records);
    return;
  }
  EntryChunk* next = CopyRecords(chunks, 0, first, RecordsIn(records));
`,
    test: 'core/entry_list_test',
    filter: 'EntryListTest.ViewStaysAsItIsWhateverHappensToTheList',
  },
  {
    name: 'rewritten chunk freed at once',
    why: 'views lead to it',
    file: 'native/core/entry_list.cc',
    find: '    retired.Add(chunks[i].block);\n  }\n  EntryChunk* next',
    replace: '    Block::Free(chunks[i].block);\n  }\n  EntryChunk* next',
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

  // --- Views of the list ---------------------------------------------------------------------------------------------
  {
    name: 'view believed without a second look',
    why: 'the list may have changed while it was taken',
    file: 'native/core/entry_list.h',
    find: 'if ((version & 1) != 0 || version_.load(std::memory_order_relaxed) != version) return false;',
    replace: 'if ((version & 1) != 0) return false;',
    test: 'core/entry_list_view_test',
    filter: '*',
  },
  {
    name: 'view taken of a list that is changing',
    why: 'half of it is as it was before',
    file: 'native/core/entry_list.h',
    find: 'if ((version & 1) != 0 || version_.load(std::memory_order_relaxed) != version) return false;',
    replace: 'if (version_.load(std::memory_order_relaxed) != version) return false;',
    test: 'core/entry_list_view_test',
    filter: '*',
  },
  {
    name: 'list changed under an even version',
    why: 'who takes a view in the middle of the change cannot tell',
    file: 'native/core/entry_list.cc',
    find: '  version_.store(version + 1, std::memory_order_relaxed);\n',
    replace: '',
    test: 'core/entry_list_view_test',
    filter: '*',
  },
  {
    name: 'version of the list not bumped',
    why: 'who takes a view cannot tell that there was a change',
    file: 'native/core/entry_list.cc',
    find: '  version_.store(version + 2, std::memory_order_release);',
    replace: '  version_.store(version, std::memory_order_release);',
    test: 'core/entry_list_view_test',
    filter: '*',
  },
  {
    name: 'records that grew freed at once',
    why: 'views lead to them',
    file: 'native/core/entry_list.cc',
    find: '  if (records != nullptr) retired.Add(BlockOf(records));',
    replace: '  if (records != nullptr) Block::Free(BlockOf(records));',
    test: 'core/entry_list_view_test',
    filter: '*WhileChunksAreOpenedAndTakenAway',
  },
  {
    name: 'chunk published before its first entry is written',
    why: 'a view that has the entry leads to its bytes',
    file: 'native/core/entry_list.cc',
    find: '  end_.store(end_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);',
    replace: '  end_.store(end_.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);',
    test: 'core/entry_list_view_test',
    filter: '*',
    kind: 'thread',
  },
  {
    name: 'scan that passes a shard by too soon',
    why: 'its last entry is missed',
    file: 'native/core/shard.cc',
    find: 'if (last_sequence_.load(std::memory_order_acquire) <= after) return false;',
    replace: 'if (last_sequence_.load(std::memory_order_acquire) <= after + 1) return false;',
    test: 'core/store_test',
    filter: '*',
  },

  // --- Operations of two steps ---------------------------------------------------------------------------------------
  {
    name: 'insertion that looks first and then sets',
    why: 'two threads would both be told that theirs was the first',
    file: 'native/core/store.cc',
    find: '  Status status = Put(session, key, value, PutMode::kIfAbsent, existing, &outcome);',
    replace: `  const HashedKey hashed = Hashed(key);
  const IndexView table = TableOf(ShardOf(hashed.hash));
  if (shards_[ShardOf(hashed.hash)].Get(table, hashed, existing, nullptr)) return false;
  Status status = Put(session, key, value, PutMode::kOverwrite, existing, &outcome);
  if (status.ok()) return true;`,
    test: 'linearizability/store_histories_test',
    filter: '*',
    quick: true,
  },
  {
    name: 'deletion that looks first and then deletes',
    why: 'two threads would both be told that they had deleted it',
    file: 'native/core/store.cc',
    find: '  const bool deleted = shards_[shard].Delete(ContextFor(session, shard), hashed);',
    replace: `  const bool deleted = shards_[shard].Has(TableOf(shard), hashed);
  shards_[shard].Delete(ContextFor(session, shard), hashed);`,
    test: 'linearizability/store_histories_test',
    filter: '*',
  },
  {
    name: 'busy value that counts as absent',
    why: 'a reader disturbed too often asks under the lock',
    file: 'native/core/shard.cc',
    find: `    MutexLock lock(mutex_);
    entry = FindLocked(key).entry;
    if (entry == nullptr) return false;`,
    replace: `    return false;`,
    test: 'linearizability/store_histories_test',
    filter: '*',
  },

  // --- Batches -------------------------------------------------------------------------------------------------------
  {
    name: 'candidate of a batch read uncompared',
    why: 'other keys have its tag',
    file: 'native/core/shard.cc',
    find: `  if (candidate != nullptr && candidate->Matches(key.key)) {
    const Entry::ReadOutcome`,
    replace: `  if (candidate != nullptr) {
    const Entry::ReadOutcome`,
    test: 'core/batch_test',
    filter: 'BatchTest.*',
    quick: true,
  },
  {
    name: 'candidate of a batch taken for there uncompared',
    why: 'other keys have its tag',
    file: 'native/core/shard.cc',
    find: 'if (candidate != nullptr && candidate->Matches(key.key)) return !candidate->is_dead();',
    replace: 'if (candidate != nullptr) return !candidate->is_dead();',
    test: 'core/batch_test',
    filter: 'BatchTest.*',
  },
  {
    name: 'batch written shard by shard',
    why: 'its keys would be iterated in another order than given',
    file: 'native/core/store.cc',
    find: '  for (BatchEntry& entry : entries) {\n    if (!entry.value.PrepareForStore()',
    replace: `  std::stable_sort(entries.begin(), entries.end(), [&](const BatchEntry& a, const BatchEntry& b) {
    return ShardOf(Hashed(a.key).hash) < ShardOf(Hashed(b.key).hash);
  });
  for (BatchEntry& entry : entries) {\n    if (!entry.value.PrepareForStore()`,
    test: 'core/batch_test',
    filter: 'BatchTest.*',
    quick: true,
  },
  {
    name: 'group of a batch written backwards',
    why: 'of two entries with one key the later wins',
    file: 'native/core/store.cc',
    find: '  for (BatchEntry& entry : entries) {\n    if (!entry.value.PrepareForStore()',
    replace: `  std::reverse(entries.begin(), entries.end());
  for (BatchEntry& entry : entries) {\n    if (!entry.value.PrepareForStore()`,
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
  },
  {
    name: 'batch that looks into tables outside an epoch',
    why: 'a table may be freed while it is looked at',
    file: 'native/core/store.cc',
    find: '  const ReadGuard guard(session);\n  for (size_t i = 0; i < group->size; ++i) shards_',
    replace: '  (void)session;\n  for (size_t i = 0; i < group->size; ++i) shards_',
    test: 'core/store_stress_test',
    filter: '*StoreStressTest*',
    kind: 'thread',
  },
  {
    name: 'reservation of a deletion in a batch kept for nothing',
    why: 'the log would run out of room',
    file: 'native/core/store.cc',
    find: '    if (deleted == 0 && sink_ != nullptr) sink_->Release();\n    *count',
    replace: '    *count',
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

  // --- Order and counts ----------------------------------------------------------------------------------------------
  {
    name: "number that ignores the shard's last",
    why: 'numbers of one shard strictly rise, whoever inserts',
    file: 'native/core/sequencer.h',
    find: 'std::max(session_last, shard_last) + 1',
    replace: 'session_last + 1 + 0 * shard_last',
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
    name: 'size that a clear does not change',
    why: 'sizes are sums of what each session did',
    file: 'native/core/shard.cc',
    find: '    context.session.AddToSize(-static_cast<int64_t>(count));\n',
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
