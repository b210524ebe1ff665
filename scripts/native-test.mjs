// Builds the C++ tests in .build/<kind>/ and runs them with ctest; kinds: plain, address (with undefined), thread.
//
// Results go to .build/results/native-<kind>.xml, for the closing count of scripts/test.mjs.
import { realpathSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from './sources.mjs';
import { CI, capture, have, run } from './tool.mjs';

/** @typedef {'plain' | 'address' | 'thread'} Kind */

/** @type {readonly Kind[]} */
export const KINDS = ['plain', 'address', 'thread'];

/** @param {Kind} kind */
export const resultFile = (kind) => path.join(ROOT, `.build/results/native-${kind}.xml`);

const CORES = String(availableParallelism());

// Optimised, and asserts on: NDEBUG is not defined. Lines are enough for a stack, and compile in a fifth less time than
// all that a debugger wants.
const FLAGS = { plain: '-O2 -g1', address: '-O1 -g1', thread: '-O1 -g1' };

const TEST_ENV = {
  ASAN_OPTIONS: 'detect_stack_use_after_return=1:strict_string_checks=1',
  UBSAN_OPTIONS: 'print_stacktrace=1',
  // Its detector of deadlocks gives up on a thread that holds more than 64 locks, which a clear does.
  TSAN_OPTIONS: 'halt_on_error=1:detect_deadlocks=0',
};

/**
 * Builds and runs the tests of one kind.
 *
 * @param {Kind} kind
 * @returns {boolean} false where a test failed, where none ran, or where CI would have skipped them
 */
export function nativeTest(kind) {
  rmSync(resultFile(kind), { force: true });
  if (!have('cmake')) return skip(kind, 'cmake is not installed');

  const folder = path.join(ROOT, '.build', kind);
  const configured = capture('cmake', configureArgs(kind, folder));
  const missing = /SHARDMAP_MISSING: (.*)/.exec(configured.output)?.[1];
  if (missing !== undefined) return skip(kind, missing);
  if (!configured.ok) {
    console.error(configured.output);
    return false;
  }
  if (!run('cmake', ['--build', folder, '--parallel', CORES])) return false;

  const args = [
    '--test-dir',
    folder,
    '--output-on-failure',
    '--timeout',
    '600',
    '--no-tests=error',
    '--parallel',
    CORES,
  ];
  return run('ctest', [...args, '--output-junit', resultFile(kind)], { ...TEST_ENV, CTEST_PROGRESS_OUTPUT: '1' });
}

/**
 * @param {Kind} kind
 * @param {string} folder
 */
function configureArgs(kind, folder) {
  const args = ['-S', ROOT, '-B', folder, '-DCMAKE_BUILD_TYPE=Test', `-DCMAKE_CXX_FLAGS_TEST=${FLAGS[kind]}`];
  args.push('-DSHARDMAP_TESTS=ON', '-DSHARDMAP_WERROR=ON');
  if (have('ninja')) args.push('-G', 'Ninja');
  if (kind !== 'plain') {
    args.push(`-DSHARDMAP_SANITIZER=${kind}`);
    if (process.env['CXX'] === undefined && have('clang++')) args.push('-DCMAKE_CXX_COMPILER=clang++');
  }
  return args;
}

/**
 * @param {Kind} kind
 * @param {string} why
 */
function skip(kind, why) {
  console.log(`SKIPPED native tests (${kind}): ${why}${CI ? ', and CI skips nothing' : ''}`);
  return !CI;
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  const kinds = process.argv.slice(2);
  const known = KINDS.filter((kind) => kinds.includes(kind));
  if (known.length === 0 || known.length !== kinds.length) {
    console.error(`usage: node scripts/native-test.mjs ${KINDS.join('|')}...`);
    process.exit(2);
  }
  process.exitCode = known.map(nativeTest).every(Boolean) ? 0 : 1;
}
