// Vectors: typed arrays that are copied out of the map into a matrix of the caller's, or one by one, against a `Map` of
// typed arrays.
import assert from 'node:assert/strict';
import { ShardMap } from 'shardmap';
import { measurePair, measurePairOnFresh, subjectAtMost } from '../pairs.mjs';
import { ENTRIES, freshKey, inStretches, keptKeys, keyBytes, STRETCH, shuffledIndices } from '../workload.mjs';

const ROWS = 100;
const LENGTH = 128;
/** Made at once where keys are fresh: they are still in the caches when they are used. */
const FRESH_BATCHES = 10;
/** Of vectors that lie inside of their entries. */
const SHORT_LENGTH = 16;

/**
 * Both maps, and random keys: `batches` has all of them, in lists of so many as a matrix has rows.
 *
 * @typedef {object} Filled
 * @property {ShardMap<string, Float32Array>} shardMap
 * @property {Map<string, Float32Array>} map
 * @property {string[]} keys
 * @property {string[][]} batches
 * @property {() => string[][]} freshBatches the next ten lists, of strings that were just made
 */
/** @typedef {(key: string) => number | undefined} Read returns an element, so that nothing is optimised away */

/** @param {import('../run.mjs').Options} options */
export async function* measure(options) {
  const sizes = options.scale === 'smoke' ? [ENTRIES / 10] : [ENTRIES / 10, ENTRIES];
  for (const entries of sizes) {
    const of = `of ${entries.toLocaleString('en-US')}`;
    const filled = fill(entries, LENGTH);
    const target = entries === ENTRIES ? subjectAtMost(250, 120) : undefined;
    yield* compareGathers(`gather, ${ROWS} × ${LENGTH} floats ${of}`, filled, LENGTH, target, options);
    yield await compareCopies(`getInto, ${LENGTH} floats ${of}`, filled, options);
    yield await compareGets(`get, ${LENGTH} floats ${of}`, filled, options);
    filled.shardMap.close();
    const short = fill(entries, SHORT_LENGTH);
    yield* compareGathers(`gather, ${ROWS} × ${SHORT_LENGTH} floats ${of}`, short, SHORT_LENGTH, undefined, options);
    short.shardMap.close();
  }
}

/**
 * With keys that a request has just brought, as a reader of features has them, and with kept ones at random: where these
 * are many, either side waits for V8's own strings as well.
 *
 * @param {string} name
 * @param {Filled} filled
 * @param {number} length
 * @param {import('../pairs.mjs').Target | undefined} target of fresh keys
 * @param {import('../run.mjs').Options} options
 */
async function* compareGathers(name, { shardMap, map, batches, freshBatches }, length, target, options) {
  const matrices = [new Float32Array(ROWS * length), new Float32Array(ROWS * length)];
  const [out, copied] = /** @type {[Float32Array, Float32Array]} */ (matrices);
  const gather = (/** @type {string[]} */ keys) => shardMap.gather(keys, out);
  const copy = (/** @type {string[]} */ keys) => {
    for (let row = 0; row < ROWS; row++) {
      const vector = map.get(/** @type {string} */ (keys[row]));
      if (vector !== undefined) copied.set(vector, row * length);
    }
  };
  gather(/** @type {string[]} */ (batches[1]));
  copy(/** @type {string[]} */ (batches[1]));
  assert.deepEqual(out, copied, `${name}: the rows differ`);
  /** @type {(each: (keys: string[]) => unknown) => () => void} */
  const perBatch = (each) =>
    inStretches(batches.length * ROWS, (from, to) => {
      for (let i = from; i < to; i += ROWS) each(/** @type {string[]} */ (batches[i / ROWS]));
    });
  const labels = /** @type {[string, string]} */ (['gather', 'Map and TypedArray.set']);
  const ofAll = (/** @type {(keys: string[]) => unknown} */ each) => (/** @type {string[][]} */ lists) => {
    for (const keys of lists) each(keys);
  };
  const fresh = { name: `${name}, fresh keys, a vector`, labels, target, prepare: freshBatches };
  const counts = { operations: FRESH_BATCHES * ROWS, calls: batches.length / FRESH_BATCHES };
  yield await measurePairOnFresh({ ...fresh, ...counts, subject: ofAll(gather), reference: ofAll(copy) }, options);
  const kept = { name: `${name}, kept keys, a vector`, labels, operations: STRETCH };
  yield await measurePair({ ...kept, subject: perBatch(gather), reference: perBatch(copy) }, options);
}

/**
 * @param {string} name
 * @param {Filled} filled
 * @param {import('../run.mjs').Options} options
 */
function compareCopies(name, { shardMap, map, keys }, options) {
  const out = new Float32Array(LENGTH);
  const copied = new Float32Array(LENGTH);
  /** @type {Read} */
  const getInto = (key) => {
    shardMap.getInto(key, out);
    return out[0];
  };
  /** @type {Read} */
  const copy = (key) => {
    const vector = map.get(key);
    if (vector !== undefined) copied.set(vector);
    return copied[0];
  };
  return compareReads(name, ['getInto', 'Map and TypedArray.set'], keys, getInto, copy, options);
}

/**
 * @param {string} name
 * @param {Filled} filled
 * @param {import('../run.mjs').Options} options
 */
function compareGets(name, { shardMap, map, keys }, options) {
  /** @type {Read} */
  const get = (key) => shardMap.get(key)?.[0];
  /** @type {Read} */
  const copy = (key) => map.get(key)?.slice()[0];
  return compareReads(name, ['ShardMap', 'Map of copies'], keys, get, copy, options);
}

/**
 * @param {string} name
 * @param {[string, string]} labels
 * @param {string[]} keys
 * @param {Read} read
 * @param {Read} readReference
 * @param {import('../run.mjs').Options} options
 */
function compareReads(name, labels, keys, read, readReference, options) {
  const key = /** @type {string} */ (keys[7]);
  assert.equal(read(key), readReference(key), `${name}: the values differ`);
  const subject = inStretches(keys.length, (from, to) => {
    let sum = 0;
    for (let i = from; i < to; i++) sum += read(/** @type {string} */ (keys[i])) ?? 0;
    return sum;
  });
  const reference = inStretches(keys.length, (from, to) => {
    let sum = 0;
    for (let i = from; i < to; i++) sum += readReference(/** @type {string} */ (keys[i])) ?? 0;
    return sum;
  });
  return measurePair({ name, labels, operations: STRETCH, subject, reference }, options);
}

/**
 * @param {number} entries
 * @param {number} length
 * @returns {Filled}
 */
function fill(entries, length) {
  const bytes = keyBytes(entries);
  const kept = keptKeys(bytes);
  /** @type {Filled['shardMap']} */
  const shardMap = new ShardMap();
  /** @type {Filled['map']} */
  const map = new Map();
  for (const [index, key] of kept.entries()) {
    const vector = Float32Array.from({ length }, (_, place) => index + place);
    shardMap.set(key, vector);
    map.set(key, vector);
  }
  const order = shuffledIndices(entries);
  const keys = Array.from(order, (index) => /** @type {string} */ (kept[index]));
  const batches = Array.from({ length: entries / ROWS }, (_, batch) => keys.slice(batch * ROWS, (batch + 1) * ROWS));
  let next = 0;
  const freshBatches = () =>
    Array.from({ length: FRESH_BATCHES }, () => {
      const first = next;
      next = (next + ROWS) % entries;
      return Array.from(order.subarray(first, first + ROWS), (index) => freshKey(bytes, index));
    });
  return { shardMap, map, keys, batches, freshBatches };
}
