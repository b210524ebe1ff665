// The mixes of conc-map-bench. As there, each worker has keys of its own, inserts them one after the other and removes
// its oldest; strings are fresh, as no operation knows the key from another.
import { Crew } from '../crew.mjs';
import { compareTwoWorkers } from '../two-workers.mjs';
import { ENTRIES } from '../workload.mjs';

/** @typedef {import('../mix.mjs').Mix} Mix */

const MIXES = [
  {
    name: 'read-heavy: 98 % reads, 1 % inserts, 1 % removes',
    mix: /** @type {Mix} */ ({ read: 0.98, insert: 0.01, remove: 0.01, keys: 'own' }),
    entries: ENTRIES,
  },
  {
    name: 'exchange: 10 % reads, 40 % inserts, 40 % removes, 10 % updates',
    mix: /** @type {Mix} */ ({ read: 0.1, insert: 0.4, remove: 0.4, update: 0.1, keys: 'own' }),
    entries: ENTRIES,
  },
  {
    name: 'rapid grow, from nothing: 5 % reads, 80 % inserts, 5 % removes, 10 % updates',
    mix: /** @type {Mix} */ ({ read: 0.05, insert: 0.8, remove: 0.05, update: 0.1, keys: 'own' }),
    entries: 0,
  },
];

/** @param {import('../run.mjs').Options} options */
export async function* measure(options) {
  const crew = await Crew.start(2, { shared: 0, hasOwnKeys: true });
  try {
    for (const { name, mix, entries } of MIXES) {
      yield* compareTwoWorkers(crew, name, (workers) => ({ mix, shared: 0, own: entries / workers }), options);
    }
  } finally {
    await crew.stop();
  }
}
