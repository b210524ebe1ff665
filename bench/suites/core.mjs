// The core without Node, by its own bench (bench/native): against the best concurrent maps for C++, and what JavaScript
// makes of it beside maps in use without Node. A round is a run of that program, which measures all maps, and a turn of
// two workers right after it.
import { Crew } from '../crew.mjs';
import { areEnough, leastDisturbed } from '../disturbance.mjs';
import { buildProgram, cellName, runProgram } from '../native/program.mjs';
import { createRow, ratioAtLeast, spreadOf } from '../pairs.mjs';
import { ENTRIES } from '../workload.mjs';

/** The better of these is what the core is compared with. */
const RIVALS = ['libcuckoo', 'onetbb'];
/**
 * These keep their threads' cores busy: a core that one did not have, the machine took. DashMap's threads sleep when
 * they wait.
 */
const BUSY = ['shardmap', ...RIVALS, 'JavaScript'];
/** @type {Record<string, string>} */
const LABELS = { shardmap: 'the core', libcuckoo: 'libcuckoo', onetbb: 'oneTBB', dashmap: 'DashMap' };
const READS = [100, 95, 50];
const CELLS = [
  cellName('fill', 1),
  ...[1, 2].flatMap((threads) => READS.map((reads) => cellName(`${reads} % reads`, threads))),
];
const ATTEMPTS_PER_ROUND = 2;
/** Of a side's usual time, as a round has many figures. */
const TIME_SHARE = 0.25;

/** @typedef {{ figures: import('../native/program.mjs').Figure[], leftOut: string }} Round */
/** @typedef {{ rounds: Round[], wanted: number }} Measured */

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measure(options) {
  yield { progress: 'building the bench of the core' };
  const failure = buildProgram();
  if (failure) return yield { skipped: failure };
  const rounds = yield* measureRounds(options);
  if (rounds[0]?.leftOut) yield { skipped: rounds[0].leftOut };
  const measured = { rounds, wanted: options.rounds };
  const target = ratioAtLeast(1, 1.5);
  for (const cell of CELLS)
    yield* compare(measured, { name: cell, cell, subject: 'shardmap', references: RIVALS, target });
  for (const reads of READS) {
    const name = `${reads} % reads, 2 workers against 2 threads without Node`;
    const pair = { name, cell: cellName(`${reads} % reads`, 2), subject: 'JavaScript' };
    yield* compare(measured, { ...pair, references: ['dashmap'], target });
    yield* compare(measured, { ...pair, references: RIVALS });
  }
}

/**
 * A row of one map and the best of others; none where these were left out.
 *
 * @param {Measured} measured
 * @param {{ name: string, cell: string, subject: string, references: string[], target?: import('../pairs.mjs').Target }} pair
 */
function* compare({ rounds, wanted }, { name, cell, subject, references, target }) {
  const median = (/** @type {string} */ map) => spreadOf(rounds.map((round) => figureOf(round, map, cell).rate)).median;
  const present = references.filter((map) => rounds[0]?.figures.some((figure) => figure.map === map));
  const [best] = present.sort((a, b) => median(b) - median(a));
  if (best === undefined) return;
  const { rounds: counted, note } = leastDisturbed(rounds, (round) => shareOf(round, [subject, best], cell), wanted);
  /** @type {[number, number][]} */
  const samples = counted.map((round) => [figureOf(round, subject, cell).rate, figureOf(round, best, cell).rate]);
  const labels = /** @type {[string, string]} */ ([LABELS[subject] ?? subject, LABELS[best] ?? best]);
  yield createRow({ name, unit: 'M/s', labels, target, note }, samples);
}

/**
 * @param {Round} round
 * @param {string} map
 * @param {string} cell
 */
function figureOf({ figures }, map, cell) {
  const found = figures.find((figure) => figure.map === map && figure.cell === cell);
  if (found === undefined) throw new Error(`the core's bench has no figure of ${map}: ${cell}`);
  return found;
}

/**
 * @param {Round} round
 * @param {string[]} maps
 * @param {string} cell
 */
function shareOf({ figures }, maps, cell) {
  const busy = figures.filter(
    (figure) => figure.cell === cell && maps.includes(figure.map) && BUSY.includes(figure.map),
  );
  return Math.min(...busy.map(({ cpuShare }) => cpuShare));
}

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding, Round[]>}
 */
async function* measureRounds({ rounds, secondsPerSide }) {
  const crew = await Crew.start(2, { shared: ENTRIES });
  /** @type {Round[]} */
  const found = [];
  const areAllEnough = () => CELLS.every((cell) => areEnough(found, (round) => shareOf(round, BUSY, cell), rounds));
  try {
    while (!areAllEnough() && found.length < ATTEMPTS_PER_ROUND * rounds) {
      yield {
        progress: `round ${found.length + 1}${found.length < rounds ? ` of ${rounds}` : ': earlier ones were disturbed'}`,
      };
      const { figures, leftOut } = runProgram([...RIVALS, 'shardmap', 'dashmap'], READS, TIME_SHARE * secondsPerSide);
      for (const reads of READS) {
        const load = { mix: { read: reads / 100, update: 1 - reads / 100 }, shared: ENTRIES, own: 0 };
        const { perSecond, cpuShare } = await crew.run({ store: 'shardmap', workers: 2, load }, secondsPerSide);
        figures.push({ map: 'JavaScript', cell: cellName(`${reads} % reads`, 2), rate: perSecond / 1e6, cpuShare });
      }
      found.push({ figures, leftOut });
    }
  } finally {
    await crew.stop();
  }
  return found;
}
