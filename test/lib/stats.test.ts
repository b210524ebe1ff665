/** Danger: the figures of a store say something else than what it holds. */

import { describe, expect, it } from 'vitest';
import { ShardMap, type StatsOptions } from '../../lib/index.js';
import { until } from './waiting.js';

const FAR = { ttl: 1e9 };

describe('stats', () => {
  it('add up, grow with the entries, and are shared by all maps of the store', () => {
    const map = new ShardMap<string, unknown>(null, { shards: 16 });
    const empty = map.stats();
    expect(empty).toMatchObject({ entries: 0, shards: 16 });
    expect(empty.bytesPerEntry).toBeUndefined();
    for (let index = 0; index < 20_000; index++) map.set(`a key of some characters ${index}`, index);
    const stats = ShardMap.from(map.handle).stats();
    expect(stats.entries).toBe(20_000);
    expect(stats.bytesTotal).toBe(
      stats.bytesEntries +
        stats.bytesIndex +
        stats.bytesBlobs +
        stats.bytesTimers +
        stats.bytesShards +
        stats.bytesFree +
        stats.bytesRetired,
    );
    expect(stats.bytesTotal).toBeGreaterThan(empty.bytesTotal);
    expect(stats.bytesPerEntry).toBe(stats.bytesTotal / 20_000);
  });

  it('tell which entries expire, and how many have', async () => {
    const map = new ShardMap<string, number>(null, { shards: 4 });
    expect(map.stats()).toMatchObject({ timedEntries: 0, expiredEntries: 0, bytesTimers: 0 });
    for (let index = 0; index < 1000; index++) map.set(`for ever ${index}`, index).set(`timed ${index}`, index, FAR);
    const { timedEntries, bytesTimers, bytesTotal } = map.stats();
    expect(timedEntries).toBe(1000);
    expect(bytesTimers).toBeGreaterThan(0);
    expect(bytesTotal).toBeGreaterThan(bytesTimers);
    map.persist('timed 0');
    map.delete('timed 1');
    map.set('timed 2', 2);
    map.expireAt('timed 3', 1);
    await until(() => map.stats().expiredEntries === 1, 'the removal');
    expect(map.stats()).toMatchObject({ entries: 1998, timedEntries: 996 });
    map.clear();
    expect(map.stats()).toMatchObject({ entries: 0, timedEntries: 0, expiredEntries: 1 });
  });

  it('give back the bytes of long values', () => {
    const map = new ShardMap<string, unknown>();
    const before = map.stats().bytesTotal;
    map.set('long', 'x'.repeat(10_000_000));
    expect(map.stats().bytesTotal - before).toBeGreaterThanOrEqual(10_000_000);
    map.delete('long');
    expect(map.stats().bytesTotal - before).toBeLessThan(1_000_000);
  });

  it('tell the bytes of keys and values alone', () => {
    const map = new ShardMap<string, unknown>(null, { shards: 2 });
    map.set('abc', 'x'.repeat(5)).set('d', 1).set('long', 'y'.repeat(1000)).set('k'.repeat(300), true);
    expect(map.stats()).toMatchObject({ bytesKeys: 308, bytesValues: 1013 });
    map.set('abc', 'z').set('long', 'short');
    expect(map.stats()).toMatchObject({ bytesKeys: 308, bytesValues: 14 });
    map.delete('k'.repeat(300));
    map.delete('long');
    expect(map.stats()).toMatchObject({ bytesKeys: 4, bytesValues: 9 });
    map.clear();
    expect(map.stats()).toMatchObject({ bytesKeys: 0, bytesValues: 0 });
  });

  it('count operations by what came of them, each key of a batch as one', () => {
    const map = new ShardMap<string, unknown>(null, { shards: 4 });
    map.set('a', 1).set('a', 2).set('b', 'x');
    map.setMany([
      ['b', 1],
      ['c', { an: 'object' }],
    ]);
    map.get('a');
    map.get('absent');
    map.getMany(['a', 'b', 'absent']);
    map.has('a');
    map.hasMany(['a', 'absent', 'absent too']);
    map.delete('absent');
    map.delete('a');
    map.deleteMany(['b', 'absent']);
    map.clear();
    expect(map.stats().operations).toEqual({
      readHits: 3,
      readMisses: 2,
      hasHits: 2,
      hasMisses: 2,
      inserts: 3,
      overwrites: 2,
      deletes: 2,
      deleteMisses: 2,
      clears: 1,
    });
  });

  it('count what maps answer from what they have read before', () => {
    const map = new ShardMap([['hot', 1]]);
    for (let read = 0; read < 5000; read++) map.get('hot');
    for (let look = 0; look < 700; look++) map.has('hot');
    const { readHits, hasHits } = map.stats().operations;
    expect([readHits, hasHits]).toEqual([5000, 700]);
    expect(map.stats().operations.readHits).toBe(5000);
  });

  it('tell what growing and shrinking did, and how long writers waited for it at most', () => {
    const map = new ShardMap<number, number>(null, { shards: 1 });
    expect(map.stats()).toMatchObject({ rehashes: 0, compactions: 0, stallMaxMs: 0 });
    for (let key = 0; key < 50_000; key++) map.set(key, key);
    for (let key = 0; key < 49_000; key++) map.delete(key);
    const { rehashes, compactions, stallMaxMs } = map.stats();
    expect(rehashes).toBeGreaterThan(5);
    expect(compactions).toBeGreaterThan(5);
    expect(stallMaxMs).toBeGreaterThan(0);
  });

  it('tell of each shard, and how unequal they are', () => {
    const map = new ShardMap<string, number>(null, { shards: 8 });
    expect(map.stats()).toMatchObject({ perShard: undefined, skew: undefined });
    expect(map.stats({ perShard: true }).skew).toEqual({ entries: undefined, lockWaits: undefined });
    for (let index = 0; index < 4000; index++) map.set(`key ${index}`, index);
    const stats = map.stats({ perShard: true });
    expect(stats.perShard).toHaveLength(8);
    for (const figure of ['entries', 'bytesKeys', 'bytesEntries', 'bytesIndex', 'rehashes'] as const) {
      const sum = stats.perShard?.reduce((total, shard) => total + shard[figure], 0);
      expect(sum, figure).toBe(stats[figure]);
    }
    const largest = Math.max(...(stats.perShard ?? []).map(({ entries }) => entries));
    expect(stats.skew?.entries).toBeCloseTo(largest / 500);
  });

  it('refuse bad options', () => {
    const map = new ShardMap();
    for (const options of [null, 5, { perShard: 1 }, { pershard: true }]) {
      expect(() => map.stats(options as StatsOptions)).toThrow(
        expect.objectContaining({ code: 'ERR_SHARDMAP_INVALID_ARGUMENT' }),
      );
    }
  });
});
