// Writes what people read from the newest complete result file: the measured block of README.md,
// bench/results/README.md with every row, and the charts in docs/charts.
//
//   node bench/pages.mjs [--check]
//
// With --check nothing is written; it fails where a page says something else than the file.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CHARTS } from './charts.mjs';
import { describeRow } from './report.mjs';
import { readNewest, readWidest } from './results.mjs';

const ROOT = path.dirname(import.meta.dirname);
const README = path.join(ROOT, 'README.md');
const ALL_ROWS = path.join(ROOT, 'bench/results/README.md');
const CHART_FOLDER = path.join(ROOT, 'docs/charts');
const [BEGIN, END] = ['<!-- measured: begin -->', '<!-- measured: end -->'];
/** @typedef {import('./pairs.mjs').Row} Row */
/** @typedef {import('./results.mjs').Result} Result */

const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
const newest = readNewest() ?? fail('there is no complete result in bench/results: run npm run bench');
const pages = new Map([
  [README, replaceMeasured(readFileSync(README, 'utf8'), describeShortly(newest))],
  [ALL_ROWS, describeAll(newest)],
  ...Object.entries(CHARTS).flatMap(([name, chart]) => drawChart(name, chart)),
]);

const differing = [...pages].filter(([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text);
const names = differing.map(([file]) => path.relative(ROOT, file)).join(', ');
if (differing.length === 0) console.log(`${pages.size} pages and charts say what bench/results/${newest.name} says`);
else if (values.check) fail(`not as bench/results/${newest.name} says: ${names}; run node bench/pages.mjs`);
else {
  mkdirSync(CHART_FOLDER, { recursive: true });
  for (const [file, text] of differing) writeFileSync(file, text);
  console.log(`written from bench/results/${newest.name}: ${names}`);
}

/**
 * @param {string} name
 * @param {typeof CHARTS[string]} chart
 * @returns {[string, string][]} none where nothing of it could be measured
 */
function drawChart(name, { suite, draw }) {
  const { result } = suite === 'scaling' ? readWidest(suite) : newest;
  const rows = result.suites.find(({ name }) => name === suite)?.rows ?? [];
  return rows.length > 0 ? [[path.join(CHART_FOLDER, `${name}.svg`), draw(rows)]] : [];
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

/**
 * The rows that have a target.
 *
 * @param {{ name: string, result: Result }} newest
 */
function describeShortly({ name, result }) {
  const rows = result.suites.flatMap(({ rows }) => rows.filter(({ target }) => target !== undefined));
  return [
    ...describeHead(result),
    `All rows: [the newest results](bench/results/README.md), made from [${name}](bench/results/${name}).`,
    ...groupByLabels(rows).flatMap(describeTable),
  ].join('\n');
}

/** @param {{ name: string, result: Result }} newest */
function describeAll({ name, result }) {
  const chartsOf = (/** @type {string} */ suite) =>
    Object.entries(CHARTS).flatMap(([chart, of]) =>
      of.suite === suite ? ['', `![${chart}](../../docs/charts/${chart}.svg)`] : [],
    );
  const sections = result.suites.flatMap(({ name, rows, skipped }) => [
    '',
    `## ${name}`,
    ...chartsOf(name),
    ...groupByLabels(rows).flatMap(describeTable),
    ...skipped.flatMap((what) => ['', `Skipped: ${what}`]),
  ]);
  const head = [
    '# The newest results',
    '',
    `Made by \`node bench/pages.mjs\` from [${name}](${name}): [how to read it](../README.md#how-to-read-a-result).`,
    '',
  ];
  return `${[...head, ...describeHead(result), ...sections].join('\n')}\n`;
}

/** @param {Result} result */
function describeHead({ startedAt, options, machine, build }) {
  const commit = `commit ${build.commit}${build.isModified ? ' and changes' : ''}`;
  return [
    `Measured on ${startedAt.slice(0, 10)}: ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${commit},`,
    `${build.type} build.`,
    `Medians of ${options.rounds} rounds in which both sides take turns; the ratio is that within a round, with its`,
    `quartiles${options.scale === 'quick' ? ' (a quick run)' : ''}. 200,000 entries unless said, keys of 21 characters, numbers as values.`,
  ];
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
    const { name, subject, reference, ratio, spread, isNoChange, target, note } = describeRow(row);
    const found = `${ratio} (${spread})${isNoChange ? ', no difference' : ''}`;
    return `| ${[name, subject, reference, found, [target, note].filter(Boolean).join('; ')].join(' | ')} |`;
  });
  return [
    '',
    `| | ${first?.subject.label} | ${first?.reference.label} | ratio | target |`,
    '|---|---:|---:|---:|---|',
    ...lines,
  ];
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message);
  process.exit(1);
}
