// Reads in one thread: strings whose hash V8 knows and strings it has never seen, entries that caches hold and entries they do not.
import assert from 'node:assert/strict';
import { ShardMap } from 'shardmap';
import { loadLoops } from '../loops.mjs';
import { measurePair, ratioAtMost } from '../pairs.mjs';
import { ENTRIES, HOT_ENTRIES, inStretches, keptKeys, keyBytes, STRETCH, shuffledIndices } from '../workload.mjs';

/** @typedef {import('../loops.mjs').AnyMap} AnyMap */
/** @typedef {(loops: typeof import('../loops.mjs'), map: AnyMap, from: number, to: number) => number} Read */

/** @param {import('../run.mjs').Options} options */
export async function measure(options) {
  const subjectLoops = await loadLoops('subject');
  const referenceLoops = await loadLoops('reference');
  const bytes = keyBytes(ENTRIES);
  const absentBytes = keyBytes(ENTRIES, ENTRIES);
  const keys = keptKeys(bytes);
  const order = shuffledIndices(ENTRIES);
  const hotOrder = order.slice(0, HOT_ENTRIES);
  const all = fill(keys, order);
  const few = fill(keys, hotOrder);

  /** @type {(order: Uint32Array) => Read} */
  const kept = (order) => (loops, map, from, to) => loops.getKept(map, keys, order, from, to);
  /** @type {(bytes: Buffer) => Read} */
  const fresh = (bytes) => (loops, map, from, to) => loops.getFresh(map, bytes, order, from, to);

  /** @type {(name: string, maps: { shardMap: AnyMap, map: AnyMap }, count: number, read: Read, target?: import('../pairs.mjs').Target) => import('../pairs.mjs').Row} */
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

  return [
    compare('get, 1,000 hot keys of 200,000', all, HOT_ENTRIES, kept(hotOrder), ratioAtMost(1.1, 0.9)),
    compare('get, a map of 1,000', few, HOT_ENTRIES, kept(hotOrder), ratioAtMost(2.2, 1.5)),
    compare('get, fresh strings, building included', all, ENTRIES, fresh(bytes), ratioAtMost(0.6, 0.45)),
    compare('get, random kept strings', all, ENTRIES, kept(order), ratioAtMost(2.0, 1.3)),
    compare('get, absent, fresh strings, building included', all, ENTRIES, fresh(absentBytes)),
  ];
}

/**
 * @param {string[]} keys
 * @param {Uint32Array} order
 */
function fill(keys, order) {
  /** @type {ShardMap<string, number>} */
  const shardMap = new ShardMap();
  /** @type {Map<string, number>} */
  const map = new Map();
  for (const index of order) {
    const key = /** @type {string} */ (keys[index]);
    shardMap.set(key, index);
    map.set(key, index);
  }
  return { shardMap, map };
}
