// Rewrites the measured tables in README.md, between the two markers, from a result file: the one named, or the newest.
//
//   node bench/readme-table.mjs [--check] [bench/results/FILE.json]
//
// With --check nothing is written; it fails if README.md says something else than the file.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describeRow } from './report.mjs';

const ROOT = path.dirname(import.meta.dirname);
const README = path.join(ROOT, 'README.md');
const RESULTS = path.join(ROOT, 'bench/results');
const [BEGIN, END] = ['<!-- measured: begin -->', '<!-- measured: end -->'];

/** @typedef {import('./pairs.mjs').Row} Row */

const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true });
const file = path.resolve(positionals[0] ?? path.join(RESULTS, newestResult()));
const before = readFileSync(README, 'utf8');
const after = replaceMeasured(before, describeResult(file));
const name = path.relative(ROOT, file);
if (after === before) console.log(`README.md says what ${name} says`);
else if (values.check) fail(`README.md does not say what ${name} says: run node bench/readme-table.mjs`);
else {
  writeFileSync(README, after);
  console.log(`README.md now says what ${name} says`);
}

function newestResult() {
  const newest = readdirSync(RESULTS)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .at(-1);
  return newest ?? fail('there is no result in bench/results: run npm run bench');
}

/**
 * @param {string} text
 * @param {string} measured
 */
function replaceMeasured(text, measured) {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) fail(`README.md has no ${BEGIN} with ${END} after it`);
  return `${text.slice(0, begin + BEGIN.length)}\n${measured}\n${text.slice(end)}`;
}

/** @param {string} file */
function describeResult(file) {
  /** @type {import('./run.mjs').Result} */
  const { startedAt, options, machine, build, suites } = JSON.parse(readFileSync(file, 'utf8'));
  const link = path.relative(ROOT, file).replaceAll(path.sep, '/');
  const commit = `commit ${build.commit}${build.isModified ? ' and changes' : ''}`;
  return [
    `Measured on ${startedAt.slice(0, 10)}: ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${commit}, ${build.type} build.`,
    `Medians of ${options.rounds} rounds in which both sides take turns; the ratio is that within a round, with its quartiles.`,
    `200,000 entries unless said, keys of 21 characters, numbers as values. All samples: [${path.basename(link)}](${link}).`,
    ...groupByLabels(suites.flatMap(({ rows }) => rows)).map(describeTable),
  ].join('\n');
}

/**
 * Rows that compare the same two things.
 *
 * @param {Row[]} rows
 */
function groupByLabels(rows) {
  /** @type {Map<string, Row[]>} */
  const groups = new Map();
  for (const row of rows) {
    const labels = `${row.subject.label} ${row.reference.label}`;
    groups.set(labels, [...(groups.get(labels) ?? []), row]);
  }
  return [...groups.values()];
}

/** @param {Row[]} rows */
function describeTable(rows) {
  const [first] = rows;
  const lines = rows.map((row) => {
    const { name, subject, reference, ratio, spread, isNoChange, note } = describeRow(row);
    return `| ${name} | ${subject} | ${reference} | ${ratio} (${spread})${isNoChange ? ', no difference' : ''}${note && ` – ${note}`} |`;
  });
  return [
    '',
    `| | ${first?.subject.label} | ${first?.reference.label} | ratio |`,
    '|---|---:|---:|---:|',
    ...lines,
  ].join('\n');
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message);
  process.exit(1);
}
