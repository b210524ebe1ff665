// Pairs: a subject and references measured in turn in one process, so that what the machine does meanwhile happens to
// all. A row of results compares two sides: the median and the quartiles over rounds, of either side and of the ratio
// within a round.
import Benchmark from 'benchmark';

/** benchmark.js takes at least so many samples of a side; without its `minTime` each would take 50 ms. */
const SAMPLES_MIN = 8;

/**
 * @typedef {{ median: number, low: number, high: number }} Spread low and high are quartiles
 * @typedef {{ of: 'ratio' | 'subject', bound: 'max' | 'min', atLeast: number, goFor: number }} Target
 * @typedef {object} Row
 * @property {string} name
 * @property {'ns' | 'ms' | 'bytes' | 'M/s' | 'k/s' | 'MB/s' | 'calls'} unit ns and calls per operation, bytes per entry
 * @property {Spread & { label: string }} subject
 * @property {Spread & { label: string }} reference
 * @property {Spread} ratio subject to reference
 * @property {Target | undefined} target
 * @property {string | undefined} [note] what a reader has to know to judge the row
 * @property {Point | undefined} [point] where the row is in a chart
 * @property {[number, number][]} samples [subject, reference] of each round
 *
 * @typedef {{ line: string, x: number }} Point
 * @typedef {Pick<Row, 'name' | 'note' | 'point'> & { unit?: Row['unit'], labels?: [string, string], target?: Target | undefined }} Description
 */

/**
 * @param {number} atLeast
 * @param {number} goFor
 * @returns {Target}
 */
export const ratioAtMost = (atLeast, goFor) => ({ of: 'ratio', bound: 'max', atLeast, goFor });
/** @type {typeof ratioAtMost} */
export const ratioAtLeast = (atLeast, goFor) => ({ of: 'ratio', bound: 'min', atLeast, goFor });
/** @type {typeof ratioAtMost} */
export const subjectAtLeast = (atLeast, goFor) => ({ of: 'subject', bound: 'min', atLeast, goFor });
/** @type {typeof ratioAtMost} */
export const subjectAtMost = (atLeast, goFor) => ({ of: 'subject', bound: 'max', atLeast, goFor });

/**
 * @param {Description} description
 * @param {[number, number][]} samples
 * @returns {Row}
 */
export function createRow({ name, unit = 'ns', labels = ['ShardMap', 'Map'], target, point, note }, samples) {
  return {
    name,
    unit,
    subject: { label: labels[0], ...spreadOf(samples.map(([subject]) => subject)) },
    reference: { label: labels[1], ...spreadOf(samples.map(([, reference]) => reference)) },
    ratio: spreadOf(samples.map(([subject, reference]) => subject / reference)),
    target,
    point,
    note,
    samples,
  };
}

/**
 * Times functions with benchmark.js, which finds out itself how often to call them. Each call does `operations` of
 * them.
 *
 * @param {(() => void)[]} sides
 * @param {number} operations
 * @param {import('./run.mjs').Options} options
 * @returns {Promise<number[][]>} nanoseconds of an operation of each side, round by round
 */
export function measureSides(sides, operations, { rounds, secondsPerSide }) {
  const time = (/** @type {() => void} */ fn) => {
    const benchmark = new Benchmark({ fn, maxTime: secondsPerSide, minTime: secondsPerSide / SAMPLES_MIN });
    benchmark.run({ async: false });
    if (benchmark.error) throw benchmark.error;
    return (spreadOf(benchmark.stats.sample).median * 1e9) / operations;
  };
  return alternate(
    rounds,
    sides.map((side) => () => time(side)),
  );
}

/**
 * @param {Description & { operations: number, subject: () => void, reference: () => void }} pair
 * @param {import('./run.mjs').Options} options
 */
export async function measurePair({ operations, subject, reference, ...description }, options) {
  return createRow(description, pairUp(await measureSides([subject, reference], operations, options), 0, 1));
}

/**
 * Times two functions that use something up, such as an empty map, and so cannot be called over and over as
 * benchmark.js does: `prepare` is called before, `dispose` after each call, both outside of the time.
 *
 * @template S, R
 * @param {Description & { operations: number, subject: Once<S>, reference: Once<R> }} pair
 * @param {import('./run.mjs').Options} options
 */
export async function measurePairOnce({ operations, subject, reference, ...description }, { rounds }) {
  const sides = [() => timeOnce(subject) / operations, () => timeOnce(reference) / operations];
  return createRow(description, pairUp(await alternate(rounds, sides), 0, 1));
}

/**
 * Times two functions on what is made anew for each call, and is in the caches when it begins, such as the keys of a
 * request. Only the calls are timed, so many of them in a round that clocks and neighbours matter little.
 *
 * @template P
 * @param {Description & { operations: number, calls: number, prepare: () => P, subject: (prepared: P) => void, reference: (prepared: P) => void }} pair
 * @param {import('./run.mjs').Options} options
 */
export async function measurePairOnFresh(
  { operations, calls, prepare, subject, reference, ...description },
  { rounds },
) {
  const time = (/** @type {(prepared: P) => void} */ fn) => {
    let ns = 0n;
    for (let call = 0; call < calls; call++) {
      const prepared = prepare();
      const start = process.hrtime.bigint();
      fn(prepared);
      ns += process.hrtime.bigint() - start;
    }
    return Number(ns) / (calls * operations);
  };
  const sides = [() => time(subject), () => time(reference)];
  return createRow(description, pairUp(await alternate(rounds, sides), 0, 1));
}

/**
 * @template P
 * @typedef {{ prepare: () => P, run: (prepared: P) => void, dispose?: (prepared: P) => void }} Once
 */

/**
 * @template P
 * @param {Once<P>} once
 */
function timeOnce({ prepare, run, dispose }) {
  const prepared = prepare();
  globalThis.gc?.();
  const start = process.hrtime.bigint();
  run(prepared);
  const ns = Number(process.hrtime.bigint() - start);
  dispose?.(prepared);
  return ns;
}

/**
 * Rounds of all sides; the first one warms up and does not count.
 *
 * @param {number} rounds
 * @param {(() => number)[]} sides
 */
async function alternate(rounds, sides) {
  /** @type {number[][]} */
  const found = [];
  for (let round = 0; round <= rounds; round++) found.push(await takeTurns(sides, round));
  return found.slice(1);
}

/**
 * One round: each side once. Who goes first changes from round to round.
 *
 * @template T
 * @param {(() => T | Promise<T>)[]} sides
 * @param {number} round
 */
export async function takeTurns(sides, round) {
  /** @type {T[]} */
  const found = [];
  for (let turn = 0; turn < sides.length; turn++) {
    const side = (round + turn) % sides.length;
    found[side] = await /** @type {() => T | Promise<T>} */ (sides[side])();
  }
  return found;
}

/**
 * The samples of a row: those of two sides, round by round.
 *
 * @template T
 * @param {T[][]} rounds
 * @param {number} subject
 * @param {number} reference
 * @returns {[T, T][]}
 */
export function pairUp(rounds, subject, reference) {
  return rounds.map((round) => [/** @type {T} */ (round[subject]), /** @type {T} */ (round[reference])]);
}

/**
 * @param {number[]} numbers
 * @returns {Spread}
 */
export function spreadOf(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => {
    const place = share * (sorted.length - 1);
    const below = /** @type {number} */ (sorted[Math.floor(place)]);
    const above = /** @type {number} */ (sorted[Math.ceil(place)]);
    return below + (above - below) * (place - Math.floor(place));
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}
