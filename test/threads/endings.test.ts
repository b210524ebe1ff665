/** Danger: a thread or the process ends while others are busy in the addon, and crashes or hangs. */

import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sizeOf } from '../lib/run-size.js';
import { runProgram } from './threads.js';

const REPEATS = sizeOf('SHARDMAP_TEST_REPEATS', 3);

describe('a process', () => {
  it('whose workers alone load the package ends as any other', async () => {
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const outcome = await runProgram('worker-only');
      expect(outcome).toEqual({ code: 0, signal: null, output: 'done\n' });
    }
  });

  it.each([
    ['exit-main', 7],
    ['exit-main-late', 7],
    ['exit-worker', 7],
    ['throw-worker', 7],
    ['throw-main', 1],
    ['exit-in-iteration', 7],
    ['exit-in-computation', 7],
    ['close-and-exit', 7],
    ['terminate-all', 7],
  ])('with busy workers ends by %s with code %i and no signal', async (ending, code) => {
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const outcome = await runProgram('busy', [ending]);
      expect(outcome).toMatchObject({ code, signal: null });
      if (ending !== 'throw-main') expect(outcome.output).toBe('');
    }
  });

  it('frees what its workers had, however these end', async () => {
    const outcome = await runProgram('reload');
    expect(outcome).toEqual({ code: 0, signal: null, output: 'entries 80\n' });
  });
});

describe('a package without its binary', () => {
  it('cannot be imported, which a typed error says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'shardmap-'));
    const repository = fileURLToPath(new URL('../../', import.meta.url));
    mkdirSync(join(folder, 'node_modules'));
    cpSync(join(repository, 'dist'), join(folder, 'dist'), { recursive: true });
    cpSync(join(repository, 'package.json'), join(folder, 'package.json'));
    for (const name of ['node-gyp-build', 'msgpackr']) {
      cpSync(join(repository, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true });
    }
    const outcome = await runProgram('without-addon', [pathToFileURL(join(folder, 'dist/index.js')).href]);
    rmSync(folder, { recursive: true });
    expect(outcome).toMatchObject({ code: 0, signal: null });
    const error = { name: 'ShardMapError', code: 'ERR_SHARDMAP_ADDON_UNAVAILABLE', hasCause: true };
    expect(JSON.parse(outcome.output)).toEqual(error);
  });
});
