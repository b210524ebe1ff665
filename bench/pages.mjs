// Writes what people read from the newest results, which are each suite's newest: the measured block of README.md,
// bench/results/README.md with every row, and the charts in docs/charts.
//
//   node bench/pages.mjs [--check]
//
// With --check nothing is written; it fails where a page says something else than the files.
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
/** @typedef {ReturnType<typeof readNewest>} Newest */

const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
const newest = readNewest();
if (newest.length === 0) fail('there is no result in bench/results: run npm run bench');
const pages = new Map([
  [README, replaceMeasured(readFileSync(README, 'utf8'), describeShortly(newest))],
  [ALL_ROWS, describeAll(newest)],
  ...Object.entries(CHARTS).flatMap(([name, chart]) => drawChart(name, chart)),
]);

const differing = [...pages].filter(([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text);
const names = differing.map(([file]) => path.relative(ROOT, file)).join(', ');
if (differing.length === 0)
  console.log(`${pages.size} pages and charts say what the newest results of bench/results say`);
else if (values.check) fail(`not as the newest results of bench/results say: ${names}; run node bench/pages.mjs`);
else {
  mkdirSync(CHART_FOLDER, { recursive: true });
  for (const [file, text] of differing) writeFileSync(file, text);
  console.log(`written: ${names}`);
}

/**
 * @param {string} name
 * @param {typeof CHARTS[string]} chart
 * @returns {[string, string][]} none where nothing of it could be measured
 */
function drawChart(name, { suite, draw }) {
  const suites = suite === 'scaling' ? readWidest(suite).result.suites : newest.map(({ suite }) => suite);
  const rows = suites.find(({ name }) => name === suite)?.rows ?? [];
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
 * The rows that have a target, by the files that they are from.
 *
 * @param {Newest} newest
 */
function describeShortly(newest) {
  const withTargets = newest.filter(({ suite }) => suite.rows.some(hasTarget));
  const files = [...new Set(withTargets.map(({ name }) => name))];
  return [
    ...describeMethod(newest),
    'All rows: [the newest results](bench/results/README.md).',
    ...files.flatMap((file) => {
      const suites = withTargets.filter(({ name }) => name === file);
      const rows = suites.flatMap(({ suite }) => suite.rows.filter(hasTarget));
      return ['', describeSource(suites[0], 'bench/results/'), ...groupByLabels(rows).flatMap(describeTable)];
    }),
  ].join('\n');
}

/** @param {Newest} newest */
function describeAll(newest) {
  const chartsOf = (/** @type {string} */ suite) =>
    Object.entries(CHARTS).flatMap(([chart, of]) =>
      of.suite === suite ? ['', `![${chart}](../../docs/charts/${chart}.svg)`] : [],
    );
  const sections = newest.flatMap((source) => [
    '',
    `## ${source.suite.name}`,
    '',
    describeSource(source, ''),
    ...chartsOf(source.suite.name),
    ...groupByLabels(source.suite.rows).flatMap(describeTable),
    ...source.suite.skipped.flatMap((what) => ['', `Skipped: ${what}`]),
  ]);
  const head = [
    '# The newest results',
    '',
    'Made by `node bench/pages.mjs` from the newest result of each suite: [how to read it](../README.md#how-to-read-a-result).',
    '',
  ];
  return `${[...head, ...describeMethod(newest), ...sections].join('\n')}\n`;
}

/** @param {Newest} newest */
function describeMethod(newest) {
  const rounds = [...new Set(newest.map(({ result }) => result.options.rounds))].join(' or ');
  return [
    `Medians of ${rounds} rounds in which both sides take turns; the ratio is that within a round, with its`,
    'quartiles. 200,000 entries unless said, keys of 21 characters, numbers as values.',
  ];
}

/**
 * @param {Newest[number] | undefined} source
 * @param {string} folder that of the results, as the page sees it
 */
function describeSource(source, folder) {
  if (source === undefined) return '';
  const { startedAt, machine, build } = source.result;
  const commit = `commit ${build.commit}${build.isModified ? ' and changes' : ''}`;
  return [
    `Measured on [${startedAt.slice(0, 10)}](${folder}${source.name}): ${machine.cpu}, ${machine.cores} cores, Node`,
    `${machine.node}, ${commit}, ${build.type} build.`,
  ].join('\n');
}

/** @param {Row} row */
function hasTarget({ target }) {
  return target !== undefined;
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
