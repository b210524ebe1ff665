// Builds the C++ tests in .build/<kind>/ and runs them with ctest; kinds: plain, address (with undefined), thread. With
// --build it builds them and no more.
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
  return build(kind) ?? runTests(kind);
}

/**
 * @param {Kind} kind
 * @returns {boolean | undefined} as nativeTest, where there is nothing to run
 */
function build(kind) {
  if (!have('cmake')) return skip(kind, 'cmake is not installed');
  const configured = capture('cmake', configureArgs(kind));
  const missing = /SHARDMAP_MISSING: (.*)/.exec(configured.output)?.[1];
  if (missing !== undefined) return skip(kind, missing);
  if (!configured.ok) {
    console.error(configured.output);
    return false;
  }
  return run('cmake', ['--build', folderOf(kind), '--parallel', CORES]) ? undefined : false;
}

/** @param {Kind} kind */
function runTests(kind) {
  const args = [
    '--test-dir',
    folderOf(kind),
    '--output-on-failure',
    '--timeout',
    '600',
    '--no-tests=error',
    '--parallel',
    CORES,
  ];
  return run('ctest', [...args, '--output-junit', resultFile(kind)], { ...TEST_ENV, CTEST_PROGRESS_OUTPUT: '1' });
}

/** @param {Kind} kind */
const folderOf = (kind) => path.join(ROOT, '.build', kind);

/** @param {Kind} kind */
function configureArgs(kind) {
  const args = ['-S', ROOT, '-B', folderOf(kind), '-DCMAKE_BUILD_TYPE=Test', `-DCMAKE_CXX_FLAGS_TEST=${FLAGS[kind]}`];
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
  const args = process.argv.slice(2);
  const kinds = args.filter((arg) => arg !== '--build');
  const known = KINDS.filter((kind) => kinds.includes(kind));
  if (known.length === 0 || known.length !== kinds.length) {
    console.error(`usage: node scripts/native-test.mjs [--build] ${KINDS.join('|')}...`);
    process.exit(2);
  }
  const work = args.length > kinds.length ? (/** @type {Kind} */ kind) => build(kind) ?? true : nativeTest;
  process.exitCode = known.map(work).every(Boolean) ? 0 : 1;
}
