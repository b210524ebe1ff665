// The suites, in the order in which they run: one file each.

/**
 * What a suite finds, one after the other: rows, and what it could not measure, and why; and what takes it long now.
 *
 * @typedef {import('./pairs.mjs').Row | { skipped: string } | { progress: string }} Finding
 * @typedef {{ measure(options: import('./run.mjs').Options): Iterable<Finding> | AsyncIterable<Finding> }} Suite
 */

/** @type {Record<string, () => Promise<Suite>>} */
export const suites = {
  get: () => import('./suites/get.mjs'),
  set: () => import('./suites/set.mjs'),
  atomics: () => import('./suites/atomics.mjs'),
  expiry: () => import('./suites/expiry.mjs'),
  writer: () => import('./suites/writer.mjs'),
  keys: () => import('./suites/keys.mjs'),
  values: () => import('./suites/values.mjs'),
  compression: () => import('./suites/compression.mjs'),
  batches: () => import('./suites/batches.mjs'),
  vectors: () => import('./suites/vectors.mjs'),
  counting: () => import('./suites/counting.mjs'),
  diagnostics: () => import('./suites/diagnostics.mjs'),
  routes: () => import('./suites/routes.mjs'),
  memory: () => import('./suites/memory.mjs'),
  growth: () => import('./suites/growth.mjs'),
  scaling: () => import('./suites/scaling.mjs'),
  shards: () => import('./suites/shards.mjs'),
  resharding: () => import('./suites/resharding.mjs'),
  ycsb: () => import('./suites/ycsb.mjs'),
  mixes: () => import('./suites/mixes.mjs'),
  latency: () => import('./suites/latency.mjs'),
  peers: () => import('./suites/peers.mjs'),
  durability: () => import('./suites/durability.mjs'),
  core: () => import('./suites/core.mjs'),
};
