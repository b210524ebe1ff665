/** Danger: a map that is split into more shards loses an entry, its place, its deadline or an older handle of it. */

import { afterEach, describe, expect, it } from 'vitest';
import { type Key, ShardMap, type ShardMapOptions } from '../../lib/index.js';
import { addon } from '../../lib/native.js';
import { expectRejection, newDirectory } from '../durability/directories.js';
import { expectError } from './expect-error.js';
import { until } from './waiting.js';

type Any = ShardMap<Key, unknown>;
const { shardsMax } = addon.limits;

const maps: Any[] = [];
afterEach(() => {
  for (const map of maps.splice(0)) map.close();
});
const keep = (map: Any): Any => {
  maps.push(map);
  return map;
};
const open = (options: ShardMapOptions): Any => keep(new ShardMap<Key, unknown>(null, options));

/** Of every kind that is stored in another way. */
function fill(map: Any, count: number): void {
  for (let index = 0; index < count; index++) {
    const long = index % 7 === 0;
    map.set(
      index % 5 === 0 ? `${'key '.repeat(long ? 100 : 1)}${index}` : index,
      long ? { text: 'v'.repeat(500) } : index,
    );
  }
}

describe('reshard', () => {
  it('keeps entries, their order and what they expire at, from one shard to the most there may be', async () => {
    const map = open({ shards: 1 });
    fill(map, 5000);
    for (let index = 1; index < 5000; index += 50) map.expire(index, 3_600_000);
    const before = [...map];
    for (const shards of [2, 64, 64, 4096, shardsMax]) {
      await map.reshard(shards);
      expect(map.stats()).toMatchObject({ shards, entries: 5000, timedEntries: 100 });
      expect([...map]).toEqual(before);
      expect(map.ttl(1)).toBeGreaterThan(3_500_000);
      expect(map.getMany([2, 3, 'none'])).toEqual([2, 3, undefined]);
    }
  });

  it.each([0, 3, -4, 1.5, Number.NaN, Number.POSITIVE_INFINITY, shardsMax * 2])(
    'to %s is out of range',
    async (shards) => {
      const map = open({ shards: 2 });
      await expectRejection(map.reshard(shards), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
      expect(map.stats().shards).toBe(2);
    },
  );

  it.each(['8', null, undefined, 8n, {}, 'auto'])('to %s is of the wrong type', async (shards) => {
    await expectRejection(open({}).reshard(shards as never), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
  });

  it('to fewer than there are is out of range', async () => {
    const map = open({ shards: 8 });
    const error = await expectRejection(map.reshard(4), 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE');
    expect(error.message).toContain('has 8 shards');
  });

  it('of a closed map, and on what is no map, is refused', async () => {
    const map = open({ shards: 8 });
    map.close();
    await expectRejection(map.reshard(16), 'ShardMapError', 'ERR_SHARDMAP_CLOSED');
    const error: unknown = await ShardMap.prototype.reshard.call({} as never, 16).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_SHARDMAP_INVALID_RECEIVER' });
  });

  it('by several calls, of several maps, comes one after the other', async () => {
    const map = open({ shards: 1 });
    const other = keep(ShardMap.from<Key, unknown>(map.handle));
    fill(map, 20_000);
    const calls = [map.reshard(64), other.reshard(64), other.reshard(256), map.reshard(128)];
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect(other.stats()).toMatchObject({ shards: 256, entries: 20_000 });
  });

  it('ends early where the last map is closed, and goes on where another is open', async () => {
    const map = open({ shards: 1 });
    fill(map, 200_000);
    const other = keep(ShardMap.from<Key, unknown>(map.handle));
    const first = map.reshard(16);
    map.close();
    await first;
    expect(other.stats()).toMatchObject({ shards: 16, entries: 200_000 });
    const second = other.reshard(shardsMax);
    other.close();
    await expectRejection(second, 'ShardMapError', 'ERR_SHARDMAP_CLOSED');
  });

  it('leaves no value to a near cache', async () => {
    const map = open({ shards: 1 });
    const other = keep(ShardMap.from<Key, unknown>(map.handle));
    for (let shards = 2; shards <= 4096; shards *= 2) {
      for (const each of [map, other]) {
        each.set('hot', shards);
        for (let read = 0; read < 3000; read++) expect(map.get('hot')).toBe(shards);
      }
      await map.reshard(shards);
      for (const value of ['first', 'second', 3]) {
        other.set('hot', value);
        for (let read = 0; read < 3000; read++) if (map.get('hot') !== value) expect.unreachable();
        expect(map.has('hot')).toBe(true);
      }
      other.delete('hot');
      expect([map.get('hot'), map.has('hot')]).toEqual([undefined, false]);
    }
    const { readHits } = map.stats().operations;
    expect(readHits).toBeGreaterThan(12 * 9000);
  });

  it('has entries expire, and tells of each once', async () => {
    const map = open({ shards: 1 });
    const expired: unknown[] = [];
    map.on('expire', (entries) => void expired.push(...entries.map(([key]) => key)));
    for (let key = 0; key < 4000; key++) map.set(key, key, { ttl: 1 + (key % 100) });
    for (let shards = 2; shards <= 1024; shards *= 2) await map.reshard(shards);
    map.set('late', 1, { ttl: 5 });
    await until(() => expired.length >= 4001, 'the end of all');
    expect(new Set(expired).size).toBe(4001);
    expect(expired.length).toBe(4001);
    expect(map.stats()).toMatchObject({ entries: 0, timedEntries: 0, expiredEntries: 4001 });
  });

  it('goes on under an iteration, which visits each entry once', async () => {
    const map = open({ shards: 1 });
    for (let key = 0; key < 20_000; key++) map.set(key, key);
    let next = 0;
    for (const key of map.keys()) {
      expect(key).toBe(next++);
      if (next % 2000 === 0) await map.reshard(map.stats().shards * 2);
    }
    expect(next).toBe(20_000);
    expect(map.stats().shards).toBe(1024);
  });
});

describe('a store that was resharded', () => {
  it('is opened by its name with the shards that it was made with, or has now, or with none', async () => {
    const map = open({ name: 'resharded', shards: 4 });
    await map.reshard(16);
    for (const shards of [4, 16, undefined]) expect(open({ name: 'resharded', shards }).stats().shards).toBe(16);
    for (const shards of [8, 32, 'auto'] as const)
      expectError(() => open({ name: 'resharded', shards }), 'ShardMapError', 'ERR_SHARDMAP_OPTIONS_CONFLICT');
  });

  it('is in its directory what it was, and is opened with as many shards as is asked for', async () => {
    const dir = newDirectory();
    const map = keep(await ShardMap.open<Key, unknown>({ dir, shards: 2 }));
    fill(map, 3000);
    const resharding = map.reshard(512);
    for (let index = 0; index < 3000; index += 3) map.delete(index);
    await resharding;
    map.set('after', 1);
    expect(keep(await ShardMap.open<Key, unknown>({ dir, shards: 2 })).stats().shards).toBe(512);
    const entries = [...map];
    await map.compact();
    for (const each of maps.splice(0)) each.close();
    const again = keep(await ShardMap.open<Key, unknown>({ dir, shards: 8 }));
    expect(again.stats().shards).toBe(8);
    expect([...again]).toEqual(entries);
  });

  it('that is only read is not resharded', async () => {
    const dir = newDirectory();
    (await ShardMap.open({ dir })).close();
    const map = keep(await ShardMap.open<Key, unknown>({ dir, readonly: true, shards: 2 }));
    await expectRejection(map.reshard(4), 'ShardMapError', 'ERR_SHARDMAP_READONLY');
  });
});

describe("shards: 'auto'", () => {
  it('begins with 16, and is no number of shards', () => {
    const map = open({ name: 'automatic', shards: 'auto' });
    expect(map.stats().shards).toBe(16);
    expect(open({ name: 'automatic', shards: 'auto' }).handle).toEqual(map.handle);
    expect(open({ name: 'automatic' }).handle).toEqual(map.handle);
    expectError(() => open({ name: 'automatic', shards: 16 }), 'ShardMapError', 'ERR_SHARDMAP_OPTIONS_CONFLICT');
  });

  it('stays as it is with one writer, and can be resharded by hand', async () => {
    const map = open({ shards: 'auto' });
    fill(map, 50_000);
    expect(map.stats().shards).toBe(16);
    await map.reshard(64);
    expect(map.stats().shards).toBe(64);
  });
});
