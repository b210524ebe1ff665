/** Danger: the figures of a store say something else than what it holds. */

import { describe, expect, it } from 'vitest';
import { ShardMap } from '../../lib/index.js';

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
        stats.bytesShards +
        stats.bytesFree +
        stats.bytesRetired,
    );
    expect(stats.bytesTotal).toBeGreaterThan(empty.bytesTotal);
    expect(stats.bytesPerEntry).toBe(stats.bytesTotal / 20_000);
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
