// `npm run bench`: measures all suites and writes one dated file into bench/results. bench/README.md says how to read
// and repeat it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describeBuild, describeMachine } from './environment.mjs';
import { showFinding, showHead, showTargets } from './report.mjs';
import { FORMAT, RESULTS } from './results.mjs';
import { suites } from './suites.mjs';

/**
 * @typedef {'full' | 'quick' | 'smoke'} Scale quick leaves out sizes and rounds, smoke shows that all of it runs and proves nothing
 * @typedef {{ rounds: number, secondsPerSide: number }} Duration rounds that count, and how long a side is measured in each
 * @typedef {Duration & { scale: Scale, workersMax: number }} Options
 */

/** @type {Record<Scale, Duration>} */
const DURATIONS = {
  full: { rounds: 5, secondsPerSide: 0.4 },
  quick: { rounds: 3, secondsPerSide: 0.1 },
  smoke: { rounds: 1, secondsPerSide: 0.02 },
};

const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    smoke: { type: 'boolean' },
    workers: { type: 'string' },
    write: { type: 'boolean' },
  },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !(name in suites));
const workersMax = Number(values.workers ?? os.availableParallelism());
if (unknown.length > 0) fail(`no such suite: ${unknown.join(', ')}; there are: ${Object.keys(suites).join(', ')}`);
if (!Number.isInteger(workersMax) || workersMax < 1) fail(`--workers takes a number of threads, not ${values.workers}`);
const names =
  positionals.length > 0 ? Object.keys(suites).filter((name) => positionals.includes(name)) : Object.keys(suites);
const scale = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full';

/** @type {import('./results.mjs').Result} */
const result = {
  format: FORMAT,
  startedAt: new Date().toISOString(),
  isComplete: positionals.length === 0 && scale !== 'smoke',
  options: { ...DURATIONS[scale], scale, workersMax },
  machine: describeMachine(),
  build: describeBuild(),
  suites: [],
};
showHead(result);
for (const name of names) {
  const start = Date.now();
  console.log(`${name} (${result.suites.length + 1} of ${names.length})`);
  result.suites.push(await measureInProcess(name));
  console.log(`  took ${Math.round((Date.now() - start) / 1000)} s`);
}
showTargets(result);
if ((result.isComplete && scale === 'full') || values.write)
  console.log(`\nwritten: ${path.relative(process.cwd(), write())}`);
else console.log('\nnot written to a file: only a full run is, or with --write');

/**
 * @param {string} name
 * @returns {Promise<import('./results.mjs').SuiteResult>}
 */
async function measureInProcess(name) {
  /** @type {import('./pairs.mjs').Row[]} */
  const rows = [];
  /** @type {string[]} */
  const skipped = [];
  const child = fork(new URL('./suite-process.mjs', import.meta.url), { execArgv: ['--expose-gc'] });
  child.on('message', (/** @type {import('./suites.mjs').Finding} */ finding) => {
    showFinding(finding);
    if ('skipped' in finding) skipped.push(finding.skipped);
    else if (!('progress' in finding)) rows.push(finding);
  });
  child.send({ suite: name, options: result.options });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`suite ${name} ended with exit code ${code}`);
  return { name, rows, skipped };
}

function write() {
  mkdirSync(RESULTS, { recursive: true });
  const stamp = result.startedAt.slice(0, 16).replace(':', '');
  const kind = result.isComplete ? '' : `-${names.join('-')}`;
  const file = path.join(RESULTS, `${stamp}-${result.build.commit}${kind}.json`);
  writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`);
  return file;
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message);
  process.exit(2);
}
