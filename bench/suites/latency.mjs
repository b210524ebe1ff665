// How long single operations take while two workers write: half of the operations are gets, and half overwrites, or
// inserts that grow the map from nothing. Operations are due at a fixed rate, and late ones count from when they were
// due (loops.mjs).
import { Crew } from '../crew.mjs';
import { createRow, pairUp, spreadOf } from '../pairs.mjs';
import { ENTRIES } from '../workload.mjs';

const PACE_PER_SECOND = 500_000;
const WORKERS = 2;
/** Rounds are longer than elsewhere, for the rare operations: a thousandth of them is a thousand a second. */
const SECONDS_FACTOR = 5;

/** @type {{ during: string, write: string, load: import('../mix.mjs').Load }[]} */
const LOADS = [
  {
    during: 'overwrites',
    write: 'set',
    load: { mix: { read: 0.5, update: 0.5 }, shared: ENTRIES, own: 0 },
  },
  {
    during: 'growth',
    write: 'set of a new key',
    load: { mix: { read: 0.5, insert: 0.5, keys: 'own' }, shared: 0, own: 0 },
  },
];
/** @typedef {import('../latencies.mjs').Latencies} Latencies */
/** @type {Record<string, (latencies: Latencies) => number>} */
const FIGURES = {
  p50: (latencies) => latencies.percentileNs(0.5),
  p99: (latencies) => latencies.percentileNs(0.99),
  'p99.9': (latencies) => latencies.percentileNs(0.999),
  max: (latencies) => latencies.maxNs,
};

/** @param {import('../run.mjs').Options} options */
export async function* measure(options) {
  const crew = await Crew.start(WORKERS, { shared: ENTRIES, hasOwnKeys: true });
  const secondsPerSide = SECONDS_FACTOR * options.secondsPerSide;
  try {
    for (const { during, write, load } of LOADS) {
      const sides = ['shardmap', 'map', 'nothing'].map((store) => ({
        store,
        workers: WORKERS,
        load,
        pacePerSecond: PACE_PER_SECOND,
      }));
      const found = await crew.compare(sides, { ...options, secondsPerSide });
      yield* rowsOf(`get during ${during}`, found, ({ reads }) => reads);
      yield* rowsOf(`${write}, during ${during}`, found, ({ writes }) => writes);
    }
  } finally {
    await crew.stop();
  }
}

/**
 * @param {string} name
 * @param {Awaited<ReturnType<Crew['compare']>>} found
 * @param {(rate: import('../crew.mjs').Rate) => Latencies | undefined} latenciesOf
 */
function* rowsOf(name, { rounds, note }, latenciesOf) {
  for (const [figure, read] of Object.entries(FIGURES)) {
    const ns = rounds.map((round) => round.map((rate) => read(/** @type {Latencies} */ (latenciesOf(rate)))));
    const floor = spreadOf(ns.map((sides) => /** @type {number} */ (sides[2]))).median;
    yield createRow(
      {
        name: `${name}, ${figure}`,
        labels: ['one ShardMap', 'a Map in each'],
        note: [`without an operation ${Math.round(floor).toLocaleString('en-US')} ns`, note].filter(Boolean).join('; '),
        point: { line: name, x: Object.keys(FIGURES).indexOf(figure) },
      },
      pairUp(ns, 0, 1),
    );
  }
}
