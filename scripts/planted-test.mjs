// `npm run test:planted [quick | WORD...]`: plants the bugs of test/planted/bugs.mjs, one at a time, in a copy of the
// sources, and fails if a test does not notice one that it must.
//
// Without arguments all bugs; `quick`: those that CI plants; else those whose names contain one of the words. A race is
// not lost every time, so a test has several attempts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { BUGS } from '../test/planted/bugs.mjs';
import { files } from './files.mjs';
import { ROOT } from './sources.mjs';
import { CI, capture, have } from './tool.mjs';

/**
 * @typedef {import('../test/planted/bugs.mjs').Bug} Bug
 * @typedef {{ failed: boolean, how: string }} Outcome
 */

const FOLDER = path.join(ROOT, '.build/planted');
const TREE = path.join(FOLDER, 'tree');
const FLAGS = { plain: '-O2', thread: '-O1 -g1' };

const ATTEMPTS_MAX = 20;
const BUG_MS_MAX = 60_000;
const RUN_MS_MAX = 60_000;

process.exitCode = main(process.argv.slice(2)) ? 0 : 1;

/** @param {string[]} args */
function main(args) {
  // Those of one file after another: what depends on it is built anew once less for each.
  const bugs = BUGS.filter((bug) => isWanted(bug, args)).sort((a, b) => a.file.localeCompare(b.file));
  copySources();
  const missing = [...new Set(bugs.map(kindOf))].map(configure).find((why) => why !== undefined);
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

/** Brings the copy up to date, and touches no file that is: what depends on it need not be built again. */
function copySources() {
  const names = ['CMakeLists.txt', 'test/planted/CMakeLists.txt'];
  for (const folder of ['native', 'test/native']) names.push(...files(folder, ['.cc', '.h', 'sources.txt']));
  for (const name of files('', [''], TREE)) {
    if (!names.includes(name)) rmSync(path.join(TREE, name));
  }
  for (const name of names) {
    const text = readFileSync(path.join(ROOT, name), 'utf8');
    const copy = path.join(TREE, name);
    if (existsSync(copy) && readFileSync(copy, 'utf8') === text) continue;
    mkdirSync(path.dirname(copy), { recursive: true });
    writeFileSync(copy, text);
  }
}

/**
 * @param {'plain' | 'thread'} kind
 * @returns {string | undefined} what is missing
 */
function configure(kind) {
  for (const tool of ['cmake', 'ninja']) if (!have(tool)) return `${tool} is not installed`;
  const args = ['-S', path.join(TREE, 'test/planted'), '-B', path.join(FOLDER, kind), '-G', 'Ninja'];
  args.push('-DCMAKE_BUILD_TYPE=Test', `-DCMAKE_CXX_FLAGS_TEST=${FLAGS[kind]}`);
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

/** @param {Bug} bug */
function program(bug) {
  return `shardmap_${path.basename(bug.test)}`;
}

/** @param {Bug} bug */
function build(bug) {
  const folder = path.join(FOLDER, kindOf(bug));
  return capture('cmake', ['--build', folder, '--target', program(bug), '--parallel', String(availableParallelism())]);
}

/**
 * Runs the tests that must notice the bug, once.
 *
 * @param {Bug} bug
 * @returns {Outcome}
 */
function runTests(bug) {
  const { status, signal, stdout } = spawnSync(
    path.join(FOLDER, kindOf(bug), program(bug)),
    [`--gtest_filter=${bug.filter}`, '--gtest_fail_fast'],
    {
      encoding: 'utf8',
      timeout: RUN_MS_MAX,
      killSignal: 'SIGKILL',
      maxBuffer: 1 << 30,
      env: { ...process.env, TSAN_OPTIONS: 'halt_on_error=1' },
    },
  );
  if (/^Running main|\[==========\] Running 0 tests/m.test(stdout) && !stdout.includes('[ RUN      ]')) {
    return { failed: false, how: `no test is called ${bug.filter}` };
  }
  const failedTest = /^\[ {2}FAILED {2}\] ([^\s,]+)/m.exec(stdout)?.[1];
  const last = failedTest ?? [...stdout.matchAll(/^\[ RUN {6}\] (\S+)/gm)].at(-1)?.[1] ?? program(bug);
  const how = signal === 'SIGKILL' ? 'hung' : signal !== null ? `died of ${signal}` : 'failed';
  return { failed: status !== 0, how: `${last} ${how}` };
}

/**
 * A test that fails without a bug notices nothing.
 *
 * @param {Bug[]} bugs
 */
function failuresWithoutBug(bugs) {
  let failures = 0;
  const distinct = new Map(bugs.map((bug) => [`${kindOf(bug)} ${bug.test} ${bug.filter}`, bug]));
  for (const [name, bug] of distinct) {
    const { ok, output } = build(bug);
    const { failed, how } = ok ? runTests(bug) : { failed: true, how: output };
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
