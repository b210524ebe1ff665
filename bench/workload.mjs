// Keys, orders and random numbers that all suites work with: the same in every run.

export const ENTRIES = 200_000;
export const HOT_ENTRIES = 1000;
export const KEY_CHARS = 21;
/** Operations in one call of a function that benchmark.js times. */
export const STRETCH = 1000;
/** Keys that a worker has for itself at most; one that has inserted more begins again with the first. */
export const OWN_KEYS = 2 ** 20;

const PREFIX = 'session:';

/**
 * An endless sequence of 32-bit numbers, the same for the same seed (G. Marsaglia's xorshift).
 *
 * @param {number} seed
 */
export function createRandom(seed) {
  let state = (Math.imul(seed + 1, 0x9e3779b9) | 1) >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/**
 * The one-byte characters of `count` different keys, one after the other, as they might lie in a request.
 *
 * @param {number} count
 * @param {number} [first] number of the first key; ranges that do not overlap give different keys
 */
export function keyBytes(count, first = 0) {
  const bytes = Buffer.alloc(count * KEY_CHARS);
  for (let index = 0; index < count; index++) {
    // An odd factor permutes the numbers below 2^32, so that neighbours have nothing in common.
    const scattered = Math.imul(first + index, 0x9e3779b1) >>> 0;
    const digits = String(scattered).padStart(KEY_CHARS - PREFIX.length, '0');
    bytes.write(PREFIX + digits, index * KEY_CHARS, 'latin1');
  }
  return bytes;
}

/**
 * The key at `index`: a string that V8 has never seen and knows no hash of.
 *
 * @param {Buffer} bytes
 * @param {number} index
 */
export function freshKey(bytes, index) {
  const start = index * KEY_CHARS;
  return bytes.toString('latin1', start, start + KEY_CHARS);
}

/**
 * Strings that are kept and used again, so that V8 computes the hash of each only once.
 *
 * @param {Buffer} bytes
 */
export function keptKeys(bytes) {
  return Array.from({ length: bytes.length / KEY_CHARS }, (_, index) => freshKey(bytes, index));
}

/** @param {number} count */
export function indices(count) {
  return Uint32Array.from({ length: count }, (_, index) => index);
}

/**
 * The numbers below `count` in random order.
 *
 * @param {number} count
 * @param {number} [seed]
 */
export function shuffledIndices(count, seed = 1) {
  const random = createRandom(seed);
  const shuffled = indices(count);
  for (let index = count - 1; index > 0; index--) {
    const other = random() % (index + 1);
    const moved = /** @type {number} */ (shuffled[index]);
    shuffled[index] = /** @type {number} */ (shuffled[other]);
    shuffled[other] = moved;
  }
  return shuffled;
}

/**
 * A function that goes through 0 to `count` a stretch at each call, again and again.
 *
 * @param {number} count a multiple of the stretch
 * @param {(from: number, to: number) => unknown} work
 */
export function inStretches(count, work) {
  let from = 0;
  return () => {
    work(from, from + STRETCH);
    from = (from + STRETCH) % count;
  };
}
