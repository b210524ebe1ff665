// The C++ tests in the copy: each file a program of its own.
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { capture, have } from '../tool.mjs';
import { runTest } from './outcome.mjs';
import { FOLDER, TREE } from './tree.mjs';

/**
 * @typedef {import('../../test/planted/bugs.mjs').Bug} Bug
 * @typedef {'plain' | 'thread'} Kind
 * @typedef {import('./outcome.mjs').Outcome} Outcome
 */

const FLAGS = { plain: '-O2', thread: '-O1 -g1' };

const CORES = String(availableParallelism());

/**
 * @param {Kind} kind
 * @returns {string | undefined} what is missing
 */
export function configure(kind) {
  for (const tool of ['cmake', 'ninja']) if (!have(tool)) return `${tool} is not installed`;
  const args = ['-S', path.join(TREE, 'test/planted'), '-B', path.join(FOLDER, kind), '-G', 'Ninja'];
  // With bugs in it, code has variables that it does not use.
  args.push('-DSHARDMAP_WERROR=OFF', '-DCMAKE_BUILD_TYPE=Test', `-DCMAKE_CXX_FLAGS_TEST=${FLAGS[kind]}`);
  if (kind === 'plain') args.push(...addonArgs());
  if (kind === 'thread') {
    args.push('-DSHARDMAP_SANITIZER=thread');
    if (process.env['CXX'] === undefined && have('clang++')) args.push('-DCMAKE_CXX_COMPILER=clang++');
  }
  const { ok, output } = capture('cmake', args);
  if (ok) return undefined;
  const missing = /SHARDMAP_MISSING: (.*)/.exec(output)?.[1];
  if (missing === undefined) throw new Error(output);
  return missing;
}

/** What cmake-js would tell: so that the addon is built of the same objects as the programs. */
function addonArgs() {
  const require = createRequire(import.meta.url);
  const args = [
    `-DCMAKE_JS_INC=${require('node-api-headers').include_dir};${path.resolve(require('node-addon-api').include_dir)}`,
  ];
  if (process.platform === 'darwin') args.push('-DCMAKE_MODULE_LINKER_FLAGS=-undefined dynamic_lookup');
  return args;
}

/**
 * @param {Kind} kind
 * @param {string[]} targets
 */
export function buildTargets(kind, targets) {
  return capture('cmake', ['--build', path.join(FOLDER, kind), '--parallel', CORES, '--target', ...targets]);
}

/** @param {Bug} bug */
function program(bug) {
  return `shardmap_${path.basename(bug.test)}`;
}

/**
 * @param {Kind} kind
 * @param {Bug[]} bugs
 */
export function buildPrograms(kind, bugs) {
  return buildTargets(kind, [...new Set(bugs.map(program))]);
}

/**
 * Runs the tests that must notice the bug, once.
 *
 * @param {Kind} kind
 * @param {Bug} bug
 * @param {NodeJS.ProcessEnv} env added to ours
 * @returns {Promise<Outcome>}
 */
export async function runProgram(kind, bug, env) {
  const { ok, hung, signal, stdout } = await runTest(
    path.join(FOLDER, kind, program(bug)),
    [`--gtest_filter=${bug.filter}`, '--gtest_fail_fast'],
    { TSAN_OPTIONS: 'halt_on_error=1:detect_deadlocks=0', ...env },
  );
  if (/^Running main|\[==========\] Running 0 tests/m.test(stdout) && !stdout.includes('[ RUN      ]')) {
    return { failed: false, how: `no test is called ${bug.filter}` };
  }
  const failedTest = /^\[ {2}FAILED {2}\] ([^\s,]+)/m.exec(stdout)?.[1];
  const last = failedTest ?? [...stdout.matchAll(/^\[ RUN {6}\] (\S+)/gm)].at(-1)?.[1] ?? program(bug);
  const how = hung ? 'hung' : signal !== null ? `died of ${signal}` : 'failed';
  return { failed: !ok, how: `${last} ${how}` };
}
