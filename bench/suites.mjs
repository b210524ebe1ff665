// The suites, in the order in which they run: one file each.

/** @typedef {{ measure(options: import('./run.mjs').Options): import('./pairs.mjs').Row[] | Promise<import('./pairs.mjs').Row[]> }} Suite */

/** @type {Record<string, () => Promise<Suite>>} */
export const suites = {
  get: () => import('./suites/get.mjs'),
  set: () => import('./suites/set.mjs'),
  memory: () => import('./suites/memory.mjs'),
  threads: () => import('./suites/threads.mjs'),
};
