/** Danger: what inspect tells is not what is in the store, or it changes something. */

import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PrefixCounter, prefixOf } from '../../lib/cli/prefixes.js';
import type { Key } from '../../lib/index.js';
import { newDirectory } from '../durability/directories.js';
import { contentsOf, open, run, runJson } from './command.js';

const HOUR_MS = 3_600_000;

async function makeMixed(dir: string): Promise<void> {
  const map = await open(dir, { codec: undefined });
  for (let index = 0; index < 30; index++) map.set(`user:${index}`, index);
  for (let index = 0; index < 20; index++) map.set(['ann', index], { index });
  map.set('a/b:c', 'text').set('www.example', null).set('plain', true).set(7n, 7n).set(undefined, undefined);
  map.set(new Uint8Array(3), new Uint8Array(3)).set(1, Buffer.from('b')).set(null, [1]).set(true, new Date());
  map.set('x:1', new Map(), { ttl: 30_000 }).set('x:2', new Set(), { ttl: HOUR_MS / 2 });
  map.set('x:3', new Error('e'), { ttl: 12 * HOUR_MS }).set('x:4', /r/, { ttl: 48 * HOUR_MS });
  await map.compact();
  map.set('late', 1);
  map.close();
}

describe('inspect', () => {
  it('tells entries, kinds, deadlines, prefixes, files and bytes', async () => {
    const dir = newDirectory();
    await makeMixed(dir);
    const before = contentsOf(dir);
    const document = await runJson(['inspect', dir, '--top', '4']);
    expect(document).toMatchObject({
      exitCode: 0,
      dir,
      entries: 64,
      keyKinds: { string: 38, composite: 20, bigint: 1, undefined: 1, bytes: 1, number: 1, null: 1, boolean: 1 },
      valueKinds: { number: 31, object: 20, Uint8Array: 1, Buffer: 1, Date: 1, Map: 1, Set: 1, Error: 1, RegExp: 1 },
      expiry: { withinMinute: 1, withinHour: 1, withinDay: 1, later: 1, never: 60 },
      prefixes: [
        { prefix: 'user:', entries: 30 },
        { prefix: '["ann", …]', entries: 20 },
        { prefix: 'x:', entries: 4 },
        { prefix: 'a/', entries: 1 },
      ],
      prefixesMissedMax: 0,
      recovery: {
        timeMs: expect.any(Number),
        bytesRead: expect.any(Number),
        changesRead: expect.any(Number),
        tailBytes: 0,
      },
    });
    const files = document.files as { name: string; kind: string; bytes: number }[];
    expect(files.map(({ kind }) => kind)).toEqual(['lock', 'manifest', 'segment', 'snapshot']);
    for (const { name, bytes } of files) expect(bytes).toBe(statSync(`${dir}/${name}`).size);
    expect(document.filesBytes).toBe(files.reduce((sum, { bytes }) => sum + bytes, 0));
    expect((document.memory as { bytesTotal: number }).bytesTotal).toBeGreaterThan(0);
    expect(contentsOf(dir)).toEqual(before);
  });

  it('tells the same to people', async () => {
    const dir = newDirectory();
    await makeMixed(dir);
    const { code, stdout, stderr } = await run(['inspect', dir, '--top', '1']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(`${dir}: 64 entries\n`);
    for (const line of [/^ {2}string +38$/m, /^ {2}within a minute +1$/m, /^ {2}never +60$/m, /^ {2}user: +30$/m])
      expect(stdout).toMatch(line);
    expect(stdout).not.toContain('ann');
  });

  it('knows values of a codec of the user’s as such', async () => {
    const dir = newDirectory();
    const codec = { encode: () => new Uint8Array([1]), decode: () => 'never asked for' };
    const map = await open(dir, { codec });
    map.set('a', {}).set('b', 1);
    map.close();
    expect(await runJson(['inspect', dir])).toMatchObject({ valueKinds: { custom: 1, number: 1 } });
  });

  it('has no averages of nothing', async () => {
    const dir = newDirectory();
    (await open(dir)).close();
    expect(await runJson(['inspect', dir])).toMatchObject({
      entries: 0,
      memory: { bytesPerEntry: null },
      prefixes: [],
    });
  });
});

describe('a prefix', () => {
  it.each([
    ['user:1', 'user:'],
    ['a/b:c', 'a/'],
    ['www.example:80', 'www.'],
    [':x', ':'],
    ['none', undefined],
    [`${'long'.repeat(20)}:1`, undefined],
    [['ann', 1], '["ann", …]'],
    [[1n, 2], '[1n, …]'],
    [[undefined, 2], '[undefined, …]'],
    [['alone'], undefined],
    [[], undefined],
    [7, undefined],
    [new Uint8Array(2), undefined],
  ] as [Key, string | undefined][])('of %s is %s', (key, prefix) => expect(prefixOf(key)).toBe(prefix));

  it('that is frequent is found among millions of rare ones, in bounded memory', () => {
    const counter = new PrefixCounter();
    for (let index = 0; index < 1_000_000; index++) {
      counter.add(`rare ${index}:`);
      if (index % 10 === 0) counter.add('frequent:');
    }
    const [top] = counter.top(1);
    expect(top?.prefix).toBe('frequent:');
    expect(counter.missedMax).toBeLessThan(20);
    expect(top?.entries).toBeGreaterThanOrEqual(100_000 - counter.missedMax);
    expect(top?.entries).toBeLessThanOrEqual(100_000);
    expect(counter.top(10_000_000).length).toBeLessThan(300_000);
  });
});
