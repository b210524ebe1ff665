/** Danger: a repair loses what could be read, tells of less than it lost, or harms the only copy there is. */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { newDirectory } from '../durability/directories.js';
import { contentsOf, endOf, fileOf, makeStore, occupy, open, run, runJson, start, waitFor } from './command.js';

async function entriesOf(dir: string): Promise<[unknown, unknown][]> {
  const map = await open(dir, { readonly: true, recovery: 'strict' });
  const entries = [...map];
  map.close();
  return entries;
}

describe('repair', () => {
  it('takes all but what is damaged, tells what that is, and makes a store that is whole', async () => {
    const dir = newDirectory();
    const to = newDirectory();
    const map = await open(dir);
    map.set('early', 1);
    await map.compact();
    for (let index = 0; index < 10; index++) {
      map.set(`late ${index}`, { index });
      await map.flush();
    }
    map.close();
    const segment = fileOf(dir, 'segment');
    const bytes = readFileSync(segment);
    bytes[60] = (bytes[60] as number) ^ 1; // in the first frame
    writeFileSync(segment, bytes);
    const before = contentsOf(dir);

    const document = await runJson(['repair', dir, '--to', to]);
    const [loss] = document.losses as { lengthBytes: number }[];
    expect(document).toMatchObject({
      exitCode: 1,
      dir,
      to,
      entries: 10,
      lostBytes: loss?.lengthBytes,
      losses: [{ file: path.basename(segment), offsetBytes: 48, reason: expect.any(String) }],
      unfinished: [],
    });
    expect(loss?.lengthBytes).toBeGreaterThan(32);
    expect(contentsOf(dir)).toEqual(before);
    expect((await entriesOf(to)).map(([key]) => key)).toEqual(['early', ...keysFrom(1)]);
    expect(readdirSync(to).filter((name) => /damaged|tail|tmp/.test(name))).toEqual([]);
    expect((await run(['verify', to, '--strict'])).code).toBe(0);
    expect(readdirSync(path.dirname(to))).toEqual([path.basename(to)]);
  });

  const keysFrom = (first: number): string[] => Array.from({ length: 10 - first }, (_, i) => `late ${i + first}`);

  it('of a whole store is a copy', async () => {
    const dir = newDirectory();
    const to = newDirectory();
    const map = await open(dir);
    map
      .set('a', 1, { ttl: 3_600_000 })
      .set('b', new Map([[1, 2]]))
      .set(['c', 1], -0);
    const left = map.ttl('a') as number;
    map.close();
    const { code, stdout } = await run(['repair', dir, '--to', to]);
    expect(code).toBe(0);
    expect(stdout).toBe(`3 entries are in ${to}\nNothing is lost\n`);
    expect(await entriesOf(to)).toEqual(await entriesOf(dir));
    const copy = await open(to);
    expect(copy.ttl('a')).toBeGreaterThan(left - 60_000);
    expect(copy.ttl('a')).toBeLessThanOrEqual(left);
    copy.close();
  });

  it('of one that a crash has left unfinished loses nothing', async () => {
    const dir = newDirectory();
    const to = newDirectory();
    await makeStore(dir, 10);
    const segment = fileOf(dir, 'segment');
    truncateSync(segment, statSync(segment).size - 1);
    const { code, stdout } = await run(['repair', dir, '--to', to]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\n {2}note: segment-0+1, from byte \d+, .*\nNothing is lost\n$/);
    expect((await run(['verify', to, '--strict'])).code).toBe(0);
  });

  it('without a manifest takes all files there are', async () => {
    const dir = newDirectory();
    const to = newDirectory();
    await makeStore(dir, 10);
    rmSync(path.join(dir, 'MANIFEST'));
    expect(await runJson(['repair', dir, '--to', to])).toMatchObject({ exitCode: 1, entries: 10, lostBytes: 0 });
  });

  it('refuses a directory that is there, inside of the store, or without one to be in', async () => {
    const dir = newDirectory();
    await makeStore(dir, 10);
    const before = contentsOf(dir);
    const to = newDirectory();
    mkdirSync(to);
    expect(await runJson(['repair', dir, '--to', to])).toMatchObject({
      exitCode: 2,
      error: { code: 'ERR_CLI_EXISTS' },
    });
    for (const wrong of [path.join(dir, 'inside'), path.join(to, 'not', 'there')])
      expect(await runJson(['repair', dir, '--to', wrong])).toMatchObject({ exitCode: 2 });
    expect(contentsOf(dir)).toEqual(before);
    expect(readdirSync(to)).toEqual([]);
  });

  it('leaves nothing of what it could not make', async () => {
    const dir = newDirectory();
    const to = newDirectory();
    await makeStore(dir, 1);
    const holder = await occupy(dir);
    expect((await run(['repair', dir, '--to', to])).code).toBe(3);
    holder.kill('SIGKILL');
    const missing = newDirectory();
    expect((await run(['repair', missing, '--to', to])).code).toBe(3);
    expect(readdirSync(path.dirname(to))).toEqual([]);
  });

  it.each([0, 40, 150])('that a signal ends removes what it made, %i ms after it began to', async (ms) => {
    const dir = newDirectory();
    const to = newDirectory();
    await makeStore(dir, 50_000, 100);
    const child = start(['repair', dir, '--to', to]);
    const ended = endOf(child);
    await waitFor(() => readdirSync(path.dirname(to)).length > 0);
    await new Promise((resolve) => setTimeout(resolve, ms));
    child.kill('SIGTERM');
    const { code } = await ended;
    // It may have been quicker.
    if (existsSync(to)) expect((await run(['verify', to, '--strict'])).code).toBe(0);
    else expect({ code, left: readdirSync(path.dirname(to)) }).toEqual({ code: 143, left: [] });
    (await open(dir)).close();
  });
});
