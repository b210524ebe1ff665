// Reads in one thread: strings whose hash V8 knows and strings it has never seen, entries that caches hold and entries
// they do not.
import assert from 'node:assert/strict';
import { ShardMap } from 'shardmap';
import { loadLoops } from '../loops.mjs';
import { drawOperations } from '../mix.mjs';
import { measurePair, ratioAtMost } from '../pairs.mjs';
import {
  ENTRIES,
  HOT_ENTRIES,
  indices,
  inStretches,
  keptKeys,
  keyBytes,
  STRETCH,
  shuffledIndices,
} from '../workload.mjs';

/** @typedef {import('../loops.mjs').AnyMap} AnyMap */
/** @typedef {typeof import('../loops.mjs')} Loops */
/** @typedef {(loops: Loops, map: AnyMap, from: number, to: number) => number} Read */

/** @param {import('../run.mjs').Options} options */
export async function* measure(options) {
  const subjectLoops = await loadLoops('subject');
  const referenceLoops = await loadLoops('reference');
  const bytes = keyBytes(ENTRIES);
  const absentBytes = keyBytes(ENTRIES, ENTRIES);
  const keys = keptKeys(bytes);
  const numbers = Array.from(keys, (_, index) => Math.imul(index, 0x9e3779b1));
  const order = shuffledIndices(ENTRIES);
  const hotOrder = order.slice(0, HOT_ENTRIES);
  // Not in the order in which they are read: there, entries are in a row in memory, in a shard as in a `Map`.
  const inserted = indices(ENTRIES);
  const next = new Uint32Array(ENTRIES);
  for (const [place, index] of order.entries()) next[index] = order[(place + 1) % ENTRIES] ?? 0;
  const all = fill(keys, inserted);
  const few = fill(keys, hotOrder.toSorted());
  const numbered = fill(numbers, inserted);

  /** @type {(order: Uint32Array, keys: unknown[]) => Read} */
  const kept = (order, keys) => (loops, map, from, to) => loops.getKept(map, keys, order, from, to);
  /** @type {(bytes: Buffer, order: Uint32Array) => Read} */
  const fresh = (bytes, order) => (loops, map, from, to) => loops.getFresh(map, bytes, order, from, to);

  /** @type {(name: string, maps: { shardMap: AnyMap, map: AnyMap }, count: number, read: Read, target?: import('../pairs.mjs').Target) => Promise<import('../pairs.mjs').Row>} */
  const compare = (name, { shardMap, map }, count, read, target) => {
    assert.equal(
      read(subjectLoops, shardMap, 0, count),
      read(referenceLoops, map, 0, count),
      `${name}: the values differ`,
    );
    const subject = inStretches(count, (from, to) => read(subjectLoops, shardMap, from, to));
    const reference = inStretches(count, (from, to) => read(referenceLoops, map, from, to));
    return measurePair({ name, target, operations: STRETCH, subject, reference }, options);
  };
  const hotKept = kept(hotOrder, keys);
  const hotFresh = fresh(bytes, hotOrder);

  yield await compare('get, 1,000 hot keys of 200,000', all, HOT_ENTRIES, hotKept, ratioAtMost(1.1, 0.9));
  yield await compare('get, 1,000 hot keys of 200,000, fresh strings, building included', all, HOT_ENTRIES, hotFresh);
  yield await compare('get, 1,000 hot numbers of 200,000', numbered, HOT_ENTRIES, kept(hotOrder, numbers));
  yield await compare('get, a map of 1,000', few, HOT_ENTRIES, hotKept, ratioAtMost(2.2, 1.5));
  yield await compare(
    'get, fresh strings, building included',
    all,
    ENTRIES,
    fresh(bytes, order),
    ratioAtMost(0.6, 0.45),
  );
  yield await compare('get, random kept strings', all, ENTRIES, kept(order, keys), ratioAtMost(2.0, 1.3));
  yield await compare(
    'get, random kept strings, each found in the value before',
    fill(keys, inserted, next),
    ENTRIES,
    (loops, map, from, to) => loops.getChained(map, keys, /** @type {number} */ (order[from]), to - from),
  );
  yield await compare('get, random numbers', numbered, ENTRIES, kept(order, numbers));
  yield await compare('get, absent, fresh strings, building included', all, ENTRIES, fresh(absentBytes, order));
  for (const update of [0.01, 0.1]) {
    const name = `1,000 hot keys of 200,000, ${100 * update} % overwrites of them`;
    const hotKeys = Array.from(hotOrder, (index) => /** @type {string} */ (keys[index]));
    yield await compare(name, fill(keys, inserted), HOT_ENTRIES, mixed({ read: 1 - update, update }, hotKeys));
  }
}

/**
 * Gets and sets of `keys`.
 *
 * @param {import('../mix.mjs').Mix} mix
 * @param {string[]} keys
 * @returns {Read}
 */
function mixed(mix, keys) {
  const shared = keys.length;
  const draws = drawOperations({ mix, shared, own: 0 }, 1);
  const worker = { kept: keys, bytes: Buffer.alloc(0), shared, first: 0 };
  /** @type {Map<Loops, import('../loops.mjs').Position>} */
  const positions = new Map();
  return (loops, map, from, to) => {
    const position = positions.get(loops) ?? { draws, keys: mix.keys, next: 0, oldest: 0, newest: shared };
    positions.set(loops, position);
    return loops.replay(map, worker, position, to - from);
  };
}

/**
 * Entries of the keys in this order; an entry's value is its key's index, or what `values` has there.
 *
 * @param {unknown[]} keys
 * @param {Uint32Array} order
 * @param {Uint32Array} [values]
 */
function fill(keys, order, values) {
  /** @type {ShardMap<any, number>} */
  const shardMap = new ShardMap();
  /** @type {Map<unknown, number>} */
  const map = new Map();
  for (const index of order) {
    const value = values === undefined ? index : /** @type {number} */ (values[index]);
    shardMap.set(keys[index], value);
    map.set(keys[index], value);
  }
  return { shardMap, map };
}
