// Writes that are on the medium when they are over, beside what else keeps data there.
import { createRow, pairUp, ratioAtLeast, takeTurns } from '../pairs.mjs';
import { installPeers } from '../peers/install.mjs';
import { ENTRIES } from '../workload.mjs';
import { DurableCrew } from './crew.mjs';
import { loadDurableStore } from './stores.mjs';

const VALUE_CHARS = 64;
/** Sets that a thread has under way at once, where it can. */
const LANES = 256;
const MANY_LANES = 2048;

/** @typedef {import('../run.mjs').Options} Options */
/** @typedef {import('../suites.mjs').Finding} Finding */
/** @typedef {import('./crew.mjs').Opened} Opened */
/**
 * @typedef {object} Comparison
 * @property {string} name
 * @property {string[]} stores the first is the subject
 * @property {number} workers
 * @property {number} lanes
 * @property {import('../pairs.mjs').Target} [target] against lmdb
 */

/** @type {Comparison[]} */
const COMPARISONS = [
  { name: 'one durable set at a time', stores: ['shardmap', 'lmdb', 'classic-level', 'redis'], workers: 1, lanes: 1 },
  {
    name: 'one durable set at a time, its thread waits',
    stores: ['shardmap, flushSync', 'better-sqlite3'],
    workers: 1,
    lanes: 1,
  },
  {
    name: `durable sets, ${LANES} under way at once`,
    stores: ['shardmap', 'lmdb', 'classic-level', 'redis'],
    workers: 1,
    lanes: LANES,
    target: ratioAtLeast(3, 6),
  },
  {
    name: `durable sets, ${MANY_LANES.toLocaleString('en-US')} under way at once`,
    stores: ['shardmap', 'lmdb', 'classic-level', 'redis'],
    workers: 1,
    lanes: MANY_LANES,
  },
  {
    name: `durable sets, 2 workers, ${LANES} under way at once in each`,
    stores: ['shardmap', 'lmdb', 'redis'],
    workers: 2,
    lanes: LANES,
    target: ratioAtLeast(3, 6),
  },
  {
    name: 'durable sets, 2 workers, each waits for its own',
    stores: ['shardmap, flushSync', 'better-sqlite3'],
    workers: 2,
    lanes: 1,
  },
  {
    name: `sets that are synced every second, ${LANES} under way at once`,
    stores: ['shardmap, every second', 'redis-every-second'],
    workers: 1,
    lanes: LANES,
  },
];
const FILLED = ['shardmap', 'lmdb', 'better-sqlite3', 'classic-level', 'redis'];

/**
 * @param {Options} options
 * @returns {AsyncGenerator<Finding>}
 */
export async function* measurePeers(options) {
  yield { progress: 'npm ci in bench/peers, if need be' };
  const failure = installPeers();
  if (failure) yield { skipped: failure };
  const entries = options.scale === 'smoke' ? ENTRIES / 10 : ENTRIES;
  const crew = new DurableCrew(2, { entries, value: 'x'.repeat(VALUE_CHARS) });
  try {
    yield* compareFills(crew, entries, options);
    for (const comparison of COMPARISONS) yield* compareSets(crew, comparison, options);
  } finally {
    await crew.stop();
  }
}

/**
 * @param {DurableCrew} crew
 * @param {number} entries
 * @param {Options} options
 * @returns {AsyncGenerator<Finding>}
 */
async function* compareFills(crew, entries, options) {
  const name = `durable fill of ${entries.toLocaleString('en-US')}, values of ${VALUE_CHARS} characters`;
  const stores = [];
  for (const store of FILLED) {
    const found = await attempt(crew, store, 1);
    if ('error' in found) yield { skipped: `${name}: ${store}: ${found.error}` };
    else stores.push(store);
    if ('opened' in found) await found.opened.close();
  }
  const turns = stores.map((store) => async () => {
    const opened = await crew.open(store, 1); // a new one for each fill
    try {
      return await opened.fill();
    } finally {
      await opened.close();
    }
  });
  yield* await rowsOf(name, stores, await runRounds(turns, options), 'M/s', ratioAtLeast(2, 4));
}

/**
 * @param {DurableCrew} crew
 * @param {Comparison} comparison
 * @param {Options} options
 * @returns {AsyncGenerator<Finding>}
 */
async function* compareSets(crew, { name, stores, workers, lanes, target }, options) {
  /** @type {{ store: string, opened: Opened }[]} */
  const sides = [];
  try {
    for (const store of stores) {
      const found = await attempt(crew, store, workers);
      if ('error' in found) yield { skipped: `${name}: ${store}: ${found.error}` };
      else sides.push({ store, opened: found.opened });
    }
    const seconds = 2 * options.secondsPerSide; // a sync more or less is seen otherwise
    const turns = sides.map(
      ({ opened }) =>
        () =>
          opened.set({ lanes, seconds }),
    );
    const found = await runRounds(turns, options);
    yield* await rowsOf(
      name,
      sides.map(({ store }) => store),
      found,
      'k/s',
      target,
    );
  } finally {
    for (const { opened } of sides) await opened.close();
  }
}

/**
 * @param {string} name
 * @param {string[]} stores
 * @param {number[][]} rounds operations a second
 * @param {'M/s' | 'k/s'} unit
 * @param {import('../pairs.mjs').Target | undefined} targetAgainstLmdb
 */
async function rowsOf(name, stores, rounds, unit, targetAgainstLmdb) {
  const [ours, ...theirs] = await Promise.all(stores.map(loadDurableStore));
  const rates = rounds.map((round) => round.map((perSecond) => perSecond / (unit === 'M/s' ? 1e6 : 1e3)));
  return theirs.map(({ label }, index) => {
    const target = label === 'lmdb' ? targetAgainstLmdb : undefined;
    return createRow({ name, unit, labels: [ours?.label ?? '', label], target }, pairUp(rates, 0, index + 1));
  });
}

/**
 * The first round warms up and does not count.
 *
 * @param {(() => Promise<number>)[]} turns
 * @param {Options} options
 */
async function runRounds(turns, { rounds }) {
  const found = [];
  for (let round = 0; round <= rounds; round++) found.push(await takeTurns(turns, round));
  return found.slice(1);
}

/**
 * @param {DurableCrew} crew
 * @param {string} store
 * @param {number} workers
 * @returns {Promise<{ opened: Opened } | { error: string }>}
 */
async function attempt(crew, store, workers) {
  try {
    return { opened: await crew.open(store, workers) };
  } catch (error) {
    return { error: String(/** @type {Error} */ (error).message ?? error).split('\n')[0] ?? '' };
  }
}
