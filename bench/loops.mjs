// The loops that are timed. Import them with `loadLoops`: each side of a pair has an instance of this module of its own, or V8 would
// compile one loop for both kinds of map and neither would run as it does in a program of its own.
import { freshKey } from './workload.mjs';

/** @typedef {{ get(key: string): number | undefined, set(key: string, value: number): unknown }} AnyMap */

/**
 * @param {string} side any name
 * @returns {Promise<typeof import('./loops.mjs')>}
 */
export function loadLoops(side) {
  return import(`./loops.mjs?side=${side}`);
}

/**
 * Gets `keys[order[i]]` for each i from `from` to `to`; returns the sum of the values found, so that nothing is optimised away.
 *
 * @param {AnyMap} map
 * @param {string[]} keys
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function getKept(map, keys, order, from, to) {
  let sum = 0;
  for (let i = from; i < to; i++) sum += map.get(/** @type {string} */ (keys[/** @type {number} */ (order[i])])) ?? 0;
  return sum;
}

/**
 * The same with strings made for each get.
 *
 * @param {AnyMap} map
 * @param {Buffer} bytes
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function getFresh(map, bytes, order, from, to) {
  let sum = 0;
  for (let i = from; i < to; i++) sum += map.get(freshKey(bytes, /** @type {number} */ (order[i]))) ?? 0;
  return sum;
}

/**
 * What `getFresh` does but for the get: the price of the strings alone.
 *
 * @param {Buffer} bytes
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function buildFresh(bytes, order, from, to) {
  let sum = 0;
  for (let i = from; i < to; i++) sum += freshKey(bytes, /** @type {number} */ (order[i])).length;
  return sum;
}

/**
 * @param {AnyMap} map
 * @param {string[]} keys
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function setKept(map, keys, order, from, to) {
  for (let i = from; i < to; i++) map.set(/** @type {string} */ (keys[/** @type {number} */ (order[i])]), i);
}

/**
 * @param {AnyMap} map
 * @param {Buffer} bytes
 * @param {Uint32Array} order
 * @param {number} from
 * @param {number} to
 */
export function setFresh(map, bytes, order, from, to) {
  for (let i = from; i < to; i++) map.set(freshKey(bytes, /** @type {number} */ (order[i])), i);
}

/**
 * Gets and overwrites of random keys; `readShare` of them are gets.
 *
 * @param {AnyMap} map
 * @param {string[]} keys
 * @param {() => number} random 32 bits
 * @param {number} readShare
 * @param {number} operations
 */
export function mixed(map, keys, random, readShare, operations) {
  const readsBelow = readShare * 2 ** 32;
  let sum = 0;
  for (let done = 0; done < operations; done++) {
    const key = /** @type {string} */ (keys[random() % keys.length]);
    if (random() < readsBelow) sum += map.get(key) ?? 0;
    else map.set(key, done);
  }
  return sum;
}
