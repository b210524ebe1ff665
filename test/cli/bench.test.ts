/** Danger: a measurement that fails on somebody's machine, or a bar that goes where programs read. */

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { MAIN, run, runJson } from './command.js';

const QUICK = ['bench', '--entries', '1000', '--seconds', '0.05'];

describe('bench', () => {
  it('measures both maps, and workers on one', async () => {
    const rate = expect.any(Number);
    expect(await runJson([...QUICK, '--workers', '3'])).toEqual({
      command: 'bench',
      exitCode: 0,
      cpu: expect.any(String),
      cores: expect.any(Number),
      node: process.version,
      entries: 1000,
      oneThread: [
        { operation: 'get', shardMapNs: rate, mapNs: rate },
        { operation: 'set', shardMapNs: rate, mapNs: rate },
      ],
      workers: [1, 2, 3].map((workers) => ({ workers, operationsPerSecond: rate, timesOne: rate })),
    });
  });

  it('draws charts', async () => {
    const { code, stdout, stderr } = await run([...QUICK, '--workers', '2']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/\n {2}get {2}ShardMap {2}█+ \d+\n {2}get {2}Map {7}█+ \d+\n {2}set/);
    expect(stdout).toMatch(/\n {2}1 {2}█+ [\d.]+\n {2}2 {2}█+ [\d.]+, [\d.]+ times that of one\n$/);
  });
});

const hasTerminal = (): boolean => {
  try {
    return execFileSync('script', ['-qec', 'echo there', '/dev/null'], { encoding: 'utf8' }).includes('there');
  } catch {
    return false;
  }
};

describe.skipIf(!hasTerminal())('a terminal', () => {
  const runThere = (shell: string): string =>
    execFileSync('script', ['-qec', shell, '/dev/null'], { encoding: 'utf8', env: { ...process.env, TERM: 'xterm' } });
  const bench = `'${process.execPath}' '${MAIN}' bench --entries 1000 --seconds 0.3 --workers 1`;

  it('shows a bar while something takes long, and has its cursor back', () => {
    const shown = runThere(bench);
    expect(shown).toMatch(/Measuring \[#+-*\] \d+ %/);
    expect(shown).toContain('\x1b[?25h');
    expect(shown).toMatch(/times that of one|One thread/);
  });

  it('shows none where standard error is no terminal', () => {
    expect(runThere(`${bench} 2>/dev/null`)).not.toContain('Measuring');
  });
});
