// One map and ever more threads: what each worker adds. A Map of its own in each thread shows what the machine's cores
// are worth.
import { Crew } from '../crew.mjs';
import { createRow, pairUp, ratioAtLeast } from '../pairs.mjs';
import { ENTRIES } from '../workload.mjs';

const MIXES = [
  { name: 'reads only', store: 'shardmap', mix: { read: 1 }, target: ratioAtLeast(1.85, 1.95) },
  { name: '95 % reads', store: 'shardmap', mix: { read: 0.95, update: 0.05 }, target: ratioAtLeast(1.8, 1.9) },
  { name: '50 % reads', store: 'shardmap', mix: { read: 0.5, update: 0.5 }, target: ratioAtLeast(1.7, 1.9) },
  { name: 'a Map in each thread, reads only', store: 'map', mix: { read: 1 } },
];
const WORKERS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measure(options) {
  const most = options.workersMax;
  if (most < 2) return yield { skipped: 'scaling over workers: there is one core' };
  const counts = [...WORKERS.filter((count) => count < most), most];
  const crew = await Crew.start(most, { shared: ENTRIES });
  try {
    for (const { name, store, mix, target } of MIXES) {
      const load = { mix, shared: ENTRIES, own: 0 };
      const { rounds, note } = await crew.compare(
        counts.map((workers) => ({ store, workers, load })),
        options,
      );
      const rates = rounds.map((round) => round.map(({ perSecond }) => perSecond / 1e6));
      for (const [index, workers] of counts.entries()) {
        if (workers === 1) continue;
        const of = workers === 2 ? target : undefined;
        const point = { line: name, x: workers };
        const labels = /** @type {[string, string]} */ ([`${workers} workers`, '1 worker']);
        yield createRow({ name, unit: 'M/s', labels, target: of, note, point }, pairUp(rates, index, 0));
      }
    }
  } finally {
    await crew.stop();
  }
}
