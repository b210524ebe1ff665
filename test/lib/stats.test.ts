/** Danger: the figures of a store say something else than what it holds. */

import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';
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
});
