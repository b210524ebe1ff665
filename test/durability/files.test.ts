/** Danger: a backup, or what is salvaged or only read, is another map than the one it comes from, or harms that. */

import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type OpenProgress, ShardMap, type ShardMapOpenOptions } from '../../lib/index.js';
import { expectError } from '../lib/expect-error.js';
import { expectRejection, newDirectory } from './directories.js';

type Values = ShardMap<string, unknown>;

const open = (dir: string, options: Partial<ShardMapOpenOptions> = {}): Promise<Values> =>
  ShardMap.open<string, unknown>({ dir, ...options });

async function make(dir: string, entries = 100): Promise<Values> {
  const map = await open(dir);
  for (let i = 0; i < entries; i++) map.set(`key ${i}`, { i, text: 'x'.repeat(i) });
  return map;
}

const contentsOf = (dir: string) =>
  readdirSync(dir).map((name) => [name, readFileSync(path.join(dir, name), 'latin1')]);

describe('a map that is only read', () => {
  it('has what is there, and changes neither itself nor a byte of it', async () => {
    const dir = newDirectory();
    const map = await make(dir);
    await map.compact();
    map.set('after', 1).set('moment', 1, { ttl: 1 });
    const before = [...map].filter(([key]) => key !== 'moment');
    map.close();
    await delay(5);
    const files = contentsOf(dir);
    const one = await open(dir, { readonly: true });
    const other = await open(dir, { readonly: true });
    expect([...one]).toEqual(before);
    const changes: ((map: Values) => unknown)[] = [
      (m) => m.set('key 1', 2),
      (m) => m.set('new', { a: 1, structure: 2 }),
      (m) => m.delete('key 1'),
      (m) => m.clear(),
      (m) => m.increment('count'),
      (m) => m.setMany([['key 1', 1]]),
      (m) => m.deleteMany(['key 1']),
      (m) => m.getOrInsert('new', 1),
      (m) => m.getAndDelete('key 1'),
      (m) => m.expire('key 1', 1000),
      (m) => m.update('key 1', () => 3),
      (m) => m.compareAndSet('after', 1, 2),
    ];
    for (const change of changes) expectError(() => change(one), 'ShardMapError', 'ERR_SHARDMAP_READONLY');
    await expectRejection(one.compact(), 'ShardMapError', 'ERR_SHARDMAP_READONLY');
    await expectRejection(one.backup(`${dir}-backup`), 'ShardMapError', 'ERR_SHARDMAP_READONLY');
    await one.flush();
    expect([...other]).toEqual(before);
    expect(one.stats().log?.state).toBe('readonly');
    await expectRejection(open(dir), 'ShardMapError', 'ERR_SHARDMAP_OPTIONS_CONFLICT');
    one.close();
    other.close();
    expect(contentsOf(dir)).toEqual(files);
  });

  it('must be there', async () => {
    const dir = newDirectory();
    await expectRejection(open(dir, { readonly: true }), 'ShardMapError', 'ERR_SHARDMAP_IO');
    expect(() => statSync(dir)).toThrow(/ENOENT/);
  });
});

