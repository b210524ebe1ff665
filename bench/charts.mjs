// The charts of a result: which rows go into which, and what their axes say. `node bench/pages.mjs` writes them into
// docs/charts.
import { drawBars, drawLines } from './plot.mjs';

/** @typedef {import('./pairs.mjs').Row} Row */
/** @typedef {import('./plot.mjs').Line} Line */
/** @typedef {(rows: Row[]) => string} Draw */

const M_PER_SECOND = { label: 'million operations a second' };
const NS = { label: 'time of an operation (logarithmic)', isLogarithmic: true, format: formatNs };

/** @type {Record<string, { suite: string, draw: Draw }>} name of the file to what is in it */
export const CHARTS = {
  scaling: { suite: 'scaling', draw: drawScaling },
  shards: { suite: 'shards', draw: drawShards },
  growth: { suite: 'growth', draw: drawGrowth },
  ycsb: { suite: 'ycsb', draw: drawWorkloads },
  'latency-overwrites': { suite: 'latency', draw: (rows) => drawLatency(rows, 'overwrites') },
  'latency-growth': { suite: 'latency', draw: (rows) => drawLatency(rows, 'growth') },
  'peers-one-thread': {
    suite: 'peers',
    draw: (rows) => drawPeers(rows, 'One thread: ShardMap and peers', /^(get|set)/),
  },
  'peers-workers': {
    suite: 'peers',
    draw: (rows) => drawPeers(rows, 'Workers, 95 % reads: ShardMap and peers', /workers?$/),
  },
};

/** @type {Draw} */
function drawScaling(rows) {
  const lines = linesOf(rows).map(({ name, rows }) => {
    const first = /** @type {Row} */ (rows[0]);
    const points = rows.map(({ point, subject }) => place(point?.x, subject.median));
    return { name, points: [place(1, first.reference.median), ...points] };
  });
  return drawLines({ title: 'Workers on one ShardMap', x: { label: 'workers' }, y: M_PER_SECOND, lines });
}

/** @type {Draw} */
function drawShards(rows) {
  const lines = bothSides(rows, (side, name) => `${name}, ${side.label}`);
  return drawLines({ title: 'Shard counts', x: { label: 'shards' }, y: M_PER_SECOND, lines });
}

/** @type {Draw} */
function drawGrowth(rows) {
  const shown = rows.filter(({ point }) => /fresh|get, kept/.test(point?.line ?? ''));
  const lines = bothSides(shown, (side, name) => `${side.label}: ${name.replace(/ strings$/, '')}`);
  const x = { label: 'entries', isLogarithmic: true, format: formatCount };
  return drawLines({ title: 'Cost of an operation as a map grows', x, y: NS, lines });
}

/**
 * @param {Row[]} rows
 * @param {string} during
 */
function drawLatency(rows, during) {
  const lines = bothSides(
    rows.filter(({ name }) => name.includes(`during ${during}`)),
    (side, name) => `${side.label}: ${name.replace(/,? during.*/, '')}`,
  );
  const x = {
    label: 'percentile of operations',
    format: (/** @type {number} */ step) => ['50', '99', '99.9', 'max'][step] ?? '',
  };
  return drawLines({ title: `Latencies of two workers during ${during}`, x, y: NS, lines });
}

/** @type {Draw} */
function drawWorkloads(rows) {
  const groups = [...new Set(rows.map(({ name }) => name))];
  const find = (/** @type {string} */ name, /** @type {string} */ label) =>
    rows.flatMap((row) => (row.name === name ? [row.subject, row.reference] : [])).find((side) => side.label === label)
      ?.median;
  const bars = [
    ['one ShardMap, 2 workers', '2 workers'],
    ['one ShardMap, 1 worker', '1 worker'],
    ['a Map in each of 2 workers', 'a Map in each'],
  ].map(([name = '', label = '']) => ({ name, values: groups.map((group) => find(group, label)) }));
  const names = groups.map((name) => name.split(':')[0] ?? name);
  return drawBars({ title: 'YCSB workloads', y: M_PER_SECOND, groups: names, bars });
}

/**
 * @param {Row[]} rows
 * @param {string} title
 * @param {RegExp} which names of rows
 */
function drawPeers(rows, title, which) {
  const shown = rows.filter(({ name }) => which.test(name));
  const groups = [...new Set(shown.map(({ name }) => name))];
  const peers = [...new Set(shown.map(({ reference }) => reference.label))];
  const inGroup = (/** @type {string} */ name) => shown.filter((row) => row.name === name);
  const bars = [
    { name: 'ShardMap', values: groups.map((group) => inGroup(group)[0]?.subject.median) },
    ...peers.map((peer) => ({
      name: peer,
      values: groups.map((group) => inGroup(group).find(({ reference }) => reference.label === peer)?.reference.median),
    })),
  ];
  const y = { label: 'million operations a second (logarithmic)', isLogarithmic: true };
  const names = groups.map((name) =>
    name
      .replace('random, theirs in transactions of 1,000', 'transactions of 1,000')
      .replace(', building included', '')
      .replace('95 % reads, ', '')
      .replace(', ', ',\n'),
  );
  return drawBars({ title, y, groups: names, bars });
}

/**
 * A line for each side of the rows: the subject's drawn through, the reference's dashed.
 *
 * @param {Row[]} rows
 * @param {(side: Row['subject'], line: string) => string} nameOf
 * @returns {Line[]}
 */
function bothSides(rows, nameOf) {
  return linesOf(rows).flatMap(({ name, rows }, color) =>
    /** @type {const} */ (['subject', 'reference']).map((side) => ({
      name: nameOf(/** @type {Row} */ (rows[0])[side], name),
      color,
      isDashed: side === 'reference',
      points: rows.map((row) => place(row.point?.x, row[side].median)),
    })),
  );
}

/** @param {Row[]} rows */
function linesOf(rows) {
  const names = [...new Set(rows.map(({ point }) => point?.line ?? ''))];
  return names.map((name) => ({ name, rows: rows.filter(({ point }) => point?.line === name) }));
}

/**
 * @param {number | undefined} x
 * @param {number} y
 * @returns {[number, number]}
 */
function place(x, y) {
  return [x ?? 0, y];
}

/** @param {number} ns */
function formatNs(ns) {
  if (ns >= 1e9) return `${ns / 1e9} s`;
  if (ns >= 1e6) return `${ns / 1e6} ms`;
  return ns >= 1000 ? `${ns / 1000} µs` : `${ns} ns`;
}

/** @param {number} count */
function formatCount(count) {
  if (count >= 1e6) return `${count / 1e6} M`;
  return count >= 1000 ? `${count / 1000} k` : String(count);
}
