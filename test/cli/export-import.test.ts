/** Danger: a store that went through a file is another one, in a value, its order or a deadline. */

import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Key } from '../../lib/index.js';
import { newDirectory } from '../durability/directories.js';
import { anyKey, anyValue, oddKeys } from '../lib/arbitraries.js';
import { clonable } from '../lib/clonable.js';
import { difference } from '../lib/difference.js';
import { runCount, seed } from '../lib/run-size.js';
import { MAIN, makeStore, open, run, runJson } from './command.js';

const HOUR_MS = 3_600_000;

async function readAll(dir: string): Promise<[Key, unknown][]> {
  const map = await open(dir, { readonly: true });
  const entries = [...map];
  map.close();
  return entries;
}

describe(`a store that is exported and imported (SHARDMAP_TEST_SEED=${seed})`, () => {
  it('has the same entries, of all kinds, in the same order', async () => {
    const [from, to, file] = [newDirectory(), newDirectory(), newDirectory()];
    const entries = fc.sample(fc.tuple(anyKey, fc.oneof(clonable, anyValue)), { seed, numRuns: runCount(2000) });
    const map = await open(from);
    for (const [index, key] of oddKeys.entries()) map.set(key, index);
    for (const [key, value] of entries) map.set(key, value);
    map.close();
    const count = (await readAll(from)).length;
    expect(await runJson(['export', from, file])).toMatchObject({ exitCode: 0, dir: from, file, entries: count });
    const imported = { exitCode: 0, dir: to, file, entriesSet: count, entriesExpired: 0, linesSkipped: 0 };
    expect(await runJson(['import', to, file])).toMatchObject(imported);
    expect(difference(await readAll(from), await readAll(to))).toBeUndefined();
    expect((await run(['export', to])).stdout).toBe(readFileSync(file, 'utf8'));
  });

  it('has the same deadlines, as moments', async () => {
    const [from, to] = [newDirectory(), newDirectory()];
    const map = await open(from);
    map
      .set('hour', 1, { ttl: HOUR_MS })
      .set('day', {}, { ttl: 24 * HOUR_MS })
      .set('ever', 1)
      .set('soon', 1, { ttl: 50 });
    await delay(60);
    const moment = Date.now() + (map.ttl('hour') as number);
    map.close();
    const { stdout } = await run(['export', from]);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { key: string; expiresAt?: string });
    expect(lines.map(({ key }) => key)).toEqual(['hour', 'day', 'ever']);
    expect(Math.abs(Date.parse(lines[0]?.expiresAt ?? '') - moment)).toBeLessThan(20);
    expect((await run(['import', to], { input: stdout })).code).toBe(0);
    const copy = await open(to);
    expect(Math.abs(Date.now() + (copy.ttl('hour') as number) - moment)).toBeLessThan(20);
    expect(copy.ttl('day')).toBeGreaterThan(23 * HOUR_MS);
    expect(copy.ttl('ever')).toBe(Number.POSITIVE_INFINITY);
    copy.close();
  });

  it('has the values of a codec of the user’s, which the command has not', async () => {
    const [from, to] = [newDirectory(), newDirectory()];
    const codec = {
      encode: (value: object) => Buffer.from(JSON.stringify(value)),
      decode: (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as object,
    };
    const map = await open(from, { codec });
    map
      .set('a', { a: 1 })
      .set('b', 'text')
      .set('c', { c: [2] }, { ttl: HOUR_MS });
    map.close();
    const { stdout } = await run(['export', from]);
    expect(stdout).toMatch('{"key":"a","custom":"eyJhIjoxfQ=="}\n');
    expect((await run(['import', to], { input: stdout })).code).toBe(0);
    const copy = await open(to, { codec });
    expect([...copy]).toEqual([
      ['a', { a: 1 }],
      ['b', 'text'],
      ['c', { c: [2] }],
    ]);
    expect(copy.ttl('c')).toBeLessThanOrEqual(HOUR_MS + 1);
    copy.close();
  });

  it('may be large: what the command takes of its own memory is little', async () => {
    const [from, to, file] = [newDirectory(), newDirectory(), newDirectory()];
    await makeStore(from, 200_000, 200);
    const env = { ...process.env, NODE_OPTIONS: '--max-old-space-size=24' };
    expect((await run(['export', from, file], { env })).code).toBe(0);
    expect(readFileSync(file).length).toBeGreaterThan(48 << 20);
    expect(await runJson(['import', to, file], { env })).toMatchObject({ entriesSet: 200_000 });
    const map = await open(to, { readonly: true });
    expect([map.size, map.get('user:199999')]).toEqual([200_000, { index: 199_999, text: 'x'.repeat(200) }]);
    map.close();
  });
});

