// What else keeps entries for JavaScript: in one thread, and for two workers at 95 % reads. What cannot be installed or
// run is skipped.
import { Crew } from '../crew.mjs';
import { loadLoops } from '../loops.mjs';
import { createRow, measureSides, pairUp, ratioAtLeast } from '../pairs.mjs';
import { installPeers } from '../peers/install.mjs';
import { loadStore } from '../stores.mjs';
import { ENTRIES, HOT_ENTRIES, inStretches, keptKeys, keyBytes, STRETCH, shuffledIndices } from '../workload.mjs';

const IN_ONE_THREAD = ['map', 'lru-cache', 'lmdb', 'lmdb-batched', 'sharedmap', 'megahash', 'better-sqlite3'];
const IN_TWO = ['lmdb', 'lmdb-batched', 'sharedmap', 'postmessage', 'redis'];
/** @type {Record<string, import('../pairs.mjs').Target>} */
const TARGETS_AGAINST_LMDB = {
  'get, random': ratioAtLeast(4, 6),
  'set, random': ratioAtLeast(5, 8),
  'set, random, theirs in transactions of 1,000': ratioAtLeast(5, 8),
};

/** @typedef {import('../loops.mjs').AnyMap} AnyMap */
/** @typedef {typeof import('../loops.mjs')} Loops */
/** @typedef {{ name: string, label: string, map: AnyMap, loops: Loops, close: () => unknown }} Side */

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
export async function* measure(options) {
  yield { progress: 'npm ci in bench/peers, if need be' };
  const failure = installPeers();
  if (failure) yield { skipped: failure };
  yield* measureOneThread(options);
  yield* measureTwoWorkers(options);
}

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
async function* measureOneThread(options) {
  const bytes = keyBytes(ENTRIES);
  const keys = keptKeys(bytes);
  /** @type {Side[]} */
  const sides = [];
  for (const name of ['shardmap', ...IN_ONE_THREAD]) {
    const found = await attempt(() => openSide(name, keys));
    if ('error' in found) yield { skipped: `${name}: ${found.error}` };
    else sides.push(found.value);
  }
  for (const { name, count, run, isTried } of operationsOn(keys, bytes)) {
    const tried = sides.filter((side) => side.name === 'shardmap' || isTried(side));
    const turns = tried.map((side) => inStretches(count, (from, to) => run(side, from, to)));
    const rounds = await measureSides(turns, STRETCH, options);
    const rates = rounds.map((round) => round.map((ns) => 1000 / ns));
    for (const [index, side] of tried.entries()) {
      if (index === 0) continue;
      const target = side.name.startsWith('lmdb') ? TARGETS_AGAINST_LMDB[name] : undefined;
      yield createRow({ name, unit: 'M/s', labels: ['ShardMap', side.label], target }, pairUp(rates, 0, index));
    }
  }
  for (const side of sides) await side.close();
}

/**
 * @param {string[]} keys
 * @param {Buffer} bytes
 * @returns {{ name: string, count: number, run: (side: Side, from: number, to: number) => unknown, isTried: (side: Side) => boolean }[]}
 */
function operationsOn(keys, bytes) {
  const order = shuffledIndices(ENTRIES);
  /** @type {(side: Side, from: number, to: number) => unknown} */
  const get = ({ map, loops }, from, to) => loops.getKept(map, keys, order, from, to);
  /** @type {typeof get} */
  const getFresh = ({ map, loops }, from, to) => loops.getFresh(map, bytes, order, from, to);
  /** @type {typeof get} */
  const set = ({ map, loops }, from, to) => loops.setKept(map, keys, order, from, to);
  /** @type {typeof get} */
  const setAtOnce = (side, from, to) => (side.map.batch ?? ((work) => work()))(() => set(side, from, to));
  const isAnother = (/** @type {Side} */ { name }) => name !== 'lmdb-batched';
  const canBatch = (/** @type {Side} */ { name, map }) => name !== 'lmdb' && map.batch !== undefined;
  return [
    { name: 'get, 1,000 hot keys', count: HOT_ENTRIES, run: get, isTried: isAnother },
    { name: 'get, random', count: ENTRIES, run: get, isTried: isAnother },
    { name: 'get, fresh strings, building included', count: ENTRIES, run: getFresh, isTried: isAnother },
    { name: 'set, random', count: ENTRIES, run: set, isTried: isAnother },
    { name: 'set, random, theirs in transactions of 1,000', count: ENTRIES, run: setAtOnce, isTried: canBatch },
  ];
}

/**
 * @param {string} name
 * @param {string[]} keys
 * @returns {Promise<Side>}
 */
async function openSide(name, keys) {
  const { label, open, attach } = await loadStore(name);
  /** @type {import('../stores.mjs').Fill} */
  const fill = (set) => {
    for (const [index, key] of keys.entries()) set(key, index);
  };
  const opened = await open(fill, {});
  const map = /** @type {AnyMap} */ (await attach(opened.ticket(0).handle, fill));
  const close = async () => {
    await map.close?.();
    await opened.close();
  };
  return { name, label, map, loops: await loadLoops(name), close };
}

/**
 * @param {import('../run.mjs').Options} options
 * @returns {AsyncGenerator<import('../suites.mjs').Finding>}
 */
async function* measureTwoWorkers(options) {
  const load = { mix: { read: 0.95, update: 0.05 }, shared: ENTRIES, own: 0 };
  const crew = await Crew.start(2, { shared: ENTRIES });
  /** @type {import('../pairs.mjs').Row | undefined} */
  let best;
  try {
    for (const name of IN_TWO) {
      const sides = [1, 2].flatMap((workers) => ['shardmap', name].map((store) => ({ store, workers, load })));
      const found = await attempt(() => crew.compare(sides, options));
      if ('error' in found) {
        yield { skipped: `${name} with two workers: ${found.error}` };
        continue;
      }
      const { label } = await loadStore(name);
      const rates = found.value.rounds.map((round) => round.map(({ perSecond }) => perSecond / 1e6));
      /** @type {(name: string, subject: number) => import('../pairs.mjs').Row} */
      const row = (name, subject) =>
        createRow(
          { name, unit: 'M/s', labels: ['ShardMap', label], note: found.value.note },
          pairUp(rates, subject, subject + 1),
        );
      yield row('95 % reads, 1 worker', 0);
      const ofTwo = row('95 % reads, 2 workers', 2);
      yield ofTwo;
      if (best === undefined || ofTwo.reference.median > best.reference.median) best = ofTwo;
    }
  } finally {
    await crew.stop();
  }
  if (best) yield { ...best, name: '95 % reads, 2 workers, against the best peer', target: ratioAtLeast(6, 10) };
}

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<{ value: T } | { error: string }>}
 */
async function attempt(work) {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: String(/** @type {Error} */ (error).message ?? error).split('\n')[0] ?? '' };
  }
}
