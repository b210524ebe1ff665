// Counters: one hot key that several workers add to; and how often the function of an update is called until it is
// through, while others change the same entry.
import { Crew } from '../crew.mjs';
import { createRow, pairUp } from '../pairs.mjs';

/** @type {import('../mix.mjs').Load} */
const ONE_KEY = { mix: { update: 1 }, shared: 1, own: 0 };
const WORKERS = [1, 2];
const WAYS = ['increment', 'Atomics.add', 'get and set', 'update'];
/** A loop of gets and sets loses what others add meanwhile; it is here for its price. */
const PAIRS = [
  ['increment', 'Atomics.add'],
  ['increment', 'get and set'],
  ['update', 'get and set'],
];

const CONTENTIONS = [
  { name: '2 workers', store: 'update', workers: 2 },
  { name: '4 workers', store: 'update', workers: 4 },
  { name: 'while another worker increments', store: 'update against increments', workers: 2 },
  { name: 'of 10 µs, while another worker increments', store: 'update of 10 µs against increments', workers: 2 },
];
const SHARES = { p50: 0.5, p99: 0.99, 'p99.9': 0.999, max: 1 };

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measure(options) {
  const crew = await Crew.start(4, { shared: 1 });
  try {
    for (const workers of WORKERS) yield* measureRates(crew, workers, options);
    for (const contention of CONTENTIONS) yield* measureCalls(crew, contention, options);
  } finally {
    await crew.stop();
  }
}

/**
 * @param {Crew} crew
 * @param {number} workers
 * @param {import('../run.mjs').Options} options
 */
async function* measureRates(crew, workers, options) {
  const sides = WAYS.map((store) => ({ store, workers, load: ONE_KEY }));
  const { rounds, note } = await crew.compare(sides, options);
  const rates = rounds.map((round) => round.map(({ perSecond }) => perSecond / 1e6));
  for (const labels of /** @type {[string, string][]} */ (PAIRS)) {
    const name = `${labels[0]} of one key, ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
    const [subject, reference] = labels.map((label) => WAYS.indexOf(label));
    const samples = pairUp(rates, /** @type {number} */ (subject), /** @type {number} */ (reference));
    yield createRow({ name, unit: 'M/s', labels, note }, samples);
  }
}

/**
 * @param {Crew} crew
 * @param {typeof CONTENTIONS[number]} contention
 * @param {import('../run.mjs').Options} options
 */
async function* measureCalls(crew, { name, store, workers }, options) {
  const sides = [
    { store, workers, load: ONE_KEY },
    { store: 'update', workers: 1, load: ONE_KEY },
  ];
  const { rounds, note } = await crew.compare(sides, options);
  for (const [figure, share] of Object.entries(SHARES)) {
    const calls = rounds.map((round) =>
      round.map(({ writes }) => {
        const tally = /** @type {import('../latencies.mjs').Latencies} */ (writes);
        return share === 1 ? tally.maxNs : Math.floor(tally.percentileNs(share));
      }),
    );
    const labels = /** @type {[string, string]} */ (['contended', 'alone']);
    yield createRow({ name: `update, ${name}, calls, ${figure}`, unit: 'calls', labels, note }, pairUp(calls, 0, 1));
  }
}
