// `npm run test:nodes [major...]`: the TypeScript tests on the other Node versions, whose binaries are npm packages.
//
// They load the addon that this Node built: Node-API promises that one binary serves all. Results go to
// .build/results/node-<major>.json, for the closing count of scripts/test.mjs.
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './sources.mjs';
import { CI, run } from './tool.mjs';

export const MAJORS = ['22', '24', '26'];

// A registry that does not answer may do so a little later.
const INSTALL_PAUSES_MS = [0, 5_000, 30_000];

/** @param {string} major */
export const nodeResultFile = (major) => path.join(ROOT, `.build/results/node-${major}.json`);

// What runs in a process of its own Node; the other tests are of files and builds.
const TESTS = [
  'test/lib',
  'test/conformance',
  'test/threads',
  'test/linearizability',
  'test/durability',
  'test/adapters',
];
const PACKAGE = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;

/** @param {string} major */
const folderOf = (major) => path.join(ROOT, '.build/nodes', major);

/**
 * That Node's binary, where it was installed before.
 *
 * @param {string} major
 */
export const nodeBinary = (major) => path.join(folderOf(major), 'node_modules', PACKAGE, 'bin/node');

/** @param {number} ms */
const wait = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms) === 'timed-out';

/**
 * Installs the newest Node of that major version; false where that cannot be done.
 *
 * @param {string} major
 */
export function installNode(major) {
  mkdirSync(folderOf(major), { recursive: true });
  const install = ['install', '--no-save', '--no-package-lock', '--ignore-scripts', '--prefix', folderOf(major)];
  if (INSTALL_PAUSES_MS.some((pause) => wait(pause) && run('npm', [...install, `${PACKAGE}@${major}`]))) return true;
  console.log(`SKIPPED Node ${major}: ${PACKAGE}@${major} could not be installed${CI ? ', and CI skips nothing' : ''}`);
  return false;
}

/**
 * @param {string} major
 * @returns {boolean}
 */
function nodeTest(major) {
  rmSync(nodeResultFile(major), { force: true });
  if (!installNode(major)) return !CI;
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json'];
  console.log(`\nNode ${major}:`);
  return run(nodeBinary(major), [...vitest, `--outputFile.json=${nodeResultFile(major)}`, ...TESTS]);
}

if (process.argv[1] === import.meta.filename) {
  // Another Node changes the boundary and not the core: random tests try fewer cases there.
  process.env['SHARDMAP_TEST_SHARE'] ??= '0.2';
  const majors = process.argv.length > 2 ? process.argv.slice(2) : MAJORS;
  const built = run('npm', ['run', '--silent', 'prepare']);
  // Ends with the first that fails, so that its failures are the last that is printed.
  process.exitCode = built && majors.every(nodeTest) ? 0 : 1;
}
