// `npm run bench`: measures all suites and writes one dated file into bench/results. bench/README.md says how to read and repeat it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeBuild, describeMachine } from './environment.mjs';
import { showHead, showRows } from './report.mjs';
import { suites } from './suites.mjs';

/**
 * @typedef {{ rounds: number, secondsPerSide: number }} Options rounds that count, and how long a side is measured in each
 * @typedef {{ name: string, rows: import('./pairs.mjs').Row[] }} SuiteResult
 * @typedef {object} Result what a result file holds
 * @property {1} format
 * @property {string} startedAt
 * @property {Options} options
 * @property {import('./environment.mjs').Machine} machine
 * @property {import('./environment.mjs').Build} build
 * @property {SuiteResult[]} suites
 */

const RESULTS = fileURLToPath(new URL('./results', import.meta.url));
/** @type {Options} */
const FULL = { rounds: 9, secondsPerSide: 0.4 };
/** @type {Options} Shows that everything runs; proves nothing. */
const QUICK = { rounds: 1, secondsPerSide: 0.05 };

const { values, positionals } = parseArgs({ options: { quick: { type: 'boolean' } }, allowPositionals: true });
const unknown = positionals.filter((name) => !(name in suites));
if (unknown.length > 0) {
  console.error(`no such suite: ${unknown.join(', ')}; there are: ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}
const isComplete = positionals.length === 0 && !values.quick;

/** @type {Result} */
const result = {
  format: 1,
  startedAt: new Date().toISOString(),
  options: values.quick ? QUICK : FULL,
  machine: describeMachine(),
  build: describeBuild(),
  suites: [],
};
showHead(result);
for (const name of Object.keys(suites)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  console.log(name);
  const rows = await measureInProcess(name, result.options);
  showRows(rows);
  result.suites.push({ name, rows });
}
if (isComplete) console.log(`\nwritten: ${path.relative(process.cwd(), write(result))}`);
else console.log('\nnot written to a file: only a full run is');

/**
 * @param {string} suite
 * @param {Options} options
 * @returns {Promise<import('./pairs.mjs').Row[]>}
 */
async function measureInProcess(suite, options) {
  const child = fork(new URL('./suite-process.mjs', import.meta.url), { execArgv: ['--expose-gc'] });
  child.send({ suite, options });
  const exit = once(child, 'exit').then(([code]) => {
    throw new Error(`suite ${suite} ended with exit code ${code} and without results`);
  });
  const [rows] = await Promise.race([once(child, 'message'), exit]);
  exit.catch(() => {});
  return rows;
}

/** @param {Result} result */
function write(result) {
  mkdirSync(RESULTS, { recursive: true });
  const stamp = result.startedAt.slice(0, 16).replace(':', '');
  const file = path.join(RESULTS, `${stamp}-${result.build.commit}.json`);
  writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`);
  return file;
}
