/** Danger: damage is taken for whole, or a look at it changes what somebody still has to save. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { newDirectory } from '../durability/directories.js';
import { contentsOf, fileOf, makeStore, occupy, open, run, runJson } from './command.js';

/** A snapshot and a segment with a frame of some changes. */
async function makeCompacted(dir: string): Promise<void> {
  const map = await open(dir);
  for (let index = 0; index < 100; index++) map.set(`key ${index}`, { index });
  await map.compact();
  map.set('late', 1);
  await map.flush();
  map.set('last', 2);
  map.close();
}

function flip(file: string, offset: number): void {
  const bytes = readFileSync(file);
  bytes[offset] = (bytes[offset] as number) ^ 1;
  writeFileSync(file, bytes);
}

describe('verify', () => {
  it('tells that a store is whole, and changes nothing', async () => {
    const dir = newDirectory();
    await makeCompacted(dir);
    const before = contentsOf(dir);
    const { code, stdout, stderr } = await run(['verify', dir]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/is whole\n {2}102 entries; .* of 103 changes read in .*\n$/);
    expect(await runJson(['verify', dir, '--strict'])).toMatchObject({ exitCode: 0, state: 'whole', flaws: [] });
    expect(contentsOf(dir)).toEqual(before);
  });

  it('takes an unfinished end for what a crash leaves, or for damage if it is told to', async () => {
    const dir = newDirectory();
    await makeCompacted(dir);
    const segment = fileOf(dir, 'segment');
    truncateSync(segment, statSync(segment).size - 3);
    const before = contentsOf(dir);
    const document = await runJson(['verify', dir]);
    expect(document).toMatchObject({ exitCode: 0, state: 'unfinished', entries: expect.any(Number) });
    const [flaw] = document.flaws as { file: string; offsetBytes: number; lengthBytes: number }[];
    expect(flaw?.file).toBe(path.basename(segment));
    expect((flaw?.offsetBytes ?? 0) + (flaw?.lengthBytes ?? 0)).toBe(statSync(segment).size);
    const strict = await run(['verify', dir, '--strict']);
    expect(strict.code).toBe(1);
    expect(strict.stdout).toMatch(new RegExp(`is damaged\n {2}note: ${flaw?.file}, from byte ${flaw?.offsetBytes}, `));
    expect(contentsOf(dir)).toEqual(before);
  });

  it('names file and byte of each damage, and what can be read all the same', async () => {
    const dir = newDirectory();
    await makeCompacted(dir);
    const segment = fileOf(dir, 'segment');
    flip(segment, 60);
    flip(fileOf(dir, 'snapshot'), 200);
    const before = contentsOf(dir);
    const document = await runJson(['verify', dir]);
    expect(document).toMatchObject({ exitCode: 1, state: 'damaged' });
    const flaws = document.flaws as { file: string; offsetBytes: number; lengthBytes: number; reason: string }[];
    expect(flaws.map(({ file }) => file)).toEqual([path.basename(fileOf(dir, 'snapshot')), path.basename(segment)]);
    expect(flaws[1]).toMatchObject({ offsetBytes: 48, lengthBytes: expect.any(Number) });
    const { code, stdout } = await run(['verify', dir]);
    expect(code).toBe(1);
    expect(stdout).toMatch(`is damaged\n  ${flaws[0]?.file}, byte ${flaws[0]?.offsetBytes}: ${flaws[0]?.reason}`);
    expect(contentsOf(dir)).toEqual(before);
  });

  it.each([
    ['MANIFEST', 'MANIFEST'],
    ['a snapshot', 'snapshot'],
    ['its segment', 'segment'],
  ])('misses %s', async (_, prefix) => {
    const dir = newDirectory();
    await makeCompacted(dir);
    const file = readdirSync(dir).find((name) => name.startsWith(prefix)) as string;
    rmSync(path.join(dir, file));
    expect(await runJson(['verify', dir])).toMatchObject({
      exitCode: 1,
      flaws: [{ file, offsetBytes: 0, lengthBytes: 0, reason: expect.any(String) }],
    });
  });

  it('takes what a crash leaves of a store that is being made for that', async () => {
    const dir = newDirectory();
    await makeStore(dir, 0);
    rmSync(path.join(dir, 'MANIFEST'));
    truncateSync(fileOf(dir, 'segment'), 48); // its header
    const flaws = [{ file: 'MANIFEST', offsetBytes: 0, lengthBytes: 0, reason: expect.stringContaining('being made') }];
    expect(await runJson(['verify', dir])).toMatchObject({ exitCode: 0, state: 'unfinished', entries: 0, flaws });
  });

  it('cannot read what is in use, another thing, or not there', async () => {
    const dir = newDirectory();
    mkdirSync(dir, { recursive: true });
    expect(await runJson(['verify', dir])).toMatchObject({ exitCode: 3, error: { code: 'ERR_CLI_NO_STORE' } });
    await makeStore(dir, 1);
    const holder = await occupy(dir);
    const { code, stderr } = await run(['verify', dir]);
    expect(code).toBe(3);
    expect(stderr).toMatch(new RegExp(`in use by process ${holder.pid} \\[ERR_SHARDMAP_IN_USE\\]\n$`));
    const file = path.join(dir, 'LOCK');
    expect(await runJson(['verify', file])).toMatchObject({ exitCode: 3, error: { code: 'ENOTDIR' } });
  });

  it('does not take a newer version’s files for damaged', async () => {
    const dir = newDirectory();
    await makeStore(dir, 1);
    const file = fileOf(dir, 'segment');
    const bytes = readFileSync(file);
    bytes[8] = 2; // the version
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 44)), 44);
    writeFileSync(file, bytes);
    expect(await runJson(['verify', dir])).toMatchObject({ exitCode: 3, error: { code: 'ERR_SHARDMAP_NEWER_FORMAT' } });
    const place = { code: 'ERR_SHARDMAP_NEWER_FORMAT', file: path.basename(file), offset: expect.any(Number) };
    await expect(open(dir)).rejects.toMatchObject(place);
  });
});

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('a directory that nobody may write to', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'shardmap-readonly-'));
  const dir = path.join(root, 'store');
  afterEach(() => {
    try {
      execFileSync('umount', ['-l', root], { stdio: 'pipe' });
    } catch {
      chmodSync(dir, 0o755);
    }
    rmSync(root, { recursive: true, force: true });
  });

  /** Root may write to all but a medium that takes nothing. */
  function makeReadOnly(): void {
    try {
      execFileSync('mount', ['-o', 'remount,ro', root], { stdio: 'pipe' });
    } catch {
      for (const name of readdirSync(dir)) chmodSync(path.join(dir, name), 0o444);
      chmodSync(dir, 0o555);
    }
  }

  it('is verified, inspected, exported and repaired to another', async () => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', root], { stdio: 'pipe' });
    } catch {
      // Who is not root needs none.
    }
    await makeCompacted(dir);
    makeReadOnly();
    const before = contentsOf(dir);
    expect((await run(['verify', dir])).code).toBe(0);
    expect((await run(['inspect', dir])).code).toBe(0);
    expect((await run(['export', dir])).stdout.split('\n')).toHaveLength(103);
    expect((await run(['repair', dir, '--to', newDirectory()])).code).toBe(0);
    expect(contentsOf(dir)).toEqual(before);
  });
});
