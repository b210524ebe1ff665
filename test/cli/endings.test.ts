/** Danger: a command that is ended from outside leaves half a file, a lock, or a wrong exit code; or does not end. */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { newDirectory } from '../durability/directories.js';
import { contentsOf, endOf, MAIN, makeStore, occupy, open, run, start, waitFor } from './command.js';

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends a command that nobody reads with %i, and its lock', async (signal, exitCode) => {
    const dir = newDirectory();
    await makeStore(dir, 20_000);
    const child = start(['export', dir]);
    const exited = once(child, 'exit');
    await once(child.stdout as NodeJS.ReadableStream, 'readable'); // and nothing is read
    child.kill(signal);
    expect(await exited).toEqual([exitCode, null]);
    (await open(dir)).close();
  });

  it('leaves a file as it was, and nothing beside it', async () => {
    const [dir, file] = [newDirectory(), newDirectory()];
    await makeStore(dir, 100_000);
    writeFileSync(file, 'before');
    const child = start(['export', dir, file]);
    const ended = endOf(child);
    await waitFor(() => readdirSync(path.dirname(file)).length > 1);
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    expect(readFileSync(file, 'utf8')).toBe('before');
    expect(readdirSync(path.dirname(file))).toEqual([path.basename(file)]);
  });

  it('leaves what was imported before it, and tells how much that is', async () => {
    const dir = newDirectory();
    const child = start(['import', dir]);
    const ended = endOf(child);
    const lines = Array.from({ length: 5000 }, (_, index) => `{"key":${index},"value":"${'x'.repeat(100)}"}\n`);
    child.stdin?.write(lines.join(''));
    await waitFor(() => readdirSync(path.dirname(dir)).length > 0 && readdirSync(dir).includes('MANIFEST'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    const [, told] = /^shardmap: ([\d,]+) entries were set before the end\n$/.exec(stderr) ?? [];
    const map = await open(dir, { recovery: 'strict' });
    expect(map.size).toBe(Number(told?.replace(',', '')));
    expect(map.size).toBeGreaterThan(0);
    map.close();
  });
});

describe('a pipe that is closed', () => {
  it('ends the command with 141 and without a word', async () => {
    const dir = newDirectory();
    await makeStore(dir, 20_000);
    const child = start(['export', dir]);
    let stderr = '';
    child.stderr?.on('data', (text) => {
      stderr += text;
    });
    const exited = once(child, 'exit');
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.stdout?.destroy();
    expect(await exited).toEqual([141, null]);
    expect(stderr).toBe('');
    (await open(dir)).close();
  });

  it('may be that of a shell', async () => {
    const dir = newDirectory();
    await makeStore(dir, 20_000);
    const script = `"$0" "$1" export "$2" | head -n 1; echo \${PIPESTATUS[@]}`;
    const output = execFileSync('bash', ['-c', script, process.execPath, MAIN, dir], { encoding: 'utf8' });
    expect(output).toMatch(/^\{"key":"user:0",.*\}\n141 0\n$/);
  });
});

describe('a standard output that is full', () => {
  it('is told of', async () => {
    const dir = newDirectory();
    await makeStore(dir, 1);
    const script = `"$0" "$1" export "$2" > /dev/full`;
    const child = execFileSync('bash', ['-c', `${script}; echo $?`, process.execPath, MAIN, dir], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    expect(child).toBe('3\n');
  });
});

describe('a store in use', () => {
  it('is for nobody else, and as it was afterwards', async () => {
    const dir = newDirectory();
    await makeStore(dir, 10);
    const holder = await occupy(dir);
    const before = contentsOf(dir);
    for (const args of [
      ['inspect', dir],
      ['export', dir],
      ['import', dir],
    ]) {
      const { code, stdout, stderr } = await run(args, { input: '{"key":1,"value":1}' });
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
      expect(stderr).toMatch(new RegExp(`^shardmap: .* in use by process ${holder.pid} \\[ERR_SHARDMAP_IN_USE\\]\n$`));
    }
    expect(contentsOf(dir)).toEqual(before);
  });

  it('may be read by many at once', async () => {
    const dir = newDirectory();
    await makeStore(dir, 10);
    const map = await open(dir, { readonly: true });
    expect((await run(['verify', dir])).code).toBe(0);
    map.close();
  });
});
