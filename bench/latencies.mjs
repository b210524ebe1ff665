// How long single operations took: counts in buckets that are a 32nd of a power of two wide, so that a figure is within
// 3 % of the truth.

const STEP_BITS = 5;
const STEPS = 2 ** STEP_BITS;
/** @typedef {{ counts: Uint32Array, maxNs: number }} Counted what a thread sends to another */

export class Latencies {
  #counts = new Uint32Array(32 * STEPS);
  #maxNs = 0;

  /** @param {number} ns below 2^32, fractions dropped */
  add(ns) {
    if (ns > this.#maxNs) this.#maxNs = ns;
    const bucket = bucketOf(ns >>> 0);
    this.#counts[bucket] = /** @type {number} */ (this.#counts[bucket]) + 1;
  }

  /** @returns {Counted} */
  get counted() {
    return { counts: this.#counts, maxNs: this.#maxNs };
  }

  /**
   * Those of several threads together.
   *
   * @param {Counted[]} counted
   */
  static merge(counted) {
    const all = new Latencies();
    for (const { counts, maxNs } of counted) {
      all.#maxNs = Math.max(all.#maxNs, maxNs);
      counts.forEach((count, bucket) => {
        all.#counts[bucket] = /** @type {number} */ (all.#counts[bucket]) + count;
      });
    }
    return all;
  }

  get maxNs() {
    return this.#maxNs;
  }

  /**
   * A time that the share of operations `share` did not exceed.
   *
   * @param {number} share
   */
  percentileNs(share) {
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    let below = 0;
    const bucket = this.#counts.findIndex((count) => {
      below += count;
      return below >= share * total;
    });
    return Math.min(middleNs(bucket), this.#maxNs);
  }
}

/** @param {number} ns */
function bucketOf(ns) {
  if (ns < 2 * STEPS) return ns;
  const shift = 31 - Math.clz32(ns) - STEP_BITS;
  return shift * STEPS + (ns >>> shift);
}

/** @param {number} bucket */
function middleNs(bucket) {
  if (bucket < 2 * STEPS) return bucket;
  const shift = Math.floor(bucket / STEPS) - 1;
  return (bucket - shift * STEPS + 0.5) * 2 ** shift;
}
