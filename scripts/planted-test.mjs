// `npm run test:planted [quick | WORD...]`: plants the bugs of test/planted/bugs.mjs, one at a time, in a copy of the
// sources, and fails if a test does not notice one that it must.
//
// Without arguments all bugs; `quick`: those that CI plants; else those whose names contain one of the words. A race is
// not lost every time, so a test has several attempts.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BUGS } from '../test/planted/bugs.mjs';
import { buildPackage, runPackageTests } from './planted/package.mjs';
import { buildProgram, configure, runProgram } from './planted/programs.mjs';
import { copySources, TREE } from './planted/tree.mjs';
import { CI } from './tool.mjs';

/** @typedef {import('../test/planted/bugs.mjs').Bug} Bug */

const ATTEMPTS_MAX = 20;
const BUG_MS_MAX = 60_000;
const IN_PART = { SHARDMAP_TEST_SCALE: '0.1', SHARDMAP_TEST_SHARE: '0.1' };

process.exitCode = main(process.argv.slice(2)) ? 0 : 1;

/** @param {string[]} args */
function main(args) {
  // Those of one file after another: what depends on it is built anew once less for each.
  const bugs = BUGS.filter((bug) => isWanted(bug, args)).sort((a, b) => a.file.localeCompare(b.file));
  copySources();
  const missing = [...new Set(bugs.map(treeOf))].map(configure).find((why) => why !== undefined);
  if (missing !== undefined) {
    console.log(`SKIPPED planted bugs: ${missing}${CI ? ', and CI skips nothing' : ''}`);
    return !CI;
  }
  let noticed = 0;
  if (failuresWithoutBug(bugs) === 0) for (const bug of bugs) noticed += plant(bug) ? 1 : 0;
  console.log(`planted bugs: ${noticed} of ${bugs.length} noticed`);
  return noticed === bugs.length && noticed > 0;
}

/**
 * @param {Bug} bug
 * @param {string[]} args
 */
function isWanted(bug, args) {
  if (args[0] === 'quick') return bug.quick === true;
  return args.length === 0 || args.some((word) => bug.name.includes(word));
}

/** @param {Bug} bug */
function kindOf(bug) {
  return bug.kind ?? 'plain';
}

/**
 * The folder in which it is built: the addon is built where the programs are.
 *
 * @param {Bug} bug
 */
function treeOf(bug) {
  const kind = kindOf(bug);
  return kind === 'package' ? 'plain' : kind;
}

/** @param {Bug} bug */
function build(bug) {
  return kindOf(bug) === 'package' ? buildPackage() : buildProgram(bug, treeOf(bug));
}

/**
 * @param {Bug} bug
 * @param {NodeJS.ProcessEnv} [env]
 */
function runTests(bug, env = {}) {
  return kindOf(bug) === 'package' ? runPackageTests(bug, env) : runProgram(bug, treeOf(bug), env);
}

/**
 * A test that fails without a bug notices nothing. In part is enough: in whole they run with all the others.
 *
 * @param {Bug[]} bugs
 */
function failuresWithoutBug(bugs) {
  let failures = 0;
  const distinct = new Map(bugs.map((bug) => [`${kindOf(bug)} ${bug.test} ${bug.filter}`, bug]));
  for (const [name, bug] of distinct) {
    const { ok, output } = build(bug);
    const { failed, how } = ok ? runTests(bug, IN_PART) : { failed: true, how: output };
    const ran = !how.startsWith('no test');
    if (!failed && ran) continue;
    console.log(`FAILED without a bug: ${name}: ${how}`);
    ++failures;
  }
  return failures;
}

/**
 * Plants the bug, runs its test until that fails, and takes the bug out again.
 *
 * @param {Bug} bug
 * @returns {boolean} whether it was noticed
 */
function plant(bug) {
  const file = path.join(TREE, bug.file);
  const text = readFileSync(file, 'utf8');
  const count = text.split(bug.find).length - 1;
  if (count !== 1) return report(bug, false, `its text occurs ${count} times in ${bug.file}`);
  writeFileSync(
    file,
    text.replace(bug.find, () => bug.replace),
  );
  try {
    const { ok, output } = build(bug);
    if (!ok) return report(bug, false, `does not compile:\n${output}`);
    const begin = Date.now();
    for (let attempt = 1; attempt <= ATTEMPTS_MAX && Date.now() - begin < BUG_MS_MAX; ++attempt) {
      const { failed, how } = runTests(bug);
      if (failed) return report(bug, true, `${how}, attempt ${attempt}, ${Date.now() - begin} ms`);
    }
    return report(bug, false, `${bug.test} ${bug.filter} passes`);
  } finally {
    writeFileSync(file, text);
  }
}

/**
 * @param {Bug} bug
 * @param {boolean} noticed
 * @param {string} how
 */
function report(bug, noticed, how) {
  console.log(`${noticed ? 'ok' : 'MISSED'} ${bug.name}: ${how}`);
  return noticed;
}
