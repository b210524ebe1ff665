/** Danger: a map that was closed and is opened again is another: in its entries, their order, kinds or deadlines. */

import { existsSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Key, ShardMap, type ShardMapOpenOptions } from '../../lib/index.js';
import { clonable } from '../lib/clonable.js';
import { sizeOf } from '../lib/run-size.js';
import { expectRejection, newDirectory } from './directories.js';

const open = (dir: string, options: Partial<ShardMapOpenOptions> = {}): Promise<ShardMap<Key, unknown>> =>
  ShardMap.open<Key, unknown>({ dir, ...options });

async function reopened(map: ShardMap<Key, unknown>, dir: string): Promise<ShardMap<Key, unknown>> {
  map.close();
  return open(dir, { shards: 4 });
}

describe('a map of a directory', () => {
  it('has what was in it, in its order, when it is opened again', async () => {
    const dir = newDirectory();
    const map = await open(dir, { shards: 64 });
    for (let i = 0; i < 1000; i++) map.set(`key ${i}`, i);
    for (let i = 0; i < 1000; i += 3) map.delete(`key ${i}`);
    map.set('key 1', 'overwritten').set('key 0', 'last');
    map.increment('counter', 5);
    const before = [...map];
    const after = await reopened(map, dir);
    expect([...after]).toEqual(before);
    expect(after.size).toBe(before.length);
    after.clear();
    after.set('only', 1);
    const cleared = await reopened(after, dir);
    expect([...cleared]).toEqual([['only', 1]]);
    cleared.close();
  });

  it('keeps every kind of key and value', async () => {
    const keys: Key[] = ['', 'é', 'Ж', '\ud800', 1, -0.5, Number.NaN, 2n ** 70n, -1n, true, false, null, undefined];
    keys.push(new Uint8Array([1, 2]), ['user', 1, null], [], 'k'.repeat(1000));
    const dir = newDirectory();
    const map = await open(dir);
    const values = fc.sample(clonable, { numRuns: sizeOf('SHARDMAP_TEST_RUNS', 200), seed: 7 });
    for (const [i, value] of values.entries()) map.set(i, value);
    for (const key of keys) map.set(key, { key, nested: [{ name: 'a', of: 1 }] });
    const before = [...map];
    const after = await reopened(map, dir);
    expect([...after]).toEqual(before);
    after.set('a new structure', { other: 1, names: 2 });
    expect(after.get('a new structure')).toEqual({ other: 1, names: 2 });
    after.close();
  });

  it('keeps deadlines as moments', async () => {
    const dir = newDirectory();
    const map = await open(dir);
    map.set('hour', 1, { ttl: 3_600_000 }).set('moment', 1, { ttl: 1 }).set('ever', 1);
    const after = await reopened(map, dir);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([...after.keys()]).toEqual(['hour', 'ever']);
    expect(after.ttl('hour')).toBeLessThanOrEqual(3_600_000);
    expect(after.ttl('hour')).toBeGreaterThan(3_500_000);
    expect(after.ttl('ever')).toBe(Number.POSITIVE_INFINITY);
    after.close();
  });

  it('is the same store for all who open the directory, by whatever path', async () => {
    const dir = newDirectory();
    const [one, other] = await Promise.all([open(dir), open(path.join(dir, '..', path.basename(dir)))]);
    one.set('a', 1);
    expect(other.get('a')).toBe(1);
    expect(other.handle).toEqual(one.handle);
    one.close();
    expect(other.get('a')).toBe(1);
    other.close();
    const again = await open(dir);
    expect(again.get('a')).toBe(1);
    again.close();
  });

  it('is made short by compact, and is the same', async () => {
    const dir = newDirectory();
    const map = await open(dir);
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 100; i++) map.set(`key ${i}`, { round, i });
    }
    const before = [...map];
    await map.compact();
    expect(readdirSync(dir).filter((name) => name.startsWith('snapshot-'))).toHaveLength(1);
    const after = await reopened(map, dir);
    expect([...after]).toEqual(before);
    after.close();
  });

  it('of a subclass is one', async () => {
    class Sessions extends ShardMap<string, number> {}
    const map = await Sessions.open<string, number>({ dir: newDirectory() });
    expect(map).toBeInstanceOf(Sessions);
    map.close();
  });
});

describe('flush', () => {
  it('resolves for all who asked at the same time', async () => {
    const map = await open(newDirectory(), { fsync: 'never' });
    const flushes = Array.from({ length: 20 }, (_, i) => map.set(i, i).flush());
    await Promise.all(flushes);
    map.flushSync();
    await map.flush();
    map.close();
  });

  it('of a map in no directory resolves at once', async () => {
    const map = new ShardMap();
    await map.flush();
    map.flushSync();
    await map.compact();
    map.close();
    await expectRejection(map.flush(), 'ShardMapError', 'ERR_SHARDMAP_CLOSED');
    await expectRejection(map.compact(), 'ShardMapError', 'ERR_SHARDMAP_CLOSED');
    expect(() => map.flushSync()).toThrow(/closed/);
  });
});

describe('what cannot be opened', () => {
  it.each([
    [{}, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT'],
    [{ dir: '' }, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT'],
    [{ dir: 1 }, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT'],
    [{ dir: 'a\0b' }, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT'],
    [{ dir: 'x', fsync: 'sometimes' }, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT'],
    [{ dir: 'x', flushInterval: '5' }, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT'],
    [{ dir: 'x', flushInterval: 0 }, 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE'],
    [{ dir: 'x', flushInterval: -1 }, 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE'],
    [{ dir: 'x', flushInterval: Number.NaN }, 'RangeError', 'ERR_SHARDMAP_OUT_OF_RANGE'],
    [{ dir: 'x', recovery: 'hope' }, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT'],
    [{ dir: 'x', directory: 'y' }, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT'],
    [{ dir: 'x', touch: true }, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT'],
    [undefined, 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT'],
  ] as const)('%j rejects, and makes nothing', async (options, className, code) => {
    await expectRejection(ShardMap.open(options as unknown as ShardMapOpenOptions), className, code);
    expect(existsSync('x')).toBe(false);
  });

  it('is a file', async () => {
    const dir = newDirectory();
    writeFileSync(dir, 'text');
    const error = await expectRejection(open(dir), 'ShardMapError', 'ERR_SHARDMAP_IO');
    expect(error.message).toContain(dir);
    expect(Object.keys(error)).toEqual(['code']);
  });

  it('is damaged: the error has the file and the byte, and names them', async () => {
    const dir = newDirectory();
    (await open(dir)).close();
    truncateSync(path.join(dir, 'MANIFEST'), 20);
    const error = await expectRejection(open(dir), 'ShardMapError', 'ERR_SHARDMAP_CORRUPT');
    expect(error.message).toMatch(/MANIFEST.*byte 20/);
    expect(error).toMatchObject({ file: 'MANIFEST', offset: 20 });
    await expectRejection(open(dir), 'ShardMapError', 'ERR_SHARDMAP_CORRUPT');
  });

  it('is open with other options', async () => {
    const dir = newDirectory();
    const map = await open(dir, { shards: 16, fsync: 'always' });
    for (const other of [{ fsync: 'never' }, { fsync: 'always', flushInterval: 7 }, { fsync: 'always', shards: 8 }]) {
      const options = other as Partial<ShardMapOpenOptions>;
      await expectRejection(open(dir, options), 'ShardMapError', 'ERR_SHARDMAP_OPTIONS_CONFLICT');
    }
    map.close();
  });
});
