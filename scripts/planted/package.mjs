// The package in the copy: the addon with the bugs, its TypeScript with the bugs, and tests of them by vitest.
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../sources.mjs';
import { capture } from '../tool.mjs';
import { runTest } from './outcome.mjs';
import { buildTargets } from './programs.mjs';
import { FOLDER, TREE } from './tree.mjs';

/**
 * @typedef {import('../../test/planted/bugs.mjs').Bug} Bug
 * @typedef {import('./outcome.mjs').Outcome} Outcome
 */

const BINARY = 'build/Release/shardmap.node';

export function buildPackage() {
  const addon = buildTargets('plain', ['shardmap']);
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
 * @param {NodeJS.ProcessEnv} env added to ours
 * @returns {Promise<Outcome>}
 */
export async function runPackageTests(bug, env) {
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--bail=1', `test/${bug.test}.test.ts`, '-t', bug.filter];
  const { ok, hung, stdout, stderr } = await runTest(process.execPath, args, { NO_COLOR: '1', ...env }, TREE);
  if (!/^ +Tests .*\d (passed|failed)/m.test(stdout) && !hung) {
    return { failed: false, how: `no test is called ${bug.filter}` };
  }
  const failedTest = /^ +FAIL +(.*)$/m.exec(stderr)?.[1]?.split(' > ').at(-1) ?? bug.test;
  return { failed: !ok, how: `${failedTest} ${hung ? 'hung' : 'failed'}` };
}