describe('export', () => {
  it('exchanges a file as a whole, also behind a link', async () => {
    const [dir, file] = [newDirectory(), newDirectory()];
    await makeStore(dir, 2);
    const link = newDirectory();
    writeFileSync(file, 'before');
    symlinkSync(file, link);
    const { code, stdout, stderr } = await run(['export', dir, link]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `2 entries exported to ${link}\n`, stderr: '' });
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readdirSync(path.dirname(file))).toEqual([path.basename(file)]);
  });

  it('writes to standard output, and to what is no file, as it comes', async () => {
    const dir = newDirectory();
    await makeStore(dir, 1);
    const line = `{"key":"user:0","value":{"index":0,"text":"${'x'.repeat(20)}"}}\n`;
    expect(await run(['export', dir])).toEqual({ code: 0, stdout: line, stderr: '1 entry exported\n' });
    expect((await run(['export', dir, '-'])).stdout).toBe(line);
    const script = '"$0" "$1" export "$2" >(cat); wait $!'; // a pipe that has a name
    const output = execFileSync('bash', ['-c', script, process.execPath, MAIN, dir], { encoding: 'utf8' });
    expect(output).toContain(line);
    expect((await run(['export', dir, '/dev/null'])).code).toBe(0);
  });

  it('keeps a file that is there where it fails', async () => {
    const [dir, file] = [newDirectory(), newDirectory()];
    writeFileSync(file, 'before');
    expect((await run(['export', dir, file])).code).toBe(3);
    await makeStore(dir, 1);
    const inside = path.join(file, 'x');
    expect(await runJson(['export', dir, inside])).toMatchObject({ exitCode: 3, error: { code: 'ENOTDIR' } });
    expect(readFileSync(file, 'utf8')).toBe('before');
  });
});

describe('import', () => {
  it('sets what is there, and keeps what is not told of', async () => {
    const dir = newDirectory();
    const map = await open(dir);
    map.set('kept', 1).set('changed', 1).set('gone', 1);
    map.close();
    const input =
      '{"key":"new","value":2}\n{"key":"changed","value":2}\n{"key":"gone","value":2,"expiresAt":"2000-01-01T00:00Z"}';
    const { code, stdout } = await run(['import', dir], { input });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `3 entries imported into ${dir}\n1 of them has expired already\n`,
    });
    expect(await readAll(dir)).toEqual([
      ['kept', 1],
      ['changed', 2],
      ['new', 2],
    ]);
  });

  const lines = ['{"key":"a","value":1}', '', '{"key":"b"}', '{"key":"c","value":3}'];

  it('ends with the first line that is not valid, and tells which, why, and what was set', async () => {
    const dir = newDirectory();
    const reason = 'it has no "value", and none of the others: value, tagged, encoded, custom';
    const { code, stdout, stderr } = await run(['import', dir], { input: lines.join('\n') });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(`shardmap: line 3: ${reason}; 1 entry was set before it [ERR_CLI_INVALID_LINE]\n`);
    expect(await readAll(dir)).toEqual([['a', 1]]);
    const error = { code: 'ERR_CLI_INVALID_LINE', line: 3, reason, entriesSet: 1 };
    expect(await runJson(['import', dir], { input: lines.join('\n') })).toMatchObject({ exitCode: 1, error });
  });

  it('skips such lines if it is told to, and counts them', async () => {
    const dir = newDirectory();
    const input = `${lines.join('\n')}\n${'no\n'.repeat(20)}`;
    const { code, stdout } = await run(['import', dir, '--skip-invalid'], { input });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^2 entries imported into .*\n21 lines skipped:\n {2}line 3: it has no "value"/);
    expect(stdout).toMatch(/\n {2}and 11 more\n$/);
    expect(await readAll(dir)).toEqual([
      ['a', 1],
      ['c', 3],
    ]);
    const document = await runJson(['import', dir, '--skip-invalid'], { input });
    expect(document).toMatchObject({ entriesSet: 2, linesSkipped: 21 });
    expect(document.skipped).toHaveLength(10);
  });

  it('finds the line whose key no store takes', async () => {
    const dir = newDirectory();
    const long = `{"key":"${'k'.repeat((1 << 20) + 1)}","value":1}`;
    const far = '{"key":"far","value":1,"expiresAt":"9999-01-01T00:00:00Z"}';
    const input = ['{"key":"a","value":1}', long, '{"key":"c","value":1}', far].join('\n');
    const { code, stderr } = await run(['import', dir], { input });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^shardmap: line 2: .*1048576.*; 1 entry was set before it/);
    expect(await runJson(['import', dir, '--skip-invalid'], { input })).toMatchObject({
      entriesSet: 2,
      skipped: [{ line: 2 }, { line: 4, reason: expect.stringContaining('expiresAt') }],
    });
  });

  it('makes no store where there is nothing to read, and changes none that is in use or damaged', async () => {
    const dir = newDirectory();
    expect(await runJson(['import', dir, `${dir}.ndjson`])).toMatchObject({ exitCode: 3, error: { code: 'ENOENT' } });
    expect(readdirSync(path.dirname(dir))).toEqual([]);
    await makeStore(dir, 3);
    writeFileSync(path.join(dir, 'MANIFEST'), 'shardmap?');
    const { code, stderr } = await run(['import', dir], { input: '' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/ERR_SHARDMAP_CORRUPT/);
  });
});
