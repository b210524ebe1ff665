// Counting on against off: operations of a map that counts them, and of one in whose addon that is compiled out.
import assert from 'node:assert/strict';
import { buildUncounted, loadClass } from '../counted.mjs';
import { Crew } from '../crew.mjs';
import { createRow, pairUp } from '../pairs.mjs';
import { ENTRIES, HOT_ENTRIES } from '../workload.mjs';

/** @type {{ name: string, use: string, mix: import('../mix.mjs').Mix, shared: number }[]} */
const ROWS = [
  { name: 'get, found', use: 'get, found', mix: { read: 1 }, shared: ENTRIES },
  { name: 'get, absent', use: 'get, absent', mix: { read: 1 }, shared: ENTRIES },
  { name: 'has', use: 'has', mix: { read: 1 }, shared: ENTRIES },
  { name: 'set', use: 'set', mix: { update: 1 }, shared: ENTRIES },
  { name: 'get, found, a map of 1,000', use: 'get, found', mix: { read: 1 }, shared: HOT_ENTRIES },
  { name: 'set, a map of 1,000', use: 'set', mix: { update: 1 }, shared: HOT_ENTRIES },
];

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measure(options) {
  yield { progress: 'building an addon that counts nothing' };
  const failure = buildUncounted();
  if (failure) return yield { skipped: failure };
  assert.deepEqual(await Promise.all(['counted', 'uncounted'].map(readsCounted)), [1, 0]);
  for (const workers of options.workersMax < 2 ? [1] : [1, 2]) {
    for (const { name, use, mix, shared } of ROWS) {
      // A crew for each: what V8 has compiled for one operation is not in the next one's way.
      const crew = await Crew.start(workers, { shared });
      try {
        const load = { mix, shared, own: 0 };
        const sides = ['counted', 'uncounted'].map((kind) => ({ store: `${kind}/${use}`, workers, load }));
        const { rounds, note } = await crew.compare(sides, options);
        const rates = rounds.map((round) => round.map(({ perSecond }) => perSecond / 1e6));
        const labels = /** @type {[string, string]} */ (['counting', 'not counting']);
        const title = `${name}, ${workers === 1 ? '1 worker' : `${workers} workers`}`;
        yield createRow({ name: title, unit: 'M/s', labels, note }, pairUp(rates, 0, 1));
      } finally {
        await crew.stop();
      }
    }
  }
}

/** @param {string} kind */
async function readsCounted(kind) {
  const ShardMap = await loadClass(kind);
  const map = new ShardMap([['a', 1]]);
  map.get('a');
  const { readHits } = map.stats().operations;
  map.close();
  return readHits;
}
