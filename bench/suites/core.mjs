// The core without Node, by its own bench (bench/native): against the best concurrent maps for C++, and what JavaScript makes of it. A round
// is a run of that program, which measures all maps, and a turn of two workers right after it.
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { Crew } from '../crew.mjs';
import { createRow, ratioAtLeast, spreadOf } from '../pairs.mjs';
import { ENTRIES } from '../workload.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FOLDER = path.join(ROOT, '.build/bench');
/** The better of these is what the core is compared with. */
const RIVALS = ['libcuckoo', 'onetbb'];
const READS = [100, 95, 50];

/** @typedef {{ name: string, items_per_second: number }} Figure of the program; bench/native/README.md says what its names are made of */
/** @typedef {{ figures: Figure[], leftOut: string, workers: number[] }} Round `workers`: M/s of two, for each share of reads */

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measure(options) {
  const failure = build();
  if (failure) return yield { skipped: failure };
  const rounds = await measureRounds(options);
  if (rounds[0]?.leftOut) yield { skipped: rounds[0].leftOut };
  yield {
    skipped:
      'DashMap: it takes Rust; JavaScript is compared with the better of the C++ maps instead, for what that shows',
  };
  yield* compareCore(rounds, 'fill, 1 thread', /^Fill\//);
  for (const threads of [1, 2]) {
    for (const reads of READS) {
      const name = `${reads} % reads, ${threads === 1 ? '1 thread' : `${threads} threads`}`;
      yield* compareCore(rounds, name, new RegExp(`^Mixed/.*reads:${reads}/.*threads:${threads}$`));
    }
  }
  yield* compareWorkers(rounds);
}

/**
 * @param {Round[]} rounds
 * @param {string} name
 * @param {RegExp} pattern
 */
function* compareCore(rounds, name, pattern) {
  const [core, best] = [ratesOf(rounds, pattern, 'shardmap'), bestRival(rounds, pattern)];
  if (best === undefined) return;
  /** @type {[number, number][]} */
  const samples = core.map((rate, round) => [rate, best.rates[round] ?? 0]);
  yield createRow({ name, unit: 'M/s', labels: ['the core', best.name], target: ratioAtLeast(1, 1.5) }, samples);
}

/** @param {Round[]} rounds */
function* compareWorkers(rounds) {
  for (const [index, reads] of READS.entries()) {
    const best = bestRival(rounds, new RegExp(`^Mixed/.*reads:${reads}/.*threads:2$`));
    if (best === undefined) return;
    const name = `${reads} % reads, 2 workers against 2 threads in C++`;
    /** @type {[number, number][]} */
    const samples = rounds.map(({ workers }, round) => [workers[index] ?? 0, best.rates[round] ?? 0]);
    yield createRow({ name, unit: 'M/s', labels: ['JavaScript', best.name] }, samples);
  }
}

/**
 * @param {Round[]} rounds
 * @param {RegExp} pattern
 */
function bestRival(rounds, pattern) {
  const rivals = RIVALS.map((name) => ({ name, rates: ratesOf(rounds, pattern, name) }));
  const median = (/** @type {typeof rivals[number]} */ { rates }) => spreadOf(rates).median;
  return rivals.filter(({ rates }) => rates.length > 0).sort((a, b) => median(b) - median(a))[0];
}

/**
 * @param {Round[]} rounds
 * @param {RegExp} pattern
 * @param {string} map
 * @returns {number[]} M/s of each round
 */
function ratesOf(rounds, pattern, map) {
  return rounds.flatMap(({ figures }) =>
    figures
      .filter(({ name }) => pattern.test(name) && name.includes(`/map:${map}/`))
      .map((figure) => figure.items_per_second / 1e6),
  );
}

/** @param {import('../run.mjs').Options} options */
async function measureRounds({ rounds, secondsPerSide }) {
  const crew = await Crew.start(2, { shared: ENTRIES });
  const seconds = secondsPerSide / 4;
  /** @type {Round[]} */
  const found = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const { figures, leftOut } = runProgram(seconds);
      const workers = [];
      for (const reads of READS) {
        const load = { mix: { read: reads / 100, update: 1 - reads / 100 }, shared: ENTRIES, own: 0 };
        const { perSecond } = await crew.run({ store: 'shardmap', workers: 2, load }, secondsPerSide);
        workers.push(perSecond / 1e6);
      }
      found.push({ figures, leftOut, workers });
    }
  } finally {
    await crew.stop();
  }
  return found;
}

/**
 * @param {number} seconds of each figure
 * @returns {{ figures: Figure[], leftOut: string }}
 */
function runProgram(seconds) {
  const filter = `^(Fill|Mixed)/map:(shardmap|${RIVALS.join('|')})/(.*/manual_time|.*reads:(${READS.join('|')})/.*threads:[12])$`;
  const args = [`--benchmark_filter=${filter}`, '--benchmark_format=json', `--benchmark_min_time=${seconds}`];
  const program = path.join(FOLDER, 'shardmap_bench');
  const output = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const { benchmarks, context } = JSON.parse(output);
  return { figures: benchmarks, leftOut: context.left_out ?? '' };
}

/** @returns {string} why it cannot be built, in a line; nothing where it is built */
function build() {
  const steps = [
    ['-S', ROOT, '-B', FOLDER, '-DSHARDMAP_BENCH=ON', '-DCMAKE_BUILD_TYPE=Release'],
    ['--build', FOLDER, '--target', 'shardmap_bench', '--parallel'],
  ];
  for (const args of steps) {
    const { error, status, stderr } = spawnSync('cmake', args, { encoding: 'utf8' });
    if (error) return 'the core: cmake is not installed';
    if (status !== 0)
      return `the core: ${/^.*(error|could not be found|not found).*$/im.exec(stderr)?.[0] ?? 'cmake failed'}`;
  }
  return '';
}
