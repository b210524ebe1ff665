// How fast a store is opened again, and how much memory a snapshot needs while it is written. A process for each sample.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRow, subjectAtLeast } from '../pairs.mjs';
import { createFolder } from '../peers/packages.mjs';

const PROGRAM = fileURLToPath(new URL('./recovery-process.mjs', import.meta.url));
const TARGET = subjectAtLeast(1, 3);

/** @typedef {import('../run.mjs').Options} Options */
/** @typedef {'numbers' | 'texts'} Kind */
/** @typedef {{ seconds: number, cpuSeconds: number }} Timed */

/**
 * @param {Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measureRecovery(options) {
  const entries = options.scale === 'smoke' ? 10_000 : 1_000_000;
  const count = entries.toLocaleString('en-US');
  /** @type {[name: string, kind: Kind, isCompacted: boolean][]} */
  const stores = [
    [`a log of ${count} numbers`, 'numbers', false],
    [`a snapshot of ${count} numbers`, 'numbers', true],
    [`a snapshot of ${count} strings of 100 characters`, 'texts', true],
  ];
  for (const [name, kind, isCompacted] of stores) {
    yield { progress: name };
    yield* measureOpening(name, kind, isCompacted, entries, options);
  }
  yield* measureMemory(count, entries, options);
}

/**
 * @param {string} name
 * @param {Kind} kind
 * @param {boolean} isCompacted
 * @param {number} entries
 * @param {Options} options
 */
function* measureOpening(name, kind, isCompacted, entries, { rounds }) {
  const { folder, remove } = createFolder();
  try {
    runProcess('make', folder, kind, entries, isCompacted ? 'compact' : '');
    const megabytes = bytesIn(folder) / 1e6;
    const millions = entries / 1e6;
    /** @type {{ opened: Timed, set: Timed, read: Timed }[]} */
    const samples = Array.from({ length: rounds }, () => runProcess('open', folder, kind, entries));
    const labels = /** @type {[string, string]} */ (['opening', 'setting them in memory']);
    yield createRow(
      { name: `opening ${name}`, unit: 'M/s', labels },
      samples.map(({ opened, set }) => [millions / opened.seconds, millions / set.seconds]),
    );
    yield createRow(
      { name: `opening ${name}, a second of CPU time`, unit: 'M/s', labels, target: TARGET },
      samples.map(({ opened, set }) => [millions / opened.cpuSeconds, millions / set.cpuSeconds]),
    );
    yield createRow(
      {
        name: `opening ${name}, of ${megabytes.toFixed(1)} MB`,
        unit: 'MB/s',
        labels: ['opening', 'reading the files'],
      },
      samples.map(({ opened, read }) => [megabytes / opened.seconds, megabytes / read.seconds]),
    );
  } finally {
    remove();
  }
}

/**
 * @param {string} count
 * @param {number} entries
 * @param {Options} options
 * @returns {Generator<import('../suites.mjs').Finding>}
 */
function* measureMemory(count, entries, { rounds }) {
  if (!existsSync('/proc/self/clear_refs')) {
    yield { skipped: 'memory while a snapshot is written: this system does not tell the peak of a process' };
    return;
  }
  const samples = Array.from({ length: rounds }, () => {
    const { folder, remove } = createFolder();
    /** @type {{ grownBytes: number, storeBytes: number }} */
    const { grownBytes, storeBytes } = runProcess('snapshot', folder, 'numbers', entries);
    remove();
    return /** @type {[number, number]} */ ([grownBytes / entries, storeBytes / entries]);
  });
  const name = `most memory beside, of an entry, while a snapshot of ${count} is written`;
  yield createRow({ name, unit: 'bytes', labels: ['the snapshot', 'the store'] }, samples);
}

/** @param {(string | number)[]} args */
function runProcess(...args) {
  return JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', PROGRAM, ...args.map(String)], { encoding: 'utf8' }),
  );
}

/** @param {string} folder */
function bytesIn(folder) {
  return readdirSync(folder).reduce((total, name) => total + statSync(path.join(folder, name)).size, 0);
}
