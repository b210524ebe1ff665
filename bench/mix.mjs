// Mixes: which operations a load is made of, on which keys, and the draws that a worker replays. Distributions are
// those of YCSB.
import { createRandom, shuffledIndices } from './workload.mjs';

/**
 * Shares add up to 1. A read-modify-write is a get and a set.
 *
 * @typedef {object} Mix
 * @property {number} [read]
 * @property {number} [update]
 * @property {number} [readModifyWrite]
 * @property {number} [insert] of a key that was never there
 * @property {number} [remove] of the worker's oldest key
 * @property {'uniform' | 'zipfian' | 'latest' | 'own'} [keys] uniform: any that the workers share, which is the default;
 *   zipfian: few of them, anywhere, get most of the operations; latest: the younger a key, the more; own: any of the
 *   worker's own that is present
 */

/**
 * What workers do: `mix`, in a map that begins with `shared` entries, which all of them use, and `own` ones for each of
 * them.
 *
 * @typedef {{ mix: Mix, shared: number, own: number }} Load
 */

export const READ = 0;
export const UPDATE = 1;
export const READ_MODIFY_WRITE = 2;
export const INSERT = 3;
export const REMOVE = 4;

/**
 * A draw: the kind of an operation above these bits; below, which key: its number, its age (latest), or its place among
 * all (own).
 */
export const KEY_BITS = 29;
export const KEYS_MAX = 2 ** KEY_BITS;

/** So many that replaying them leaves no key of a few hundred thousand out, and few enough to be made at once. */
const DRAWS = 2 ** 20;
const ZIPFIAN_CONSTANT = 0.99;

/** @param {Mix} mix */
export const changesSize = ({ insert = 0, remove = 0 }) => insert > 0 || remove > 0;

/**
 * @param {Load} load
 * @param {number} seed
 */
export function drawOperations({ mix, shared }, seed) {
  const { read = 0, update = 0, readModifyWrite = 0, insert = 0, keys = 'uniform' } = mix;
  const bounds = [read, read + update, read + update + readModifyWrite, read + update + readModifyWrite + insert];
  const random = createRandom(seed);
  const drawKey = createKeyDraw(keys, shared, random);
  return Uint32Array.from({ length: DRAWS }, () => {
    const share = random() / 2 ** 32;
    const kind = bounds.findIndex((bound) => share < bound);
    return (((kind === -1 ? REMOVE : kind) << KEY_BITS) | drawKey()) >>> 0;
  });
}

/**
 * @param {NonNullable<Mix['keys']>} keys
 * @param {number} count
 * @param {() => number} random 32 bits
 * @returns {() => number}
 */
function createKeyDraw(keys, count, random) {
  if (keys === 'own') return () => random() >>> (32 - KEY_BITS);
  if (keys === 'uniform') return () => random() % count;
  const drawRank = createZipfianDraw(count, random);
  if (keys === 'latest') return drawRank;
  const scattered = shuffledIndices(count);
  return () => /** @type {number} */ (scattered[drawRank()]);
}

/**
 * Ranks below `count`, 0 the most frequent (J. Gray et al., Quickly Generating Billion-Record Synthetic Databases,
 * 1994; as in YCSB).
 *
 * @param {number} count
 * @param {() => number} random 32 bits
 */
function createZipfianDraw(count, random) {
  let zeta = 0;
  for (let rank = 1; rank <= count; rank++) zeta += rank ** -ZIPFIAN_CONSTANT;
  const zetaOf2 = 1 + 2 ** -ZIPFIAN_CONSTANT;
  const alpha = 1 / (1 - ZIPFIAN_CONSTANT);
  const eta = (1 - (2 / count) ** (1 - ZIPFIAN_CONSTANT)) / (1 - zetaOf2 / zeta);
  return () => {
    const share = random() / 2 ** 32;
    if (share * zeta < 1) return 0;
    if (share * zeta < zetaOf2) return 1;
    return Math.floor(count * (eta * share - eta + 1) ** alpha);
  };
}
