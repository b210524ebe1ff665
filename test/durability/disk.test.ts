/** Danger: a disk that is full, or that nobody may write to, loses what was acknowledged, or is not told of. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ShardMap, type ShardMapError } from '../../lib/index.js';
import { expectError } from '../lib/expect-error.js';
import { sizeOf } from '../lib/run-size.js';
import { expectRejection } from './directories.js';

const ROUNDS = sizeOf('SHARDMAP_TEST_ROUNDS', 1);
const DISK_BYTES = 4 << 20;
const VALUE = 'v'.repeat(10_000);

/** A disk of its own, or why there is none. */
class Disk {
  readonly root = mkdtempSync(path.join(tmpdir(), 'shardmap-disk-'));
  readonly dir = path.join(this.root, 'store');
  readonly #filler = path.join(this.root, 'filler');

  constructor() {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', this.root], { stdio: 'pipe' });
  }

  /** Takes so many bytes of it. */
  fill(bytes: number): void {
    writeFileSync(this.#filler, Buffer.alloc(bytes));
  }

  makeRoom(): void {
    truncateSync(this.#filler, 0);
  }

  makeReadOnly(): void {
    execFileSync('mount', ['-o', 'remount,ro', this.root], { stdio: 'pipe' });
  }

  remove(): void {
    execFileSync('umount', ['-l', this.root], { stdio: 'pipe' });
    rmSync(this.root, { recursive: true, force: true });
  }
}

function canMount(): boolean {
  try {
    new Disk().remove();
    return true;
  } catch {
    return false;
  }
}

const disks: Disk[] = [];
function newDisk(): Disk {
  const disk = new Disk();
  disks.push(disk);
  return disk;
}
afterEach(() => {
  for (const disk of disks.splice(0)) disk.remove();
});

/** Sets entries, and flushes each, until one is refused. Returns how many were flushed. */
async function writeUntilFull(map: ShardMap<string, string>, from: number): Promise<number> {
  for (let i = from; ; i++) {
    try {
      map.set(`entry ${i}`, VALUE);
      await map.flush();
    } catch (error) {
      expect((error as ShardMapError).code).toBe('ERR_SHARDMAP_DISK_FULL');
      return i;
    }
  }
}

// Where no disk can be mounted these are skipped, which CI takes for a failure.
describe.skipIf(!canMount())('a disk', () => {
  it(
    'that is full refuses writes until there is room, and loses nothing',
    async () => {
      const disk = newDisk();
      disk.fill(DISK_BYTES / 2);
      let map = await ShardMap.open<string, string>({ dir: disk.dir });
      for (let round = 0; round < ROUNDS; round++) {
        const flushed = await writeUntilFull(map, 0);
        expect(flushed).toBeGreaterThan(20);
        expect(() => map.set('refused', VALUE)).toThrow(expect.objectContaining({ code: 'ERR_SHARDMAP_DISK_FULL' }));
        expect(map.has('refused')).toBe(false);
        for (let i = 0; i < flushed; i++) expect(map.get(`entry ${i}`)).toBe(VALUE);

        disk.makeRoom();
        await map.flush();
        map.set('accepted', 'after');
        map.close();
        map = await ShardMap.open<string, string>({ dir: disk.dir, shards: 4 });
        expect(map.get('accepted')).toBe('after');
        for (let i = 0; i < flushed; i++) expect(map.get(`entry ${i}`)).toBe(VALUE);
        // Written again, it fills the disk once more, and takes no more of it in the end.
        map.clear();
        await map.compact();
        disk.fill(DISK_BYTES / 2);
      }
      map.close();
    },
    60_000 * ROUNDS,
  );

  it('that is full when the map is closed is told of, and what was flushed is there', async () => {
    const disk = newDisk();
    disk.fill(DISK_BYTES / 2);
    const map = await ShardMap.open<string, string>({ dir: disk.dir });
    const flushed = await writeUntilFull(map, 0);
    expectError(() => map.close(), 'ShardMapError', 'ERR_SHARDMAP_DISK_FULL');
    expectError(() => map.get('entry 0'), 'ShardMapError', 'ERR_SHARDMAP_CLOSED');
    map.close();
    disk.makeRoom();
    const again = await ShardMap.open<string, string>({ dir: disk.dir, recovery: 'strict' });
    for (let i = 0; i < flushed; i++) expect(again.get(`entry ${i}`)).toBe(VALUE);
    again.close();
  });

  it('that cannot be written to is an error that names the file, and can be read', async () => {
    const disk = newDisk();
    const map = await ShardMap.open<string, string>({ dir: disk.dir });
    map.set('a', VALUE);
    map.close();
    disk.makeReadOnly();
    const error = await expectRejection(ShardMap.open({ dir: disk.dir }), 'ShardMapError', 'ERR_SHARDMAP_IO');
    expect(error.message).toContain(path.join(disk.dir, 'LOCK'));
    expect(error.message).toMatch(/read-only/i);
    const only = await ShardMap.open<string, string>({ dir: disk.dir, readonly: true });
    expect([...only]).toEqual([['a', VALUE]]);
    only.close();
  });
});
