/**
 * Danger: a compressed value cannot be read once its map was closed, by a map that compresses otherwise, or by the
 * command line; or its bytes are not what docs/log-format.md says, which outlives this version.
 */

import { cpSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type CompressOptions, type Key, ShardMap, type ShardMapOpenOptions } from '../../lib/index.js';
import { run, runJson } from '../cli/command.js';
import { newDirectory } from './directories.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const hasZstd = 'zstdCompressSync' in zlib;
const algorithms = (['deflate', 'brotli', 'zstd'] as const).filter((name) => hasZstd || name !== 'zstd');
const ways: (boolean | CompressOptions)[] = [
  false,
  true,
  ...algorithms.map((algorithm) => ({ algorithm, minBytes: 100 })),
];

const open = (dir: string, options: Partial<ShardMapOpenOptions> = {}): Promise<ShardMap<Key, unknown>> =>
  ShardMap.open<Key, unknown>({ dir, fsync: 'never', ...options });

const text = 'what is said again, and again, and again; '.repeat(60);
const values = [
  text,
  `Ж${text}`,
  { text, list: [text, new Date(1)] },
  new Map([[1, text]]),
  Buffer.from(text),
  new Float64Array(400).fill(1.5),
  1,
  'short',
];

describe('a map of a directory with compressed values', () => {
  it('has them again, whoever opens it, from its log and from a snapshot', async () => {
    const dir = newDirectory();
    const expected: [Key, unknown][] = [];
    for (const [round, compress] of ways.entries()) {
      const map = await open(dir, { compress });
      expect([...map]).toEqual(expected);
      for (const [place, value] of values.entries()) {
        map.set(`${round} ${place}`, value, place % 2 === 0 ? {} : { ttl: 3_600_000 });
        expected.push([`${round} ${place}`, value]);
      }
      if (round % 2 === 1) await map.compact();
      map.close();
    }
    const reader = await open(dir, { readonly: true });
    expect([...reader]).toEqual(expected);
    expect(reader.getMany(expected.map(([key]) => key))).toEqual(expected.map(([, value]) => value));
    reader.close();
  });

  it('is exported and imported, inspected and verified as any other', async () => {
    const dir = newDirectory();
    const map = await open(dir, { compress: true });
    map.setMany(values.map((value, place) => [`key ${place}`, value]));
    const contents = [...map];
    map.close();
    const { stdout, code } = await run(['export', dir]);
    expect(code).toBe(0);
    const copy = newDirectory();
    expect((await run(['import', copy], { input: stdout })).code).toBe(0);
    expect(await runJson(['inspect', dir])).toMatchObject({
      valueKinds: { string: 3, object: 1, Map: 1, Buffer: 1, Float64Array: 1, number: 1 },
    });
    expect((await run(['verify', dir])).code).toBe(0);
    const again = await open(copy);
    expect([...again]).toEqual(contents);
    again.close();
  });
});

/** The rows of the first table below a heading of the format's document. */
function tableBelow(heading: string): Record<string, string>[] {
  const document = readFileSync(path.join(ROOT, 'docs/log-format.md'), 'utf8');
  const section = document.split(new RegExp(`^#+ ${heading}$`, 'm'))[1] ?? '';
  const lines = section.split(/^#/m)[0]?.match(/^\|.*\|$/gm) ?? [];
  const [names = [], , ...rows] = lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
  return rows.map((cells) => Object.fromEntries(cells.map((cell, place) => [names[place], cell])));
}

/** All bytes of a file of the log. */
function readSegments(dir: string): Buffer {
  const names = readdirSync(dir).filter((name) => name.startsWith('segment-'));
  return Buffer.concat(names.map((name) => readFileSync(path.join(dir, name))));
}

it('values that were compressed once are read for ever', async () => {
  const dir = newDirectory();
  cpSync(path.join(ROOT, 'test/golden/v1-compressed'), dir, { recursive: true });
  const map = await open(dir, { readonly: true });
  for (const algorithm of algorithms) expect(map.get(algorithm)).toEqual(Buffer.alloc(100, 'a'));
  expect(map.get('number')).toBe(1);
  map.close();
});

describe('the document of the format', () => {
  const layout = tableBelow('Compressed values').map(({ name, offset, bytes }) => [name, offset, bytes]);

  it('lists the parts of a compressed value, and each algorithm that a map may be given', () => {
    expect(layout.map(([name, , bytes]) => [name, Number(bytes)])).toEqual([
      ['kind', 1],
      ['algorithm', 1],
      ['size', 4],
    ]);
    expect(tableBelow('Algorithms').map(({ algorithm }) => algorithm)).toEqual(['deflate', 'brotli', 'zstd']);
  });

  it.each(algorithms)('tells how to read what %s has compressed', async (algorithm) => {
    const dir = newDirectory();
    const map = await open(dir, { compress: { algorithm } });
    const stored = Buffer.from(text);
    map.set('key', stored);
    map.close();
    const kind = tableBelow('Values').find(({ value }) => value === 'Buffer')?.number;
    const number = tableBelow('Algorithms').find((row) => row.algorithm === algorithm)?.number;
    const head = Buffer.from([Number(kind), Number(number), 0, 0, 0, 0]);
    head.writeUInt32LE(stored.length, Number(layout[2]?.[1]));
    const log = readSegments(dir);
    const at = log.indexOf(head);
    expect(at).toBeGreaterThan(0);
    const size =
      (log[at - 1] as number) < 128
        ? (log[at - 1] as number)
        : ((log[at - 1] as number) << 7) + ((log[at - 2] as number) & 127);
    const bytes = log.subarray(at + head.length, at + size);
    const decompress = {
      deflate: zlib.inflateRawSync,
      brotli: zlib.brotliDecompressSync,
      zstd: (zlib as unknown as { zstdDecompressSync: typeof zlib.brotliDecompressSync }).zstdDecompressSync,
    }[algorithm];
    expect(decompress(bytes)).toEqual(stored);
  });
});
