// The shard-count curve: what one and two workers do in a map of 1, 2, 4 … 4,096 shards.
import { Crew } from '../crew.mjs';
import { createRow, pairUp } from '../pairs.mjs';
import { ENTRIES } from '../workload.mjs';

const MIXES = [
  { name: 'reads only', mix: { read: 1 } },
  { name: '95 % reads', mix: { read: 0.95, update: 0.05 } },
  { name: '50 % reads', mix: { read: 0.5, update: 0.5 } },
];
const COUNTS = Array.from({ length: 13 }, (_, power) => 2 ** power);
/** Of a side's usual time: the curve is about large differences. */
const TIME_SHARE = 0.25;

/** @param {import('../run.mjs').Options} options */
export async function* measure(options) {
  const counts = options.scale === 'full' ? COUNTS : [1, 16, 256, 4096];
  const crew = await Crew.start(2, { shared: ENTRIES });
  try {
    for (const shards of counts) {
      const sides = MIXES.flatMap(({ mix }) =>
        [2, 1].map((workers) => ({
          store: 'shardmap',
          options: { shards },
          workers,
          load: { mix, shared: ENTRIES, own: 0 },
        })),
      );
      const { rounds, note } = await crew.compare(sides, {
        ...options,
        secondsPerSide: TIME_SHARE * options.secondsPerSide,
      });
      const rates = rounds.map((round) => round.map(({ perSecond }) => perSecond / 1e6));
      for (const [index, { name }] of MIXES.entries()) {
        const description = {
          name: `${name}, ${shards} shard${shards > 1 ? 's' : ''}`,
          note,
          point: { line: name, x: shards },
        };
        yield createRow(
          { ...description, unit: 'M/s', labels: ['2 workers', '1 worker'] },
          pairUp(rates, 2 * index, 2 * index + 1),
        );
      }
      await crew.closeStores();
    }
  } finally {
    await crew.stop();
  }
}
