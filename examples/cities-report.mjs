// What cities.mjs prints: a line for each phase while it runs, and the table at the end.
import os from 'node:os';
import { COPIED, SHARED } from './cities-crew.mjs';

const isTerminal = process.stdout.isTTY;

export function showStart(cities, { threads, rounds, memory, dir }) {
  const cores = os.availableParallelism();
  console.log(
    `${count(cities.length)} cities, ${threads} threads on ${cores} cores, Node ${process.version}, rounds: ${rounds}`,
  );
  console.log(
    memory ? 'the ShardMap is in memory only' : `the ShardMap is durable, in ${dir ?? 'a temporary directory'}`,
  );
}

let isBrief = false;

/** The first round is told phase by phase, the others in a line. */
export function showRound(round, kind) {
  isBrief = round > 1;
  process.stdout.write(isBrief ? `round ${round}: ${kind.padEnd(COPIED.length)} ` : `\nround ${round}: ${kind}\n`);
}

/** What comes after the rounds, phase by phase. */
export function showPart(title) {
  isBrief = false;
  console.log(`\n${SHARED}, ${title}`);
}

export function showRunning(phase) {
  if (isTerminal && !isBrief) process.stdout.write(`  ${phase} …`);
}

/** What a phase did; with its outcome, also how long it took. */
export function showDone(phase, text, { seconds, perSecond } = {}) {
  if (isBrief) return;
  if (isTerminal) process.stdout.write('\r\x1b[K');
  const speed = perSecond === undefined ? '' : `  ${millions(perSecond).padStart(5)} million/s`;
  const time = seconds === undefined ? '' : `${seconds.toFixed(2)} s${speed}`;
  console.log(`  ${phase.padEnd(7)} ${text.padEnd(time === '' ? 0 : 60)} ${time}`.trimEnd());
}

export function showRoundDone(figures) {
  if (!isBrief) return;
  const speeds = ['load', 'read', 'count', 'mixed'].map((phase) => `${phase} ${millions(figures[phase]).padStart(5)}`);
  console.log(`${speeds.join('  ')}  million/s, checks passed`);
}

/** `rounds` has the figures of each round by kind of map. */
export function showTable(rounds, entries, threads) {
  const of = (kind, figure) => rounds.map((round) => round[kind][figure]);
  const isDurable = rounds[0][SHARED].reopen !== undefined;
  const compare = (label, figure, format) => [
    label,
    ...[SHARED, COPIED].map((kind) => format(median(of(kind, figure)))),
    median(rounds.map((round) => round[SHARED][figure] / round[COPIED][figure])).toFixed(2),
  ];
  console.log(
    `\nMedians of ${rounds.length} rounds. Speeds are of all threads together; a ratio above 1 is in favour of the ShardMap.`,
  );
  console.log('Memory is of all threads together as well; there, a ratio below 1 is.\n');
  align([
    ['', SHARED, COPIED, 'ratio'],
    ['threads', count(threads), count(threads), ''],
    ['entries', count(entries), `${threads} × ${count(entries)}`, ''],
    compare('load, million entries/s', 'load', millions),
    compare('read, million/s', 'read', millions),
    compare('count, million entries visited/s', 'count', millions),
    compare('mixed 95/5, million/s', 'mixed', millions),
    compare('memory, bytes per entry', 'bytesPerEntry', (bytes) => bytes.toFixed(0)),
    ...(isDurable ? [['open again, million entries/s', millions(median(of(SHARED, 'reopen'))), '', '']] : []),
  ]);
}

function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const [label, ...cells] of rows) {
    const padded = cells.map((cell, index) => `   ${cell.padStart(widths[index + 1])}`);
    console.log(`${label.padEnd(widths[0])}${padded.join('')}`.trimEnd());
  }
}

export const count = (number) => number.toLocaleString('en-US');
const millions = (perSecond) => (perSecond / 1e6).toFixed(2);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
