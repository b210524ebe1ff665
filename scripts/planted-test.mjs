// `npm run test:planted [WORD...]`: plants the bugs of test/planted/bugs.mjs, all at once, each behind a switch, in a
// copy of the sources, and fails if a test does not notice one that it must.
//
// Without arguments all bugs, else those whose names contain one of the words. Tests run side by side; what was not
// noticed so is tried again with the machine to itself: a race is not lost every time.
import { availableParallelism } from 'node:os';
import { BUGS } from '../test/planted/bugs.mjs';
import { buildPackage, runPackageTests } from './planted/package.mjs';
import { buildPrograms, configure, runProgram } from './planted/programs.mjs';
import { copySources, numberOf } from './planted/tree.mjs';
import { CI } from './tool.mjs';

/**
 * @typedef {import('../test/planted/bugs.mjs').Bug} Bug
 * @typedef {import('./planted/outcome.mjs').Outcome} Outcome
 */

const ATTEMPTS_MAX = 200;
const BUG_MS_MAX = 60_000;
const LINES_MAX = 100;
const IN_PART = { SHARDMAP_TEST_SCALE: '0.1', SHARDMAP_TEST_SHARE: '0.1' };

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;

/** @param {string[]} words */
async function main(words) {
  const bugs = BUGS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  copySources();
  const missing = [...new Set(bugs.map(treeOf))].map(configure).find((why) => why !== undefined);
  if (missing !== undefined) {
    console.log(`SKIPPED planted bugs: ${missing}${CI ? ', and CI skips nothing' : ''}`);
    return !CI;
  }
  const together = bugs.filter((bug) => bug.alone !== true);
  let noticed = 0;
  if (isBuilt(together) && (await passWithoutBugs(together))) noticed += await noticedOf(together);
  for (const bug of bugs) {
    if (bug.alone === true && isBuilt([bug], bug)) noticed += await noticedOf([bug]);
  }
  console.log(`planted bugs: ${noticed} of ${bugs.length} noticed`);
  return noticed === bugs.length && noticed > 0;
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

/**
 * @param {Bug[]} bugs
 * @param {Bug} [alone]
 */
function isBuilt(bugs, alone) {
  copySources(alone);
  for (const kind of /** @type {const} */ (['plain', 'thread', 'package'])) {
    const tested = bugs.filter((bug) => kindOf(bug) === kind);
    if (tested.length === 0) continue;
    const { ok, output } = kind === 'package' ? buildPackage() : buildPrograms(kind, tested);
    if (ok) continue;
    console.log(`FAILED to build with bugs:\n${output.split('\n').slice(-LINES_MAX).join('\n')}`);
    return false;
  }
  return true;
}

/**
 * @param {Bug} bug
 * @param {NodeJS.ProcessEnv} env
 */
function runTests(bug, env) {
  return kindOf(bug) === 'package' ? runPackageTests(bug, env) : runProgram(treeOf(bug), bug, env);
}

/**
 * A test that fails without a bug notices nothing. In part is enough, but for those that fail so: in whole they run with
 * all the others.
 *
 * @param {Bug[]} bugs
 */
async function passWithoutBugs(bugs) {
  const distinct = new Map(bugs.map((bug) => [`${kindOf(bug)} ${bug.test} ${bug.filter}`, bug]));
  /** @type {[name: string, bug: Bug][]} */
  const suspects = [];
  await sideBySide([...distinct], async ([name, bug]) => {
    if ((await failureWithoutBug(bug, IN_PART)) !== undefined) suspects.push([name, bug]);
  });
  let failures = 0;
  for (const [name, bug] of suspects) {
    const how = await failureWithoutBug(bug, {});
    if (how === undefined) continue;
    console.log(`FAILED without a bug: ${name}: ${how}`);
    ++failures;
  }
  return failures === 0;
}

/**
 * @param {Bug} bug
 * @param {NodeJS.ProcessEnv} env
 */
async function failureWithoutBug(bug, env) {
  const { failed, how } = await runTests(bug, env);
  return failed || how.startsWith('no test') ? how : undefined;
}

/**
 * @param {Bug[]} bugs
 * @returns {Promise<number>} how many of them were noticed
 */
async function noticedOf(bugs) {
  /** @type {Bug[]} */
  const missed = [];
  await sideBySide(bugs, async (bug) => {
    if (!(await isNoticed(bug, 1))) missed.push(bug);
  });
  let noticed = bugs.length - missed.length;
  for (const bug of missed) {
    if (await isNoticed(bug, ATTEMPTS_MAX)) ++noticed;
    else console.log(`MISSED ${bug.name}: ${bug.test} ${bug.filter} passes`);
  }
  return noticed;
}

/**
 * @param {Bug} bug
 * @param {number} attempts
 */
async function isNoticed(bug, attempts) {
  const begin = Date.now();
  for (let attempt = 1; attempt <= attempts && Date.now() - begin < BUG_MS_MAX; ++attempt) {
    const { failed, how } = await runTests(bug, { SHARDMAP_PLANTED: String(numberOf(bug)) });
    if (!failed) continue;
    console.log(`ok ${bug.name}: ${how}, attempt ${attempt} of ${attempts}, ${Date.now() - begin} ms`);
    return true;
  }
  return false;
}

/**
 * One on each core, and one more, as some of them wait.
 *
 * @template T
 * @param {T[]} things
 * @param {(thing: T) => Promise<void>} work
 */
async function sideBySide(things, work) {
  const waiting = things.values();
  const worker = async () => {
    for (const thing of waiting) await work(thing);
  };
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, worker));
}
