// Pairs: a subject and a reference measured in turn in one process, so that what the machine does meanwhile happens to both. A row of
// results is the median and the quartiles over rounds, of either side and of the ratio within a round.
import Benchmark from 'benchmark';

/**
 * @typedef {{ median: number, low: number, high: number }} Spread low and high are quartiles
 * @typedef {{ of: 'ratio' | 'subject', bound: 'max' | 'min', atLeast: number, goFor: number }} Target
 * @typedef {object} Row
 * @property {string} name
 * @property {'ns' | 'bytes' | 'M/s'} unit per operation, per entry, a second
 * @property {Spread & { label: string }} subject
 * @property {Spread & { label: string }} reference
 * @property {Spread} ratio subject to reference
 * @property {Target | undefined} target
 * @property {string} [note] what a reader has to know to judge the row
 * @property {[number, number][]} samples [subject, reference] of each round
 *
 * @typedef {{ name: string, unit?: Row['unit'], labels?: [string, string], target?: Target | undefined }} Description
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
export const subjectAtMost = (atLeast, goFor) => ({ of: 'subject', bound: 'max', atLeast, goFor });

/**
 * @param {Description} description
 * @param {[number, number][]} samples
 * @returns {Row}
 */
export function createRow({ name, unit = 'ns', labels = ['ShardMap', 'Map'], target }, samples) {
  return {
    name,
    unit,
    subject: { label: labels[0], ...spreadOf(samples.map(([subject]) => subject)) },
    reference: { label: labels[1], ...spreadOf(samples.map(([, reference]) => reference)) },
    ratio: spreadOf(samples.map(([subject, reference]) => subject / reference)),
    target,
    samples,
  };
}

/**
 * Times two functions with benchmark.js, which finds out itself how often to call them. Each call does `operations` of them.
 *
 * @param {Description & { operations: number, subject: () => void, reference: () => void }} pair
 * @param {import('./run.mjs').Options} options
 */
export function measurePair({ operations, subject, reference, ...description }, { rounds, secondsPerSide }) {
  const time = (/** @type {() => void} */ fn) => {
    const benchmark = new Benchmark({ fn, maxTime: secondsPerSide });
    benchmark.run({ async: false });
    if (benchmark.error) throw benchmark.error;
    return (spreadOf(benchmark.stats.sample).median * 1e9) / operations;
  };
  return createRow(
    description,
    alternate(
      rounds,
      () => time(subject),
      () => time(reference),
    ),
  );
}

/**
 * Times two functions that use something up, such as an empty map, and so cannot be called over and over as benchmark.js does:
 * `prepare` is called before, `dispose` after each call, both outside of the time.
 *
 * @template S, R
 * @param {Description & { operations: number, subject: Once<S>, reference: Once<R> }} pair
 * @param {import('./run.mjs').Options} options
 */
export function measurePairOnce({ operations, subject, reference, ...description }, { rounds }) {
  return createRow(
    description,
    alternate(
      rounds,
      () => timeOnce(subject) / operations,
      () => timeOnce(reference) / operations,
    ),
  );
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
 * The first round warms up and does not count; who goes first changes from round to round.
 *
 * @param {number} rounds
 * @param {() => number} subject
 * @param {() => number} reference
 * @returns {[number, number][]}
 */
function alternate(rounds, subject, reference) {
  /** @type {[number, number][]} */
  const samples = [];
  for (let round = 0; round <= rounds; round++) {
    const first = round % 2 === 0 ? subject() : reference();
    const second = round % 2 === 0 ? reference() : subject();
    if (round > 0) samples.push(round % 2 === 0 ? [first, second] : [second, first]);
  }
  return samples;
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
