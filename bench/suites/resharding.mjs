// What a resharding costs those who use the map meanwhile: how long single operations of two workers take in a map of a
// million entries while it goes from 64 shards to 512, and in one that stays as it is; and what two writers do in a map
// that adds shards by itself, and in one of 16 and of 512.
import { Crew } from '../crew.mjs';
import { createRow, pairUp } from '../pairs.mjs';
import { ENTRIES } from '../workload.mjs';

const WORKERS = 2;
const PACE_PER_SECOND = 200_000;
const SHARDS = { from: 64, to: 512 };
/** Rounds are as long as a resharding of so many entries on a machine that has other things to do. */
const SECONDS_FACTOR = 2;
const WRITES = { update: 1 };

/** @type {Record<string, (latencies: import('../latencies.mjs').Latencies) => number>} */
const FIGURES = {
  p50: (latencies) => latencies.percentileNs(0.5),
  'p99.9': (latencies) => latencies.percentileNs(0.999),
  max: (latencies) => latencies.maxNs,
};

/** @param {import('../run.mjs').Options} options */
export async function* measure(options) {
  const entries = options.scale === 'full' ? 1_000_000 : ENTRIES;
  const crew = await Crew.start(WORKERS, { shared: entries });
  try {
    yield* stalls(crew, entries, options);
    yield* throughput(crew, options);
  } finally {
    await crew.stop();
  }
}

/**
 * @param {Crew} crew
 * @param {number} entries
 * @param {import('../run.mjs').Options} options
 */
async function* stalls(crew, entries, options) {
  const side = {
    store: 'shardmap',
    options: { shards: SHARDS.from },
    workers: WORKERS,
    load: { mix: { read: 0.5, update: 0.5 }, shared: entries, own: 0 },
    pacePerSecond: PACE_PER_SECOND,
  };
  const sides = [{ ...side, reshardTo: SHARDS.to }, side];
  const secondsPerSide = SECONDS_FACTOR * options.secondsPerSide;
  const { rounds, note } = await crew.compare(sides, { ...options, secondsPerSide });
  const ms = rounds.map(([resharded]) => Math.round(resharded?.reshardMs ?? 0)).toSorted((a, b) => a - b);
  for (const kind of /** @type {const} */ (['reads', 'writes'])) {
    for (const [figure, read] of Object.entries(FIGURES)) {
      const ns = rounds.map((round) =>
        round.map((rate) => read(/** @type {import('../latencies.mjs').Latencies} */ (rate[kind]))),
      );
      yield createRow(
        {
          name: `${kind === 'reads' ? 'get' : 'set'} of ${entries.toLocaleString('en-US')} entries, ${figure}`,
          labels: ['while it is resharded', 'as it is'],
          note: [`resharded in ${ms.join(', ')} ms`, note].filter(Boolean).join('; '),
        },
        pairUp(ns, 0, 1),
      );
    }
  }
}

/**
 * @param {Crew} crew
 * @param {import('../run.mjs').Options} options
 */
async function* throughput(crew, options) {
  const load = { mix: WRITES, shared: ENTRIES, own: 0 };
  const sides = ['auto', 16, 512].map((shards) => ({ store: 'shardmap', options: { shards }, workers: WORKERS, load }));
  const { rounds, note } = await crew.compare(sides, options);
  const rates = rounds.map((round) => round.map(({ perSecond }) => perSecond / 1e6));
  for (const [other, shards] of [16, 512].entries()) {
    yield createRow(
      { name: `2 workers overwrite, ${shards} shards`, note, unit: 'M/s', labels: ["'auto'", `${shards} shards`] },
      pairUp(rates, 0, other + 1),
    );
  }
}
