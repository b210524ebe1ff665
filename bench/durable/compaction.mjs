// What writers notice while their store is compacted: a snapshot of a million entries is written, again and again.
import { ShardMap } from 'shardmap';
import { Crew } from '../crew.mjs';
import { createRow, pairUp, takeTurns } from '../pairs.mjs';
import { createFolder } from '../peers/packages.mjs';

/** Far below what a core can do: what operations then wait for is what is measured. */
const PACE_PER_SECOND = 100_000;
/** A compaction of a million entries takes seconds on a busy machine. */
const SECONDS_FACTOR = 8;

/** @typedef {import('../run.mjs').Options} Options */
/** @typedef {import('../crew.mjs').Rate} Rate */
/** @typedef {import('../latencies.mjs').Latencies} Latencies */

/**
 * @param {Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measureCompaction(options) {
  const entries = options.scale === 'smoke' ? 10_000 : 1_000_000;
  const { folder, remove } = createFolder();
  const crew = await Crew.start(2, { shared: entries });
  /** @type {ShardMap<string, number>} the crew's store too, as that is open in this process */
  const map = await ShardMap.open({ dir: folder });
  const store = {
    store: 'shardmap, durable',
    options: { dir: folder },
    load: { mix: { update: 1 }, shared: entries, own: 0 },
  };
  const name = `${entries.toLocaleString('en-US')} entries are compacted`;
  try {
    for (const workers of [1, 2]) {
      const paced = await runRounds(crew, map, { ...store, workers, pacePerSecond: PACE_PER_SECOND }, options);
      const pace = `${workers} × ${PACE_PER_SECOND.toLocaleString('en-US')} sets/s`;
      const note = `${compactionsOf(paced)} compactions`;
      /** @type {(figure: string, unit: 'ns' | 'ms', read: (latencies: Latencies) => number) => import('../pairs.mjs').Row} */
      const row = (figure, unit, read) =>
        createRow(
          { name: `${figure} of ${pace}, while ${name}`, unit, labels: LABELS, note },
          pairUp(
            paced.map((sides) => sides.map(({ rate }) => read(/** @type {Latencies} */ (rate.writes)))),
            0,
            1,
          ),
        );
      yield row('p50', 'ns', (latencies) => latencies.percentileNs(0.5));
      yield row('p99.9', 'ns', (latencies) => latencies.percentileNs(0.999));
      yield row('worst', 'ms', (latencies) => latencies.maxNs / 1e6);
    }
    for (const workers of [1, 2]) {
      const free = await runRounds(crew, map, { ...store, workers }, options);
      const rates = free.map((sides) => sides.map(({ rate }) => rate.perSecond / 1e6));
      const note = `${compactionsOf(free)} compactions`;
      yield createRow(
        {
          name: `sets of ${workers} ${workers === 1 ? 'worker' : 'workers'}, while ${name}`,
          unit: 'M/s',
          labels: LABELS,
          note,
        },
        pairUp(rates, 0, 1),
      );
    }
  } finally {
    await crew.stop();
    map.close();
    remove();
  }
}

/** @type {[string, string]} */
const LABELS = ['meanwhile', 'else'];

/** @typedef {{ rate: Rate, compactions: number }} Found */

/** @param {Found[][]} rounds */
const compactionsOf = (rounds) => rounds.reduce((total, [found]) => total + (found?.compactions ?? 0), 0);

/**
 * @param {Crew} crew
 * @param {ShardMap<string, number>} map
 * @param {import('../crew.mjs').Side} side
 * @param {Options} options
 */
async function runRounds(crew, map, side, { rounds, secondsPerSide }) {
  const run = () => crew.run(side, SECONDS_FACTOR * secondsPerSide);
  const compacted = async () => {
    let isOver = false;
    let compactions = 0;
    const compact = async () => {
      for (; !isOver; compactions++) await map.compact();
    };
    const compacting = compact();
    const rate = await run();
    isOver = true;
    await compacting;
    return { rate, compactions };
  };
  const found = [];
  await run(); // opens the store, and warms up
  for (let round = 0; round < rounds; round++) {
    found.push(await takeTurns([compacted, async () => ({ rate: await run(), compactions: 0 })], round));
  }
  return found;
}
