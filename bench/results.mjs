// Result files: what they hold, and which one is told of. Those of an older format are passed over.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { suites } from './suites.mjs';

export const FORMAT = 2;
export const RESULTS = fileURLToPath(new URL('./results', import.meta.url));

/**
 * @typedef {{ name: string, rows: import('./pairs.mjs').Row[], skipped: string[] }} SuiteResult
 * @typedef {object} Result
 * @property {number} format
 * @property {string} startedAt
 * @property {boolean} isComplete whether it has all suites, in full or quick
 * @property {import('./run.mjs').Options} options
 * @property {import('./environment.mjs').Machine} machine
 * @property {import('./environment.mjs').Build} build
 * @property {SuiteResult[]} suites
 */

/**
 * Each suite in the order in which they run, from the newest result that has it in full.
 *
 * @returns {{ name: string, result: Result, suite: SuiteResult }[]} `name` is the file's
 */
export function readNewest() {
  const full = readAll().filter(({ result }) => result.options.scale === 'full');
  return Object.keys(suites).flatMap((suiteName) => {
    const found = full.flatMap(({ name, result }) =>
      result.suites.filter((suite) => suite.name === suiteName).map((suite) => ({ name, result, suite })),
    );
    return found.slice(-1);
  });
}

/**
 * The newest result of a suite with most workers: the curve over workers is the one of the machine with most cores.
 *
 * @param {string} suite
 */
export function readWidest(suite) {
  const having = readAll().filter(({ result }) => result.suites.some(({ name }) => name === suite));
  return having.reduce((a, b) => (b.result.options.workersMax >= a.result.options.workersMax ? b : a));
}

/** @returns {{ name: string, result: Result }[]} oldest first */
function readAll() {
  const names = readdirSync(RESULTS).filter((name) => name.endsWith('.json'));
  const results = names
    .sort()
    .map((name) => ({ name, result: JSON.parse(readFileSync(path.join(RESULTS, name), 'utf8')) }));
  return results.filter(({ result }) => result.format === FORMAT);
}
