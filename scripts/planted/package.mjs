// The package in the copy: the addon with the bug, its TypeScript with the bug, and tests of them by vitest.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../sources.mjs';
import { capture } from '../tool.mjs';
import { buildTarget, RUN_MS_MAX } from './programs.mjs';
import { FOLDER, TREE } from './tree.mjs';

/**
 * @typedef {import('../../test/planted/bugs.mjs').Bug} Bug
 * @typedef {import('./programs.mjs').Outcome} Outcome
 */

const BINARY = 'build/Release/shardmap.node';

export function buildPackage() {
  const addon = buildTarget('plain', 'shardmap');
  if (!addon.ok) return addon;
  const place = path.join(TREE, BINARY);
  mkdirSync(path.dirname(place), { recursive: true });
  copyFileSync(path.join(FOLDER, 'plain/shardmap/shardmap.node'), place);
  return capture('tsc', ['-p', path.join(TREE, 'tsconfig.build.json')]);
}

/**
 * Runs the tests that must notice the bug, once.
 *
 * @param {Bug} bug
 * @param {NodeJS.ProcessEnv} [env] added to ours
 * @returns {Outcome}
 */
export function runPackageTests(bug, env = {}) {
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [vitest, 'run', '--bail=1', `test/${bug.test}.test.ts`, '-t', bug.filter],
    {
      cwd: TREE,
      encoding: 'utf8',
      timeout: RUN_MS_MAX,
      killSignal: 'SIGKILL',
      maxBuffer: 1 << 30,
      env: { ...process.env, NO_COLOR: '1', ...env },
    },
  );
  if (!/^ +Tests .*\d (passed|failed)/m.test(stdout) && signal === null) {
    return { failed: false, how: `no test is called ${bug.filter}` };
  }
  const failedTest = /^ +FAIL +(.*)$/m.exec(stderr)?.[1]?.split(' > ').at(-1) ?? bug.test;
  return { failed: status !== 0, how: `${failedTest} ${signal === null ? 'failed' : 'hung'}` };
}
