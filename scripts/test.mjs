// `npm test`: builds what is out of date, runs the native tests and vitest, and closes with one count of all of them.
//
// Arguments go to vitest. In CI the runs that came before (sanitizers, other Nodes) are counted too, and a skipped test
// is a failure.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { KINDS, nativeTest, resultFile } from './native-test.mjs';
import { MAJORS, nodeResultFile } from './nodes-test.mjs';
import { ROOT } from './sources.mjs';
import { CI, run } from './tool.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Count */

const vitestFile = path.join(ROOT, '.build/results/vitest.json');

mkdirSync(path.dirname(vitestFile), { recursive: true });
rmSync(vitestFile, { force: true });

const built = run('npm', ['run', '--silent', 'prepare']);
const nativeOk = built && nativeTest('plain');
const vitestArgs = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${vitestFile}`];
const vitestOk = built && run('vitest', [...vitestArgs, ...process.argv.slice(2)]);

const total = { passed: 0, failed: 0, skipped: 0 };
console.log();
for (const kind of CI ? KINDS : KINDS.slice(0, 1)) count(`native, ${kind}`, resultFile(kind), junitCount);
count('TypeScript', vitestFile, vitestCount);
for (const major of CI ? MAJORS : []) count(`TypeScript, Node ${major}`, nodeResultFile(major), vitestCount);

// A run that failed without a failed test (it did not build, a file did not load) has failed all the same.
const bothOk = nativeOk && vitestOk;
if (!bothOk && total.failed === 0) total.failed = 1;
if (CI && total.skipped > 0) console.log('CI skips nothing: failed');
process.exitCode = bothOk && total.failed === 0 && total.passed > 0 && !(CI && total.skipped > 0) ? 0 : 1;

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);

/**
 * Adds the count of one result file, where the run got as far as to write one, to the total.
 *
 * @param {string} name
 * @param {string} file
 * @param {(text: string) => Count} read
 */
function count(name, file, read) {
  if (!existsSync(file)) {
    console.log(`  ${name}: no results`);
    return;
  }
  const { passed, failed, skipped } = read(readFileSync(file, 'utf8'));
  console.log(`  ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

/**
 * @param {string} xml of ctest --output-junit
 * @returns {Count}
 */
function junitCount(xml) {
  const suite = /<testsuite\b[^>]*>/.exec(xml)?.[0] ?? '';
  const attribute = (/** @type {string} */ name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = attribute('failures');
  const skipped = attribute('skipped') + attribute('disabled');
  return { passed: attribute('tests') - failed - skipped, failed, skipped };
}

/**
 * @param {string} json of vitest's json reporter
 * @returns {Count}
 */
function vitestCount(json) {
  const result = JSON.parse(json);
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}