describe('backup', () => {
  it('is a map of its own, as the other was', async () => {
    const dir = newDirectory();
    const to = path.join(newDirectory(), 'made', 'here');
    const map = await make(dir);
    await map.compact();
    map.set('last', 1);
    const before = [...map];
    const backup = map.backup(to);
    await backup;
    map.set('later', 1);
    const copy = await open(to, { recovery: 'strict' });
    expect([...copy]).toEqual(before);
    copy.set('own', 1);
    expect(map.has('own')).toBe(false);
    await expectRejection(map.backup(to), 'ShardMapError', 'ERR_SHARDMAP_IN_USE');
    copy.close();
    await expectRejection(map.backup(to), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    map.close();
    await expectRejection(map.backup(to), 'ShardMapError', 'ERR_SHARDMAP_CLOSED');
  });

  it.each([[undefined], [''], [7], ['a\0b']])('to %j rejects', async (to) => {
    const map = await open(newDirectory());
    await expectRejection(map.backup(to as string), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
    map.close();
  });

  it('of a map in no directory rejects', async () => {
    const map = new ShardMap();
    await expectRejection(map.backup(newDirectory()), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
  });

  it('names what it cannot make', async () => {
    const map = await make(newDirectory());
    const file = newDirectory();
    writeFileSync(file, 'text');
    const error = await expectRejection(map.backup(path.join(file, 'x')), 'ShardMapError', 'ERR_SHARDMAP_IO');
    expect(error.message).toContain(file);
    map.close();
  });
});

describe('salvage', () => {
  it('takes what can be read, tells what is gone, and goes on', async () => {
    const dir = newDirectory();
    const map = await make(dir);
    await map.compact();
    for (let i = 0; i < 10; i++) {
      map.set(`late ${i}`, i);
      await map.flush();
    }
    map.close();
    const segment = readdirSync(dir).find((name) => name.startsWith('segment-')) as string;
    const bytes = readFileSync(path.join(dir, segment));
    bytes[60] = (bytes[60] as number) ^ 1; // in the first frame
    writeFileSync(path.join(dir, segment), bytes);
    await expectRejection(open(dir), 'ShardMapError', 'ERR_SHARDMAP_CORRUPT');
    const salvaged = await open(dir, { recovery: 'salvage' });
    expect(salvaged.size).toBe(109);
    expect(salvaged.has('late 0')).toBe(false);
    expect(salvaged.get('key 7')).toEqual({ i: 7, text: 'xxxxxxx' });
    const losses = salvaged.stats().log?.recovery.losses ?? [];
    expect(losses).toEqual([{ file: segment, offset: 48, bytes: expect.any(Number), reason: expect.any(String) }]);
    expect(readFileSync(path.join(dir, `${segment}.damaged`))).toEqual(bytes);
    salvaged.set('more', 1);
    salvaged.close();
    const again = await open(dir, { recovery: 'strict' });
    expect(again.size).toBe(110);
    expect(again.stats().log?.recovery.losses).toEqual([]);
    again.close();
  });

  it('without the manifest takes all files there are', async () => {
    const dir = newDirectory();
    (await make(dir)).close();
    rmSync(path.join(dir, 'MANIFEST'));
    await expectRejection(open(dir), 'ShardMapError', 'ERR_SHARDMAP_CORRUPT');
    const salvaged = await open(dir, { recovery: 'salvage' });
    expect(salvaged.size).toBe(100);
    salvaged.close();
  });
});

describe('progress of an opening', () => {
  it('ends with all that there is', async () => {
    const dir = newDirectory();
    (await make(dir, 1000)).close();
    const reports: OpenProgress[] = [];
    const map = await open(dir, { onProgress: (progress) => reports.push(progress) });
    await delay(20);
    const last = reports.at(-1) as OpenProgress;
    expect(last.records).toBeGreaterThanOrEqual(1000);
    expect(last.bytes).toBe(last.bytesTotal);
    expect(last.bytes).toBeGreaterThan(500_000);
    expect(map.stats().log?.recovery).toMatchObject({ bytes: last.bytes, records: last.records, bytesTail: 0 });
    map.close();
  });

  it.each([[7], ['f'], [null]])('to %j rejects', async (onProgress) => {
    const options = { onProgress } as unknown as ShardMapOpenOptions;
    await expectRejection(open(newDirectory(), options), 'TypeError', 'ERR_SHARDMAP_INVALID_ARGUMENT');
  });
});

describe('figures of the log', () => {
  it('tell what was written, synced and made short', async () => {
    const dir = newDirectory();
    const map = await make(dir, 1000);
    await map.flush();
    const before = map.stats().log;
    expect(before).toMatchObject({ state: 'running', reason: undefined, compactions: 0, bytesSnapshot: 0 });
    expect(before?.bytesWritten).toBeGreaterThan(500_000);
    expect(before?.bytesSegments).toBe(before?.bytesWritten);
    expect(before?.syncs).toBeGreaterThanOrEqual(1);
    await map.compact();
    const after = map.stats().log;
    expect(after?.compactions).toBe(1);
    expect(after?.compactionMs).toBeGreaterThan(0);
    expect(after).toMatchObject({ segments: 1, lagMs: 0, failures: 0 });
    expect(after?.syncLastMs).toBeGreaterThan(0);
    expect(after?.syncMaxMs).toBeGreaterThanOrEqual(after?.syncLastMs as number);
    expect(after?.snapshotAgeMs).toBeGreaterThanOrEqual(0);
    expect(after?.bytesSnapshot).toBeGreaterThan(500_000);
    expect(after?.bytesSegments).toBeLessThan(1000);
    map.close();
    expect(new ShardMap().stats().log).toBeUndefined();
  });

  it('tell of an end that a crash left', async () => {
    const dir = newDirectory();
    (await make(dir)).close();
    const segment = path.join(dir, readdirSync(dir).find((name) => name.startsWith('segment-')) as string);
    truncateSync(segment, statSync(segment).size - 3);
    const map = await open(dir);
    expect(map.stats().log?.recovery.bytesTail).toBeGreaterThan(0);
    expect(map.size).toBe(100);
    map.close();
  });
});

describe('close', () => {
  it('of one map of a store leaves what was written on the medium', async () => {
    const dir = newDirectory();
    const [one, other] = await Promise.all([open(dir, { fsync: 'never' }), open(dir, { fsync: 'never' })]);
    one.set('a', 1);
    const before = other.stats().log?.syncs ?? 0;
    one.close();
    expect(other.stats().log?.syncs).toBe(before + 1);
    other.close();
  });
});
