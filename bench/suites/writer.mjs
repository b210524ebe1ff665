// A feature writer: entries that come one by one, set by a writer that collects them, and by single sets.
import { Crew } from '../crew.mjs';
import { createRow, pairUp } from '../pairs.mjs';

const WORKERS = [1, 2, 4];
const OWN_ENTRIES = 100_000;
const LOADS = [
  { name: 'new keys', load: { mix: { insert: 1 }, shared: 0, own: 0 } },
  {
    name: 'overwriting',
    load: { mix: { update: 1, keys: /** @type {const} */ ('own') }, shared: 0, own: OWN_ENTRIES },
  },
];

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measure(options) {
  const crew = await Crew.start(Math.max(...WORKERS), { shared: 0, hasOwnKeys: true });
  try {
    for (const values of ['numbers', 'objects']) {
      for (const { name, load } of LOADS) {
        for (const workers of WORKERS) {
          const sides = ['written', 'set'].map((way) => ({ store: `${values} ${way}`, workers, load }));
          const { rounds, note } = await crew.compare(sides, options);
          const rates = rounds.map((round) => round.map(({ perSecond }) => perSecond / 1e6));
          const labels = /** @type {[string, string]} */ (['the writer', 'single sets']);
          const described = `${values}, ${name}, ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
          yield createRow({ name: described, unit: 'M/s', labels, note }, pairUp(rates, 0, 1));
        }
        await crew.closeStores();
      }
    }
  } finally {
    await crew.stop();
  }
}
